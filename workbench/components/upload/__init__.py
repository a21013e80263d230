"""Scan files go to the streaming route from here, one after the other, with progress and a way to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.i18n import _, size
from workbench.components import declare
from workbench.resources import settings

_render = declare("upload")

ACCEPTED = (".pdf",)


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
    layout: str = "auto",
    pages_per_copy: int | None = None,
    lot_label: str = "",
    key: str = "upload",
) -> Sequence[Uploaded]:
    """Draw the drop zone; the page runs again when the last file has arrived.

    Returns:
        The files of the sending that has just ended, in order; empty on every other run.
    """
    limit = settings().upload_limit_bytes
    result = _render(
        key=f"{key}_{paper_id}",
        data={
            "address": f"/scans/{paper_id}",
            "csrf": csrf_token,
            "layout": layout,
            "pages_per_copy": pages_per_copy,
            "lot": lot_label,
            "accept": ",".join(ACCEPTED),
            "limit_bytes": limit,
            "words": _words(limit),
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


def _words(limit_bytes: int) -> dict[str, str]:
    """The sentences of the component, so that all French stands in Python."""
    return {
        "drop": _("Déposez les PDF du scanner ici"),
        "choose": _("Choisir des fichiers"),
        "limits": _(
            "PDF, {size} au plus par fichier. Les fichiers partent un par un ; gardez l'onglet ouvert."
        ).format(size=size(limit_bytes)),
        "files": _("Fichiers envoyés"),
        "waiting": _("en attente"),
        "sending": _("{percent} % · {sent} sur {total} · {left}"),
        "left_seconds": _("reste {n} s"),
        "left_minutes": _("reste {n} min"),
        "checking": _("reçu, vérification…"),
        "added": _("reçu"),
        "known": _("déjà reçu : ce fichier est identique à un fichier de l'épreuve"),
        "cancelled": _("envoi interrompu ; rien n'a été gardé"),
        "lost": _("la connexion a été coupée ; rien n'a été gardé, renvoyez ce fichier"),
        "too_large": _("trop lourd : {size} au plus").format(size=size(limit_bytes)),
        "not_accepted": _("ce n'est pas un PDF"),
        "cancel": _("Interrompre"),
        "cancel_file": _("Interrompre l'envoi de {name}"),
        "units": _("o,ko,Mo,Go"),
    }
