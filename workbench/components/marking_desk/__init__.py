"""The marking desk, one component: nothing moves when one types, and no key waits for the server."""

from __future__ import annotations

from typing import Any

from workbench.components import declare

_render = declare("marking_desk")


def marking_desk(view: dict[str, Any], *, csrf_token: str, owner: int) -> None:
    """Draw the desk for a copy; ``view`` is what ``GET /marking/<code>`` answers.

    What could not be sent yet waits in the browser under ``owner``, the account that did it: somebody else
    at the same browser never sends it as theirs.
    """
    _render(key=f"marking_desk_{view['code']}", data={"csrf": csrf_token, "view": view, "owner": owner})
