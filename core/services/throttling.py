"""Guesses are counted: per login and address, per login from anywhere, per address for any login.

A whole class signs in from one address: only failures count, and a success forgets those of its own login.
Beyond the limit of an address, each login still has :data:`STILL_HEARD` attempts of its own there: one pupil
who guesses at invented logins does not shut a school out. Nothing here asks whether a login exists: both kinds
get the same words after the same work, so that neither answer nor time tells. An invented login therefore costs
a comparison (bcrypt, with nobody's password) beyond the limit too; :func:`turn` bounds that work, one at a time.

An attempt is committed as a failure before its password is looked at, then counted with all that were
committed before. Of attempts made at the same moment, the last one committed counts every other: running
guesses side by side gains nothing, on either database and without a lock.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core.db.session import Sessions
from core.db.tables import SignInFailure
from core.db.tables.base import now
from core.errors import BadInput
from core.services.transactions import reading, writing

WINDOW = timedelta(minutes=10)
FAILURES_HERE = 10
"""Most failures on one login from one address."""
FAILURES_ON_LOGIN = 50
"""Most failures on one login from anywhere: a guesser with many addresses."""
FAILURES_FROM_ADDRESS = 200
"""Failures from one address on any logins, a guesser with many, after which each has :data:`STILL_HEARD` there."""
STILL_HEARD = 3
"""Most failures on one login from an address that is beyond its limit: somebody who mistypes there."""

# Bits that a provider gives to one subscriber, who owns every address in them (RFC 6177).
_IPV6_HOUSEHOLD = 64
_KEY = secrets.token_bytes(32)
_TURN = threading.Lock()
_LOG = logging.getLogger("korrigo.sign_in")


def count_attempt(sessions: Sessions, *, login: str, address: str) -> bool:
    """Count an attempt as a failure; :func:`forget_failures` after it when it was none.

    Returns whether the address is beyond its limit, for :func:`turn`.

    Raises:
        BadInput: ``sign_in_throttled`` with ``minutes``. A refused attempt counts no further, so that who
            guesses in one place does not shut the owner out in another.
    """
    login_sha256, address_sha256 = _sha256(_wanted(login)), _address_sha256(address)
    with writing(sessions) as session:
        session.execute(delete(SignInFailure).where(SignInFailure.at < now() - WINDOW))
        attempt = SignInFailure(login_sha256=login_sha256, address_sha256=address_sha256)
        session.add(attempt)
        session.flush()
        attempt_id = attempt.id
    on_login = SignInFailure.login_sha256 == login_sha256
    from_address = SignInFailure.address_sha256 == address_sha256
    with reading(sessions) as session:
        here, anywhere, at_address = session.execute(
            select(
                func.count().filter(on_login, from_address),
                func.count().filter(on_login),
                func.count().filter(from_address),
            ).where(on_login | from_address, SignInFailure.at >= now() - WINDOW)
        ).one()
    crowded = at_address > FAILURES_FROM_ADDRESS
    if here <= (STILL_HEARD if crowded else FAILURES_HERE) and anywhere <= FAILURES_ON_LOGIN:
        return crowded
    with writing(sessions) as session:
        session.execute(delete(SignInFailure).where(SignInFailure.id == attempt_id))
    _LOG.warning("sign-in throttled: login %s, address %s", _mark(login_sha256), _mark(address_sha256))
    raise BadInput("sign_in_throttled", minutes=int(WINDOW.total_seconds() // 60))


@contextmanager
def turn(*, crowded: bool) -> Iterator[None]:
    """Compare a password in here: those from addresses beyond their limit wait for each other.

    However many invented logins come from there, they keep one processor busy at most, 50 ms each.
    """
    if not crowded:
        yield
        return
    with _TURN:
        yield


def log_failure(*, login: str, address: str) -> None:
    """Say in the log that a password was wrong; nobody finds login or address again from what stands there."""
    _LOG.info(
        "sign-in refused: login %s, address %s",
        _mark(_sha256(_wanted(login))),
        _mark(_address_sha256(address)),
    )


def forget_failures(session: Session, login: str, *, address: str | None = None) -> None:
    """Forget the failures on a login, those from one address when it is given."""
    forgotten = delete(SignInFailure).where(SignInFailure.login_sha256 == _sha256(_wanted(login)))
    if address is not None:
        forgotten = forgotten.where(SignInFailure.address_sha256 == _address_sha256(address))
    session.execute(forgotten)


def _wanted(login: str) -> str:
    return login.strip().lower()


def _address_sha256(address: str) -> str:
    """SHA-256 of what an address stands for: an IPv6 network of one household, an IPv4 address."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return _sha256(address)
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is None:
            return _sha256(str(ipaddress.ip_network((known, _IPV6_HOUSEHOLD), strict=False)))
        known = known.ipv4_mapped
    return _sha256(str(known))


def _mark(sha256: str) -> str:
    """Eight signs that are the same for the same login or address, as long as this process runs.

    A plain digest would not do: there are few enough addresses to try them all.
    """
    return hmac.new(_KEY, sha256.encode(), "sha256").hexdigest()[:8]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
