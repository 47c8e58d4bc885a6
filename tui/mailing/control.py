"""The organiser's hand on a run."""

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.delivery.connection import Connection  # smtplib and ssl are for those who send


class Control:
    """The organiser's hand on a run, from any thread: pause, go on, stop after what is in flight, or leave at once.

    `can_ask`: somebody listens who answers a `Question`; without, a run that would ask ends.
    """

    def __init__(self, *, can_ask: bool = False) -> None:
        self.can_ask = can_ask
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._answered = threading.Event()
        self._answered.set()
        self._yes = False
        self._connections: list[Connection] = []
        self._is_aborted = False

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    @property
    def aborted(self) -> bool:
        return self._is_aborted

    @property
    def paused(self) -> bool:
        return not self._go.is_set()

    @property
    def asking(self) -> bool:
        """Whether the run holds until a question is answered."""
        return not self._answered.is_set()

    def ask(self) -> None:
        """The run's: nothing new goes out until `answer`."""
        self._yes = False
        self._answered.clear()
        if self.stopped:
            self._answered.set()

    def answer(self, *, go_on: bool) -> None:
        """The organiser's word on the question that was asked last."""
        self._yes = go_on
        self._answered.set()

    @property
    def said_yes(self) -> bool:
        return self._yes

    def pause(self) -> None:
        self._go.clear()

    def resume(self) -> None:
        self._go.set()

    def stop(self) -> None:
        """Nothing new goes out; what is in flight is settled and recorded."""
        # Not set again: a signal handler may have come in the middle of that.
        if not self._stop.is_set():
            self._stop.set()
        self._go.set()
        self._answered.set()

    def abort(self) -> None:
        """Stops, and breaks off the conversations with the server: what was in flight is recorded as it stands."""
        self._is_aborted = True
        self.stop()
        for connection in list(self._connections):
            connection.abort()

    def wait(self, seconds: float) -> bool:
        """Waits; True, early, when the run is to stop."""
        return self._stop.wait(seconds)

    def may_go_on(self) -> bool:
        """Waits while the run is paused, or asks; False when it is to stop."""
        for gate in (self._go, self._answered):
            # Looked at first: a signal handler that comes in the middle of a wait could not end it.
            if not gate.is_set():
                gate.wait()
        return not self.stopped

    def give_way(self) -> None:
        """The run's, between two messages: whoever looks on may need the interpreter for a moment. Nobody does here."""

    def attach(self, connection: "Connection") -> None:
        self._connections.append(connection)
        if self._is_aborted:
            connection.abort()
