"""Plans that somebody has proposed, for another to approve: the queries."""

from collections.abc import Sequence

from tui.ledger.databases import Database
from tui.ledger.records import Proposal


def propose(db: Database, made: Proposal) -> None:
    """Puts it down; a second time changes nothing."""
    db.execute(
        "INSERT INTO proposal (digest, command, messages, name, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (digest, name) DO NOTHING",
        (made.digest, made.command, made.messages, made.name, made.at),
    )


def proposals(db: Database) -> Sequence[Proposal]:
    """Every one, oldest first."""
    rows = db.execute("SELECT digest, command, messages, name, at FROM proposal ORDER BY id")
    return [Proposal(*row) for row in rows]
