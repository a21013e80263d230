"""How an installation stands, in French: the same words on the administrator's page and for the doctor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from core.i18n import _, moment, number, plural, size
from core.services.health import Component, Standing

TITLES: Mapping[str, str] = {
    "settings": _("Réglages"),
    "home": _("Dossier des données"),
    "drop_folder": _("Dossier de dépôt"),
    "database": _("Base de données"),
    "database_inside": _("Contenu de la base"),
    "files": _("Disque"),
    "stored_files": _("Fichiers gardés"),
    "queue": _("Travaux de fond"),
    "redis": _("Cache des pages"),
    "backup": _("Sauvegarde"),
    "journal": _("Journal"),
    "ppocr": _("Lecture de l'écriture"),
    "tesseract": _("Tesseract"),
    "jpegtran": _("jpegtran"),
    "fonts": _("Police des PDF"),
    "clock": _("Horloge"),
    "outside": _("Accès de l'extérieur"),
}

_INSTALL_AGAIN = _("Relancez l'installation (make install).")

PROBLEMS: Mapping[str, tuple[str, str]] = {
    "setting_unknown": (
        _("{setting} n'est pas un réglage connu"),
        _("Corrigez son nom d'après docs/settings.md, ou retirez-le."),
    ),
    "setting_wrong": (
        "{sentence}",
        _("Corrigez ce réglage (docs/settings.md), puis relancez korrigo doctor."),
    ),
    "home_open": (
        _("ouvert aux autres comptes de cette machine (mode {mode})"),
        _("Fermez-le : chmod 700 sur ce dossier."),
    ),
    "drop_folder_unwritable": (
        _("ne peut pas être écrit"),
        _("Corrigez ses droits ou son montage, ou choisissez-en un autre (KORRIGO_DROP_FOLDER)."),
    ),
    "drop_folder_closed": (
        _("{closed} de ses sous-dossiers ne peuvent pas être lus ou écrits"),
        _("Donnez-en la lecture et l'écriture au compte de l'application."),
    ),
    "home_unwritable": (_("ne peut pas être écrit"), _("Corrigez ses droits et son propriétaire.")),
    "database_missing": (
        _("pas encore faite"),
        _("Elle sera faite au premier démarrage ou par korrigo migrate."),
    ),
    "database_unreachable": (
        _("ne répond pas"),
        _("Démarrez-la, puis vérifiez KORRIGO_DATABASE_URL (machine, port, nom, mot de passe)."),
    ),
    "database_silent": (_("ne répond pas à temps"), _("Regardez sa charge et le réseau qui y mène.")),
    "database_slow": (_("répond en {latency}"), _("Regardez la charge de la machine et de la base.")),
    "database_schema": (_("n'est pas au schéma de cette version"), _("Lancez korrigo migrate.")),
    "database_inside_unreadable": (_("ne se lit pas"), _("Lancez korrigo migrate, puis korrigo doctor.")),
    "database_damaged": (
        _("la base SQLite est abîmée"),
        _("Arrêtez l'application et restaurez la dernière sauvegarde (korrigo restore)."),
    ),
    "database_not_wal": (
        _("journal SQLite « {mode} » au lieu de « wal »"),
        _("Mettez la base sur un disque local : un dossier partagé en réseau ne convient pas."),
    ),
    "database_too_old": (
        _("PostgreSQL {major} est trop ancien"),
        _("Passez à PostgreSQL 15 ou plus récent."),
    ),
    "database_few_connections": (
        _("PostgreSQL n'accepte que {max_connections} connexions"),
        _("Montez max_connections à 100."),
    ),
    "files_unreachable": (_("le dossier des fichiers ne répond pas"), _("Vérifiez le disque et ses droits.")),
    "files_half_restored": (
        _("une restauration s'est arrêtée au milieu : fichiers et base ne vont pas ensemble"),
        _("Arrêtez l'application et relancez la même commande korrigo restore DIR --force."),
    ),
    "files_silent": (_("ne répond pas à temps"), _("Vérifiez le disque ou le montage réseau.")),
    "files_unwritable": (
        _("le dossier des fichiers ne peut pas être écrit"),
        _("Vérifiez ses droits et la place."),
    ),
    "disk_low": (_("il reste {free} ({share})"), _("Faites de la place ou agrandissez le disque.")),
    "disk_full": (
        _("presque plein : il reste {free} ({share})"),
        _("Faites de la place maintenant : les prochains scans seraient refusés."),
    ),
    "stored_files_unreadable": (_("un fichier gardé ne se lit pas"), _("Vérifiez les droits et le disque.")),
    "stored_files_damaged": (
        _("{damaged} sur {read} lus ne sont plus ceux qui ont été reçus"),
        _("Le disque est sans doute en faute : restaurez la dernière sauvegarde sur un autre."),
    ),
    "redis_none": (_("aucun, et il n'en faut pas"), ""),
    "redis_unreachable": (
        _("Redis ne répond pas"),
        _("Démarrez-le ou videz KORRIGO_REDIS_URL ; les pages restent servies, plus lentement."),
    ),
    "redis_silent": (_("Redis ne répond pas à temps"), _("Regardez sa charge et le réseau qui y mène.")),
    "queue_without_worker": (
        _("personne pour les faire ({waiting} en attente)"),
        _("Démarrez korrigo worker, ou korrigo serve sans --no-worker."),
    ),
    "queue_late": (
        _("le plus ancien attend depuis {oldest}"),
        _("Ajoutez des travailleurs (korrigo worker --processes 2)."),
    ),
    "queue_unreachable": (_("inconnus : la base ne répond pas"), _("Rétablissez d'abord la base.")),
    "queue_silent": (_("inconnus : la base ne répond pas"), _("Rétablissez d'abord la base.")),
    "backup_never": (_("aucune"), _("Lancez korrigo backup DOSSIER, puis chaque nuit.")),
    "backup_late": (
        _("la dernière date de {age}"),
        _("Vérifiez pourquoi celle de la nuit n'a pas été faite."),
    ),
    "backup_unreachable": (_("inconnue : la base ne répond pas"), _("Rétablissez d'abord la base.")),
    "backup_silent": (_("inconnue : la base ne répond pas"), _("Rétablissez d'abord la base.")),
    "journal_unsealed": (
        _("{unsealed} sans sceau, depuis {oldest_unsealed}"),
        _("Redémarrez l'application ou un travailleur : l'un d'eux scelle le journal."),
    ),
    "journal_unreachable": (_("inconnu : la base ne répond pas"), _("Rétablissez d'abord la base.")),
    "journal_silent": (_("inconnu : la base ne répond pas"), _("Rétablissez d'abord la base.")),
    "ppocr_missing": (_("le modèle manque ou n'est pas le bon"), _INSTALL_AGAIN),
    "tesseract_missing": (
        _("absent, ou sans le français"),
        _("Installez les paquets Debian tesseract-ocr et tesseract-ocr-fra."),
    ),
    "jpegtran_missing": (
        _("absent : aucun PDF anonyme ne peut être fait"),
        _("Installez le paquet Debian libjpeg-turbo-progs."),
    ),
    "fonts_missing": (
        _("DejaVu absente : le grec et les signes mathématiques manquent"),
        _("Installez le paquet Debian fonts-dejavu-core."),
    ),
    "clock_wrong": (_("elle n'est pas à l'heure"), _("Réglez la date de la machine (timedatectl).")),
    "clock_behind": (
        _("le journal porte une heure qui n'est pas encore venue"),
        _("Réglez la date de la machine (timedatectl)."),
    ),
    "clock_apart": (
        _("plus de deux minutes d'écart avec la base de données"),
        _("Mettez les deux machines à l'heure (timedatectl)."),
    ),
    "clock_unreadable": (_("inconnue : la base ne répond pas"), _("Rétablissez d'abord la base.")),
    "proxies_everybody": (
        _("n'importe qui passe pour le mandataire (KORRIGO_TRUSTED_PROXIES)"),
        _("N'y mettez que l'adresse de nginx."),
    ),
    "metrics_everybody": (
        _("les mesures sont lisibles de partout (KORRIGO_METRICS_FROM)"),
        _("N'y mettez que l'adresse de Prometheus."),
    ),
}
"""What is wrong or worth telling, and what to do about it, by code. ``{…}`` are figures of the part."""


def told(part: Component) -> str:
    """How a part stands, in a few words without a capital."""
    if part.code in PROBLEMS:
        return PROBLEMS[part.code][0].format_map(_words(part))
    return _well(part)


def remedy(part: Component) -> str:
    """What to do about it; empty when there is nothing to do."""
    return PROBLEMS[part.code][1] if part.code in PROBLEMS else ""


def span(seconds: float) -> str:
    """A length of time as people say it: ``40 s``, ``12 min``, ``5 h``, ``3 jours``."""
    length = timedelta(seconds=seconds)
    if length < timedelta(minutes=1):
        return _("{count} s").format(count=number(round(seconds)))
    if length < timedelta(hours=1):
        return _("{count} min").format(count=number(round(seconds / 60)))
    if length < timedelta(days=2):
        return _("{count} h").format(count=number(round(seconds / 3600)))
    return plural(length.days, _("jour"), _("jours"))


def _well(part: Component) -> str:
    words = _words(part)
    if part.name == "database":
        kind = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[str(part.figures["kind"])]
        return _("{kind} répond en {latency}").format(kind=kind, latency=words["latency"])
    if part.name == "database_inside" and "major" in part.figures:
        return _("PostgreSQL {major}, {max_connections} connexions au plus").format_map(words)
    if part.name == "files":
        return _("il reste {free} ({share})").format_map(words)
    if part.name == "stored_files":
        return _("{read} lus sur {kept}, intacts").format_map(words)
    if part.name == "queue":
        return _queue(part)
    if part.name == "redis":
        return _("Redis répond en {latency}").format_map(words)
    if part.name == "backup":
        return _("la dernière date de {age}").format_map(words)
    if part.name == "journal":
        return _("scellé")
    return _("en ordre")


def _queue(part: Component) -> str:
    figures = {name: int(part.figures[name] or 0) for name in ("workers", "waiting", "running", "failed")}
    told = _("{workers}, {waiting} en attente, {running} en cours").format(
        workers=plural(figures["workers"], _("travailleur"), _("travailleurs")),
        waiting=number(figures["waiting"]),
        running=number(figures["running"]),
    )
    if figures["failed"]:
        told += _(", {failed} (voir Travaux en cours)").format(
            failed=plural(figures["failed"], _("mis de côté"), _("mis de côté"))
        )
    return told


class _Words(dict[str, str]):
    """Figures as words; one that is not known is an ellipsis."""

    def __missing__(self, key: str) -> str:
        return "…"


def _words(part: Component) -> _Words:
    words = _Words({name: str(value) for name, value in part.figures.items()})
    if part.latency_ms is not None:
        words["latency"] = _("{count} ms").format(count=number(part.latency_ms, 1))
    for name, key in (
        ("age_s", "age"),
        ("oldest_waiting_s", "oldest"),
        ("oldest_unsealed_s", "oldest_unsealed"),
    ):
        if (seconds := part.figures.get(name)) is not None:
            words[key] = span(float(seconds))
    if (free := part.figures.get("free_bytes")) is not None:
        words["free"] = size(int(free))
    if (share := part.figures.get("free_share")) is not None:
        words["share"] = _("{count} %").format(count=number(round(float(share) * 100)))
    if (ended := part.figures.get("ended_at")) is not None:
        words["ended"] = moment(datetime.fromisoformat(str(ended)).astimezone())
    return words


SHAPES: Mapping[Standing, str] = {Standing.OK: "✔", Standing.DEGRADED: "◐", Standing.DOWN: "✖"}
