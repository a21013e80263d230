"""The application as a server: Streamlit's pages and our routes on one port.

``python -m workbench.asgi --host H --port P`` (what ``korrigo serve`` starts), or
``python -m streamlit run workbench/asgi.py`` from the root of the project.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from uvicorn.config import LOGGING_CONFIG

from core.services.sealing import sealing
from workbench import logs, resources
from workbench.messages import on_script_error
from workbench.routes import routes
from workbench.routes.answers import unexpected_error
from workbench.routes.observed import Observed
from workbench.routes.protection import Protection
from workbench.routes.proxied import UVICORN_SWITCH, Proxied

ROOT = Path(__file__).parent.parent
LOOPBACK_NAMES = ("localhost", "*.localhost", "127.0.0.1", "::1")
"""What Streamlit's own check of hosts lets through besides the names that are given."""

os.environ[UVICORN_SWITCH] = ""


@asynccontextmanager
async def _opened(_app: st.App) -> AsyncIterator[None]:
    """Open the database before the first visitor: what is wrong with it stops the start, not a page."""
    _log_lines()  # again: the server has set up its own meanwhile
    resources.sessions()
    resources.blobs()
    with sealing(resources.sessions()):
        yield


app = st.App(
    ROOT / "workbench" / "app.py",
    routes=routes(),
    middleware=[Middleware(Observed), Middleware(Proxied), Middleware(Protection)],
    lifespan=_opened,
    on_script_error=on_script_error,
    exception_handlers={Exception: unexpected_error},
)


def _log_lines() -> None:
    # uvicorn sets up handlers of its own when it starts, before the lifespan.
    LOGGING_CONFIG.update(handlers={}, loggers={})
    logs.configure(format=resources.settings().log_format, level=resources.settings().log_level)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m workbench.asgi")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--tls-cert", default="")
    parser.add_argument("--tls-key", default="")
    parser.add_argument("--allowed-host", action="append", default=[])
    asked = parser.parse_args()
    # Streamlit reads .streamlit/config.toml from the current folder; a relative home was meant from here.
    _log_lines()
    os.chdir(ROOT)
    config: dict[str, object] = {"server.address": asked.host, "server.port": asked.port}
    if asked.tls_cert:
        config |= {"server.sslCertFile": asked.tls_cert, "server.sslKeyFile": asked.tls_key}
    if asked.allowed_host:
        config["server.allowedHosts"] = [*asked.allowed_host, *LOOPBACK_NAMES]
    app.run(config=config)


if __name__ == "__main__":
    main()
