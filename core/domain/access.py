"""Who may do what: one table of action × role × relation to the object.

Deny by default. Services call :func:`authorise` before anything else; pages
and file routes ask the same table again through :func:`is_allowed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.errors import NotAllowed


class Role(StrEnum):
    """What a person comes for."""

    ADMIN = "admin"
    SECRETARIAT = "secretariat"
    CORRECTOR = "corrector"
    COORDINATOR = "coordinator"
    ANALYST = "analyst"
    STUDENT = "student"


class Portal(StrEnum):
    """One of the three doors of the application; who holds roles of several switches between them."""

    ADMINISTRATION = "administration"
    CORRECTION = "correction"
    STUDENTS = "students"


PORTAL_ROLES: dict[Portal, frozenset[Role]] = {
    Portal.ADMINISTRATION: frozenset({Role.SECRETARIAT, Role.COORDINATOR, Role.ANALYST, Role.ADMIN}),
    Portal.CORRECTION: frozenset({Role.CORRECTOR}),
    Portal.STUDENTS: frozenset({Role.STUDENT}),
}
"""The roles each portal is for; a role belongs to exactly one."""


def portals_of(roles: frozenset[Role]) -> tuple[Portal, ...]:
    """The portals that somebody with ``roles`` may open, in their order."""
    return tuple(portal for portal, meant_for in PORTAL_ROLES.items() if meant_for & roles)


class Relation(StrEnum):
    """What the actor is to the object; every right says the relation it needs."""

    ANY = "any"
    ALLOCATED = "allocated"
    OWN = "own"


class Action(StrEnum):
    """Everything that can be done. A service names exactly one of these."""

    SIGN_IN = "sign_in"
    MANAGE_ACCOUNTS = "manage_accounts"
    CHANGE_OWN_PASSWORD = "change_own_password"  # noqa: S105 - an action, not a secret
    MANAGE_OWN_CONNECTIONS = "manage_own_connections"
    VIEW_JOURNAL = "view_journal"
    VIEW_OPERATIONS = "view_operations"
    BACK_UP = "back_up"
    IMPORT_ROSTER = "import_roster"
    CREATE_PAPER = "create_paper"
    IMPORT_ENTRIES = "import_entries"
    VIEW_PAPERS = "view_papers"
    ADD_SCANS = "add_scans"
    REPAIR = "repair"
    VIEW_LEDGER = "view_ledger"
    VIEW_JOBS = "view_jobs"
    VIEW_HEADERS = "view_headers"
    IDENTIFY = "identify"
    VIEW_COPIES = "view_copies"
    RELEASE = "release"
    ALLOCATE = "allocate"
    LIST_OWN_COPIES = "list_own_copies"
    VIEW_MASKED_PAGE = "view_masked_page"
    VIEW_NAMED_PAGE = "view_named_page"
    MARK = "mark"
    IMPORT_MARKS = "import_marks"
    FINALISE = "finalise"
    REOPEN = "reopen"
    VIEW_MARKED_PDF = "view_marked_pdf"
    VIEW_STUDENT_PDF = "view_student_pdf"
    VIEW_PROGRESS = "view_progress"
    PUBLISH = "publish"
    VIEW_OWN_RESULTS = "view_own_results"
    EXPORT = "export"
    VIEW_RESULTS = "view_results"
    CREATE_SNAPSHOT = "create_snapshot"


_OFFICE = {Role.ADMIN: Relation.ANY, Role.SECRETARIAT: Relation.ANY}
_STEERING = {Role.ADMIN: Relation.ANY, Role.COORDINATOR: Relation.ANY}
_STAFF = _OFFICE | _STEERING
_EVERYBODY = dict.fromkeys(Role, Relation.OWN)

POLICY: dict[Action, dict[Role, Relation]] = {
    Action.SIGN_IN: _EVERYBODY,
    Action.MANAGE_ACCOUNTS: {Role.ADMIN: Relation.ANY},
    Action.CHANGE_OWN_PASSWORD: _EVERYBODY,
    Action.MANAGE_OWN_CONNECTIONS: _EVERYBODY,
    Action.VIEW_JOURNAL: {Role.ADMIN: Relation.ANY},
    Action.VIEW_OPERATIONS: {Role.ADMIN: Relation.ANY},
    Action.BACK_UP: {Role.ADMIN: Relation.ANY},
    Action.IMPORT_ROSTER: _OFFICE,
    Action.CREATE_PAPER: _STAFF,
    Action.IMPORT_ENTRIES: _OFFICE,
    Action.VIEW_PAPERS: _STAFF | {Role.CORRECTOR: Relation.ANY, Role.ANALYST: Relation.ANY},
    Action.ADD_SCANS: _OFFICE,
    Action.REPAIR: _OFFICE,
    Action.VIEW_LEDGER: _OFFICE,
    Action.VIEW_JOBS: _STAFF,
    Action.VIEW_HEADERS: _OFFICE,
    Action.IDENTIFY: _OFFICE,
    Action.VIEW_COPIES: _OFFICE,
    Action.RELEASE: _STAFF,
    Action.ALLOCATE: _STEERING,
    Action.LIST_OWN_COPIES: {Role.CORRECTOR: Relation.OWN},
    Action.VIEW_MASKED_PAGE: _STEERING | {Role.CORRECTOR: Relation.ALLOCATED},
    Action.VIEW_NAMED_PAGE: _OFFICE | {Role.STUDENT: Relation.OWN},
    Action.MARK: {Role.CORRECTOR: Relation.ALLOCATED},
    Action.IMPORT_MARKS: _STEERING,
    Action.FINALISE: _STEERING | {Role.CORRECTOR: Relation.ALLOCATED},
    Action.REOPEN: _STEERING | {Role.CORRECTOR: Relation.ALLOCATED},
    Action.VIEW_MARKED_PDF: _STEERING | {Role.CORRECTOR: Relation.ALLOCATED},
    Action.VIEW_STUDENT_PDF: {Role.STUDENT: Relation.OWN},
    Action.VIEW_PROGRESS: _STAFF,
    Action.PUBLISH: _STEERING,
    Action.VIEW_OWN_RESULTS: {Role.STUDENT: Relation.OWN},
    Action.EXPORT: _STEERING,
    Action.VIEW_RESULTS: _STEERING | {Role.ANALYST: Relation.ANY},
    Action.CREATE_SNAPSHOT: _STEERING | {Role.ANALYST: Relation.ANY},
}


@dataclass(frozen=True)
class Actor:
    """Who acts: an account, or the command line as ``system:<os user>``.

    ``account_id`` is ``None`` for the system, which holds every staff role;
    ``label`` is what the journal writes and never a person's name.
    """

    account_id: int | None
    roles: frozenset[Role]
    label: str

    @classmethod
    def system(cls, os_user: str) -> Actor:
        """The command line, acting for whoever may run it in this home."""
        return cls(None, frozenset(Role) - {Role.STUDENT}, f"system:{os_user}")


def is_allowed(actor: Actor, action: Action, relation: Relation | None = None) -> bool:
    """Whether one of the actor's roles grants ``action``.

    ``relation`` is what the actor is to the object at hand; ``None`` asks for
    a right over any object. The system is related to everything.
    """
    grants = POLICY[action]
    needed = {grants[role] for role in actor.roles if role in grants}
    if actor.account_id is None:
        return bool(needed)
    return Relation.ANY in needed or (relation is not None and relation in needed)


def authorise(actor: Actor, action: Action, relation: Relation | None = None) -> None:
    """Raise :class:`NotAllowed` unless the policy grants ``action``.

    Raises:
        NotAllowed: No role of the actor has this right in this relation.
    """
    if not is_allowed(actor, action, relation):
        raise NotAllowed(action=action.value)
