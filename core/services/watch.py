"""Questions that must be answered in time, put to parts that may never answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, TimeoutError
from typing import Generic, TypeVar

T = TypeVar("T")


class Watch(Generic[T]):
    """Asks several parts at once, each in a thread of its own.

    A part that hangs keeps its one thread: the next question waits for the same answer, so that probes never
    pile up behind a database that went away. The threads end with the process.
    """

    def __init__(self) -> None:
        self._asked: dict[str, Future[T]] = {}
        self._lock = threading.Lock()

    def ask(self, questions: Mapping[str, Callable[[], T]], *, within_s: float) -> dict[str, T | None]:
        """The answers by name, ``None`` for those that did not come in time.

        What a question raises is raised here.
        """
        deadline = time.monotonic() + within_s
        running = {name: self._run(name, question) for name, question in questions.items()}
        answers: dict[str, T | None] = {}
        for name, future in running.items():
            try:
                answers[name] = future.result(max(deadline - time.monotonic(), 0))
            except TimeoutError:
                if future.done():  # the question's own
                    raise
                answers[name] = None
        return answers

    def _run(self, name: str, question: Callable[[], T]) -> Future[T]:
        with self._lock:
            known = self._asked.get(name)
            if known is not None and not known.done():
                return known
            future = self._asked[name] = Future()
        threading.Thread(target=_answer, args=(question, future), name=f"watch-{name}", daemon=True).start()
        return future


def _answer(question: Callable[[], T], future: Future[T]) -> None:
    try:
        answer = question()
    except BaseException as error:  # noqa: BLE001 - raised again where the answer is awaited
        future.set_exception(error)
    else:
        future.set_result(answer)
