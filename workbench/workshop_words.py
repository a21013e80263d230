"""The control of a lot and the atelier d'agrafage in words: places, repairs, differences, notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.domain.entries import Place
from core.i18n import _, plural
from core.services.lots import Difference, PaperPlace
from core.services.workshop import RepairLine

PLACES: dict[Place, str] = {
    Place.BOOKLET: _("dans un livret"),
    Place.COPY: _("dans une copie"),
    Place.BLANK: _("blanche"),
    Place.ANNEX: _("annexe en attente"),
    Place.LOOSE: _("feuille volante"),
    Place.ASIDE: _("mise de côté"),
    Place.UNREADABLE: _("illisible"),
    Place.ERASED: _("effacée"),
}

KINDS: dict[str, str] = {
    "rotate": _("Tourner : {pages}"),
    "swap": _("Échanger recto et verso : {pages}"),
    "move": _("Déplacer : {pages}"),
    "cut": _("Couper un livret : {pages}"),
    "join": _("Réunir des livrets : {pages}"),
    "set_aside": _("Mettre de côté : {pages}"),
    "put_back": _("Remettre : {pages}"),
    "attach": _("Rattacher : {pages}"),
    "mark_blank": _("Déclarer blanche : {pages}"),
    "replace": _("Remplacer par une nouvelle numérisation : {pages}"),
    "new_booklet": _("Faire un livret : {pages}"),
    "settle": _("Vérifié : {pages}"),
    "verdict": _("Avis sur une double numérisation : {pages}"),
    "interleave": _("Réunir rectos et versos de deux fichiers : {pages}"),
    "undo": _("Annulation de la réparation n° {of} : {pages}"),
}
"""What each repair did; a test keeps it complete."""

_DIFFERENCES: dict[str, str] = {
    "lot_copies_missing": _("{stated} {written} sur l'enveloppe, {found} dans le scan : il en manque {gap}."),
    "lot_copies_more": _("{stated} {written} sur l'enveloppe, {found} dans le scan : {gap} de trop."),
    "lot_sheets_missing": _("{stated} {written} sur l'enveloppe, {found} dans le scan : il en manque {gap}."),
    "lot_sheets_more": _("{stated} {written} sur l'enveloppe, {found} dans le scan : {gap} de trop."),
}


def repair_words(line: RepairLine) -> str:
    """What a repair did, in one sentence fragment."""
    pages = plural(line.half_pages, _("page"), _("pages"))
    words = KINDS[line.kind].format(pages=pages, of=line.of)
    return f"{words} ({line.reason})" if line.reason else words


def difference_words(difference: Difference) -> str:
    """What an envelope says and what was found."""
    one, several = (_("copie"), _("copies")) if "copies" in difference.code else (_("feuille"), _("feuilles"))
    return _DIFFERENCES[difference.code].format(
        stated=plural(difference.stated, one, several),
        written=_("écrite") if difference.stated < 2 else _("écrites"),
        found=difference.found,
        gap=abs(difference.stated - difference.found),
    )


def on_paper_words(place: PaperPlace | None) -> str:
    """« paquet salle 204, feuille 57 »."""
    if place is None:
        return ""
    sheet = _("feuille {sheet}").format(sheet=place.sheet)
    return f"{place.lot_label}, {sheet}" if place.lot_label else sheet


def notice_words(notice: Mapping[str, Any]) -> str:
    """What changed in the pages of a copy, for its corrector: « une feuille ajoutée, pages 5–8 »."""
    parts = []
    for key, one, several in (
        ("added", _("page ajoutée : {pages}"), _("pages ajoutées : {pages}")),
        ("replaced", _("page renumérisée : {pages}"), _("pages renumérisées : {pages}")),
        ("turned", _("page remise à l'endroit : {pages}"), _("pages remises à l'endroit : {pages}")),
    ):
        positions = notice.get(key) or []
        if positions:
            words = one if len(positions) == 1 else several
            parts.append(words.format(pages=ranges(positions)))
    removed = notice.get("removed") or 0
    if removed:
        parts.append(plural(removed, _("page retirée"), _("pages retirées")))
    if notice.get("moved"):
        parts.append(_("ordre des pages changé"))
    left = notice.get("annotations") or 0
    if left:
        kept = plural(left, _("annotation reste"), _("annotations restent"))
        parts.append(_("{kept} sur ces pages retirées").format(kept=kept))
    words = " ; ".join(parts)
    return words[:1].upper() + words[1:]


def ranges(positions: Sequence[int]) -> str:
    """Page numbers as people write them: « 3, 5–8 »."""
    parts: list[list[int]] = []
    for position in sorted(positions):
        if parts and position == parts[-1][-1] + 1:
            parts[-1].append(position)
        else:
            parts.append([position])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in parts)
