"""A run that workers carry out, looked at and steered from any desk: it stands still, goes on, or ends, for all."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from tui import ledger as ledgers
from tui.errors import InputError
from tui.folder import Folder
from tui.ledger import Outcome
from tui.ledger.relay import Handover, Relay
from tui.workers import queue
from tui.workers.handing import shared

Word = Literal["pause", "go-on", "stop"]

_LEAST, _MOST = 0.5, 10.0
"""Seconds between two looks: few where they cost nothing, more where counting a long list takes its time."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands: whose it is and in which state, and how many of its messages stand how."""

    handover: Handover
    counts: Mapping[Outcome, int]

    @property
    def left(self) -> int:
        return self.counts["unsent"] + self.counts["deferred"]

    @property
    def in_words(self) -> str:
        return self.told("`invite-tui run go-on`")

    def told(self, go_on: str) -> str:
        """In words, where `go_on` is what somebody does to have it go on."""
        handover = self.handover
        counts = ", ".join(f"{count:,} {word}" for word, count in self.counts.items() if count)
        state = {
            "going": "Workers carry it out",
            "canary": "Workers carry out the first few",
            "asking": f"The first few are out; the others wait for your word: {go_on}",
            "paused": f"It is paused: {go_on}",
            "braked": f"It has stopped itself: mend the cause, then {go_on}",
            "stopped": "It was stopped",
            "done": "It is done",
        }[handover.state]
        by = f"Handed over by {handover.by.who} on {handover.by.place}, account {handover.account}."
        return f"{by} {state}: {counts}. {handover.said}".strip()


def standing(folder: Folder) -> Standing | None:
    """How the run stands that was handed over last; None where there was none, or the ledger is a file."""
    with folder.ledger_to_read() as ledger:
        handover = ledger.relay.latest()
        return None if handover is None else Standing(handover, ledger.relay.counts(handover.run))


def follow(folder: Folder) -> Iterator[Standing]:
    """How it stands, each time that it stands otherwise, until it is over or needs somebody's word."""
    for now in watch(folder, threading.Event()):
        if now is None:
            return
        yield now
        if not now.handover.goes:
            return


def watch(folder: Folder, over: threading.Event) -> Iterator[Standing | None]:
    """How the run stands that was handed over last, None where there was none: now, and each time that it stands
    otherwise, whoever changed it, and of the next run as well, until `over` is set. For a thread of its own.

    LedgerError where the ledger cannot be reached: to be begun again.
    """
    before: Standing | None = None
    is_first = True
    with folder.changes() as changes:
        while not over.is_set():
            began = time.monotonic()
            now = standing(folder)
            if is_first or now != before:
                yield now
            is_first, before = False, now
            # Counting a long list takes its time: it is not done all the time.
            took = time.monotonic() - began
            over.wait(max(0.0, min(_MOST, max(_LEAST, 10 * took)) - took))
            look_at = time.monotonic() + _MOST
            while not over.is_set() and time.monotonic() < look_at and not changes.wait(_LEAST):
                pass


def steer(folder: Folder, word: Word) -> Handover:
    """Has the run that was handed over last stand still, go on or end. InputError where it cannot."""
    with _at_work(folder) as relay:
        handover = relay.latest()
        if handover is None or not handover.is_open:
            raise InputError(
                "No run is in the hands of workers.", hint="`invite-tui status` says what was.", code="no-run"
            )
        if word != "go-on":
            relay.turn_to(handover.run, "paused" if word == "pause" else "stopped")
            return relay.state_of(handover.run)
        with relay.together():
            shares = relay.go_on(handover.run)
            if shares is None:
                raise InputError("It goes on already.", code="no-run")
            queue.defer(relay, handover.accounts, shared(folder).event, shares, handover.connections)
        return relay.state_of(handover.run)


@contextmanager
def _at_work(folder: Folder) -> Iterator[Relay]:
    """The ledger, beside the workers."""
    with ledgers.open_for_work(shared(folder), folder.desk) as ledger:
        yield ledger.relay
