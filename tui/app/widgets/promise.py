"""What is owed to people, on top of everything for as long as it is: a replacement, or to be forgotten."""

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from tui.app.widgets.chip import Chip
from tui.app.words import count
from tui.clean import visible

if TYPE_CHECKING:
    from tui.folder import Promise


class PromiseLine(Horizontal):
    """Says what is owed; the chip, which has `label`, does this of `ACTIONS`."""

    def __init__(self, label: str, act: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._words = Static(markup=False)
        self._keep = Chip(label, act, id="keep")

    def compose(self) -> ComposeResult:
        yield self._words
        yield self._keep

    def show(self, words: Content | None, *, can_be_kept: bool) -> None:
        """These words, or with None nothing: it is owed no longer."""
        self.display = words is not None
        if words is not None:
            self._words.update(words)
            self._keep.disabled = not can_be_kept


def due_in_words(number: int, keep_until: str) -> Content:
    """Who was to be kept until a day that is over."""
    people = count(number, "person was", "people were")
    return Content.assemble(
        (" DUE ", "bold $on-accent on $warning"),
        " ",
        (f"{people} to be kept until {keep_until} only: nothing is forgotten by itself.", "$warning"),
    )


def in_words(promise: "Promise") -> Content:
    """The nearer the event, the louder; the sign and the word say what the colour says."""
    if promise.is_urgent:
        return Content.assemble(
            (" URGENT ", "bold $on-accent on $error"), " ", (f"▲ {visible(promise.in_words)}", "bold $error")
        )
    return Content.assemble((" OWED ", "bold $on-accent on $warning"), " ", (visible(promise.in_words), "$warning"))
