"""Copies that are left out of a publication or a file: which, why, and what would bring them in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import streamlit as st

from core.i18n import _, plural
from workbench.sentences import sentence_of
from workbench.widgets.tables import Column, table

_WHY = {
    "not_released": (_("pas encore distribuée"), _("Faites la répartition.")),
    "not_finalised": (_("correction en cours"), _("Elle viendra quand son correcteur l'aura finalisée.")),
    "finalising": (_("finalisation en cours"), _("Attendez la fin du travail.")),
    "finalisation_failed": (_("finalisation échouée"), _("Relancez-la depuis l'avancement.")),
    "no_identity": (_("sans identité"), _("Le secrétariat doit dire de qui est la copie.")),
    "entry_absent": (_("élève noté absent"), _("Vérifiez l'identité de la copie ou la présence de l'élève.")),
    "nothing_to_mark": (_("rien à noter"), _("Toutes ses questions sont neutralisées.")),
    "not_published": (_("pas encore publiée"), _("Publiez-la d'abord.")),
    "incomplete": (_("incomplète"), _("Il manque des notes.")),
}


def why_words(why: str) -> str:
    """The reason in a few words."""
    return _WHY[why][0] if why in _WHY else _("PDF impossible")


def left_out(lines: Iterable[tuple[str, str]], *, key: str) -> None:
    """Say how many copies are left out for which reason, the list folded behind it."""
    listed = list(lines)
    if not listed:
        return
    counted = Counter(why for _code, why in listed)
    reasons = ", ".join(
        f"{why_words(why)} ({count})" if len(counted) > 1 else why_words(why)
        for why, count in counted.most_common()
    )
    words = plural(len(listed), _("copie laissée de côté"), _("copies laissées de côté"))
    with st.expander(f"◐ {words} : {reasons}", key=key):
        table(
            [Column(_("Copie")), Column(_("Pourquoi")), Column(_("Que faire"))],
            [(code, why_words(why), _what_to_do(why)) for code, why in listed],
        )


def _what_to_do(why: str) -> str:
    return _WHY[why][1] if why in _WHY else sentence_of(why, {})
