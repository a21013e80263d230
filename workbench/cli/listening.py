"""Where the application listens, and what it refuses: a password or a cookie never crosses a network in clear."""

from __future__ import annotations

import functools
import os
import ssl
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from core.errors import BadInput
from core.settings import Settings, variable
from workbench.cookie import is_loopback

_FILE = click.Path(path_type=Path, dir_okay=False)
_PROXIES = variable("trusted_proxies")


@dataclass(frozen=True)
class Listening:
    """A checked way to listen."""

    host: str
    port: int
    tls_cert: Path | None
    tls_key: Path | None
    allowed_hosts: tuple[str, ...]

    @property
    def address(self) -> str:
        """Where a browser of this machine finds it."""
        return f"{'https' if self.tls_cert else 'http'}://localhost:{self.port}"

    def arguments(self) -> list[str]:
        """The same for ``python -m workbench.asgi``."""
        given = ["--host", self.host, "--port", str(self.port)]
        if self.tls_cert and self.tls_key:
            given += ["--tls-cert", str(self.tls_cert), "--tls-key", str(self.tls_key)]
        for name in self.allowed_hosts:
            given += ["--allowed-host", name]
        return given


def listening(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of where to listen; it receives them checked, as ``listen``."""

    @click.option("--host", default="127.0.0.1", show_default=True, help="Adresse d'écoute.")
    @click.option("--port", default=8501, show_default=True, type=click.IntRange(1, 65535))
    @click.option("--tls-cert", type=_FILE, help="Certificat (PEM), pour servir en https.")
    @click.option("--tls-key", type=_FILE, help="Clé privée du certificat (PEM), lisible par vous seul.")
    @click.option(
        "--behind-proxy",
        is_flag=True,
        help=f"Un mandataire (nginx) devant sert en https ; son adresse : {_PROXIES}, 127.0.0.1 par défaut.",
    )
    @click.option(
        "--allowed-host",
        "allowed_hosts",
        multiple=True,
        metavar="NOM",
        help="Nom sous lequel on ouvre l'application ; à répéter. Les autres sont refusés.",
    )
    @functools.wraps(command)
    def with_listening(
        host: str,
        port: int,
        tls_cert: Path | None,
        tls_key: Path | None,
        behind_proxy: bool,
        allowed_hosts: tuple[str, ...],
        **others: Any,
    ) -> None:
        tls_cert, tls_key = checked(host, tls_cert, tls_key, behind_proxy=behind_proxy)
        if behind_proxy and not os.environ.get(_PROXIES, "").strip():
            os.environ[_PROXIES] = "127.0.0.1"
        Settings.from_environment()  # a network that cannot be read is told before anything starts
        if is_loopback(host) and not behind_proxy and not allowed_hosts:
            # Another site whose name was made to point here would share our pages' origin.
            allowed_hosts = ("localhost",)
        command(listen=Listening(host, port, tls_cert, tls_key, allowed_hosts), **others)

    return with_listening


def checked(
    host: str, cert: Path | None, key: Path | None, *, behind_proxy: bool
) -> tuple[Path | None, Path | None]:
    """The certificate and key, absolute, when listening on ``host`` with them is safe.

    Raises:
        BadInput: ``serve_in_clear``, ``tls_needs_both``, ``tls_key_open``, ``tls_unreadable``.
    """
    if (cert is None) != (key is None):
        raise BadInput("tls_needs_both")
    if cert is None or key is None:
        if not is_loopback(host) and not behind_proxy:
            raise BadInput("serve_in_clear", host=host)
        return None, None
    try:
        if key.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadInput("tls_key_open", file=key)
        # An empty password, so that a key under a password is refused instead of asking for it.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key, password="")
    except (OSError, ssl.SSLError):
        raise BadInput("tls_unreadable", cert=cert, key=key) from None
    return cert.absolute(), key.absolute()
