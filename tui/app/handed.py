"""A run in the hands of workers, in the app: how far it is, and their word to pause, go on or stop."""

from functools import partial
from typing import TYPE_CHECKING

from tui.clean import visible

if TYPE_CHECKING:
    from tui.app.app import InviteApp
    from tui.folder import Folder
    from tui.workers import Standing, Word

_GROUP = "handed"
"""Of the threads: one thing is asked of the shared ledger at a time."""

_WORDS: "dict[Word, str]" = {"pause": "Pause", "go-on": "Go on", "stop": "Stop it"}


class Handed:
    """The part of the app that looks at what `send --workers` handed over. Its ledger is far away: all in threads."""

    def __init__(self, app: "InviteApp") -> None:
        self._app = app

    def show(self) -> None:
        folder = self._app.state.folder
        if folder is not None:
            told = partial(self._told, folder)
            self._app.aside(_GROUP, partial(_standing, folder), told, busy="Asking the ledger ...", opens=True)

    def _told(self, folder: "Folder", standing: "Standing | None") -> None:
        from tui.app.screens.choice import Choice

        if standing is None:
            self._app.say("No run was handed over to workers.", "`invite-tui send ... --workers` hands one over.")
            return
        handover = standing.handover
        words: list[Word] = []
        if handover.is_open:
            words = ["pause" if handover.goes else "go-on", "stop"]
        answers = [("close", "Close"), ("again", "Look again")] if handover.is_open else [("close", "Close")]
        answers += [(word, _WORDS[word]) for word in words]

        def answered(answer: str | None) -> None:
            if answer == "again":
                self.show()
            elif (word := next((one for one in words if one == answer), None)) is not None:
                steered = partial(self._told, folder)
                self._app.aside(_GROUP, partial(_steered, folder, word), steered, busy="Telling the workers ...")

        said = [visible(standing.told(f"“{_WORDS['go-on']}”"))]
        self._app.push_screen(Choice("Run of the workers", said, answers), answered)


def _standing(folder: "Folder") -> "Standing | None":
    """In a thread."""
    from tui import workers

    return workers.standing(folder)


def _steered(folder: "Folder", word: "Word") -> "Standing | None":
    """In a thread: how it stands after this word."""
    from tui import workers

    workers.steer(folder, word)
    return workers.standing(folder)
