"""One French sentence per error code: what is wrong, where, and what to do about it.

Core raises codes with details; pages, routes and the command line show what stands here. A test reads
the codes out of core's source and demands a sentence for each, and that its fields are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from core.errors import WorkbenchError
from core.i18n import _, number, short_day, size

# Where: said once, before the sentence, whichever of these details an error bears.
_PLACES = {
    "file": "{file}",
    "line": _("ligne {line}"),
    "page": _("page {page}"),
    "column": _("colonne « {column} »"),
    "copy": _("copie {copy}"),
}

SENTENCES: dict[str, str] = {
    # --- rights and objects
    "not_allowed": _("Accès refusé."),
    "signed_out": _("Votre connexion est terminée. Reconnectez-vous, puis recommencez."),
    "conflict": _("Quelqu'un d'autre a modifié la même chose entre-temps. Rechargez la page et recommencez."),
    "impossible_transition": _(
        "Ce n'est pas possible dans l'état actuel de la copie ({status}). Rechargez la page."
    ),
    "internal_error": _(
        "Ce travail s'est arrêté sur une erreur inattendue (travail n° {job}). Relancez-le ; "
        "si elle revient, donnez ce numéro à l'administrateur."
    ),
    # --- accounts and signing in
    "account_admin_self": _(
        "On ne se retire pas soi-même le rôle d'administration : demandez à un autre administrateur."
    ),
    "account_disable_self": _("On ne ferme pas son propre compte : demandez à un autre administrateur."),
    "account_last_admin": _(
        "« {login} » est le dernier compte d'administration ouvert. Donnez d'abord ce rôle à quelqu'un d'autre."
    ),
    "account_login_invalid": _(
        "L'identifiant « {login} » ne convient pas : lettres sans accent, chiffres, point, tiret ou @, "
        "64 signes au plus."
    ),
    "account_login_taken": _("L'identifiant « {login} » est déjà pris. Choisissez-en un autre."),
    "account_no_role": _("Le compte « {login} » n'a aucun rôle. Donnez-lui-en au moins un."),
    "account_password_too_long": _(
        "Ce mot de passe est trop long ({maximum_bytes} au plus). Raccourcissez-le."
    ),
    "account_password_too_short": _(
        "Ce mot de passe est trop court : {minimum} signes au moins. Une petite phrase convient très bien."
    ),
    "account_password_unchanged": _(
        "Le nouveau mot de passe est le même que l'ancien. Choisissez-en un autre."
    ),
    "password_wrong": _("Le mot de passe actuel n'est pas le bon. Vérifiez la saisie et recommencez."),
    "sign_in_throttled": _(
        "Trop d'essais. Attendez {minutes} minutes, ou demandez un nouveau mot de passe à l'administrateur."
    ),
    # --- why a finalisation failed
    "storage_failed": _(
        "Le PDF n'a pas pu être écrit. Vérifiez l'espace disque, puis relancez la finalisation."
    ),
    "job_goes_on": _("Ce travail ne s'interrompt pas : des copies attendent sa fin."),
    "job_ended": _("Ce travail vient de finir : il n'y a plus rien à interrompre."),
    "pdf_failed": _(
        "Le PDF de cette copie n'a pas pu être fait. Vérifiez son scan, puis relancez la finalisation."
    ),
    "tool_missing": _(
        "Le programme jpegtran manque. Relancez l'installation (make install), puis la finalisation."
    ),
    # --- control of a lot and atelier d'agrafage
    "repair_unknown_kind": _("Cette réparation n'existe pas ({kind}). Rechargez la page."),
    "repair_nothing": _("Cette réparation ne changerait rien : c'est déjà ainsi."),
    "repair_unknown_page": _("Cette page n'est pas dans l'épreuve. Rechargez la page de l'atelier."),
    "repair_unknown_booklet": _(
        "Ce livret n'existe plus : ses pages ont été réunies à un autre. Rechargez la page de l'atelier."
    ),
    "repair_unknown_sheet": _(
        "La feuille {sheet} n'est pas dans ce fichier. Rechargez la page de l'atelier."
    ),
    "repair_unknown_file": _(
        "Il faut deux fichiers différents de cette épreuve, avec des pages. Choisissez-en deux."
    ),
    "repair_bad_position": _("La place {value} n'existe pas dans ce livret : choisissez de 1 à {last}."),
    "repair_bad_cut": _("On ne coupe pas là : il faut au moins une page de chaque côté (de 2 à {last})."),
    "repair_bad_turn": _(
        "On tourne d'un quart, d'un demi ou de trois quarts de tour, pas de {value} degrés."
    ),
    "repair_quarter_of_sheet": _(
        "Une feuille pliée ne se tourne que d'un demi-tour : un quart de tour couperait ses pages. "
        "Si elle est couchée, renumérisez-la."
    ),
    "repair_one_side": _(
        "Une seule face de la feuille {sheet} est dans le fichier : il n'y a rien à échanger. "
        "Déplacez plutôt sa page."
    ),
    "repair_join_one": _("Il faut au moins deux livrets à réunir. Choisissez-en un autre."),
    "repair_replace_itself": _(
        "Une page ne se remplace pas elle-même. Choisissez celles de la nouvelle numérisation."
    ),
    "repair_replace_more": _(
        "Aucune de ces pages n'est dans un livret : la nouvelle numérisation ne peut pas avoir plus de pages "
        "que l'ancienne. Rattachez-les une à une."
    ),
    "repair_erased_page": _("Cette page a été effacée définitivement : elle ne peut plus être déplacée."),
    "repair_interleave_sheets": _(
        "Réunir rectos et versos ne se fait que sur des feuilles simples (A4). Pour des feuilles pliées, "
        "échangez recto et verso feuille par feuille."
    ),
    "repair_reason_too_long": _("Ce motif est trop long ({limit} signes au plus). Raccourcissez-le."),
    "put_back_where": _("Cette page n'était dans aucun livret. Dites dans lequel la mettre."),
    "repaired_meanwhile": _(
        "Quelqu'un vient de toucher aux mêmes pages (réparation n° {repair}). Regardez ce qu'il a fait, "
        "puis recommencez si c'est encore nécessaire."
    ),
    "repair_touched_since": _(
        "Ces pages ont encore changé depuis. Annulez d'abord la réparation n° {repair}."
    ),
    "repair_undone_already": _("La réparation n° {repair} est déjà annulée."),
    "join_two_candidates": _(
        "Ces livrets sont identifiés comme deux élèves différents. Corrigez d'abord l'identification de l'un."
    ),
    "repair_needs_reopening": _(
        "La copie {code} est finalisée ou publiée. Donnez un motif : elle sera retirée à l'élève si elle est "
        "publiée, rouverte, et son correcteur prévenu."
    ),
    "copy_finalising": _(
        "Le PDF de la copie {code} est en train d'être fait. Attendez une minute, puis recommencez."
    ),
    "repair_empties_copy": _(
        "La copie {code}, déjà confiée à un correcteur, n'aurait plus aucune page. Laissez-lui au moins une "
        "page, ou échangez les pages des deux copies."
    ),
    "file_not_ingested": _(
        "Les pages de ce fichier ne sont pas encore connues. Attendez la fin de son traitement."
    ),
    "file_not_checked": _(
        "Ce fichier n'a pas encore été contrôlé. Validez-le d'abord dans « Contrôle du lot »."
    ),
    "lot_count": _("Ce nombre ne convient pas : {value}. Écrivez celui de l'enveloppe, ou rien."),
    # --- requests of our own components
    "request_unreadable": _("La demande est incomplète. Rechargez la page et recommencez."),
    "parameter_unreadable": _("La demande est incomplète ({parameter}). Rechargez la page et recommencez."),
    "upload_too_large": _(
        "Ce fichier dépasse la limite de {limit_bytes}. Découpez-le et renvoyez les parties."
    ),
    "upload_chunk_too_large": _(
        "L'envoi ne correspond pas à ce qui était annoncé. Rechargez la page et choisissez de nouveau ce fichier."
    ),
    "upload_elsewhere": _(
        "Ce fichier est en train d'arriver d'une autre fenêtre. Laissez-la finir, ou recommencez dans un instant."
    ),
    "upload_finishing": _("Ce fichier est arrivé et se vérifie. Attendez un instant."),
    "upload_no_space": _(
        "Il n'y a plus assez de place sur le disque du serveur. Prévenez l'administrateur ; "
        "l'envoi reprendra où il en est."
    ),
    "upload_too_many": _(
        "{limit} envois sont déjà commencés. Terminez-en un, ou abandonnez ceux qui ne servent plus."
    ),
    # --- serving
    "serve_in_clear": _(
        "Écouter sur {host} ferait passer mots de passe et copies en clair sur le réseau : ajoutez --tls-cert "
        "et --tls-key, ou --behind-proxy si un mandataire sert en https devant."
    ),
    "tls_needs_both": _("Le certificat et sa clé vont ensemble : donnez --tls-cert et --tls-key."),
    "tls_key_open": _(
        "Cette clé privée peut être lue par d'autres que vous. Fermez-la (chmod 600), puis recommencez."
    ),
    "tls_unreadable": _(
        "Le certificat {cert} et la clé {key} ne se lisent pas, ou ne vont pas ensemble. Vérifiez les deux fichiers "
        "(PEM, sans mot de passe)."
    ),
    # --- settings and parts of the machine
    "setting_not_a_number": _("Le réglage {setting} doit être un nombre entier, et non « {value} »."),
    "setting_too_small": _("Le réglage {setting} doit valoir au moins {minimum}, et non {value}."),
    "setting_unknown_choice": _(
        "Le réglage {setting} ne connaît pas « {value} ». Choisissez parmi : {known}."
    ),
    "setting_bad_url": _(
        "Le réglage {setting} n'est pas une adresse qui convient. Elle commence par : {known}."
    ),
    "setting_bad_network": _(
        "Le réglage {setting} contient « {value} », qui n'est pas un réseau. Écrivez par exemple 10.0.0.0/8."
    ),
    "home_unwritable": _(
        "Le dossier des données {home} ne peut pas être écrit. Corrigez ses droits, ou choisissez-en un autre "
        "(KORRIGO_HOME)."
    ),
    "unknown_reader": _("Le lecteur d'écriture « {name} » n'existe pas. Choisissez parmi : {known}."),
    "reader_model_missing": _(
        "Le modèle de lecture {file} manque dans le paquet {package}. Relancez l'installation (make install)."
    ),
    "reader_tesseract_missing": _(
        "Tesseract n'a pas la langue « {language} ». Installez le paquet Debian tesseract-ocr-fra."
    ),
    # --- tables
    "table_empty": _("Le fichier ne contient aucune ligne. Vérifiez que c'est le bon."),
    "table_unreadable": _(
        "Ce fichier {format} ne se lit pas comme un tableau. Enregistrez-le en CSV ou en XLSX et recommencez."
    ),
    "table_too_large": _(
        "Ce tableau est trop lourd : {limit_mb} Mo au plus. Gardez seulement les lignes utiles."
    ),
    "table_line_overfull": _(
        "Cette ligne a plus de cellules que l'en-tête n'a de colonnes ({columns}). "
        "Vérifiez le séparateur et les guillemets."
    ),
    "bad_date": _("« {value} » n'est pas une date. Écrivez-la JJ/MM/AAAA ou AAAA-MM-JJ."),
    # --- rosters and entries
    "roster_no_name_column": _(
        "Aucune colonne ne donne les noms. Colonnes trouvées : {headers}. "
        "Nommez-en une « Élèves », ou deux « Nom » et « Prénom »."
    ),
    "roster_line_no_name": _("Cette ligne n'a pas de nom. Complétez-la et importez de nouveau."),
    "roster_line_repeated": _("Cette ligne répète la ligne {same_as} : gardez l'une des deux."),
    "roster_name_has_digits": _("Le nom « {name} » contient des chiffres. Vérifiez les colonnes."),
    "roster_homonym": _("Plusieurs élèves s'appellent {name} : la date de naissance les distinguera."),
    "name_cut_unsure": _("Coupe proposée entre nom et prénom : {surname} | {first_name}. À vérifier."),
    "session_name_missing": _("Donnez un nom à la session, par exemple « Bac blanc janvier 2027 »."),
    "entries_ambiguous": _(
        "{count} candidats s'appellent {name}. Ajoutez la date de naissance à cette ligne."
    ),
    "entries_bad_presence": _(
        "« {value} » n'est pas une présence connue : attendu, présent, absent, absent justifié, dispensé "
        "ou rattrapage."
    ),
    "entries_unknown_candidate": _(
        "{name} n'est pas sur la liste de la session. Corrigez le nom ou la liste."
    ),
    "entries_unknown_variant": _("Le sujet « {value} » n'existe pas dans cette épreuve : {variants}."),
    # --- papers and marking schemes
    "paper_name_missing": _("Donnez un nom à l'épreuve, par exemple « Maths J1 »."),
    "paper_name_taken": _("La session {session} a déjà une épreuve {paper}. Choisissez un autre nom."),
    "paper_bad_variant": _("Le code de sujet « {variant} » ne convient pas : une lettre ou un mot court."),
    "paper_bad_total": _("Le total {value} ne convient pas : un nombre positif, deux décimales au plus."),
    "paper_bad_coefficient": _("Le coefficient {value} ne convient pas : un nombre, deux décimales au plus."),
    "paper_bad_step": _("Le pas {value} ne convient pas : par exemple 0,25 ou 0,5."),
    "scheme_missing": _("Une épreuve a besoin d'un barème. Donnez son fichier (CSV ou XLSX)."),
    "scheme_empty": _("Le barème ne contient aucun item à noter. Vérifiez que c'est le bon fichier."),
    "scheme_no_item_column": _(
        "Le barème n'a pas de colonne « item ». Colonnes trouvées : {headers}. Nommez ainsi celle des numéros."
    ),
    "scheme_no_points_column": _(
        "Le barème n'a pas de colonne « points ». Colonnes trouvées : {headers}. Nommez ainsi celle des points."
    ),
    "scheme_no_code": _("Cette ligne du barème n'a pas de numéro d'item. Complétez-la (1, 1.a, …)."),
    "scheme_bad_code": _("Le numéro d'item « {item} » ne convient pas. Écrivez-le comme 1, 1.a ou 2.b.3."),
    "scheme_bad_points": _("Les points de l'item {item} ne tombent pas sur le pas de {step}."),
    "scheme_bad_bonus": _("« {value} » n'est pas un bonus pour l'item {item} : écrivez oui ou laissez vide."),
    "scheme_points_not_number": _("« {value} » n'est pas un nombre de points pour l'item {item}."),
    "scheme_duplicate_item": _("L'item {item} figure deux fois dans le barème. Gardez une seule ligne."),
    "scheme_node_total": _(
        "L'item {item} annonce {stated} points, mais ses parties en font {leaves}. Accordez les deux."
    ),
    "scheme_total": _(
        "Le barème fait {scheme_total} points sans les bonus, l'épreuve est sur {paper_total}. "
        "Corrigez l'un des deux."
    ),
    # --- scans
    "file_empty": _("Ce fichier est vide. Exportez-le de nouveau depuis le copieur."),
    "not_a_pdf": _("Ce fichier n'est pas un PDF. Exportez le scan en PDF et renvoyez-le."),
    "pdf_truncated": _(
        "Ce PDF est incomplet, sans doute coupé pendant la copie. Copiez-le de nouveau et renvoyez-le."
    ),
    "pdf_encrypted": _(
        "Ce PDF est protégé par un mot de passe. Enregistrez-le sans protection et renvoyez-le."
    ),
    "pdf_no_pages": _("Ce PDF n'a aucune page. Vérifiez que c'est le bon fichier."),
    "pdf_page_too_large": _("Cette page est démesurée. Numérisez-la de nouveau au format A3 ou A4."),
    "pdf_page_without_size": _("Cette page n'a pas de dimensions. Numérisez-la de nouveau."),
    "pdf_too_many_pages": _("Ce PDF a {pages} pages ; {limit} au plus. Découpez-le et renvoyez les parties."),
    # --- files of any kind, opened in a process apart
    "scan_kind_unknown": _(
        "Ce fichier n'est ni un PDF, ni une image (TIFF, JPEG, PNG, HEIC, WebP), ni une archive ZIP. "
        "Exportez le scan en PDF et renvoyez-le."
    ),
    "scan_too_many_images": _("Ce fichier a plus de {limit} images. Découpez-le et renvoyez les parties."),
    "scan_too_heavy": _(
        "Ce fichier demande trop de mémoire ou de temps pour être lu. Numérisez à 200 ou 300 points par pouce, "
        "ou découpez-le, et renvoyez-le."
    ),
    "scan_crashed_reader": _(
        "Ce fichier est abîmé : sa lecture s'arrête net. Exportez-le de nouveau depuis le copieur et renvoyez-le."
    ),
    "pdf_damaged": _(
        "Ce PDF est abîmé : la liste de ses pages ne se lit pas en entier. Exportez-le de nouveau depuis le copieur."
    ),
    "tiff_truncated": _(
        "Ce TIFF est incomplet, sans doute coupé pendant la copie. Copiez-le de nouveau et renvoyez-le."
    ),
    "tiff_damaged": _("Ce TIFF est abîmé. Exportez-le de nouveau depuis le copieur, en PDF si possible."),
    "picture_truncated": _(
        "Cette image est incomplète, sans doute coupée pendant la copie. Copiez-la de nouveau et renvoyez-la."
    ),
    "picture_unreadable": _("Cette image ne se lit pas. Prenez-la ou exportez-la de nouveau et renvoyez-la."),
    "archive_not_taken": _("Une archive ZIP ne convient pas ici. Ouvrez-la et envoyez les fichiers."),
    "archive_damaged": _("Cette archive ZIP est abîmée ou incomplète. Refaites-la et renvoyez-la."),
    "header_model_exists": _("« {name} » existe déjà dans cette session. Choisissez un autre nom."),
    "header_model_name": _("Donnez un nom à cette zone, de {limit} signes au plus."),
    "header_zone_empty": _(
        "Trop peu de choses sont imprimées dans la zone pour la retrouver sur les autres copies. Agrandissez-la "
        "pour y prendre des mots imprimés ou des traits, ou choisissez une page plus nette."
    ),
    "header_zone_field": _(
        "Un champ est en dehors de la zone. Déplacez-le à l'intérieur, ou agrandissez la zone."
    ),
    "header_zone_lost": _(
        "La zone n'est pas retrouvée sur la page même où elle est tracée. Tracez-la sur une page droite et "
        "nette, en haut de la feuille."
    ),
    "header_zone_no_field": _("Tracez au moins un champ : celui où l'élève écrit son nom, par exemple."),
    "header_zone_size": _(
        "La zone tracée mesure {width_mm} mm sur {height_mm} mm : il en faut au moins 25 sur 6, et 140 au plus en "
        "hauteur. Tracez-la autour de l'en-tête seul."
    ),
    "scan_in_use": _(
        "{file} : des pages de ce fichier sont déjà dans des copies. Réparez-les dans l'atelier, ou annulez d'abord "
        "leurs identifications."
    ),
    "archive_empty": _("Cette archive ZIP ne contient aucun fichier. Vérifiez que c'est la bonne."),
    "archive_is_document": _(
        "Ce fichier est un document bureautique, pas un scan. Enregistrez-le en PDF et renvoyez-le."
    ),
    "archive_too_many": _(
        "Cette archive contient {members} fichiers ; {limit} au plus. Faites-en plusieurs archives."
    ),
    "archive_too_large": _(
        "Cette archive dépasse {limit_bytes} une fois ouverte. Faites-en plusieurs archives."
    ),
    "archive_bomb": _(
        "Ce fichier de l'archive devient démesuré une fois ouvert. Envoyez-le à part s'il est bien à vous."
    ),
    "archive_nested": _("Une archive dans l'archive n'est pas ouverte. Envoyez-la à part."),
    "archive_member_link": _("C'est un lien et non un fichier. Mettez le fichier lui-même dans l'archive."),
    "archive_member_name": _(
        "Ce nom mène hors de l'archive. Renommez le fichier, refaites l'archive et renvoyez-la."
    ),
    "archive_member_encrypted": _(
        "Ce fichier de l'archive est protégé par un mot de passe. Refaites l'archive sans protection."
    ),
    "archive_member_unreadable": _(
        "Ce fichier de l'archive ne se lit pas. Refaites l'archive, ou envoyez ce fichier à part."
    ),
    "page_image_too_large": _(
        "L'image de cette page est démesurée. Numérisez-la à 200 ou 300 points par pouce."
    ),
    "page_unreadable": _("Cette page ne se lit pas. Numérisez-la de nouveau."),
    "jpeg_unreadable": _("Une image de cette copie ne se lit pas. Numérisez la feuille de nouveau."),
    "scan_layout": _("La disposition « {layout} » n'existe pas : auto, a3, a4 ou files."),
    # --- identification
    "decisions_columns": _(
        "Il manque des colonnes : il faut booklet, surname, first_name et birth_date. Complétez l'en-tête."
    ),
    "candidate_has_copy": _(
        "Ce candidat a déjà la copie {code}, qui est sortie de l'identification. Vérifiez avant de continuer."
    ),
    "copy_released": _("La copie {code} est déjà distribuée : sa composition ne change plus ici."),
    "decided_meanwhile": _(
        "Quelqu'un vient de décider pour cette copie. Regardez sa décision et recommencez."
    ),
    # --- allocation
    "allocation_no_corrector": _("Choisissez au moins un correcteur."),
    "allocation_unknown_corrector": _("« {login} » n'est pas un correcteur. Vérifiez l'identifiant."),
    # --- marking
    "annotation_bad_shape": _("Cette annotation ({kind}) n'a pas pu être lue. Tracez-la de nouveau."),
    "annotation_unknown_page": _("Cette page n'existe pas dans la copie. Rechargez la page de correction."),
    "appreciation_too_long": _("L'appréciation est trop longue : {limit} signes au plus."),
    "remark_too_long": _("La remarque de l'item {item} est trop longue : {limit} signes au plus."),
    "copy_claimed": _(
        "Cette copie est ouverte sur un autre écran. Elle se libère d'elle-même après 15 minutes."
    ),
    "copy_not_allocated": _(
        "La copie {code} n'est attribuée à aucun correcteur. Faites d'abord la répartition."
    ),
    "copy_not_markable": _("La copie {code} ne se corrige pas dans son état actuel."),
    "copy_not_released": _("La copie {code} n'est pas encore distribuée."),
    "copy_of_other_corrector": _("La copie {code} n'est pas celle de {corrector}."),
    "item_neutralised": _("L'item {item} est neutralisé pour cette copie : il ne se note pas."),
    "mark_above_maximum": _("{mark} dépasse le maximum de l'item {item} ({maximum})."),
    "mark_missing": _("Il manque la note de l'item {item}."),
    "mark_negative": _("{mark} est négatif : l'item {item} se note à partir de 0."),
    "mark_not_a_number": _("« {value} » n'est pas une note pour l'item {item}. Écrivez par exemple 0,75."),
    "mark_off_step": _("{mark} ne tombe pas sur le pas de {step} (item {item})."),
    "mark_unknown_action": _("Cette action n'existe pas ({action}). Rechargez la page de correction."),
    "mark_unknown_item": _("L'item {item} n'existe pas dans le barème de cette copie."),
    "marking_changed": _("Cette copie a été modifiée sur un autre écran. Rechargez-la : rien n'est perdu."),
    "marks_appreciation_with_mark": _("La ligne de l'appréciation (item *) ne porte pas de note."),
    "marks_no_column": _("La colonne manque. Colonnes trouvées : {headers}."),
    "marks_repeated_line": _("L'item {item} de la copie {code} figure déjà plus haut dans le fichier."),
    "marks_too_fine": _("Les notes ont plus de {limit} décimales. Arrondissez-les d'abord."),
    "marks_unknown_kind": _(
        "« {kind} » n'est pas une sorte de correction : ordinary, seed, second, adjudicated."
    ),
    # --- finalisation, publication, exports
    "copy_changed": _("La copie {code} vient de changer d'état. Rechargez la page et recommencez."),
    "copy_incomplete": _(
        "La copie {code} n'est pas finie : {items}. Notez ces items ou marquez-les « non traité »."
    ),
    "export_unknown_format": _("Le format « {format} » n'existe pas. Choisissez parmi : {known}."),
    "reopen_needs_reason": _("Rouvrir la copie {code} demande un motif. Écrivez-le en quelques mots."),
    "candidate_ambiguous": _(
        "Plusieurs candidats s'appellent {surname} {first_name}. Ajoutez la date de naissance."
    ),
    "candidate_unknown": _("{surname} {first_name} n'est pas attendu à cette épreuve. Vérifiez le nom."),
    # --- the command line and the demonstration
    "file_not_found": _("Ce fichier n'existe pas ou ne se lit pas. Vérifiez son chemin."),
    "not_a_number": _("« {value} » n'est pas un nombre. Écrivez par exemple 20 ou 0,5."),
    "demo_recipe_invalid": _("Cette recette de démonstration ne convient pas : {reason}. Corrigez-la."),
    "demo_fonts_missing": _(
        "Il manque des polices manuscrites ({found} trouvées, {needed} nécessaires). Installez : {missing}."
    ),
    "demo_text_undrawable": _(
        "Aucune police ne sait écrire « {text} ». Installez d'autres polices manuscrites."
    ),
    "demo_crops_missing": _(
        "Le dossier {folder} n'a pas les écritures attendues. Vérifiez KORRIGO_REFERENCE_DATA."
    ),
    # --- backup and restore
    "backup_folder_taken": _(
        "{folder} existe déjà et n'est pas vide. Donnez un nouveau dossier, par exemple daté du jour."
    ),
    "backup_inside_home": _(
        "{folder} est dans le dossier des données : perdu avec lui, il ne sauverait rien. Choisissez un autre disque."
    ),
    "backup_unwritable": _(
        "{folder} ne peut pas être écrit ({reason}). Vérifiez le disque, sa place libre et vos droits."
    ),
    "backup_blob_missing": _(
        "Ce fichier gardé manque, alors que la base le cite ({named_by}). Rien n'a été sauvegardé : "
        "remettez-le depuis une sauvegarde plus ancienne, puis recommencez."
    ),
    "backup_blob_damaged": _(
        "Ce fichier gardé est abîmé ({named_by}). Rien n'a été sauvegardé : "
        "remettez-le depuis une sauvegarde plus ancienne, puis recommencez."
    ),
    "blob_damaged": _("Ce fichier gardé est abîmé. Remettez-le depuis une sauvegarde."),
    "folder_being_written": _(
        "Une autre commande écrit en ce moment dans {folder}. Attendez qu'elle finisse."
    ),
    "backup_not_one": _("{folder} n'est pas une sauvegarde entière de Korrigo. Vérifiez le dossier donné."),
    "backup_manifest_damaged": _(
        "Le manifeste de {folder} est abîmé : rien n'y est sûr. Prenez une autre sauvegarde."
    ),
    "backup_format_unknown": _(
        "Cette sauvegarde a un format inconnu ({format}). Installez la version de Korrigo qui l'a faite."
    ),
    "backup_newer": _(
        "Cette sauvegarde vient d'un Korrigo plus récent ({version}, schéma {revision}). "
        "Mettez d'abord Korrigo à jour."
    ),
    "backup_file_missing": _("Ce fichier manque dans la sauvegarde. Prenez-en une autre."),
    "backup_file_extra": _(
        "Ce fichier n'appartient pas à la sauvegarde. Vérifiez d'où il vient et ôtez-le, puis recommencez."
    ),
    "backup_file_damaged": _("Ce fichier de la sauvegarde est abîmé. Prenez une autre sauvegarde."),
    "backup_database_damaged": _(
        "La base de cette sauvegarde est abîmée ({reason}). Prenez une autre sauvegarde."
    ),
    "backup_other_kind": _(
        "Cette sauvegarde est celle d'une base {kind}, et KORRIGO_DATABASE_URL désigne une base {present}. "
        "Restaurez-la sur une base {kind}."
    ),
    "restore_not_empty": _(
        "Il y a déjà des données dans {home} ou dans sa base. Pour les remplacer, ajoutez --force : "
        "elles resteront à côté."
    ),
    "restore_differs": _(
        "La restauration n'est pas identique à la sauvegarde ({part}). Rien n'a été remplacé ; vérifiez le "
        "disque, puis recommencez."
    ),
    "restore_unwritable": _(
        "{home} ne peut pas être remplacé ({reason}). Dossier et base sont comme avant ; vérifiez le disque, "
        "sa place libre et vos droits, puis recommencez."
    ),
    "restore_unfinished": _(
        "La restauration de {folder} s'est arrêtée au milieu : {home} et sa base ne vont pas ensemble. Arrêtez "
        "l'application et relancez : korrigo restore {folder} --force."
    ),
    "restore_mark_damaged": _(
        "Ce fichier dit ce qu'une restauration arrêtée au milieu a remplacé, et il est abîmé. Rendez à la main "
        "leur nom au dossier et à la base gardés (« .before- »), puis ôtez ce fichier."
    ),
    "database_unreachable": _(
        "La base de données ne répond pas ({reason}). Démarrez-la, vérifiez KORRIGO_DATABASE_URL, puis "
        "recommencez."
    ),
    "restore_role_cannot_create": _(
        "Le rôle PostgreSQL « {role} » n'a pas le droit de créer ou de renommer la base. Donnez-le-lui "
        "(ALTER ROLE … CREATEDB), puis recommencez."
    ),
    "database_in_use": _(
        "La base {database} est en service. Arrêtez l'application et ses travaux de fond, puis recommencez."
    ),
    "database_tool_missing": _(
        "Le programme {tool} manque, ou il est plus ancien que la base. Installez postgresql-client-{version}."
    ),
    "database_tool_failed": _("Le programme {tool} a échoué : {reason}. Corrigez cela, puis recommencez."),
    # --- reports
    "report_unknown": _("Le rapport « {name} » n'existe pas. Choisissez parmi : {known}."),
    "snapshot_exists": _("{path} existe déjà. Choisissez un autre dossier."),
    "snapshot_unwritable": _("{path} ne peut pas être écrit. Vérifiez le dossier et ses droits."),
}

MISSING: dict[str, str] = {
    "account": _("Ce compte n'existe pas, ou il est fermé."),
    "connection": _("Cette connexion est déjà terminée."),
    "address": _("Cette adresse n'existe pas."),
    "blob": _("Un fichier gardé est introuvable. Prévenez l'administrateur : une sauvegarde peut le rendre."),
    "lot": _("Ce lot n'existe pas ou plus. Rechargez la page."),
    "repair": _("Cette réparation n'est pas de cette épreuve. Rechargez la page de l'atelier."),
    "double_scan": _("Ces deux images n'ont pas été trouvées semblables. Rechargez la page de l'atelier."),
    "page_set": _("Cet état des pages de la copie n'existe pas. Rechargez la copie."),
    "booklet": _("Ce livret n'existe pas ou plus. Rechargez la page."),
    "candidate": _("Ce candidat n'est pas, ou pas seul, à porter ce nom sur la liste de l'épreuve."),
    "copy": _("Cette copie n'existe pas, ou elle ne vous est pas confiée."),
    "header": _("Ce livret n'a pas d'en-tête."),
    "header_model": _("Cette zone d'identification est déjà retirée. Rechargez la page."),
    "job": _("Ce travail n'existe pas ou plus."),
    "marking": _("Cette copie ne vous est pas confiée."),
    "marked_pdf": _("Le PDF de cette copie n'existe pas encore : elle n'est pas finalisée."),
    "page": _("Cette page n'existe pas dans la copie."),
    "paper": _("Cette épreuve n'existe pas ou plus."),
    "scan_file": _("Ce fichier de scan n'existe pas ou plus."),
    "session": _("Cette session n'existe pas ou plus."),
    "upload": _("Cet envoi est abandonné ou trop ancien. Choisissez de nouveau le fichier."),
}

_UNKNOWN = _("L'opération a été refusée ({code}). Rechargez la page et recommencez.")


def sentence(error: WorkbenchError) -> str:
    """The sentence of an error, its place first: ``liste.csv, ligne 12 : …``."""
    return sentence_of(error.code, error.details)


def sentence_of(code: str, details: Mapping[str, Any]) -> str:
    """The sentence of an error that was kept as its code and details, such as a failed job's."""
    values = _Given({key: _words(key, value) for key, value in details.items()})
    if code == "not_found":
        told = MISSING.get(str(details.get("kind")), _("Introuvable."))
    elif code in SENTENCES:
        told = SENTENCES[code].format_map(values)
    else:
        told = _UNKNOWN.format(code=code)
    place = _place(details)
    return f"{place} : {told[:1].lower()}{told[1:]}" if place else told


class _Given(dict[str, str]):
    """Details that were given; one that was not is shown as an ellipsis rather than failing."""

    def __missing__(self, key: str) -> str:
        return "…"


def _place(details: Mapping[str, Any]) -> str:
    parts = [
        words.format(**{key: _words(key, details[key])})
        for key, words in _PLACES.items()
        if details.get(key) not in (None, "")
    ]
    return ", ".join(parts)


def _words(key: str, value: object) -> str:
    """A detail as French people write it: decimal comma, JJ/MM/AAAA, sizes in octets, lists with commas."""
    if isinstance(value, bool) or value is None:
        return ""
    if key.endswith("_bytes") and isinstance(value, int):
        return size(value)
    if isinstance(value, int | float | Decimal):
        return number(value)
    if isinstance(value, date):
        return short_day(value)
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_words("", part) for part in value)
    return str(value)
