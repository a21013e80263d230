"""The zone where pupils say who they are, drawn with the mouse or the keyboard on one page of a scan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.i18n import _
from core.imaging.header_models import FIELDS
from core.services.header_models import LONGEST_NAME
from workbench.components import declare

_render = declare("header_fields")

_FIELD_WORDS = {
    "surname": _("Nom"),
    "first_name": _("Prénom"),
    "birth_date": _("Date de naissance"),
    "class": _("Classe"),
    "number": _("Numéro"),
    "full_name": _("Nom et prénom ensemble"),
}


def header_fields(*, paper_id: int, csrf_token: str) -> str:
    """Draw the page of a paper on which frames are drawn; it learns and keeps by ``/scans/…`` on its own.

    Returns:
        The page that somebody asks for in this run; empty on most runs.
    """
    result = _render(
        key=f"header_fields_{paper_id}",
        data={
            "paper": paper_id,
            "csrf": csrf_token,
            "fields": [{"name": name, "label": _FIELD_WORDS[name]} for name in FIELDS],
            "longest_name": LONGEST_NAME,
            "words": _words(),
        },
        on_open_change=lambda: None,
    )
    asked: Mapping[str, Any] | None = result.open
    return str(asked["page"]) if asked else ""


def _words() -> dict[str, str]:
    """The sentences of the component, so that all French stands in Python."""
    return {
        "loading": _("Lecture des pages…"),
        "nothing": _(
            "Aucune page n'est découpée pour l'instant : déposez les scans de cette épreuve, ou attendez la fin "
            "de leur lecture."
        ),
        "scans": _("Déposer des scans"),
        "page": _("{file}, page {n}"),
        "page_half": _("{file}, image {n}, moitié {half}"),
        "left": _("gauche"),
        "right": _("droite"),
        "top": _("haute"),
        "bottom": _("basse"),
        "without": _("Sans en-tête trouvé"),
        "with": _("En-tête trouvé"),
        "blank": _("blanche"),
        "choose": _("Page sur laquelle tracer"),
        "previous": _("Page précédente"),
        "next": _("Page suivante"),
        "turn": _("Tourner la page"),
        "picture": _("La page, pour y tracer la zone et ses champs"),
        "picture_lost": _("Cette page ne peut pas être montrée. Choisissez-en une autre."),
        "zone": _("Zone"),
        "step_zone": _("Tracez la zone : un cadre autour de tout l'en-tête imprimé."),
        "step_field": _("Tracez maintenant le champ « {field} », là où l'élève écrit."),
        "step_more": _("Champ suivant, s'il y en a un : « {field} ». Sinon, voyez ce qui serait trouvé."),
        "step_read": _("Ce fichier est relu. Pour tracer une autre zone, rechargez les pages."),
        "reload": _("Recharger les pages"),
        "step_done": _("Tout est tracé."),
        "draw": _("À tracer"),
        "none_drawn": _("non tracé"),
        "drawn": _("tracé"),
        "frame_of": _("{what} : flèches pour déplacer, Maj et flèches pour agrandir, Suppr pour effacer"),
        "keys": _(
            "À la souris : tirez un cadre, déplacez-le ou tirez ses coins. Au clavier : Entrée sur un nom pose "
            "son cadre, Tab passe d'un cadre à l'autre, flèches pour déplacer, Maj + flèches pour agrandir, "
            "Suppr pour effacer."
        ),
        "erase": _("Effacer {what}"),
        "erase_all": _("Tout effacer"),
        "try": _("Voir ce qui serait trouvé"),
        "trying": _("Recherche sur d'autres pages du fichier…"),
        "tried": _("Trouvée sur {found} des {total} pages essayées."),
        "tried_none": _("Ce fichier n'a pas d'autre page sur laquelle essayer la zone."),
        "changed": _("Le tracé a changé depuis cet essai."),
        "trial_found": _("page {n} : trouvée"),
        "trial_missed": _("page {n} : non trouvée"),
        "name": _("Nom de la zone"),
        "name_default": _("En-tête {n}"),
        "kind": _("Une page qui la porte est"),
        "kind_copy": _("le début d'une copie"),
        "kind_annex": _("une annexe"),
        "save": _("Enregistrer et relire le fichier"),
        "saving": _("Enregistrement…"),
        "saved": _("« {name} » est enregistrée pour toute la session."),
        "reading": _("{file} est relu : son découpage recommence."),
        "not_read_used": _("{file} n'est pas relu : des pages en sont déjà dans des copies."),
        "not_read_checked": _("{file} n'est pas relu : ce fichier est déjà contrôlé."),
        "others": _("Relire aussi les autres fichiers non contrôlés"),
        "others_read": _("Relus : {files}."),
        "others_none": _("Aucun autre fichier à relire."),
        "jobs": _("Suivre la relecture"),
        "warning": _("Relire un fichier efface ce qui y a été réparé à la main."),
        "models": _("Zones de la session"),
        "no_models": _("Aucune zone tracée dans cette session."),
        "model_copy": _("copie"),
        "model_annex": _("annexe"),
        "remove": _("Retirer"),
        "remove_of": _("Retirer la zone {name}"),
        "sure": _("Retirer « {name} » ?"),
        "yes": _("Retirer"),
        "no": _("Garder"),
        "removed": _("« {name} » est retirée. Ce qu'elle a trouvé reste."),
        "no_answer": _("Le serveur ne répond pas. Vérifiez la connexion, puis recommencez."),
        "refused": _("La demande a été refusée. Rechargez la page et recommencez."),
    }
