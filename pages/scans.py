"""Scans: drop the files, see every page accounted for."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.access import Actor, Role
from core.domain.entries import Place
from core.i18n import _, number, plural, size
from core.services import scans
from workbench import guard, navigation
from workbench.components.upload import upload
from workbench.resources import sessions, settings
from workbench.sentences import sentence_of
from workbench.widgets import Column, table
from workbench.widgets.choose_paper import paper_heading
from workbench.widgets.work import watch_jobs

PLACES = {
    Place.BOOKLET: _("à identifier"),
    Place.COPY: _("dans une copie"),
    Place.BLANK: _("blanches"),
    Place.ANNEX: _("annexes en attente"),
    Place.LOOSE: _("feuilles volantes"),
    Place.ASIDE: _("mises de côté"),
    Place.UNREADABLE: _("illisibles"),
    Place.ERASED: _("effacées"),
}


def page() -> None:
    """Take scans in and show what became of each."""
    who = guard.signed_in(Role.SECRETARIAT, Role.ADMIN)
    paper = paper_heading(who.actor, _("Scans"), newest=True)
    if paper is None:
        return
    pages = plural(settings().image_limit, _("page"), _("pages"))
    st.caption(
        _("Au plus {pages} par fichier. Il est gardé tel quel ; le même fichier est reconnu.").format(
            pages=pages
        )
    )
    upload(paper_id=paper.paper_id, csrf_token=who.csrf_token)
    watch_jobs(who.actor, paper_id=paper.paper_id)
    found = scans.jobs(sessions(), who.actor, paper_id=paper.paper_id)
    _failures(found)
    _ledger(who.actor, paper.paper_id)
    if found and not any(job.status in ("waiting", "running") for job in found):
        navigation.link("identify", _("Identifier les copies"))
    _files(who.actor, paper.paper_id)


def _failures(found: Sequence[scans.JobView]) -> None:
    for job in found:
        if job.status == "failed":
            st.error(
                sentence_of(job.error_code or "internal_error", job.error_details), icon=":material/error:"
            )


def _ledger(actor: Actor, paper_id: int) -> None:
    sums = scans.ledger_sums(sessions(), actor, paper_id=paper_id)
    if not sums.half_pages:
        return
    st.subheader(_("Registre des pages"))
    parts = [
        f"{number(sums.by_place[place.value])} {words}"
        for place, words in PLACES.items()
        if sums.by_place[place.value]
    ]
    sign = "✔" if sums.is_balanced else "✖"
    st.markdown(
        f"{sign} **{plural(sums.half_pages, _('demi-page'), _('demi-pages'))}** "
        + _("sur {images}, {booklets}").format(
            images=plural(sums.images, _("image"), _("images")),
            booklets=plural(sums.booklets, _("livret"), _("livrets")),
        )
        + f" : {', '.join(parts)}."
    )


def _files(actor: Actor, paper_id: int) -> None:
    found = scans.files(sessions(), actor, paper_id=paper_id)
    if not found:
        st.info(_("Aucun scan pour cette épreuve : déposez les fichiers du copieur ci-dessus."))
        return
    st.subheader(_("Fichiers"))
    table(
        [
            Column(_("Fichier")),
            Column(_("Lot")),
            Column(_("Format")),
            Column(_("Taille"), numeric=True),
            Column(_("Pages"), numeric=True),
            Column(_("Livrets"), numeric=True),
        ],
        [
            (
                file.name,
                file.lot_label,
                file.layout.upper() if file.images else _("à déterminer"),
                size(file.byte_size),
                number(file.images) if file.images else "",
                number(file.booklets),
            )
            for file in found
        ],
    )


if __name__ == "__main__":
    page()
