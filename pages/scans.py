"""Scans: drop the files, see every page accounted for."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.domain.entries import Place
from core.i18n import _, number, plural, size
from core.services import scans
from workbench import guard, navigation
from workbench.components.upload import upload
from workbench.resources import sessions, settings
from workbench.sentences import sentence_of
from workbench.widgets.choose_paper import paper_heading

REFRESH_S = 1.0

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
STAGES = {
    ("ingest", "pages"): _("Pages trouvées"),
    ("read", "names"): _("En-têtes lus"),
    ("read", "matching"): _("Comparaison avec la liste"),
}
KINDS = {"ingest": _("Découpage des pages"), "read": _("Lecture des en-têtes")}


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
    busy = any(job.status in ("waiting", "running") for job in _jobs(paper.paper_id))
    st.fragment(run_every=REFRESH_S if busy else None)(_state)(paper.paper_id, was_busy=busy)


def _jobs(paper_id: int) -> list[scans.JobView]:
    return scans.jobs(sessions(), guard.require(Role.SECRETARIAT, Role.ADMIN), paper_id=paper_id)


def _state(paper_id: int, *, was_busy: bool) -> None:
    """Progress while jobs run, the ledger and the files; redrawn whole once they end."""
    alive = [job for job in _jobs(paper_id) if job.status in ("waiting", "running")]
    for job in reversed(alive):
        _progress(job)
    if was_busy and not alive:
        st.rerun()
    _failures(paper_id)
    _ledger(paper_id)
    if not alive and _jobs(paper_id):
        navigation.link("identify", _("Identifier les copies"))
    _files(paper_id)


def _progress(job: scans.JobView) -> None:
    label = STAGES.get((job.kind, job.stage), KINDS.get(job.kind, job.kind))
    if job.status == "waiting":
        st.progress(0.0, text=_("{label} : en attente").format(label=KINDS.get(job.kind, job.kind)))
    elif job.total:
        st.progress(job.done / job.total, text=f"{label} : {number(job.done)} / {number(job.total)}")
    else:
        st.progress(0.0, text=_("{label} : démarrage").format(label=label))


def _failures(paper_id: int) -> None:
    for job in _jobs(paper_id):
        if job.status == "failed":
            st.error(
                sentence_of(job.error_code or "internal_error", job.error_details), icon=":material/error:"
            )


def _ledger(paper_id: int) -> None:
    actor = guard.require(Role.SECRETARIAT, Role.ADMIN)
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


def _files(paper_id: int) -> None:
    actor = guard.require(Role.SECRETARIAT, Role.ADMIN)
    found = scans.files(sessions(), actor, paper_id=paper_id)
    if not found:
        st.info(_("Aucun scan pour cette épreuve : déposez les fichiers du copieur ci-dessus."))
        return
    st.subheader(_("Fichiers"))
    st.dataframe(
        {
            _("Fichier"): [file.name for file in found],
            _("Lot"): [file.lot_label for file in found],
            _("Taille"): [size(file.byte_size) for file in found],
            _("Pages"): [file.images for file in found],
            _("Livrets"): [file.booklets for file in found],
            _("Format"): [file.layout.upper() if file.images else _("à déterminer") for file in found],
        },
        hide_index=True,
        width="stretch",
    )


if __name__ == "__main__":
    page()
