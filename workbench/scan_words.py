"""What is said of a page of a scan, in words: one sentence fragment per reason code of ``core.domain.doubts``."""

from __future__ import annotations

from core.domain.doubts import Level, by_urgency, codes
from core.i18n import _

REASONS: dict[str, str] = {
    "unreadable": _("image illisible : renumériser la feuille"),
    "front_missing": _("verso sans son recto : la face avant de la feuille manque"),
    "back_missing": _("recto sans son verso : l'autre face de la feuille manque"),
    "odd_image": _("image en trop ou en moins par ici : vérifier quels recto et verso vont ensemble"),
    "sheet_misfiled": _("feuille qui semble appartenir à une autre copie"),
    "header_inside": _("en-tête trouvé au milieu d'une copie"),
    "header_missing": _("aucun en-tête trouvé : vérifier à quelle copie va la feuille"),
    "copy_long": _("copie bien plus longue que les autres : l'en-tête d'une autre a pu échapper"),
    "copy_incomplete": _("copie plus courte que le nombre de pages annoncé"),
    "page_gap": _("numéro de page manquant dans la suite"),
    "double_scan": _("semble numérisée deux fois"),
    "page_order": _("numéros de page dans le désordre"),
    "direction_unsure": _("sens de lecture incertain"),
    "interleave_unsure": _("pages paires et impaires réunies sans certitude sur leur ordre"),
    "image_damaged": _("le bas de l'image manque : renumériser la feuille"),
    "photo_edges_unsure": _("bords de la page incertains sur la photo"),
    "torn_corner": _("coin déchiré ou plié"),
    "blurred": _("page floue"),
    "too_light": _("page trop claire"),
    "too_dark": _("page trop sombre"),
    "skewed": _("feuille numérisée de travers"),
    "size_odd": _("format différent des autres feuilles"),
    "loose_leaf": _("feuille volante, à rattacher à une copie"),
    "annex_waiting": _("annexe, à rattacher à une copie"),
    "blank_sheet": _("feuille blanche, mise à part"),
    "set_aside": _("mise de côté par quelqu'un"),
    "replaced": _("remplacée par une nouvelle numérisation"),
    "sides_swapped": _("recto et verso remis dans l'ordre"),
    "turned_180": _("remise à l'endroit (demi-tour)"),
    "turned_quarter": _("remise à l'endroit (quart de tour)"),
    "interleaved": _("pages paires et impaires réunies"),
    "model_differs": _("en-tête d'un autre modèle que le reste du fichier"),
}
"""Each code in words; a test keeps it complete."""

LEVELS: dict[Level, str] = {
    Level.DOUBTFUL: _("à vérifier"),
    Level.PLACED: _("mise à part"),
    Level.CORRECTED: _("corrigé"),
}


def reason_words(reason: str) -> list[str]:
    """The codes of one half-page in words, the most urgent first."""
    return [REASONS[code] for code in by_urgency(codes(reason))]
