"""Settings: one frozen value read once from ``KORRIGO_*`` variables."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import BadInput

PREFIX = "KORRIGO_"
DEFAULT_HOME = Path("data/var")
DROP_FOLDER = "depot"
"""Of the home, unless another one is given."""
READERS = ("ppocr", "tesseract", "null")
LOG_FORMATS = ("json", "text")
LOG_LEVELS = ("debug", "info", "warning", "error")
DATABASE_SCHEMES = ("sqlite", "postgresql", "postgresql+psycopg2", "postgresql+psycopg")
REDIS_SCHEMES = ("redis", "rediss", "unix")

TEST_VARIABLES = frozenset({"KORRIGO_REFERENCE_DATA"})
"""Variables of the tests, described in CONTRIBUTING.md."""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Settings:
    """Where data live and which parts are used; docs/settings.md says the same to those who install.

    Each field is set by the variable of its name in capitals, ``KORRIGO_`` before it. An empty variable
    counts as not set.

    Attributes:
        home: Folder of the database, stored files and secrets; mode 0700.
        database_url: Database; SQLite in the home when not given.
        redis_url: Redis that keeps page images already drawn; none when empty.
        reader: Recogniser of handwriting: ``ppocr``, ``tesseract`` or ``null``.
        drop_folder: Folder where copiers leave scans; ``depot`` in the home when not given.
        upload_limit_bytes: Largest scan file that is accepted.
        image_limit: Most pages one scan file may hold.
        sign_in_hours: Hours after which a connection ends by itself.
        trusted_proxies: Networks whose ``X-Forwarded-*`` and ``X-Request-ID`` headers are believed.
        metrics_from: Networks that may read ``/metrics`` and the details of ``/api/health/`` besides this
            machine itself.
        log_format: ``json`` or ``text``; when empty, text on a terminal and JSON elsewhere.
        log_level: From which level on lines are written: ``debug``, ``info``, ``warning`` or ``error``.
        commit: The commit the image was built from, shown beside the version.
    """

    home: Path = DEFAULT_HOME
    database_url: str = ""
    redis_url: str = ""
    reader: str = "ppocr"
    drop_folder: Path | None = None
    upload_limit_bytes: int = 2 * 1024**3
    image_limit: int = 2000
    sign_in_hours: int = 12
    trusted_proxies: tuple[Network, ...] = ()
    metrics_from: tuple[Network, ...] = ()
    log_format: str = ""
    log_level: str = "info"
    commit: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read and check the settings.

        Raises:
            BadInput: ``setting_not_a_number``, ``setting_too_small``, ``setting_unknown_choice``,
                ``setting_bad_url`` or ``setting_bad_network``.
        """
        given = _Given(environment)
        home = Path(given.text("home") or DEFAULT_HOME).absolute()
        return cls(
            home=home,
            database_url=given.url("database_url", DATABASE_SCHEMES)
            or f"sqlite:///{home / 'korrigo.sqlite'}",
            redis_url=given.url("redis_url", REDIS_SCHEMES),
            reader=given.choice("reader", READERS) or cls.reader,
            drop_folder=Path(given.text("drop_folder") or home / DROP_FOLDER).absolute(),
            upload_limit_bytes=given.count("upload_limit_bytes", cls.upload_limit_bytes),
            image_limit=given.count("image_limit", cls.image_limit),
            sign_in_hours=given.count("sign_in_hours", cls.sign_in_hours),
            trusted_proxies=given.networks("trusted_proxies"),
            metrics_from=given.networks("metrics_from"),
            log_format=given.choice("log_format", LOG_FORMATS),
            log_level=given.choice("log_level", LOG_LEVELS) or cls.log_level,
            commit=given.text("commit"),
        )

    def make_home(self) -> None:
        """Make the home on first use, and close it to the other users of the machine.

        Raises:
            BadInput: ``home_unwritable``.
        """
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.home.chmod(0o700)
            with tempfile.TemporaryFile(dir=self.home):
                pass
        except OSError:
            raise BadInput("home_unwritable", home=self.home) from None


def variable(field: str) -> str:
    """The variable of a field: ``home`` → ``KORRIGO_HOME``."""
    return PREFIX + field.upper()


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Names that begin like a setting and are none: mostly a slip of the keyboard."""
    known = {variable(field.name) for field in fields(Settings)} | TEST_VARIABLES
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


class _Given:
    """The variables, each read as what its field is."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, field: str) -> str:
        return self._environment.get(variable(field), "").strip()

    def choice(self, field: str, known: Sequence[str]) -> str:
        value = self.text(field).lower()
        if value and value not in known:
            raise BadInput(
                "setting_unknown_choice", setting=variable(field), value=value, known=", ".join(known)
            )
        return value

    def count(self, field: str, default: int) -> int:
        value = self.text(field)
        if not value:
            return default
        if not re.fullmatch(r"-?[0-9]{1,15}", value):
            raise BadInput("setting_not_a_number", setting=variable(field), value=value)
        if int(value) < 1:
            raise BadInput("setting_too_small", setting=variable(field), value=value, minimum=1)
        return int(value)

    def url(self, field: str, schemes: Sequence[str]) -> str:
        """An address; it may hold a password, so the error does not repeat it."""
        value = self.text(field)
        if not value:
            return ""
        expected = ", ".join(f"{scheme}://" for scheme in schemes)
        try:
            parts = urlsplit(value)
            wrong = parts.scheme not in schemes or "://" not in value or (parts.port or 1) < 1
        except ValueError:  # the port is no number, or a bracket is missing
            wrong = True
        if wrong:
            raise BadInput("setting_bad_url", setting=variable(field), known=expected)
        return value

    def networks(self, field: str) -> tuple[Network, ...]:
        found = []
        for part in re.split(r"[\s,;]+", self.text(field)):
            if not part:
                continue
            try:
                found.append(ip_network(part, strict=False))
            except ValueError:
                raise BadInput("setting_bad_network", setting=variable(field), value=part) from None
        return tuple(found)
