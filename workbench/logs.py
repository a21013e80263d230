"""The log: one JSON object a line on stderr, with the request it belongs to and no personal data.

A line holds codes, ids, templates of addresses and durations. What could be about a person never enters it:

- of an exception, its type and the places it passed through; its text only where that text cannot hold a value;
- of other packages' messages, their text without the words they fill in (addresses, paths, headers);
- extra fields only when they are in :data:`_FIELDS`.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from core.errors import WorkbenchError

if TYPE_CHECKING:  # every command imports this module: it must cost nothing
    from core.jobs.rows import Lease

_FIELDS = ("method", "route", "status", "duration_ms")
"""What a call may add to its line with ``extra``."""

_OURS = ("korrigo", "core", "workbench", "pages", "__main__")
_SCRIPT_THREAD = "ScriptRunner"  # Streamlit's name for the threads that run pages
_SANE_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_HARMLESS = (AttributeError, ImportError, NameError, TypeError, RecursionError, NotImplementedError)
"""Errors of the interpreter about code, whose text names types and attributes."""
_LOOKS_PERSONAL = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.-]+"  # a mail address
    r"|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"  # an address of a machine
    r"|(?<!\w)(?:[0-9a-fA-F]{1,4}:){2,}[0-9a-fA-F:]*"
    r"|\?[^\s\"']+"  # the query of an address
)
_TOLD_BY_US = {
    ("uvicorn.error", "Exception in ASGI application"),
    ("streamlit.error_util", "Uncaught app execution"),
}
"""Second reports of an error that our handlers have logged already, under its error id."""

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_account_id: ContextVar[int | None] = ContextVar("account_id", default=None)
_job: ContextVar[tuple[int, str] | None] = ContextVar("job", default=None)


def begin(request_id: str = "") -> str:
    """Start a request, or a run of a page: every line from here on bears its id, which is returned.

    ``request_id`` is used when it looks like one, for instance the proxy's; otherwise a fresh one is made.
    """
    chosen = request_id if _SANE_ID.fullmatch(request_id) else secrets.token_hex(8)
    _request_id.set(chosen)
    _account_id.set(None)
    return chosen


def request_id() -> str:
    """The id of the request at hand, empty outside of one."""
    known = _request_id.get()
    if not known and threading.current_thread().name.startswith(_SCRIPT_THREAD):
        return begin()  # a fragment runs without the entry script
    return known


def acting(account_id: int | None) -> None:
    """Say which account the request at hand belongs to."""
    _account_id.set(account_id)


def with_job(handler: Callable[[Lease], None]) -> Callable[[Lease], None]:
    """A job handler whose lines bear the job's id and kind, those about its failure too."""

    def run(held: Lease) -> None:
        _job.set((held.job_id, held.kind))
        handler(held)
        _job.set(None)

    return run


def configure(*, format: str, level: str, stream: TextIO | None = None) -> None:
    """Send every log of this process through here; calling it again takes over what was added since.

    Args:
        format: ``json``, ``text``, or empty: text when ``stream`` is a terminal, JSON otherwise.
        level: From which level on our own lines are written; other packages' from ``warning`` on.
        stream: Where to; stderr when not given.
    """
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    chosen = format or ("text" if out.isatty() else "json")
    handler.setFormatter(JsonLines() if chosen == "json" else TextLines())
    handler.addFilter(_is_news)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            _take_over(logger)
    streamlit_logger = sys.modules.get("streamlit.logger")
    if streamlit_logger is not None:  # it gives a handler of its own to each logger it will make
        streamlit_logger.setup_formatter = _take_over  # type: ignore[attr-defined]
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        return json.dumps(_line(record), ensure_ascii=False)


class TextLines(logging.Formatter):
    """The same for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a record: what it says, its fields, its traceback below."""
        line = _line(record)
        head = f"{line.pop('time')[11:19]} {line.pop('level'):<7} {line.pop('message')}"
        places = line.pop("exception", "")
        line.pop("logger")
        told = " ".join([head, *(f"{name}={value}" for name, value in line.items())])
        return f"{told}\n{places}" if places else told


def told(error: BaseException) -> str:
    """A traceback without any text that could hold a value: files, lines, functions, types and codes."""
    return "\n".join(_parts(error, set()))


def _line(record: logging.LogRecord) -> dict[str, Any]:
    job = _job.get()
    line: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": _message(record),
        "request_id": request_id(),
        "account_id": _account_id.get(),
        "job_id": job[0] if job else None,
        "job_kind": job[1] if job else None,
        **{name: getattr(record, name, None) for name in _FIELDS},
    }
    if record.exc_info and record.exc_info[1] is not None:
        line["exception"] = told(record.exc_info[1])
    return {name: value for name, value in line.items() if value not in (None, "")}


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] in _OURS:
        return record.getMessage()
    if isinstance(record.args, Mapping):
        return _scrubbed(str(record.msg))
    shown = tuple(value if isinstance(value, int | float) else "…" for value in record.args or ())
    try:
        return _scrubbed(str(record.msg) % shown if shown else str(record.msg))
    except (TypeError, ValueError):  # the template wants a number where its word was taken away
        return _scrubbed(str(record.msg))


def _scrubbed(text: str) -> str:
    return _LOOKS_PERSONAL.sub("…", text).strip()


def _parts(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _parts(before, seen)
        yield "then:"
    yield from (
        f"  {frame.filename}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    )
    yield _text_of(error)
    for inner in getattr(error, "exceptions", ()):
        if isinstance(inner, BaseException) and id(inner) not in seen:
            yield from _parts(inner, seen)


def _text_of(error: BaseException) -> str:
    """What is known of an error without its text, unless that text can only be about code."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    if isinstance(error, WorkbenchError):
        return f"{kind}: {error.code}"
    driver = getattr(error, "orig", None)
    if isinstance(driver, BaseException):  # of SQLAlchemy, around the driver's own
        # The driver repeats values ("Key (login)=(…) already exists"): its code and the constraint's name do not.
        diagnosis = getattr(driver, "diag", None)
        known = (
            type(driver).__name__,
            getattr(driver, "sqlite_errorname", None) or getattr(driver, "sqlstate", None),
            getattr(driver, "pgcode", None),
            getattr(diagnosis, "table_name", None),
            getattr(diagnosis, "constraint_name", None),
        )
        return f"{kind}: {' '.join(str(part) for part in known if part)}"
    if isinstance(error, OSError):
        return f"{kind}: errno {error.errno}"
    if isinstance(error, _HARMLESS):
        return f"{kind}: {_scrubbed(str(error))}"
    return kind


def _is_news(record: logging.LogRecord) -> bool:
    return (record.name, str(record.msg).strip()) not in _TOLD_BY_US


def _take_over(logger: logging.Logger) -> None:
    """Let a logger's lines come to the root; below a warning, other packages are silent."""
    logger.handlers.clear()
    logger.propagate = True
    if logger.name.partition(".")[0] not in _OURS:
        logger.setLevel(logging.WARNING)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("korrigo").critical("uncaught", exc_info=error)


def _uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_value is not None:
        logging.getLogger("korrigo").critical("uncaught in a thread", exc_info=caught.exc_value)
