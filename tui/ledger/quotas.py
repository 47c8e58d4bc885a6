"""What accounts have spent of their daily quotas, over all events of a database: an account is one name for everybody.

Whoever sends charges some messages to the account before the first of them leaves, and says afterwards how many have.
Where nobody says it, because a machine died, all of them count for a day. Only in a database that several machines
share; times are that database's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tui.ledger.databases import Database

_DAY = 86_400.0
_OTHER_CLOCK = 60.0
"""Seconds more than a day: it is the provider's clock that counts."""


@dataclass(frozen=True, slots=True)
class Charge:
    """So many messages that an account may send now, charged to it as number `id`, 0 where there are none.

    Where there is room for none, `full_for` are the seconds until there is.
    """

    id: int
    room: int
    full_for: float = 0.0


class Quotas:
    """See the module. Every method is one transaction, or a part of the one that it is called in."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def charge(self, account: str, per_day: int | None, want: int) -> Charge:
        """Charges as many of so many messages to the account as it may send now; without a limit all of them.

        Who asks while another does comes after them.
        """
        with self._db.writing() as db:
            db.execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", (f"invite_tui_accounts {account}",))
            db.execute(
                "DELETE FROM invite_tui_accounts.spent"
                " WHERE account = ? AND at < clock_timestamp() - interval '2 days'",
                (account,),
            )
            room = want
            if per_day:
                room = max(0, min(want, per_day - self._spent(db, account)))
            if not room:
                return Charge(0, 0, self._full_for(db, account, per_day) if per_day else 0.0)
            (id_,) = db.execute(
                "INSERT INTO invite_tui_accounts.spent (account, messages, before)"
                " SELECT ?, ?, coalesce(max(id), 0) FROM attempt RETURNING id",
                (account, room),
            ).fetchone()
        return Charge(int(id_), room)

    def settle(self, charge: int, messages: int) -> None:
        """Of what was charged so many have left, or may have; until this moment."""
        with self._db.writing() as db:
            if messages:
                db.execute(
                    "UPDATE invite_tui_accounts.spent SET messages = ?, at = clock_timestamp() WHERE id = ?",
                    (messages, charge),
                )
            else:
                db.execute("DELETE FROM invite_tui_accounts.spent WHERE id = ?", (charge,))

    def settle_of(self, charge: int, ranges: Sequence[tuple[int, int]]) -> None:
        """The same, of what was charged for these messages: what has left is counted."""
        with self._db.writing() as db:
            left = 0
            for first, last in ranges:
                (count,) = db.execute(
                    "SELECT count(*) FROM attempt WHERE message BETWEEN ? AND ?"
                    " AND id > (SELECT before FROM invite_tui_accounts.spent WHERE id = ?)"
                    " AND outcome IN ('accepted', 'unknown', 'sending')",
                    (first, last, charge),
                ).fetchone()
                left += count
            self.settle(charge, left)

    def spent(self, account: str) -> int:
        """How many messages the account has sent within a day, or is about to."""
        with self._db.reading() as db:
            (is_there,) = db.execute("SELECT to_regnamespace(?) IS NOT NULL", ("invite_tui_accounts",)).fetchone()
            return self._spent(db, account) if is_there else 0

    def take_over(self, since: str) -> None:
        """Charges what this ledger has sent since then (ISO 8601, UTC) in the place that it comes from."""
        with self._db.writing() as db:
            db.execute(
                "INSERT INTO invite_tui_accounts.spent (account, messages, at, before)"
                " SELECT coalesce(a.account, r.account), count(*), CAST(max(a.started_at) AS timestamptz), max(a.id)"
                " FROM attempt a JOIN version v ON v.id = a.message JOIN run r ON r.id = v.run"
                " WHERE a.outcome IN ('accepted', 'unknown') AND a.started_at >= ? AND r.account <> ''"
                " GROUP BY coalesce(a.account, r.account), substr(a.started_at, 1, 13)",
                (since,),
            )

    @staticmethod
    def _spent(db: Database, account: str) -> int:
        (found,) = db.execute(
            "SELECT coalesce(sum(messages), 0) FROM invite_tui_accounts.spent"
            " WHERE account = ? AND at > clock_timestamp() - ? * interval '1 second'",
            (account, _DAY + _OTHER_CLOCK),
        ).fetchone()
        return int(found)

    @staticmethod
    def _full_for(db: Database, account: str, per_day: int) -> float:
        """Seconds until so much of it is older than a day that there is room for one more."""
        (found,) = db.execute(
            "SELECT CAST(extract(epoch FROM min(at) - clock_timestamp()) AS float8) FROM"
            " (SELECT at, sum(messages) OVER (ORDER BY at, id) AS older, sum(messages) OVER () AS everything"
            " FROM invite_tui_accounts.spent WHERE account = ? AND at > clock_timestamp() - ? * interval '1 second')"
            " AS spent WHERE everything - older < ?",
            (account, _DAY + _OTHER_CLOCK, per_day),
        ).fetchone()
        return max(60.0, _DAY + _OTHER_CLOCK + (found or 0.0))
