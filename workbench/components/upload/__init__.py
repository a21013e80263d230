"""Scan files go to the server from here by chunks, one file after the other, and go on after a cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.i18n import _, plural, size
from core.services.uploads import ENDINGS, ScanOptions, UploadView
from workbench.components import declare
from workbench.resources import settings

_render = declare("upload")


@dataclass(frozen=True)
class Uploaded:
    """What became of one file; ``error`` is the sentence shown when it was refused."""

    name: str
    scan_file_id: int | None
    known: bool
    error: str


def upload(
    *,
    paper_id: int,
    csrf_token: str,
    options: ScanOptions,
    unfinished: Sequence[UploadView] = (),
    key: str = "upload",
) -> Sequence[Uploaded]:
    """Draw the drop zone; the page runs again whenever a file has arrived.

    ``options`` hold for the files that are dropped from now on; ``unfinished`` are told of, to go on with.

    Returns:
        The files that ended since the run before; empty on most runs.
    """
    limit = settings().upload_limit_bytes
    result = _render(
        key=f"{key}_{paper_id}",
        data={
            "address": f"/scans/{paper_id}/uploads",
            "uploads": "/scans/uploads",
            "csrf": csrf_token,
            "options": {
                "layout": options.layout,
                "pages_per_copy": options.pages_per_copy,
                "lot": options.lot_label,
                "stated_copies": options.stated_copies,
                "stated_sheets": options.stated_sheets,
            },
            "unfinished": [
                {
                    "token": view.token,
                    "name": view.name,
                    "received": view.received,
                    "byte_size": view.byte_size,
                }
                for view in unfinished
            ],
            "accept": ",".join(ENDINGS),
            "limit_bytes": limit,
            "words": _words(limit, len(unfinished)),
        },
        on_finished_change=lambda: None,
    )
    return [
        Uploaded(
            name=str(file["name"]),
            scan_file_id=file.get("scan_file_id"),
            known=bool(file.get("known")),
            error=str(file.get("error") or ""),
        )
        for file in (result.finished or {}).get("files", [])
    ]


def _words(limit_bytes: int, unfinished: int) -> dict[str, str]:
    """The sentences of the component, so that all French stands in Python."""
    return {
        "drop": _("Déposez les scans ici"),
        "choose": _("Choisir des fichiers"),
        "limits": _(
            "PDF, TIFF, JPEG, PNG, HEIC, WebP ou ZIP, {size} au plus par fichier. "
            "Un envoi coupé reprend où il en était."
        ).format(size=size(limit_bytes)),
        "files": _("Fichiers envoyés"),
        "unfinished": _("{uploads} à reprendre").format(uploads=plural(unfinished, "envoi", "envois")),
        "waiting": _("en attente"),
        "looking": _("lecture du fichier…"),
        "sending": _("{percent} % · {sent} sur {total} · {left}"),
        "left_seconds": _("reste {n} s"),
        "left_minutes": _("reste {n} min"),
        "checking": _("reçu, vérification…"),
        "added": _("reçu"),
        "added_many": _("reçu : {n} fichiers"),
        "known": _("déjà reçu : ce fichier est identique à un fichier de l'épreuve"),
        "with_refused": _("{told} ; {n} non pris : {refused}"),
        "cut": _("connexion coupée, reprise dans {n} s…"),
        "elsewhere": _("une autre fenêtre envoie ce fichier, nouvel essai dans {n} s…"),
        "paused": _("en pause à {percent} %"),
        "left": _("{percent} % reçus ; choisissez de nouveau ce fichier pour reprendre"),
        "signed_out": _(
            "votre connexion est terminée : reconnectez-vous, puis choisissez de nouveau ce fichier ; "
            "l'envoi reprendra à {percent} %"
        ),
        "changed": _("ce fichier a changé ou n'est plus lisible sur votre poste : choisissez-le de nouveau"),
        "cancelled": _("envoi abandonné ; rien n'a été gardé"),
        "failed": _("l'envoi n'a pas abouti ; choisissez de nouveau ce fichier"),
        "too_large": _("trop lourd : {size} au plus").format(size=size(limit_bytes)),
        "not_accepted": _("ni PDF, ni image, ni ZIP : exportez-le dans un de ces formats"),
        "pause": _("Pause"),
        "pause_file": _("Mettre en pause l'envoi de {name}"),
        "resume": _("Reprendre"),
        "resume_file": _("Reprendre l'envoi de {name}"),
        "cancel": _("Abandonner"),
        "cancel_file": _("Abandonner l'envoi de {name}"),
        "units": _("o,ko,Mo,Go"),
    }
