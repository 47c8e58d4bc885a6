"""The databases that a ledger may be in: every test that asks for `where` runs over each."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tui.ledger.servers import Server
from tui.ledger.store import Where

INTEGRITY = (sqlite3.IntegrityError, psycopg.IntegrityError)
"""What a database says to whoever would break one of its rules."""


def raw(where: Where) -> "closing[Any]":
    """The ledger as any other program sees it. In a file foreign keys are enforced by whoever opens it."""
    if isinstance(where, Server):
        server = psycopg.connect(spelled(where).partition("#")[0], autocommit=True)
        server.execute(f"SET search_path = {where.schema}")
        return closing(server)
    connection = sqlite3.connect(where, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    return closing(connection)


def ask(db: Any, statement: str, **values: object) -> Any:
    """Asks what `raw` has opened; `:name` stands for a value."""
    if isinstance(db, psycopg.Connection):
        statement = re.sub(r":([a-z]+)", r"%(\1)s", statement)
    return db.execute(statement, values)


def name_of(where: Where) -> str:
    """What it is called in an error."""
    return where.shown if isinstance(where, Server) else where.name


def spelled(where: Where) -> str:
    """In a word, for another process: see `where_of`."""
    if not isinstance(where, Server):
        return str(where)
    ((host, port),) = where.hosts
    login = f"{where.user}:{quote(where.password, safe='')}".rstrip(":")
    return f"postgresql://{login}@:{port}/{where.database}?host={quote(host, safe='')}#{where.event}"


def where_of(text: str) -> Where:
    address, _, event = text.partition("#")
    return Server.parse(address).for_event(event) if event else Path(text)
