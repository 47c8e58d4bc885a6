"""The organiser's hand on a run, which also knows when the server was first spoken to, and lets the screen go first."""

import threading
from typing import TYPE_CHECKING

from tui.mailing import Control

if TYPE_CHECKING:
    from tui.delivery import Connection


_MOMENT = 0.05
"""Seconds for which a run waits for the screen, once for each key."""


class Watched(Control):
    """Until `asked`, messages are checked and nothing can have gone out.

    Threads share the interpreter evenly: a key would take twice its time while messages are made beside. So the screen
    says when a key is to be answered, and when that is drawn.
    """

    def __init__(self) -> None:
        super().__init__(can_ask=True)
        self.asked = False
        self._is_drawn = threading.Event()
        self._is_drawn.set()

    def wait_for_screen(self) -> None:
        self._is_drawn.clear()

    def screen_is_drawn(self) -> None:
        self._is_drawn.set()

    def give_way(self) -> None:
        if not self._is_drawn.is_set():
            self._is_drawn.wait(_MOMENT)
            self._is_drawn.set()

    def attach(self, connection: "Connection") -> None:
        super().attach(connection)
        self.asked = True
