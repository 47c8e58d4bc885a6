"""A run in the hands of workers, in the app: how far it is, and their word to pause, go on or stop."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from tui.clean import visible

if TYPE_CHECKING:
    from tui.app.app import InviteApp
    from tui.app.following import Elsewhere
    from tui.app.screens.choice import Choice
    from tui.folder import Folder
    from tui.workers import Standing, Word

_GROUP = "handed"
"""Of the threads: one thing is asked of the shared ledger at a time."""

_WORDS: "dict[Word, str]" = {"pause": "Pause", "go-on": "Go on", "stop": "Stop it"}


class Handed:
    """The part of the app that steers what `send --workers` handed over. Its ledger is far away: all in threads."""

    def __init__(self, app: "InviteApp") -> None:
        self._app = app
        self._dialog: Choice | None = None
        self._words: Sequence[Word] = ()  # that can be given in it

    def show(self) -> None:
        folder = self._app.state.folder
        if folder is not None:
            told = partial(self._told, folder)
            self._app.aside(_GROUP, partial(_standing, folder), told, busy="Asking the ledger ...", opens=True)

    def tell(self, word: "Word") -> None:
        """Give the workers this word; what becomes of it is followed."""
        folder = self._app.state.folder
        if folder is not None:
            self._app.aside(_GROUP, partial(_steered, folder, word), lambda _: None, busy="Telling the workers ...")

    def followed(self, newest: "Elsewhere | None") -> None:
        """The dialog, where it is there, says how it stands now."""
        folder, dialog = self._app.state.folder, self._dialog
        if folder is None or dialog is None or newest is None or newest.handover is None:
            return
        from tui.workers import Standing

        standing = Standing(newest.handover, newest.counts)
        if _possible(standing) == self._words:
            dialog.say_instead(_in_words(standing))
        elif dialog.is_current:
            dialog.dismiss(None)
            self._told(folder, standing)

    def _told(self, folder: "Folder", standing: "Standing | None") -> None:
        from tui.app.screens.choice import Choice

        if standing is None:
            self._app.say("No run was handed over to workers.", "The question before a send asks who sends it.")
            return
        self._words = words = _possible(standing)
        answers = [("close", "Close"), *((word, _WORDS[word]) for word in words)]

        def answered(answer: str | None) -> None:
            self._dialog = None if self._dialog is dialog else self._dialog
            if (word := next((one for one in words if one == answer), None)) is not None:
                steered = partial(self._told, folder)
                self._app.aside(_GROUP, partial(_steered, folder, word), steered, busy="Telling the workers ...")

        dialog = self._dialog = Choice("Run of the workers", [_in_words(standing)], answers)
        self._app.push_screen(dialog, answered)


def _possible(standing: "Standing") -> "Sequence[Word]":
    """The words that can be given."""
    handover = standing.handover
    return ("pause" if handover.goes else "go-on", "stop") if handover.is_open else ()


def _in_words(standing: "Standing") -> str:
    return visible(standing.told(f"“{_WORDS['go-on']}”"))


def _standing(folder: "Folder") -> "Standing | None":
    """In a thread."""
    from tui import workers

    return workers.standing(folder)


def _steered(folder: "Folder", word: "Word") -> "Standing | None":
    """In a thread: how it stands after this word."""
    from tui import workers

    workers.steer(folder, word)
    return workers.standing(folder)
