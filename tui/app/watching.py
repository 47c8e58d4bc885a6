"""The organiser's hand on a run, which also knows when the server was first spoken to."""

from typing import TYPE_CHECKING

from tui.mailing import Control

if TYPE_CHECKING:
    from tui.delivery import Connection


class Watched(Control):
    """Until `asked`, messages are checked and nothing can have gone out."""

    def __init__(self) -> None:
        super().__init__(can_ask=True)
        self.asked = False

    def attach(self, connection: "Connection") -> None:
        super().attach(connection)
        self.asked = True
