"""The policy table, and that each service asks it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import core.services
from core.domain.access import POLICY, Action, Actor, Relation, Role, authorise, is_allowed
from core.errors import NotAllowed

SERVICES = Path(core.services.__path__[0])


def actor(*roles: Role) -> Actor:
    return Actor(7, frozenset(roles), "account:7")


def test_every_action_has_a_row() -> None:
    assert set(POLICY) == set(Action)


def test_who_holds_no_role_may_do_nothing() -> None:
    assert not any(is_allowed(actor(), action, relation) for action in Action for relation in Relation)


def test_a_pupil_sees_their_own_published_work_and_nothing_else() -> None:
    allowed = {
        action
        for action in Action
        for relation in Relation
        if is_allowed(actor(Role.STUDENT), action, relation)
    }

    assert allowed == {
        Action.SIGN_IN,
        Action.CHANGE_OWN_PASSWORD,
        Action.MANAGE_OWN_CONNECTIONS,
        Action.VIEW_NAMED_PAGE,
        Action.VIEW_STUDENT_PDF,
        Action.VIEW_OWN_RESULTS,
    }
    assert not any(is_allowed(actor(Role.STUDENT), action) for action in Action)
    assert not any(is_allowed(actor(Role.STUDENT), action, Relation.ALLOCATED) for action in Action)


NAMES = (
    Action.VIEW_HEADERS,
    Action.VIEW_NAMED_PAGE,
    Action.IDENTIFY,
    Action.VIEW_COPIES,
    Action.IMPORT_ROSTER,
    Action.IMPORT_ENTRIES,
    Action.VIEW_LEDGER,
    Action.VIEW_STUDENT_PDF,
    Action.EXPORT,
)


@pytest.mark.parametrize("action", NAMES)
@pytest.mark.parametrize("relation", [None, *Relation])
def test_a_corrector_may_do_nothing_that_shows_names(action: Action, relation: Relation | None) -> None:
    assert not is_allowed(actor(Role.CORRECTOR), action, relation)


@pytest.mark.parametrize(
    "action", [Action.MARK, Action.VIEW_MASKED_PAGE, Action.VIEW_MARKED_PDF, Action.FINALISE, Action.REOPEN]
)
def test_a_corrector_needs_the_copy_to_be_allocated_to_them(action: Action) -> None:
    assert is_allowed(actor(Role.CORRECTOR), action, Relation.ALLOCATED)
    assert not is_allowed(actor(Role.CORRECTOR), action)
    assert not is_allowed(actor(Role.CORRECTOR), action, Relation.OWN)


def test_the_secretariat_does_not_mark_allocate_or_publish() -> None:
    forbidden = (
        Action.MARK,
        Action.ALLOCATE,
        Action.PUBLISH,
        Action.FINALISE,
        Action.REOPEN,
        Action.MANAGE_ACCOUNTS,
    )

    assert not any(
        is_allowed(actor(Role.SECRETARIAT), action, relation) for action in forbidden for relation in Relation
    )


def test_the_analyst_sees_no_person() -> None:
    assert not any(is_allowed(actor(Role.ANALYST), action, Relation.OWN) for action in NAMES)


def test_several_roles_add_up() -> None:
    both = actor(Role.CORRECTOR, Role.SECRETARIAT)

    assert is_allowed(both, Action.IDENTIFY)
    assert is_allowed(both, Action.MARK, Relation.ALLOCATED)
    assert not is_allowed(both, Action.ALLOCATE)


def test_the_command_line_holds_every_staff_right_and_no_pupils() -> None:
    system = Actor.system("root")

    assert system.label == "system:root"
    assert is_allowed(system, Action.MARK)
    assert not is_allowed(system, Action.VIEW_OWN_RESULTS)


def test_a_refusal_names_the_action_and_no_object() -> None:
    with pytest.raises(NotAllowed) as refused:
        authorise(actor(Role.STUDENT), Action.IDENTIFY)

    assert refused.value.details == {"action": "identify"}


def services_of(path: Path) -> dict[str, ast.FunctionDef]:
    """Each use case of a module: public, and given ``sessions``; what takes an open ``session`` is a part of one."""
    return {
        node.name: node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and [argument.arg for argument in node.args.args][:2] == ["sessions", "actor"]
    }


def asks(name: str, services: dict[str, ast.FunctionDef]) -> bool:
    """Whether a service calls ``authorise…(``, or hands its actor on to a service beside it that does."""
    calls = [node for node in ast.walk(services[name]) if isinstance(node, ast.Call)]
    for call in calls:
        called = call.func.id if isinstance(call.func, ast.Name) else ""
        handed = [argument.id for argument in call.args if isinstance(argument, ast.Name)]
        if called.startswith("authorise"):
            return True
        if called != name and called in services and handed[:2] == ["sessions", "actor"]:
            return asks(called, services)
    return False


@pytest.mark.parametrize("module", sorted(SERVICES.glob("*.py")), ids=lambda path: path.stem)
def test_each_service_asks_for_the_right_itself(module: Path) -> None:
    services = services_of(module)

    assert [name for name in services if not asks(name, services)] == []


def test_a_service_that_forgets_to_ask_is_noticed(tmp_path: Path) -> None:
    module = tmp_path / "leaky.py"
    module.write_text(
        "def good(sessions, actor): authorise(actor, 1)\n"
        "def through(sessions, actor): good(sessions, actor)\n"
        "def leaky(sessions, actor): return sessions()\n"
        "def as_somebody_else(sessions, actor): good(sessions, SYSTEM)\n"
    )
    services = services_of(module)

    assert [name for name in services if not asks(name, services)] == ["leaky", "as_somebody_else"]
