"""Scans: drop the files, see every page accounted for."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.access import Actor, Role
from core.domain.entries import Place
from core.i18n import _, number, plural, size
from core.services import drop_folder, lot_states, lots, scans, uploads
from core.services import jobs as background
from core.services.connections import SignedIn
from core.services.ingestion import INGEST
from core.services.scans import JobView, ScanFileView
from core.services.uploads import ScanOptions
from workbench import guard, navigation
from workbench.components.upload import upload
from workbench.messages import showing_errors
from workbench.resources import sessions, settings
from workbench.sentences import sentence_of
from workbench.widgets import Column, State, as_markdown, badge, table
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
LAYOUTS = {
    "auto": _("automatique"),
    "a3": _("A3 plié"),
    "a4": _("A4"),
    "files": _("un fichier par élève"),
}
STATES = {
    "waiting": (State.WAITING, _("en attente")),
    "running": (State.RUNNING, _("en cours")),
    "done": (State.SURE, _("découpé")),
    "failed": (State.STOP, _("échoué")),
    "cancelled": (State.CHECK, _("interrompu")),
}


def page() -> None:
    """Take scans in and show what became of each."""
    who = guard.signed_in(Role.SECRETARIAT, Role.ADMIN)
    paper = paper_heading(who.actor, _("Scans"), newest=True)
    if paper is None:
        return
    _arrival(who, paper.paper_id)
    _drop_folder(who.actor, paper.paper_id)
    watch_jobs(who.actor, paper_id=paper.paper_id, stoppable=True)
    found = scans.jobs(sessions(), who.actor, paper_id=paper.paper_id)
    _stopped(who.actor, paper.paper_id, found)
    _ledger(who.actor, paper.paper_id)
    busy = any(job.status in ("waiting", "running") for job in found)
    waiting = _lots(who.actor, paper.paper_id)
    if found and not busy and not waiting:
        navigation.link("identify", _("Identifier les copies"))
    _files(who.actor, paper.paper_id)
    if any(job.kind == INGEST and job.status == "done" for job in found):
        navigation.link("header_zone", _("Copies d'un autre modèle : tracer leur zone d'identification"))


def _arrival(who: SignedIn, paper_id: int) -> None:
    """What is written on the envelope, then the place where its files are dropped."""
    options = _envelope(paper_id)
    folder = settings().home / uploads.FOLDER
    left = uploads.unfinished(sessions(), who.actor, folder, paper_id=paper_id)
    upload(paper_id=paper_id, csrf_token=who.csrf_token, options=options, unfinished=left)
    st.caption(
        _("Au plus {pages} par fichier. Il est gardé tel quel ; le même fichier est reconnu.").format(
            pages=plural(settings().image_limit, _("page"), _("pages"))
        )
    )


def _envelope(paper_id: int) -> ScanOptions:
    """The fields that hold for the files dropped next; files of one label make one lot."""
    label, copies, sheets, layout, pages = st.columns([3, 1.2, 1.2, 2, 1.4], vertical_alignment="bottom")
    lot = label.text_input(
        _("Lot"), placeholder=_("salle, classe ou paquet"), max_chars=200, key=f"lot_{paper_id}"
    )
    stated_copies = copies.number_input(
        _("Copies annoncées"), min_value=0, max_value=100_000, value=None, key=f"stated_copies_{paper_id}"
    )
    stated_sheets = sheets.number_input(
        _("Feuilles annoncées"), min_value=0, max_value=100_000, value=None, key=f"stated_sheets_{paper_id}"
    )
    chosen = layout.selectbox(
        _("Disposition"),
        list(LAYOUTS),
        format_func=LAYOUTS.__getitem__,
        key=f"layout_{paper_id}",
        filter_mode=None,
    )
    pages_per_copy = pages.number_input(
        _("Pages par copie"),
        min_value=1,
        max_value=200,
        value=None,
        placeholder=_("libre"),
        disabled=chosen != "a4",
        key=f"pages_per_copy_{paper_id}",
        help=_("En A4 : si toutes les copies ont le même nombre de pages."),
    )
    return ScanOptions(
        layout=chosen,
        pages_per_copy=pages_per_copy if chosen == "a4" else None,
        lot_label=lot.strip(),
        stated_copies=stated_copies,
        stated_sheets=stated_sheets,
    )


def _drop_folder(actor: Actor, paper_id: int) -> None:
    """Where the copier can leave scans of this paper, and the files there that no paper claims."""
    root = settings().drop_folder
    folder = drop_folder.folder_of(sessions(), actor, root, paper_id=paper_id)
    if folder:
        words = _("Le copieur peut aussi les laisser dans le dossier de dépôt « {folder} ».")
        st.caption(as_markdown(words.format(folder=folder.name)))
    lost = drop_folder.without_paper(sessions(), actor, root)
    if lost:
        words = _("Dossier de dépôt, sans épreuve : {files}. Déplacez-les dans le dossier de leur épreuve.")
        st.warning(as_markdown(words.format(files=", ".join(lost))), icon=":material/folder_off:")


def _stopped(actor: Actor, paper_id: int, found: Sequence[JobView]) -> None:
    """What failed or was interrupted and was not begun again since, each with a way to do so."""
    names = background.file_names(sessions(), actor, paper_id=paper_id)
    latest = {(job.kind, job.scan_file_id or job.job_id): job for job in reversed(found)}
    for job in latest.values():
        if job.status not in ("failed", "cancelled"):
            continue
        told, act = st.columns([6, 1], vertical_alignment="center")
        if job.status == "failed":
            words = sentence_of(job.error_code or "internal_error", job.error_details)
            told.error(as_markdown(words), icon=":material/error:")
        else:
            words = _("{file} : le traitement a été interrompu. Rien n'est perdu, il peut recommencer.")
            name = names.get(job.scan_file_id or 0, _("Travail"))
            told.warning(as_markdown(words.format(file=name)), icon=":material/pause:")
        if act.button(_("Recommencer"), key=f"retry_job_{job.job_id}", width="stretch"):
            with showing_errors():
                background.retry(sessions(), actor, job_id=job.job_id)
                st.rerun()


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


def _lots(actor: Actor, paper_id: int) -> bool:
    """Each lot with the link to its control; whether one of them waits for it."""
    known = lot_states.lot_states(sessions(), actor, paper_id=paper_id)
    found = {lot.lot_id: lot for lot in lots.lots(sessions(), actor, paper_id=paper_id)}
    if any(lot.ingested for lot in known):
        st.subheader(_("Lots"))
    for lot in known:
        if not lot.ingested:
            continue
        name, counts, state, act = st.columns([3, 3, 2, 2], vertical_alignment="center")
        name.markdown(f"**{as_markdown(lot.label or lot.first_file)}**")
        counts.write(
            ", ".join(
                (
                    plural(found[lot.lot_id].found_sheets, _("feuille"), _("feuilles")),
                    plural(found[lot.lot_id].found_booklets, _("livret"), _("livrets")),
                )
            )
        )
        words = (State.CHECK, _("à contrôler")) if lot.waits else (State.SURE, _("contrôlé"))
        state.html(badge(*words))
        with act:
            label = _("Contrôler ce lot") if lot.waits else _("Revoir ce lot")
            navigation.link("lot_control", label, query={"lot": str(lot.lot_id)})
    return any(lot.waits for lot in known)


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
            Column(_("État"), markup=True),
        ],
        [
            (
                file.name,
                file.lot_label,
                file.layout.upper() if file.images else _("à déterminer"),
                size(file.byte_size),
                number(file.images) if file.images else "",
                number(file.booklets),
                badge(*_state(file)),
            )
            for file in found
        ],
    )


def _state(file: ScanFileView) -> tuple[State, str]:
    """Where the cutting of a file stands, by its latest job."""
    cutting = [job.status for job in file.jobs if job.kind == INGEST]
    return STATES[cutting[-1] if cutting else "waiting"]


if __name__ == "__main__":
    page()
