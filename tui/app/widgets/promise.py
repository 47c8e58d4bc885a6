"""The replacement that is owed to people, on top of everything for as long as it is."""

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from tui.app.widgets.chip import Chip
from tui.clean import visible

if TYPE_CHECKING:
    from tui.folder import Promise


class PromiseLine(Horizontal):
    """Says what is owed; the nearer the event, the louder, in words and in colour. The chip sends it."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._words = Static(markup=False)
        self._keep = Chip("Send it…", "screen.do('send')", id="keep")

    def compose(self) -> ComposeResult:
        yield self._words
        yield self._keep

    def show(self, promise: "Promise | None", *, can_send: bool) -> None:
        self.display = promise is not None and promise.open > 0
        if promise is not None and self.display:
            self._words.update(in_words(promise))
            self._keep.disabled = not can_send


def in_words(promise: "Promise") -> Content:
    """The sign and the word say what the colour says."""
    if promise.is_urgent:
        return Content.assemble(
            (" URGENT ", "bold $on-accent on $error"), " ", (f"▲ {visible(promise.in_words)}", "bold $error")
        )
    return Content.assemble((" OWED ", "bold $on-accent on $warning"), " ", (visible(promise.in_words), "$warning"))
