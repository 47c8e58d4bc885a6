"""The organiser's hand on a run."""

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.delivery.connection import Connection  # smtplib and ssl are for those who send


class Control:
    """The organiser's hand on a run, from any thread: pause, go on, stop after what is in flight, or leave at once."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()
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
        """Waits while the run is paused; False when it is to stop."""
        # Asked first: a signal handler that comes in the middle of a wait could not end it.
        if not self._go.is_set():
            self._go.wait()
        return not self.stopped

    def attach(self, connection: "Connection") -> None:
        self._connections.append(connection)
        if self._is_aborted:
            connection.abort()
