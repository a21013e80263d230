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

from workbench import resources
from workbench.messages import on_script_error
from workbench.routes import routes
from workbench.routes.answers import unexpected_error
from workbench.routes.protection import Protection

ROOT = Path(__file__).parent.parent


@asynccontextmanager
async def _opened(_app: st.App) -> AsyncIterator[None]:
    """Open the database before the first visitor: what is wrong with it stops the start, not a page."""
    resources.sessions()
    resources.blobs()
    yield


app = st.App(
    ROOT / "workbench" / "app.py",
    routes=routes(),
    middleware=[Middleware(Protection)],
    lifespan=_opened,
    on_script_error=on_script_error,
    exception_handlers={Exception: unexpected_error},
)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m workbench.asgi")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    asked = parser.parse_args()
    # Streamlit reads .streamlit/config.toml from the current folder; a relative home was meant from here.
    resources.settings()
    os.chdir(ROOT)
    app.run(config={"server.address": asked.host, "server.port": asked.port})


if __name__ == "__main__":
    main()
