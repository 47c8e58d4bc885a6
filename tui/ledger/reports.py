"""Where each desk has written what names people, noted in a ledger on a server: whoever forgets somebody names it all.

What it says is somebody's word; nothing is done to the files.
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from tui.ledger.databases import Database
from tui.ledger.desks import Desk

_FACT = "report "


@dataclass(frozen=True, slots=True)
class Written:
    """A report of this `kind` that `desk` wrote to `path`, as that machine spells it, at this time."""

    path: str
    kind: str
    at: datetime
    desk: Desk


def note(db: Database, written: Iterable[Written]) -> None:
    """Within a transaction: notes these, each in the place of what the same machine has written there before."""
    db.each(
        "INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [(_name(one), _value(one)) for one in written],
    )


def noted(db: Database) -> Sequence[Written]:
    """All of them, by name; within a transaction."""
    rows = db.execute("SELECT name, value FROM fact ORDER BY name").fetchall()
    return [one for name, value in rows if name.startswith(_FACT) and (one := _read(value)) is not None]


def _name(one: Written) -> str:
    return _FACT + sha256(f"{one.desk.place}\0{one.path}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _value(one: Written) -> str:
    desk = {"who": one.desk.who, "place": one.desk.place}
    return json.dumps({"path": one.path, "kind": one.kind, "at": one.at.isoformat(), **desk})


def _read(value: str) -> Written | None:
    with suppress(ValueError, KeyError, TypeError):
        said = json.loads(value)
        at = datetime.fromisoformat(said["at"])
        words = [said["path"], said["kind"], said["who"], said["place"]]
        if at.tzinfo is not None and all(isinstance(word, str) for word in words):
            path, kind, who, place = words
            return Written(path, kind, at, Desk(who, place))
    return None
