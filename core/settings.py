"""Settings: one frozen value read once from ``KORRIGO_*`` variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import BadInput

DEFAULT_HOME = Path("data/var")


@dataclass(frozen=True)
class Settings:
    """Where data live and which parts are used.

    Each field is set by the variable of its name in capitals, ``KORRIGO_`` before it.

    Attributes:
        home: Folder of the database, stored files and secrets; mode 0700.
        database_url: Database; SQLite in the home when not given.
        reader: Recogniser of handwriting: ``ppocr``, ``tesseract`` or ``null``.
        upload_limit_bytes: Largest scan file that is accepted.
        image_limit: Most pages one scan file may hold.
        sign_in_hours: Hours after which a connection ends by itself.
    """

    home: Path = DEFAULT_HOME
    database_url: str = ""
    reader: str = "ppocr"
    upload_limit_bytes: int = 2 * 1024**3
    image_limit: int = 2000
    sign_in_hours: int = 12

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings.

        Raises:
            BadInput: ``setting_not_a_number``: a number is expected.
        """
        home = Path(environment.get("KORRIGO_HOME", str(DEFAULT_HOME))).absolute()
        return cls(
            home=home,
            database_url=environment.get("KORRIGO_DATABASE_URL", "")
            or f"sqlite:///{home / 'korrigo.sqlite'}",
            reader=environment.get("KORRIGO_READER", cls.reader),
            upload_limit_bytes=_number(environment, "KORRIGO_UPLOAD_LIMIT_BYTES", cls.upload_limit_bytes),
            image_limit=_number(environment, "KORRIGO_IMAGE_LIMIT", cls.image_limit),
            sign_in_hours=_number(environment, "KORRIGO_SIGN_IN_HOURS", cls.sign_in_hours),
        )


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "")
    if not text:
        return default
    if not text.isdigit():
        raise BadInput("setting_not_a_number", setting=name, value=text)
    return int(text)
