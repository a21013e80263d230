"""A browser reduced to its websocket: what a person with a few lines of Python can send and read."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

PATIENCE_S = 20.0


@dataclass
class Answer:
    """What one rerun drew: the messages, every text in them, and the widgets by their key."""

    messages: list[Any] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """Every string of what was drawn."""
        return [text for message in self.messages for text in _strings(message)]

    @property
    def text(self) -> str:
        """All of it, one string a line."""
        return "\n".join(self.texts)

    @property
    def page_hashes(self) -> dict[str, str]:
        """The script hash of each page of the navigation, by its address."""
        return {
            page.url_pathname: page.page_script_hash
            for message in self.messages
            if message.WhichOneof("type") == "navigation"
            for page in message.navigation.app_pages
        }

    @property
    def widget_ids(self) -> dict[str, list[str]]:
        """Ids of the widgets drawn, by the kind of element (``button``, ``text_input``…)."""
        found: dict[str, list[str]] = {}
        for message in self.messages:
            if message.WhichOneof("type") != "delta" or message.delta.WhichOneof("type") != "new_element":
                continue
            element = message.delta.new_element
            kind = element.WhichOneof("type")
            identity = getattr(getattr(element, kind), "id", "") if kind else ""
            if identity:
                found.setdefault(str(kind), []).append(identity)
        return found


class Socket:
    """One open page."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def open(self, page: str, query: str = "") -> Answer:
        """Ask for a page by its address, as a browser does first."""
        return self.send(page_name=page, query_string=query)

    def press(self, page_hash: str, buttons: list[str], *, query: str = "") -> Answer:
        """Press these buttons, on whatever page they stand."""
        return self.send(page_script_hash=page_hash, query_string=query, buttons=buttons)

    def send(self, *, buttons: list[str] | None = None, **state: str) -> Answer:
        """Send one rerun and read what it draws."""
        message: Any = BackMsg()
        for name, value in state.items():
            setattr(message.rerun_script, name, value)
        for button in buttons or []:
            message.rerun_script.widget_states.widgets.add(id=button, trigger_value=True)
        if not state:
            message.rerun_script.query_string = ""
        self._connection.send(message.SerializeToString())
        return self._read()

    def send_bytes(self, sent: bytes) -> None:
        """Send any bytes at all."""
        self._connection.send(sent)

    def _read(self) -> Answer:
        answer, deadline = Answer(), time.monotonic() + PATIENCE_S
        while True:
            message: Any = ForwardMsg()
            message.ParseFromString(self._connection.recv(timeout=deadline - time.monotonic()))
            answer.messages.append(message)
            # A page that sends elsewhere ends early: the run that it asked for follows.
            ended = message.WhichOneof("type") == "script_finished"
            if ended and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return answer


@contextmanager
def opened(url: str, cookie: str = "", headers: Mapping[str, str] | None = None) -> Iterator[Socket]:
    """A websocket to the application at ``url``, with this cookie and these headers and nothing else."""
    parts = urlsplit(url)
    sent = {**({"Cookie": f"korrigo={cookie}"} if cookie else {}), **(headers or {})}
    with connect(
        f"ws://{parts.netloc}/_stcore/stream",
        additional_headers=sent,
        subprotocols=["streamlit"],  # type: ignore[list-item]
        max_size=None,
        proxy=None,
    ) as connection:
        try:
            yield Socket(connection)
        except ConnectionClosed as closed:
            raise AssertionError(f"the server closed: {closed}") from closed


def _strings(message: Message) -> Iterator[str]:
    """Every string and text of bytes in a protobuf message, however deep."""
    for descriptor, value in message.ListFields():
        for item in _each(descriptor, value):
            if isinstance(item, Message):
                yield from _strings(item)
            elif isinstance(item, str):
                yield item
            elif isinstance(item, bytes):
                yield item.decode("utf-8", "replace")


def _each(descriptor: FieldDescriptor, value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key in value:
            yield key
            yield value[key]
    elif descriptor.is_repeated:
        yield from value
    else:
        yield value
