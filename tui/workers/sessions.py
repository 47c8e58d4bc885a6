"""What the jobs of a worker share, of each event: two connections to its ledger, and the crew that has all their lines.

Through one connection all is recorded that becomes of messages, of many lines in one commit. Through the other shares
are taken and put back, and runs looked at: nobody's message waits for that. Both are there while a job of the event is
in hand, and no longer: so long no other run begins.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import final

from tui import ledger as ledgers
from tui.errors import LedgerError
from tui.ledger import Desk, Ledger, Memory, Server
from tui.ledger.relay import Relay
from tui.mailing import Control, Crew

_LOOK = 1.0
"""Seconds between two looks at whether the runs go on."""


@final
class Sessions:
    """Those of a worker, by the event. Safe to use from several threads."""

    def __init__(self, server: Server, desk: Desk, idle: float | None) -> None:
        self._server, self._desk, self._idle = server, desk, idle
        self._turn = threading.Lock()
        self._open: dict[str, Session] = {}
        self._memory: dict[str, Memory] = {}
        """Of each event what was recorded here last."""

    @contextmanager
    def at_work(self, event: str) -> Iterator["Session"]:
        """The event's, for as long as a job is in hand. LedgerError where it cannot be opened; ForgottenError where the
        ledger knows less than when it was left."""
        with self._turn:
            session = self._open.get(event)
            if session is None or session.is_spent:
                if session is not None:
                    self._remember(event, session)
                session = Session(self._server.for_event(event), self._desk, self._idle, self._memory.get(event))
                self._open[event] = session
            session.users += 1
        try:
            yield session
        finally:
            with self._turn:
                session.users -= 1
                self._remember(event, session)
                if not session.users:
                    session.close()
                    if self._open.get(event) is session:
                        del self._open[event]

    def _remember(self, event: str, session: "Session") -> None:
        nothing: Memory = ((0, 0), 0)
        (begun, settled), (before, before_settled) = session.ledger.memory or nothing, self._memory.get(event, nothing)
        self._memory[event] = max(begun, before), max(settled, before_settled)


@final
class Session:
    """See the module."""

    def __init__(self, server: Server, desk: Desk, idle: float | None, memory: Memory | None) -> None:
        self._server, self._desk, self._idle = server, desk, idle
        self.users = 0
        """How many jobs have it in hand."""
        self.ledger = self._opened(memory)
        """For what becomes of messages."""
        self._steering: Ledger | None = None
        self._turn = threading.Lock()
        self.crew = Crew(self.ledger, stays=True)
        self._watched: dict[Control, tuple[int, str]] = {}
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._work, self._watch)]
        for thread in self._threads:
            thread.start()

    @property
    def is_spent(self) -> bool:
        """Whether it is of no use to whoever comes now."""
        return self.ledger.is_lost or self.crew.has_left

    @property
    def steering(self) -> Ledger:
        """For all else; opened anew where its connection was lost."""
        with self._turn:
            if self._steering is not None and self._steering.is_lost:
                self._steering.close()
                self._steering = None
            if self._steering is None:
                self._steering = self._opened(self.ledger.memory)
            return self._steering

    @property
    def relay(self) -> Relay:
        return self.steering.relay

    @contextmanager
    def watched(self, run: int, account: str, control: Control) -> Iterator[None]:
        """Stops what `control` controls as soon as the run stands still for all, or the account is held."""
        self._watched[control] = run, account
        try:
            yield
        finally:
            del self._watched[control]

    def close(self) -> None:
        self.crew.leave()
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        self.ledger.close()
        if self._steering is not None:
            self._steering.close()

    def _opened(self, memory: Memory | None) -> Ledger:
        ledger = ledgers.open_for_work(self._server, self._desk, idle=self._idle)
        try:
            ledger.must_remember(memory)
        except BaseException:
            ledger.close()
            raise
        return ledger

    def _work(self) -> None:
        with suppress(Exception):  # all whose lines it had were told
            self.crew.work()

    def _watch(self) -> None:
        while not self._is_over.wait(_LOOK):
            # What cannot be read is said where it is to be written.
            with suppress(LedgerError):
                self._look()

    def _look(self) -> None:
        watched = dict(self._watched)
        standing = {
            (run, account): not self.relay.state_of(run).goes or self.relay.held(account)[0] > 0
            for run, account in set(watched.values())
        }
        for control, which in watched.items():
            if standing[which]:
                control.stop()
