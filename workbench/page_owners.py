"""Whose connection the pages of this process last ran for.

A browser that lost its websocket asks to go on with the page it had, by the page's number. What that page
holds belongs to the connection it ran for: nobody else goes on with it, whatever number they name.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

_MOST = 10_000  # pages open at once on one replica, several times over; the oldest are forgotten first

_owners: OrderedDict[str, int | None] = OrderedDict()
_lock = threading.Lock()


def ran_for(page_session: str, connection_id: int | None) -> None:
    """Note that a page ran for a connection, ``None`` for a visitor who is not signed in."""
    with _lock:
        _owners[page_session] = connection_id
        _owners.move_to_end(page_session)
        while len(_owners) > _MOST:
            _owners.popitem(last=False)


def may_go_on(page_session: str, connection_id: int | None) -> bool:
    """Whether a page last ran for this very connection; a page nobody knows has no owner."""
    with _lock:
        return _owners.get(page_session, -1) == connection_id
