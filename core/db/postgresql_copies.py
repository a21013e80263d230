"""A PostgreSQL database as one archive: dumped while others write, checked, restored beside and swapped in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.errors
import psycopg2.extensions
from psycopg2 import sql
from sqlalchemy import URL, Connection, Engine, text

from core.db import postgresql_tools as tools
from core.errors import BadInput, Conflict

KIND = "postgresql"
COPY = "database.dump"
_NAME_BYTES = 63  # NAMEDATALEN - 1: PostgreSQL cuts longer names without a word
_COPY_ROWS = re.compile(rb"COPY (?:public\.)?(\S+) \(.*\) FROM stdin;\n")

Link = psycopg2.extensions.connection


@contextmanager
def one_state(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the database until the block ends."""
    with engine.connect() as connection:
        yield connection.execution_options(isolation_level="REPEATABLE READ")


def copy(connection: Connection, target: Path) -> int:
    """Dump the very state that ``connection`` (of :func:`one_state`) sees, job engine included.

    Returns:
        The server's major version, which reading the archive asks for.

    Raises:
        BadInput: ``database_tool_missing``, ``database_tool_failed``.
    """
    seen = connection.scalar(text("select pg_export_snapshot()"))
    major = _major(connection)
    tool = tools.find("pg_dump", major=major)
    target.touch(mode=0o600, exist_ok=False)
    url = connection.engine.url
    tools.run(tool, url, "--format=custom", f"--snapshot={seen}", f"--file={target}")
    return major


def rows_per_table(archive: Path, *, major: int) -> dict[str, int]:
    """Read an archive through and count the rows of each table, without a server; ``major`` is that of its server.

    Raises:
        BadInput: ``backup_database_damaged``: pg_restore cannot read it to its end; ``database_tool_missing``.
    """
    tool = tools.find("pg_restore", major=major)
    counted: dict[str, int] = {}
    table = ""
    try:
        with tools.reading(tool, "--file=-", str(archive)) as lines:
            for line in lines:
                if table:
                    # In COPY's text format a line is a row, whatever the values hold.
                    if line == b"\\.\n":
                        table = ""
                    else:
                        counted[table] += 1
                elif begun := _COPY_ROWS.fullmatch(line):
                    table = begun[1].decode().replace('"', "")
                    counted[table] = 0
    except BadInput as error:
        if error.code != "database_tool_failed":
            raise
        reason = error.details["reason"]
        raise BadInput("backup_database_damaged", file=archive.name, reason=reason) from error
    return dict(sorted(counted.items()))


class Replacement:
    """A database restored beside the one at ``url`` and then given its name.

    Both need the right to create databases; the old one is kept under another name, never dropped unless
    it was empty.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self._name = str(url.database)
        self._beside = _named(self._name, "_restoring")
        self.url = url.set(database=self._beside)

    def load(self, archive: Path) -> None:
        """Restore an archive into a new database; one that a killed run left is dropped first.

        Raises:
            BadInput: ``restore_role_cannot_create``, ``database_tool_missing``, ``database_tool_failed``.
        """
        with _maintenance(self._url) as link:
            tool = tools.find("pg_restore", major=link.info.server_version // 10_000)
            with _rights(str(link.info.user)):
                _execute(link, "drop database if exists {} with (force)", self._beside)
                _execute(
                    link, "create database {} template template0" + _locale(link, self._name), self._beside
                )
        tools.run(tool, self.url, "--no-owner", "--no-privileges", "--exit-on-error", str(archive))

    def discard(self) -> None:
        """Drop what was restored beside, if it still is."""
        with _maintenance(self._url) as link:
            _execute(link, "drop database if exists {} with (force)", self._beside)

    def files(self, suffix: str) -> tuple[list[tuple[Path, Path]], list[tuple[Path, Path]]]:  # noqa: ARG002
        """No file of ours is renamed: the server does it."""
        return [], []

    def plan(self, suffix: str) -> dict[str, Any]:
        """The names of the swap; the restored database is known by its OID whatever its name."""
        was_empty = is_empty(self._url)
        with _maintenance(self._url) as link:
            there = _oid(link, self._name) is not None
            kept = _named(self._name, suffix) if there else None
            return {"kept": kept, "was_empty": was_empty, "oid": _oid(link, self._beside)}

    def swap(self, plan: Mapping[str, Any]) -> None:
        """Give the restored database the name; both renames are one transaction.

        Raises:
            Conflict: ``database_in_use``: somebody is connected.
            BadInput: ``restore_role_cannot_create``, ``database_unreachable``.
        """
        moves = [] if plan["kept"] is None else [(self._name, str(plan["kept"]))]
        self._rename([*moves, (self._beside, self._name)])

    def undo(self, plan: Mapping[str, Any]) -> None:
        """Give both databases the names they had, if :meth:`swap` was done.

        Raises:
            Conflict: ``database_in_use``.
            BadInput: ``restore_role_cannot_create``, ``database_unreachable``.
        """
        with _maintenance(self._url) as link:
            moves = []
            if _oid(link, self._name) == plan["oid"]:
                moves.append((self._name, self._beside))
            if plan["kept"] is not None and _oid(link, str(plan["kept"])) is not None:
                moves.append((str(plan["kept"]), self._name))
        self._rename(moves)

    def finish(self, plan: Mapping[str, Any]) -> str | None:
        """The name under which the old database is kept; one that was empty is dropped."""
        kept = plan["kept"]
        if kept is None or not plan["was_empty"]:
            return None if kept is None else str(kept)
        try:
            with _maintenance(self._url) as link:
                _execute(link, "drop database if exists {}", kept)
        except BadInput:  # all is restored; an empty database more is no reason to say otherwise
            return str(kept)
        return None

    def _rename(self, moves: Iterable[tuple[str, str]]) -> None:
        with _maintenance(self._url) as link, _rights(str(link.info.user)):
            link.autocommit = False
            try:
                for name, other in moves:
                    _execute(link, "alter database {} rename to {}", name, other)
            except psycopg2.errors.ObjectInUse as error:
                raise Conflict("database_in_use", database=self._name) from error
            link.commit()


def is_empty(url: URL) -> bool:
    """Whether the database is missing or holds no table."""
    with _maintenance(url) as link:
        if _oid(link, str(url.database)) is None:
            return True
    with _linked(url) as link, link.cursor() as cursor:
        cursor.execute(
            "select 1 from pg_class join pg_namespace on pg_namespace.oid = pg_class.relnamespace"
            " where relkind in ('r', 'p') and nspname <> 'information_schema' and nspname not like 'pg\\_%' limit 1"
        )
        return cursor.fetchone() is None


@contextmanager
def alone(url: URL) -> Iterator[None]:
    """Nobody is connected before the block; :meth:`Replacement.swap` asks again.

    Raises:
        Conflict: ``database_in_use``.
    """
    with _maintenance(url) as link, link.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()"
            " and backend_type = 'client backend'",
            (url.database,),
        )
        found = cursor.fetchone()
        if found and found[0]:
            raise Conflict("database_in_use", database=str(url.database))
    yield


def _named(name: str, suffix: str) -> str:
    """A name that PostgreSQL will not cut."""
    return name.encode()[: _NAME_BYTES - len(suffix)].decode(errors="ignore") + suffix


def _major(connection: Connection) -> int:
    return int(str(connection.scalar(text("show server_version_num")))) // 10_000


@contextmanager
def _maintenance(url: URL) -> Iterator[Link]:
    """A connection beside the database, in the one that every server has for this."""
    with _linked(url.set(database="postgres")) as link:
        yield link


@contextmanager
def _linked(url: URL) -> Iterator[Link]:
    plain = URL.create("postgresql", url.username, url.password, url.host, url.port, url.database, url.query)
    try:
        link: Link = psycopg2.connect(plain.render_as_string(hide_password=False))
        link.autocommit = True  # databases are not made inside a transaction
        try:
            yield link
        finally:
            link.close()
    except psycopg2.OperationalError as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise BadInput("database_unreachable", reason=reason) from error


@contextmanager
def _rights(role: str) -> Iterator[None]:
    try:
        yield
    except psycopg2.errors.InsufficientPrivilege as error:
        raise BadInput("restore_role_cannot_create", role=role) from error


def _execute(link: Link, statement: str, *names: str) -> None:
    with link.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


def _oid(link: Link, name: str) -> int | None:
    """The number of a database, which it keeps under another name; ``None``: there is none of this name."""
    with link.cursor() as cursor:
        cursor.execute("select oid from pg_database where datname = %s", (name,))
        found = cursor.fetchone()
    return None if found is None else int(found[0])


def _locale(link: Link, name: str) -> str:
    """The clause that gives a new database the encoding and order of letters of the one it will replace."""
    with link.cursor() as cursor:
        cursor.execute("select datcollate, datctype from pg_database where datname = %s", (name,))
        found = cursor.fetchone()
    if found is None:
        return " encoding 'UTF8'"
    collate, ctype = (str(value).replace("'", "''").replace("{", "{{").replace("}", "}}") for value in found)
    return f" encoding 'UTF8' lc_collate '{collate}' lc_ctype '{ctype}'"
