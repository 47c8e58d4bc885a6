"""Handing a run over: composed and cleared where it was planned, and recorded whole with its jobs, or not at all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tui import mailing
from tui.errors import AccountError, UsageError
from tui.folder import Folder
from tui.guard.checks import CHECKS
from tui.ledger import Planned, Server
from tui.mailing.letters import planned_of
from tui.plan import Plan
from tui.workers import packing, queue

if TYPE_CHECKING:
    from tui.mailing import Control
    from tui.mailing.letters import Letters

MOST, LEAST = 500, 20
"""Messages of a share: so many that a job costs little, so few that all connections are busy to the end."""

_FOR_EACH = 8
"""Shares for each connection, where there are enough messages."""

Tell = Callable[[int, int], object]


def hand_over(
    folder: Folder,
    intended: Plan,
    *,
    control: "Control",
    command: str = "send",
    note: str = "",
    canary: int = 0,
    tell: Tell | None = None,
) -> int:
    """Records the run, what its messages are made of, and its jobs, in one transaction; returns how many jobs.

    `command` and `note`: see `Folder.send`. Everything is composed and cleared before: InputError or LeakError where
    one message cannot go. ConfirmationError where the event file asks for two people, and this one is alone with it.
    BusyError where another run is open. UsageError where the ledger is a file. StoppedError where `control` was stopped
    before.
    """
    where = shared(folder)
    accounts = folder.account_names
    must_send_as_one(folder)
    _, made = folder.ready(intended, control=control, note=note, tell=tell)
    connections = folder.pacing().connections
    with folder.ledger_to_send(is_handed_over=True) as ledger:
        mailing.must_take_all(made, ledger, folder.connection, control)
        if control.stopped:
            raise mailing.StoppedError("Stopped before it was handed over: nothing was sent.")
        letters = _Noted(made.letters)
        with ledger.handing_over() as relay:
            relay.make_queue(queue.text())
            ids = ledger.begin(command, ", ".join(accounts), made.digest, letters, made.decisions, CHECKS)
            relay.tell((ids[number], planned, told) for number, planned, told in letters.noted)
            made_of = {
                **packing.pack(folder, relay.keep),
                "keeps": made.keeps,
                "connections": connections,
                "sender": folder.sender,
            }
            shares = [*shares_of(ids, connections * len(accounts), canary)]
            queued = relay.hand_over(accounts, folder.desk, made_of, shares, canary=bool(canary))
            queue.defer(relay, accounts, where.event, queued, connections)
    return len(shares)


def must_send_as_one(folder: Folder) -> None:
    """AccountError where one of the accounts that are here has another envelope sender: what comes back would come to
    several places, of which only one is read. Those of other machines are asked there."""
    accounts = folder.account_names
    for name in accounts:
        if (sender := folder.sender_of(name)) not in (None, folder.sender):
            raise AccountError(
                f"The account “{name}” sends as {sender}, and “{accounts[0]}” as {folder.sender}.",
                hint="The accounts of one run have the same sender: add them with the same --from, or leave one out.",
            )


def shared(folder: Folder) -> Server:
    """The place of the event's ledger, where workers can share it; UsageError where they cannot."""
    if isinstance(folder.ledger_path, Server):
        return folder.ledger_path
    raise UsageError(
        "Workers need a ledger that they share.",
        hint="Name it: --ledger postgresql://..., or [sending] ledger in the event file; see docs/teams.md.",
    )


def shares_of(ids: Sequence[int], connections: int, canary: int = 0) -> Iterator[Sequence[int]]:
    """The messages in shares; the first `canary` of them are one."""
    if canary:
        yield ids[:canary]
    rest = ids[canary:]
    size = min(MOST, max(LEAST, len(rest) // (connections * _FOR_EACH)))
    for at in range(0, len(rest), size):
        yield rest[at : at + size]


class _Noted:
    """The letters as the ledger is told of them, once; `noted` are those of which it needs to be told more: each with
    its number, and what cannot be seen from its message or from the person."""

    def __init__(self, letters: "Letters") -> None:
        self._letters = letters
        self.noted: list[tuple[int, Planned, Mapping[str, Any]]] = []

    def __iter__(self) -> Iterator[Planned]:
        before: tuple[int, Planned, Mapping[str, Any]] | None = None
        is_noted = False
        for number, letter in enumerate(self._letters):
            planned, told = planned_of(letter), packing.told_of(letter.action)
            # Of somebody who is sent several the ledger remembers one name and one row: the last one's.
            is_again = before is not None and before[1].key == planned.key
            if before is not None and is_again and not is_noted:
                self.noted.append(before)
            before, is_noted = (number, planned, told), bool(told) or is_again
            if is_noted:
                self.noted.append(before)
            yield planned
