"""The journal in words: who, which act, on what, with which values, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from core.domain.access import Action
from core.domain.chain import Broken, Fault
from core.i18n import _, number, plural
from core.services.journal import ACCOUNT, SYSTEM, EntryView
from core.services.sealing import Verification

ACTIONS: dict[Action, str] = {
    Action.SIGN_IN: _("Connexion"),
    Action.MANAGE_ACCOUNTS: _("Gestion des comptes"),
    Action.CHANGE_OWN_PASSWORD: _("Changement de mot de passe"),
    Action.MANAGE_OWN_CONNECTIONS: _("Fin de connexion"),
    Action.VIEW_JOURNAL: _("Lecture du journal"),
    Action.VIEW_OPERATIONS: _("Lecture de l'exploitation"),
    Action.BACK_UP: _("Sauvegarde"),
    Action.IMPORT_ROSTER: _("Import d'une liste"),
    Action.CREATE_PAPER: _("Création d'une épreuve"),
    Action.IMPORT_ENTRIES: _("Import des inscriptions"),
    Action.VIEW_PAPERS: _("Lecture des épreuves"),
    Action.ADD_SCANS: _("Dépôt d'un scan"),
    Action.REPAIR: _("Contrôle et agrafage des pages"),
    Action.VIEW_LEDGER: _("Lecture du registre des pages"),
    Action.VIEW_JOBS: _("Lecture des travaux"),
    Action.VIEW_HEADERS: _("Lecture des en-têtes"),
    Action.IDENTIFY: _("Identification"),
    Action.VIEW_COPIES: _("Lecture des copies"),
    Action.RELEASE: _("Mise à disposition"),
    Action.ALLOCATE: _("Répartition"),
    Action.LIST_OWN_COPIES: _("Lecture de son paquet"),
    Action.VIEW_MASKED_PAGE: _("Lecture d'une page anonyme"),
    Action.VIEW_NAMED_PAGE: _("Lecture d'une page nominative"),
    Action.MARK: _("Correction"),
    Action.IMPORT_MARKS: _("Import de notes"),
    Action.FINALISE: _("Finalisation"),
    Action.REOPEN: _("Réouverture"),
    Action.VIEW_MARKED_PDF: _("Lecture d'un PDF corrigé"),
    Action.VIEW_STUDENT_PDF: _("Téléchargement de sa copie"),
    Action.VIEW_PROGRESS: _("Lecture de l'avancement"),
    Action.PUBLISH: _("Publication ou retrait"),
    Action.VIEW_OWN_RESULTS: _("Lecture de ses résultats"),
    Action.EXPORT: _("Export"),
    Action.VIEW_RESULTS: _("Lecture des résultats"),
    Action.CREATE_SNAPSHOT: _("Instantané"),
}

KINDS: dict[str, str] = {
    "account": _("compte"),
    "backup": _("sauvegarde"),
    "booklet": _("livret"),
    "connection": _("connexion"),
    "copy": _("copie"),
    "exam_session": _("session"),
    "header_model": _("zone d'identification"),
    "job": _("travail"),
    "lot": _("lot"),
    "marking": _("correction"),
    "paper": _("épreuve"),
    "repair": _("réparation"),
    "restore": _("restauration"),
    "scan_file": _("scan"),
}
"""What an act is done to."""

_KEYS: dict[str, str] = {
    "after": _("après"),
    "annotation": _("annotation"),
    "automatic": _("automatique"),
    "before": _("avant"),
    "bytes": _("octets"),
    "changes": _("modifications"),
    "checked": _("contrôlé"),
    "connections_ended": _("connexions coupées"),
    "copies": _("copies"),
    "created": _("créé"),
    "disabled": _("fermé"),
    "document": _("document"),
    "drawn": _("tracé"),
    "ended": _("coupée"),
    "error": _("erreur"),
    "failures": _("échecs"),
    "file_sha256": _("empreinte du fichier"),
    "fields": _("champs"),
    "files": _("fichiers"),
    "final_mark": _("note finale"),
    "format": _("format"),
    "found": _("trouvée"),
    "given": _("répartition"),
    "half_pages": _("pages"),
    "identified": _("avec les noms"),
    "item": _("question"),
    "kind": _("genre"),
    "left_out": _("laissées de côté"),
    "made_at": _("faite le"),
    "manifest_sha256": _("empreinte du manifeste"),
    "must_change": _("à changer"),
    "page": _("page"),
    "paper": _("épreuve"),
    "papers": _("épreuves"),
    "password": _("mot de passe"),
    "pending": _("sans identité comprises"),
    "read_again": _("relu"),
    "reason": _("motif"),
    "relabelled": _("étiquette changée"),
    "rematched": _("livrets rapprochés de nouveau"),
    "released": _("mises à disposition"),
    "removed": _("retirées"),
    "roles": _("rôles"),
    "roles_before": _("rôles d'avant"),
    "rows": _("lignes"),
    "seed": _("graine"),
    "session": _("session"),
    "sha256": _("empreinte"),
    "shape": _("forme"),
    "signed_out": _("déconnexion"),
    "status": _("état"),
    "student_accounts": _("comptes d'élèves"),
    "total": _("total"),
    "undone": _("annulée"),
    "updated": _("modifié"),
    "variants": _("sujets"),
    "version": _("version"),
}
_WORDS: dict[str, str] = {
    # statuses of copies
    "staged": _("à identifier"),
    "identified": _("identifiée"),
    "ready": _("à corriger"),
    "marking": _("en correction"),
    "finalising": _("finalisation en cours"),
    "failed": _("finalisation en échec"),
    "finalised": _("finalisée"),
    "published": _("publiée"),
    # jobs
    "waiting": _("en attente"),
    "running": _("en cours"),
    "cancelled": _("interrompu"),
    # roles
    "admin": _("administration"),
    "secretariat": _("secrétariat"),
    "corrector": _("correction"),
    "coordinator": _("coordination"),
    "analyst": _("analyse"),
    "student": _("élève"),
    # repairs
    "rotate": _("rotation"),
    "swap": _("échange recto et verso"),
    "move": _("déplacement"),
    "cut": _("coupe"),
    "join": _("réunion"),
    "set_aside": _("mise de côté"),
    "put_back": _("remise en place"),
    "attach": _("rattachement"),
    "mark_blank": _("déclarée blanche"),
    "replace": _("remplacement"),
    "new_booklet": _("nouveau livret"),
    "settle": _("vérification"),
    "verdict": _("avis sur un double"),
    "interleave": _("réunion de rectos et de versos"),
    "undo": _("annulation"),
    # drawn headers
    "copy": _("copie"),
    "annex": _("annexe"),
    "surname": _("nom"),
    "first_name": _("prénom"),
    "birth_date": _("date de naissance"),
    "class": _("classe"),
    "number": _("numéro"),
    "full_name": _("nom et prénom"),
    # decisions and marks
    "candidate": _("candidat"),
    "not_listed": _("hors liste"),
    "illegible": _("illisible"),
    "blank": _("copie blanche"),
    "untreated": _("non traité"),
    "neutralised": _("neutralisé"),
    "mark": _("note"),
    "clear": _("effacement"),
    "remark": _("remarque"),
    "appreciation": _("appréciation"),
    "annotate": _("annotation"),
    "erase": _("gomme"),
    "set": _("renouvelé"),
}
_LISTED = 12
"""Elements of a list that are shown before it is only counted."""

_WRONG: dict[Fault, str] = {
    Fault.ENTRY_CHANGED: _(
        "la ligne {which} a été changée après son scellement, elle ou la date de son sceau"
    ),
    Fault.ENTRY_DELETED: _("la ligne {which} a été supprimée"),
    Fault.ENTRIES_SWAPPED: _("la ligne {which} a échangé sa place avec la ligne d'identifiant {other}"),
    Fault.VALUES_CHANGED: _("les valeurs de la ligne {which} ont été changées"),
    Fault.SEAL_MISSING: _("le sceau de la ligne {which} manque"),
    Fault.SEAL_CHANGED: _("le sceau de la ligne {which} a été changé"),
    Fault.SEAL_MISPLACED: _(
        "le sceau de la ligne {which} ne suit pas celui d'avant : une ligne a été retirée ou déplacée"
    ),
    Fault.END_CUT: _("la fin manque, à partir de la ligne {which}"),
    Fault.HEAD_DIFFERS: _(
        "la ligne {which} ne porte pas l'empreinte attendue : le journal a été récrit et scellé de nouveau"
    ),
}


def action_words(action: str) -> str:
    """The act in French; one that this version does not know is shown by its code."""
    return ACTIONS[Action(action)] if action in set(Action) else action


def object_words(entry: EntryView) -> str:
    """``copie 12``: journals know no names."""
    kind = KINDS.get(entry.object_kind, entry.object_kind)
    return kind if entry.object_id is None else f"{kind} {entry.object_id}"


def actor_words(entry: EntryView) -> str:
    """``aline · ALINE Paul``, or the user of the command line."""
    if entry.actor.startswith(SYSTEM):
        return _("ligne de commande ({user})").format(user=entry.actor.removeprefix(SYSTEM))
    if entry.login:
        return " · ".join(part for part in (entry.login, entry.display_name) if part)
    return _("compte {account}").format(account=entry.actor.removeprefix(ACCOUNT))


def number_words(entry: EntryView) -> str:
    """``n° 1 284``, or that the sealer has not passed yet."""
    if entry.number is None:
        return _("pas encore scellé")
    return _("n° {number}").format(number=number(entry.number))


def instant_words(at: datetime) -> str:
    """``22/11/2026 à 14:02:11``, here; a date that is none here, in the first or last hours there are, in UTC."""
    with suppress(OverflowError, ValueError):
        at = at.astimezone()
    return at.strftime(_("%d/%m/%Y à %H:%M:%S"))


def values_words(values: Mapping[str, Any] | None) -> list[str]:
    """The values of an act, one thing a line: ``état : finalisée``, ``note, question 3 : 2,5 → 4``."""
    if values is None:
        return [_("valeurs effacées")]
    lines = []
    rest = dict(values)
    changes = rest.pop("changes", None)
    if isinstance(changes, list):
        lines += [_change(change) for change in changes]
    if "before" in rest and "after" in rest:
        lines.append(f"{_value(rest.pop('before'))} → {_value(rest.pop('after'))}")
    return lines + [f"{_KEYS.get(key, key)} : {_value(value)}" for key, value in rest.items()]


def verified_words(found: Verification) -> str:
    """What a verification found, in one sentence."""
    if found.broken is not None:
        return broken_words(found.broken)
    words = _("{lines}, chaîne entière").format(lines=plural(found.sealed, _("ligne"), _("lignes")))
    if found.unsealed:
        left = plural(
            found.unsealed, _("ligne n'est pas encore scellée"), _("lignes ne sont pas encore scellées")
        )
        words += _(" ; {left}").format(left=left)
    if found.erased:
        words += _(" ; {erased}").format(erased=erased_words(found.erased))
    return f"{words}."


def erased_words(erased: int) -> str:
    """How many lines have no values, which nothing in this version does."""
    lines = plural(erased, _("ligne sans valeurs"), _("lignes sans valeurs"))
    return _("{lines} : l'application n'en efface pas, elles ont été retirées dans la base").format(
        lines=lines
    )


def broken_words(broken: Broken) -> str:
    """The sentence that names the first broken line and what is wrong with it."""
    wrong = _WRONG[broken.fault].format(which=_which(broken), other=broken.other_id)
    return _("Le journal a été altéré : {wrong}. Comparez avec la dernière sauvegarde.").format(wrong=wrong)


def _which(broken: Broken) -> str:
    known = []
    if broken.entry_id is not None:
        known.append(_("identifiant {id}").format(id=broken.entry_id))
    if broken.at is not None:
        known.append(_("du {instant}").format(instant=instant_words(broken.at)))
    elif broken.sealed_at is not None:
        known.append(_("scellée le {instant}").format(instant=instant_words(broken.sealed_at)))
    if broken.action is not None:
        known.append(f"« {action_words(broken.action)} »")
    place = (
        _("pas encore scellée") if broken.number is None else _("n° {number}").format(number=broken.number)
    )
    return f"{place} ({', '.join(known)})" if known else place


def _change(change: object) -> str:
    """A change of a marking: ``note, question 3 : 2,5 → 4``."""
    if not isinstance(change, Mapping):
        return _value(change)
    rest = dict(change)
    what = [_value(rest.pop("kind"))] if "kind" in rest else []
    if "item" in rest:
        what.append(f"{_KEYS['item']} {_value(rest.pop('item'))}")
    if "before" in rest and "after" in rest:
        what_done = f"{_value(rest.pop('before'))} → {_value(rest.pop('after'))}"
    else:
        what_done = ", ".join(f"{_KEYS.get(key, key)} {_value(value)}" for key, value in rest.items())
    return " : ".join(part for part in (", ".join(what), what_done) if part)


def _value(value: object) -> str:
    if value is None or value in ("", [], {}):
        return "—"
    if isinstance(value, bool):
        return _("oui") if value else _("non")
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, Mapping):
        return _several([f"{_KEYS.get(key, key)} {_value(entry)}" for key, entry in value.items()])
    if isinstance(value, list):
        return _several([_value(entry) for entry in value])
    return _WORDS.get(str(value), str(value))


def _several(parts: list[str]) -> str:
    shown = ", ".join(parts[:_LISTED])
    return shown if len(parts) <= _LISTED else _("{shown}… ({count})").format(shown=shown, count=len(parts))
