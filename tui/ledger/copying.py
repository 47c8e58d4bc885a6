"""A ledger is moved to another database, and it is proved that nothing was lost or changed on the way.

Its rows pass the same constraints as on the day when they were recorded: each attempt begins, and is settled. Whatever
breaks off the moving, there is one ledger that can be sent from, or none until the same command has finished.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from tui.errors import LedgerError
from tui.ledger.databases import Database, Row, Statement

ARRIVING, MOVED = "arriving", "moved-to"
"""Facts: it is not proved yet that all is here; all is in another place now."""

TABLES: Mapping[str, tuple[str, ...]] = {
    "run": ("id", "command", "account", "digest", "started_at", "checks", "confirmed_by", "proposed_by"),
    "person": ("number", "key", "address", "name", "grouped", "fields"),
    "told": ("id", "facts"),
    "version": (
        *("id", "run", "key", "address", "action", "uid", "sequence", "generation", "round", "line", "told"),
        *("message_id", "stamp", "digest"),
    ),
    "attempt": ("id", "message", "digest", "outcome", "reply", "started_at", "settled_at", "account"),
    "kept": ("attempt", "message"),
    "correction": ("id", "key", "header", "before", "after", "at"),
    "cancellation": ("number", "key", "session", "generation", "at"),
    "promise": ("number", "key", "at"),
    "dead_link": ("link",),
    "mail": ("id", "identity", "read_at"),
    "mailbox": ("account", "folder", "validity", "uid"),
    "answer": (
        *("id", "mail", "key", "uid", "address", "sender", "response", "sequence", "stamp", "at", "comment"),
        *("proposed", "leaning", "delegated_to", "occurrence", "is_verified", "is_forwarded", "accepted_at"),
    ),
    "bounce": ("id", "mail", "key", "message", "address", "kind", "reply", "at"),
    "request": ("id", "mail", "key", "address", "sender", "kind", "text", "suggested", "at", "settled_at"),
    "proposal": ("id", "digest", "command", "messages", "name", "at"),
    "left_out": ("mark", "generation"),
    "content": ("digest", "bytes"),
    "handover": ("run", "account", "who", "place", "since", "state", "said", "made_of"),
    "share": ("id", "run", "messages", "state", "holder", "reserved"),
    "letter": ("message", "name", "fields", "told"),
    "forgotten": ("key", "at"),
}
"""What is moved, each after what it refers to; the forgotten last, because nothing can be recorded of them."""

_CALLED = {"version": "message"}
"""What people know some of these by: a message is a version and its attempts."""

NOT_MOVED = frozenset({"fact", "holder"})
"""Facts are moved by their names; who holds a ledger is its own affair."""

_AT_ONCE = 500  # rows
_SETTLE = "UPDATE attempt SET outcome = ?, reply = ?, settled_at = ? WHERE id = ? RETURNING id"


@dataclass(frozen=True, slots=True)
class Proof:
    """How many rows each table has, and the end of a chain of hashes over all of them in their order."""

    counts: Mapping[str, int]
    seal: str


def proof_of(db: Database) -> Proof:
    """Within a transaction."""
    seal, counts = sha256(b"invite-tui ledger").digest(), {}
    for table in ("fact", *TABLES):
        count = 0
        for row in _facts(db) if table == "fact" else _rows(db, table):
            line = json.dumps([table, *(one.hex() if isinstance(one, bytes) else one for one in row)])
            seal = sha256(seal + line.encode()).digest()
            count += 1
        counts[_CALLED.get(table, table)] = count
    return Proof(counts, seal.hex())


def is_empty(db: Database) -> bool:
    """Whether nothing was ever recorded; within a transaction."""
    known = {name for name, _ in _facts(db)}
    return known <= {"ledger"} and not any(next(_rows(db, table), None) for table in TABLES)


def is_arriving(db: Database) -> bool:
    return db.execute("SELECT 1 FROM fact WHERE name = ?", (ARRIVING,)).fetchone() is not None


def identity_of(db: Database) -> str:
    return next((str(value) for name, value in _facts(db) if name == "ledger"), "")


def copy(source: Database, target: Database) -> None:
    """Within a transaction of each. What is there then is `arriving`."""
    target.execute("DELETE FROM fact WHERE name = 'ledger'")
    facts = [*_facts(source), (ARRIVING, "")]
    target.each("INSERT INTO fact (name, value) VALUES (?, ?)", facts)
    for table, columns in TABLES.items():
        rows = _rows(source, table)
        while some := list(islice(rows, _AT_ONCE)):
            target.all_of([statement for row in some for statement in _statements(table, columns, row)])
    target.number_on({table: columns[0] for table, columns in TABLES.items() if columns[0] in ("id", "number")})


def arrived(db: Database) -> None:
    db.execute("DELETE FROM fact WHERE name = ?", (ARRIVING,))


def moved(db: Database, place: str) -> None:
    db.execute("INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", (MOVED, place))


def must_be_here(db: Database) -> None:
    """LedgerError where the ledger is not to be sent from: it was moved, or is on its way."""
    known: dict[str, str] = dict(db.execute("SELECT name, value FROM fact").fetchall())
    if MOVED in known:
        raise LedgerError(
            f"The ledger {db.shown} was moved: what is sent is recorded in {known[MOVED]}.",
            hint=f"Use that: --ledger {known[MOVED]}.",
            code="ledger-moved",
        )
    if ARRIVING in known:
        raise LedgerError(
            f"The ledger {db.shown} is not whole: moving it here was broken off.",
            hint="Run the same `ledger copy` again.",
            code="ledger-arriving",
        )


def _facts(db: Database) -> Sequence[Row]:
    rows = db.execute("SELECT name, value FROM fact ORDER BY name").fetchall()
    return [row for row in rows if row[0] not in (ARRIVING, MOVED)]


def _rows(db: Database, table: str) -> Iterator[Row]:
    columns = TABLES[table]
    order = columns[:2] if table == "mailbox" else columns[:1]
    return db.stream(_filled("SELECT {columns} FROM {table} ORDER BY {order}", table, columns, order))


def _filled(query: str, table: str, columns: Sequence[str], order: Sequence[str] = ()) -> str:
    """The query with names of this module's own; nothing of it comes from elsewhere."""
    return query.format(
        table=table, columns=", ".join(columns), order=", ".join(order), values=", ".join("?" * len(columns))
    )


def _statements(table: str, columns: Sequence[str], row: Row) -> Iterator[Statement]:
    """What records one row as it was recorded first."""
    values = dict(zip(columns, row, strict=True))
    if table == "attempt":
        values |= {"outcome": "sending", "reply": "", "settled_at": None}
    insert = _filled("INSERT INTO {table} ({columns}) VALUES ({values})", table, columns)
    yield insert, list(values.values())
    if table == "attempt":
        id_, _, _, outcome, reply, _, settled_at, _ = row
        yield _SETTLE, (outcome, reply, settled_at, id_)
