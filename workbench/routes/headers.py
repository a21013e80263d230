"""The security headers of every answer, of the refusals and of the unexpected errors too."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

import streamlit
from starlette.requests import HTTPConnection

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_TLS_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
_FILES_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def headers_for(connection: HTTPConnection) -> dict[str, str]:
    """What each answer to ``connection`` bears, unless it says otherwise itself."""
    path: str = connection.scope["path"]
    more = _TLS_ONLY if connection.scope.get("scheme") == "https" else {}
    return {**_HEADERS, **more, "Content-Security-Policy": _policy(path)}


def _policy(path: str) -> str:
    return _FILES_POLICY if path.startswith("/files/") else _page_policy()


@cache
def _page_policy() -> str:
    """What Streamlit's pages need: its own files, components' code as blobs, styles set by emotion."""
    index = Path(streamlit.__file__).parent / "static" / "index.html"
    scripts = _INLINE_SCRIPT.findall(index.read_text(encoding="utf-8"))
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' blob: {hashes}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "frame-src 'self' blob:",
            "object-src 'self'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )
