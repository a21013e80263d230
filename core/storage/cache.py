"""Bytes that can be made again, kept for a while: a cache that may forget, fail or lie without harm.

Rights are checked before it is asked. A key is the SHA-256 of everything its bytes depend on, so nothing in
it ever has to be taken back: what changes gets another key, and the old bytes run out.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

KEPT_S = 12 * 3600
"""A day of marking; a page nobody looked at since the morning is drawn again."""
LARGEST_BYTES = 4 << 20
"""A page at 1700 px is well under 1 MB."""
TIMEOUT_S = 0.25
"""A page is drawn in about as long (docs/bench.md): waiting longer for the cache could only lose."""
REST_S = 5.0
"""After a failure the cache is not asked for so long, or every page would wait for its silence."""
TOLD_EVERY_S = 60.0

_PREFIX = "korrigo:cache:"
_DIGEST_BYTES = 32
_log = logging.getLogger(__name__)


@dataclass
class CacheCounts:
    """What became of the questions to a cache since the process started."""

    hits: int = 0
    misses: int = 0
    failures: int = 0


class Cache(Protocol):
    """Bytes under keys that are SHA-256 values in hexadecimal. It never raises: a failure is a miss."""

    counts: CacheCounts

    def get(self, key: str) -> bytes | None:
        """The bytes put under ``key``, ``None`` when they are not there (any more)."""

    def put(self, key: str, content: bytes) -> None:
        """Keep bytes for a while, if possible."""

    def answers(self) -> bool | None:
        """Whether what is behind it answers now; ``None`` when there is nothing behind it."""


class NoCache:
    """Keeps nothing."""

    def __init__(self) -> None:
        self.counts = CacheCounts()

    def get(self, key: str) -> bytes | None:  # noqa: ARG002 - the protocol's signature
        """Nothing is there."""
        return None

    def put(self, key: str, content: bytes) -> None:
        """Nothing is kept."""

    def answers(self) -> None:
        """There is nothing behind it."""
        return


@dataclass
class RedisCache:
    """A cache that the processes of an installation share.

    The bytes bear their own SHA-256 in front: what was damaged, or written by somebody else, is a miss.
    """

    url: str
    counts: CacheCounts = field(default_factory=CacheCounts)

    def __post_init__(self) -> None:
        self._redis: Redis = Redis.from_url(
            self.url,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._lock = threading.Lock()
        self._rests_until = 0.0
        self._told_at = -TOLD_EVERY_S

    def get(self, key: str) -> bytes | None:
        """The bytes under ``key``; a failure is a miss."""
        found = self._asked(lambda: self._redis.get(_PREFIX + key))
        content = _verified(found) if isinstance(found, bytes) else None
        with self._lock:
            if content is None:
                self.counts.misses += 1
            else:
                self.counts.hits += 1
        return content

    def put(self, key: str, content: bytes) -> None:
        """Keep ``content`` for :data:`KEPT_S`; what is larger than :data:`LARGEST_BYTES` is not kept."""
        if len(content) <= LARGEST_BYTES:
            value = hashlib.sha256(content).digest() + content
            self._asked(lambda: self._redis.set(_PREFIX + key, value, ex=KEPT_S))

    def answers(self) -> bool:
        """Whether Redis answers now, however lately it failed."""
        try:
            return bool(self._redis.ping())
        except (RedisError, OSError):
            return False

    def _asked(self, question: _Question) -> object:
        if time.monotonic() < self._rests_until:
            return None
        try:
            return question()
        except (RedisError, OSError) as error:
            self._failed(error)
            return None

    def _failed(self, error: Exception) -> None:
        instant = time.monotonic()
        with self._lock:
            self.counts.failures += 1
            self._rests_until = instant + REST_S
            told = instant - self._told_at >= TOLD_EVERY_S
            if told:
                self._told_at = instant
        if told:
            _log.warning("the page cache fails (%s); pages are drawn without it", type(error).__name__)


class _Question(Protocol):
    def __call__(self) -> object: ...


def open_cache(redis_url: str) -> Cache:
    """The cache of an installation: Redis when it has one. Redis need not be there yet."""
    return RedisCache(redis_url) if redis_url else NoCache()


def _verified(value: bytes) -> bytes | None:
    digest, content = value[:_DIGEST_BYTES], value[_DIGEST_BYTES:]
    return content if hashlib.sha256(content).digest() == digest else None
