"""Every sentence of the control of a lot and of the atelier: the browser parts hold none of their own."""

from __future__ import annotations

from typing import Any

from core.domain.copies import CopyStatus
from core.domain.entries import Place
from core.domain.loose import LooseReason
from core.i18n import _

_PLACE_SUMS: dict[Place, list[str]] = {
    Place.BOOKLET: [_("{n} dans un livret"), _("{n} dans un livret")],
    Place.COPY: [_("{n} dans une copie"), _("{n} dans une copie")],
    Place.BLANK: [_("{n} blanche"), _("{n} blanches")],
    Place.ANNEX: [_("{n} annexe en attente"), _("{n} annexes en attente")],
    Place.LOOSE: [_("{n} sur feuille volante"), _("{n} sur feuilles volantes")],
    Place.ASIDE: [_("{n} mise de côté"), _("{n} mises de côté")],
    Place.UNREADABLE: [_("{n} illisible"), _("{n} illisibles")],
    Place.ERASED: [_("{n} effacée"), _("{n} effacées")],
}

_COPIES: dict[CopyStatus, str] = {
    CopyStatus.STAGED: _("sans identité"),
    CopyStatus.IDENTIFIED: _("identifiée"),
    CopyStatus.READY: _("prête à corriger"),
    CopyStatus.MARKING: _("en correction"),
    CopyStatus.FINALISING: _("en finalisation"),
    CopyStatus.FINALISED: _("finalisée"),
    CopyStatus.FAILED: _("finalisation échouée"),
    CopyStatus.PUBLISHED: _("publiée"),
}
"""Where the copy of a booklet stands."""

_LEVELS = {
    "doubtful": _("à regarder"),
    "corrected": _("corrigée"),
    "placed": _("mise à part"),
    "blank": _("blanche"),
    "unreadable": _("illisible"),
    "seen": _("vue"),
    "ok": "",
}

_SUGGESTIONS: dict[LooseReason, str] = {
    "neighbour_before": _("juste avant dans le paquet"),
    "neighbour_after": _("juste après dans le paquet"),
    "same_ruling": _("même réglure"),
    "same_hand": _("même écriture"),
    "page_mark_fits": _("son numéro de page y manque"),
    "incomplete_booklet": _("copie incomplète"),
}
"""Why a loose page is proposed for a booklet."""

_ASIDE_REASONS = [
    _("numérisée deux fois"),
    _("d'une autre épreuve"),
    _("pas une copie (sujet, bordereau)"),
    _("brouillon"),
    _("à numériser de nouveau"),
]
"""Why a page is set aside; the keys 1 to 5 choose, the ledger keeps the words."""

_REOPENING = {
    "finalised": _(
        "Cette copie est finalisée : la réparation la rouvre, ses notes et annotations restent. Motif ?"
    ),
    "published": _(
        "Cette copie est publiée : la réparation la retire de la publication tout de suite et la rouvre. Motif ?"
    ),
}

_DONE: dict[str, Any] = {
    "rotate": [_("Image tournée."), _("{n} images tournées.")],
    "swap": _("{sheet} : recto et verso échangés."),
    "move": [_("Page déplacée."), _("{n} pages déplacées.")],
    "cut": _("Livret coupé avant {page}."),
    "join": [_("Livret réuni."), _("{n} livrets réunis.")],
    "set_aside": [_("Page mise de côté : {reason}."), _("{n} pages mises de côté : {reason}.")],
    "put_back": [_("Page remise."), _("{n} pages remises.")],
    "attach": [_("Page rattachée."), _("{n} pages rattachées.")],
    "new_booklet": [_("Nouveau livret d'une page."), _("Nouveau livret de {n} pages.")],
    "replace": [_("Page remplacée."), _("{n} pages remplacées.")],
    "settle": _("{sheet} : vue."),
    "settle_pages": [_("Page vue."), _("{n} pages vues.")],
    "double": _("{sheet} : double, mise de côté."),
    "distinct": _("{sheet} : gardée."),
    "check": _("{lot} : contrôlé."),
    "envelope": _("Enveloppe enregistrée."),
}

_HELP_OF_BOTH = [
    (["Z"], _("la page en grand ; les flèches passent à la suivante, Z la met en pleine largeur")),
    (
        ["R"],
        _(
            "tourner l'image : demi-tour d'une feuille A3, quart de tour d'une page A4 (Maj : dans l'autre sens)"
        ),
    ),
    (["X"], _("échanger le recto et le verso de la feuille")),
    (["B"], _("mettre de côté, la raison se choisit par un chiffre")),
    (["Ctrl", "Z"], _("annuler la dernière réparation, même faite hier")),
    (["?"], _("cette aide")),
]

_HELP = {
    "control": [
        (["↑", "↓"], _("feuille précédente, feuille suivante")),
        (["←", "→"], _("page de la feuille ; plier et déplier un groupe")),
        (["Espace"], _("vu : rien à changer sur cette feuille")),
        (["Entrée"], _("feuille suivante à regarder ; quand il n'y en a plus, valider le lot")),
        (["D"], _("feuille numérisée deux fois : mettre la seconde de côté")),
        (["G"], _("garder les deux feuilles")),
        (["A"], _("ouvrir la feuille dans l'Atelier")),
        (["E"], _("écrire ce qui est noté sur l'enveloppe")),
        *_HELP_OF_BOTH,
    ],
    "workshop": [
        (["←", "→", "↑", "↓"], _("se déplacer ; avec Maj, choisir plusieurs pages")),
        (["Espace"], _("choisir la page, ou ne plus la choisir")),
        (["C"], _("couper le livret avant cette page")),
        (["J"], _("joindre au livret précédent, ou réunir les livrets choisis")),
        (["M"], _("déplacer : les flèches choisissent la place, Entrée pose, Échap laisse")),
        (["P"], _("remettre une page mise de côté, blanche ou volante")),
        (["N"], _("faire un livret des pages choisies")),
        (["F"], _("remplacer par une nouvelle numérisation : F sur l'ancienne, F sur la nouvelle")),
        (["1", "2", "3"], _("rattacher la feuille volante à la place proposée")),
        (["V"], _("vu : rien à changer")),
        (["+", "−"], _("vignettes plus grandes, plus petites")),
        (["Suppr"], _("ne supprime rien : aucune page ne se perd")),
        *_HELP_OF_BOTH,
    ],
}

_BAR = {
    "control": [
        ("↑↓", _("feuille"), "ArrowDown"),
        ("Espace", _("vu"), " "),
        ("Z", _("agrandir"), "z"),
        ("R", _("tourner"), "r"),
        ("X", _("recto/verso"), "x"),
        ("B", _("mettre de côté"), "b"),
        ("A", _("ouvrir dans l'Atelier"), "a"),
        ("Ctrl+Z", _("annuler"), "undo"),
        ("?", _("touches"), "?"),
    ],
    "workshop": [
        ("R", _("tourner"), "r"),
        ("X", _("recto/verso"), "x"),
        ("C", _("couper"), "c"),
        ("J", _("joindre"), "j"),
        ("M", _("déplacer"), "m"),
        ("B", _("mettre de côté"), "b"),
        ("P", _("remettre"), "p"),
        ("N", _("nouveau livret"), "n"),
        ("F", _("remplacer"), "f"),
        ("V", _("vu"), "v"),
        ("Z", _("agrandir"), "z"),
        ("Ctrl+Z", _("annuler"), "undo"),
        ("?", _("touches"), "?"),
    ],
}


def words() -> dict[str, Any]:
    """All of them by name; a pair is a singular and a plural."""
    return {
        **_STANDING,
        **_ASKING,
        **_REPAIRING,
        "place_sums": {place.value: sums for place, sums in _PLACE_SUMS.items()},
        "copy": {status.value: word for status, word in _COPIES.items()},
        "levels": _LEVELS,
        "suggestions": _SUGGESTIONS,
        "aside_reasons": _ASIDE_REASONS,
        "reopening": _REOPENING,
        "done": _DONE,
        "help": _HELP,
        "bar": _BAR,
        "keys": {"escape": _("Échap"), "enter": _("Entrée")},
    }


_STANDING: dict[str, Any] = {
    "loading": _("Les feuilles arrivent…"),
    "nothing": _("Aucune feuille pour cette épreuve."),
    "nothing_next": _("Elles apparaissent ici dès qu'un scan est déposé et découpé."),
    "open_scans": _("Déposer des scans"),
    "lot": _("Lot {label}"),
    "lot_of_file": _("Lot « {file} »"),
    "lots": _("Lots de l'épreuve"),
    "list": _("Feuilles"),
    "sheets": [_("{n} feuille"), _("{n} feuilles")],
    "booklets": [_("{n} livret"), _("{n} livrets")],
    "halves": [_("{n} demi-page"), _("{n} demi-pages")],
    "in_order": _("{n} en ordre"),
    "placed": [_("{n} mise à part"), _("{n} mises à part")],
    "corrected": [_("{n} corrigée"), _("{n} corrigées")],
    "to_look": _("{n} à regarder"),
    "ledger": _("Registre : {parts} = {n} ✔"),
    "envelope": _("Enveloppe"),
    "stated_copies": _("{stated} copies annoncées, {found} trouvées"),
    "stated_sheets": _("{stated} feuilles annoncées, {found} trouvées"),
    "envelope_empty": _("Enveloppe : les comptes ne sont pas notés."),
    "envelope_edit": _("noter les comptes"),
    "label": _("Nom du lot (salle, classe, paquet)"),
    "copies_stated": _("Copies annoncées"),
    "sheets_stated": _("Feuilles annoncées"),
    "save": _("Enregistrer"),
    "checked": _("✔ Lot contrôlé"),
    "to_check": _("à contrôler"),
    "validate": _("Valider le lot"),
    "validate_left": [
        _("Valider le lot ({n} feuille à regarder)"),
        _("Valider le lot ({n} feuilles à regarder)"),
    ],
    "left": [_("{n} reste à regarder"), _("{n} restent à regarder")],
    "identify": _("Identifier les copies"),
    "groups": {
        "look": _("À regarder"),
        "corrected": _("Corrigées d'office"),
        "placed": _("Mises à part"),
        "ok": _("En ordre"),
    },
    "sheet": _("feuille {n}"),
    "whole_image": _("image entière"),
    "gaps": _("numéros lus {read} : il manque {missing}"),
    "missing": _("il manque la page {missing}"),
    "read_mark": _("numéro lu {mark}"),
    "double": _("Numérisée deux fois ?"),
    "alike": _("Ressemblance {percent} %. D : double, la seconde est mise de côté. G : garder les deux."),
    "earlier": _("première"),
    "later": _("seconde"),
    "is_double": _("double"),
    "keep_both": _("garder les deux"),
    "beside_hint": _("La page choisie s'affiche ici en grand."),
    "all_seen": _("Tout est regardé : Entrée valide le lot."),
    "already_checked": _("Ce lot est déjà contrôlé."),
    "choose_verdict": _("D : double. G : garder les deux."),
    "no_pair": _("D et G répondent à « numérisée deux fois ? »."),
    "waiting": [_("{n} réparation en attente"), _("{n} réparations en attente")],
    "saved": _("enregistré à {at}"),
    "no_answer": _("Le serveur ne répond pas : les feuilles n'ont pas pu être relues."),
    "not_kept": _("Le serveur ne répond pas : cette réparation n'est pas enregistrée."),
    "picture_lost": _("cette page ne peut pas être affichée"),
    "refused": _("Le serveur a refusé cette réparation."),
}

_ASKING: dict[str, Any] = {
    "actions": _("Actions"),
    "cancel": _("annuler"),
    "close": _("fermer"),
    "previous": _("précédente"),
    "next": _("suivante"),
    "page_of": _("page {n} sur {total}"),
    "whole_page": _("page entière"),
    "full_width": _("pleine largeur"),
    "ask_aside": [
        _("Mettre cette page de côté. Pour quelle raison ?"),
        _("Mettre ces {n} pages de côté. Pour quelle raison ?"),
    ],
    "ask_validate": [
        _("Une feuille reste à regarder. Valider le lot quand même ?"),
        _("{n} feuilles restent à regarder. Valider le lot quand même ?"),
    ],
    "go_back": _("les regarder"),
    "validate_anyway": _("valider quand même"),
    "reason": _("Motif"),
    "reason_example": _("par exemple : feuille d'un autre élève retrouvée"),
    "repair_anyway": _("réparer"),
    "nothing_to_undo": _("Rien à annuler."),
    "undone": _("Annulé : {what}."),
    "one_side": _("Cette feuille n'a qu'une face : rien à échanger."),
}

_REPAIRING: dict[str, Any] = {
    "filters": _("Montrer"),
    "filter": {
        "all": _("Tous"),
        "look": _("◐ À regarder"),
        "loose": _("Volantes"),
        "annex": _("Annexes"),
        "aside": _("De côté"),
        "double": _("Doubles"),
        "blank": _("▢ Blanches"),
    },
    "none_in_filter": _("Rien de tel dans cette épreuve."),
    "selected": [_("{n} page choisie"), _("{n} pages choisies")],
    "sheets_from_to": _("{first} à {last}"),
    "carrying": _("déplacement"),
    "carry_how": _("Flèches : choisir la place. Entrée : poser. Échap : laisser."),
    "cut_where": _("Choisissez dans un livret la page qui commencera le nouveau livret."),
    "join_what": _("Il n'y a pas de livret avant celui-ci : choisissez les livrets à réunir."),
    "put_back_what": _("Choisissez une page qui n'est dans aucun livret."),
    "replace_how": [
        _("Choisissez la nouvelle numérisation de cette page, puis F. Échap : laisser."),
        _("Choisissez les {n} nouvelles pages dans le même ordre, puis F. Échap : laisser."),
    ],
    "replace_count": _("{olds} à remplacer, {news} choisies : il en faut autant."),
    "nothing_deleted": _("Rien ne se supprime ici : B met de côté, avec sa raison."),
    "no_suggestion": _("Aucune place n'est proposée pour cette page."),
    "waiting_tab": _("En attente"),
    "history_tab": _("Réparations"),
    "nothing_waits": _("Aucune feuille volante ni annexe n'attend."),
    "more_waiting": [_("… et {n} autre, dans la liste."), _("… et {n} autres, dans la liste.")],
    "attach_to": _("{booklet}, page {position}"),
    "no_history": _("Aucune réparation pour l'instant."),
    "undo": _("annuler"),
    "was_undone": _("annulée"),
    "cannot_undo": _("ne peut plus être annulée : les mêmes pages ont changé depuis"),
}
