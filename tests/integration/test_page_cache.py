"""The cache of page images: a real Redis, which may forget, lie or die without harm."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from core.db.tables import HalfPage
from core.errors import NotAllowed
from core.services import copies, page_images
from core.services.page_images import PageSource, drawing_key
from core.storage import cache
from core.storage.blobs import BlobStore
from core.storage.cache import NoCache, RedisCache, open_cache
from tests.integration.builders import STAFF, Exam, build_exam, pixels
from tests.redis_server import RedisServer

Sessions = sessionmaker[Session]
KEY = "a" * 64
PAGE = PageSource("0" * 64, index=0, box=(0, 0, 800, 1000), rotation_deg=0, mask_boxes=((1, 2, 30, 40),))


@pytest.fixture
def database_kind() -> str:
    """The cache knows of no database."""
    return "sqlite"


@pytest.fixture(scope="module")
def started() -> Iterator[RedisServer]:
    with RedisServer.running() as server:
        yield server


@pytest.fixture
def redis(started: RedisServer) -> RedisServer:
    """An empty server that runs, whatever the test before did to it."""
    if started.process is None:
        started.start()
    Redis.from_url(started.url).flushall()
    return started


@pytest.fixture
def blobs(tmp_path: Path, redis: RedisServer) -> BlobStore:
    return BlobStore(tmp_path / "blobs", open_cache(redis.url))


@pytest.fixture
def exam(sessions: Sessions, blobs: BlobStore) -> Exam:
    return build_exam(sessions, blobs)


def kept(redis: RedisServer) -> list[bytes]:
    return list(Redis.from_url(redis.url).scan_iter())


# --- the cache itself


def test_what_was_put_is_there_for_another_process_too(redis: RedisServer) -> None:
    RedisCache(redis.url).put(KEY, b"image")
    other = RedisCache(redis.url)

    assert other.get(KEY) == b"image"
    assert other.get("b" * 64) is None
    assert (other.counts.hits, other.counts.misses, other.counts.failures) == (1, 1, 0)


def test_nothing_is_kept_longer_than_half_a_day(redis: RedisServer) -> None:
    RedisCache(redis.url).put(KEY, b"image")

    [name] = kept(redis)
    assert 0 < int(Redis.from_url(redis.url).ttl(name)) <= 12 * 3600


def test_what_is_too_large_is_not_kept(redis: RedisServer) -> None:
    RedisCache(redis.url).put(KEY, bytes(cache.LARGEST_BYTES + 1))

    assert kept(redis) == []


@pytest.mark.parametrize("lie", [b"", b"image of somebody else", bytes(32) + b"image"])
def test_bytes_that_are_not_those_that_were_put_are_a_miss(redis: RedisServer, lie: bytes) -> None:
    RedisCache(redis.url).put(KEY, b"image")
    [name] = kept(redis)
    Redis.from_url(redis.url).set(name, lie)

    assert RedisCache(redis.url).get(KEY) is None


def test_a_cache_that_died_is_a_miss_told_once_and_not_waited_for(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    dying = RedisCache(redis.url)
    dying.put(KEY, b"image")
    redis.stop()

    with caplog.at_level(logging.WARNING):
        started = time.monotonic()
        found = [dying.get(KEY) for _ in range(100)]
        lasted_s = time.monotonic() - started

    assert found == [None] * 100
    assert lasted_s < 1
    assert dying.counts.failures == 1  # then it is left alone for a while
    assert len(caplog.records) == 1
    assert redis.url not in caplog.text
    assert dying.answers() is False


def test_a_cache_that_came_back_is_used_again(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "REST_S", 0.0)
    away = RedisCache(redis.url)
    redis.stop()
    away.put(KEY, b"image")

    redis.start()
    away.put(KEY, b"image")

    assert away.get(KEY) == b"image"
    assert away.answers() is True


def test_without_an_address_there_is_no_cache() -> None:
    none = open_cache("")

    none.put(KEY, b"image")

    assert isinstance(none, NoCache)
    assert none.get(KEY) is None
    assert none.answers() is None


# --- keys


def test_a_masked_and_a_named_image_never_share_a_key() -> None:
    unmasked = replace(PAGE, mask_boxes=())

    keys = {
        drawing_key(page, masked=masked, width_px=900)
        for page in (PAGE, unmasked)
        for masked in (True, False)
    }

    assert len(keys) == 3  # a named image does not depend on the masks
    assert drawing_key(PAGE, masked=False, width_px=900) == drawing_key(unmasked, masked=False, width_px=900)


@pytest.mark.parametrize(
    "change",
    [
        {"scan_sha256": "1" * 64},
        {"index": 1},
        {"box": (0, 0, 800, 1001)},
        {"rotation_deg": 180},
        {"mask_boxes": ()},
        {"mask_boxes": ((1, 2, 30, 41),)},
        {"mask_boxes": ((1, 2, 30, 40), (5, 5, 9, 9))},
    ],
)
def test_whatever_an_image_depends_on_changes_its_key(change: dict[str, object]) -> None:
    changed = replace(PAGE, **change)  # type: ignore[arg-type]

    assert drawing_key(changed, masked=True, width_px=900) != drawing_key(PAGE, masked=True, width_px=900)


def test_the_width_and_the_way_of_drawing_are_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = drawing_key(PAGE, masked=True, width_px=900)

    assert drawing_key(PAGE, masked=True, width_px=901) != before
    monkeypatch.setattr(page_images, "_DRAWING", page_images._DRAWING + 1)
    assert drawing_key(PAGE, masked=True, width_px=900) != before


# --- pages


def test_a_page_is_drawn_once_and_the_same_bytes_come_back(
    sessions: Sessions, blobs: BlobStore, exam: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = copies.masked_page(sessions, STAFF, blobs, code=exam.codes[0], page=1)
    monkeypatch.setattr(page_images, "readers", None)  # drawing again would fail

    second = copies.masked_page(sessions, STAFF, blobs, code=exam.codes[0], page=1)

    assert second == first
    assert blobs.derived.counts.hits == 1


def test_the_named_page_does_not_come_out_where_the_masked_one_is_asked_for(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    for _ in range(2):
        named = copies.named_page(sessions, STAFF, blobs, code=exam.codes[0], page=1)
        masked = copies.masked_page(sessions, STAFF, blobs, code=exam.codes[0], page=1)

        assert masked.content != named.content


def test_a_zone_masked_by_hand_is_gone_from_the_next_image_on(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    before = pixels(copies.masked_page(sessions, STAFF, blobs, code=exam.codes[0], page=1).content)
    with sessions.begin() as session:
        half = session.scalars(select(HalfPage).order_by(HalfPage.id)).first()
        assert half is not None
        for row in session.scalars(select(HalfPage).where(HalfPage.scan_image_id == half.scan_image_id)):
            row.mask_boxes_px = [list(row.box_px)]

    after = pixels(copies.masked_page(sessions, STAFF, blobs, code=exam.codes[0], page=1).content)

    assert np.ptp(before) > 100
    assert np.ptp(after) < 10


def test_the_right_is_checked_before_the_cache_is_asked(
    sessions: Sessions, blobs: BlobStore, exam: Exam
) -> None:
    copies.masked_page(sessions, STAFF, blobs, code=exam.codes[0], page=1)

    with pytest.raises(NotAllowed):
        copies.masked_page(sessions, exam.actor("martin"), blobs, code=exam.codes[0], page=1)
    assert blobs.derived.counts.hits == 0


def test_pages_are_served_while_the_cache_dies(
    sessions: Sessions, blobs: BlobStore, exam: Exam, redis: RedisServer
) -> None:
    first = copies.masked_page(sessions, STAFF, blobs, code=exam.codes[0], page=1)
    redis.stop()

    after = [copies.masked_page(sessions, STAFF, blobs, code=exam.codes[0], page=1) for _ in range(3)]

    assert after == [first] * 3


def test_no_name_and_no_code_stands_in_the_cache_s_keys(
    sessions: Sessions, blobs: BlobStore, exam: Exam, redis: RedisServer
) -> None:
    copies.named_page(sessions, STAFF, blobs, code=exam.codes[0], page=1)

    [name] = kept(redis)
    prefix, _, digest = name.decode().rpartition(":")
    assert prefix == "korrigo:cache"
    assert len(bytes.fromhex(digest)) == 32
