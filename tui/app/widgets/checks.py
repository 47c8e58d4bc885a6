"""One check before a send, on a line that leads to its cause."""

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.app.checklist import Check

_TONES = {"good": "$primary", "open": "$quiet", "care": "$warning"}


class CheckLine(Horizontal, can_focus=True):
    """Says what was checked; Enter or a click goes to what it is about. Under the cursor it says where that is."""

    DEFAULT_CSS = """
    CheckLine { height: auto; }
    CheckLine:focus { background: $lit; }
    CheckLine .lead { width: 13; height: 1; }
    CheckLine .words { width: 1fr; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "choose", "go there", show=False)]

    @dataclass(eq=False, repr=False)
    class Chosen(Message):
        """The organiser wants to see the cause: see `Check.goes`."""

        goes: str

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check
        self._words = Static(Content(check.words), classes="words", markup=False)

    def compose(self) -> ComposeResult:
        check = self._check
        lead = Content.assemble((f"{check.sign} ", _TONES[check.standing]), (check.label, "$quiet"))
        yield Static(lead, classes="lead", markup=False)
        yield self._words

    def on_focus(self) -> None:
        self._words.update(Content.assemble(self._check.words, (f"  enter {self._check.hint}", "$primary")))

    def on_blur(self) -> None:
        self._words.update(Content(self._check.words))

    def action_choose(self) -> None:
        self.post_message(self.Chosen(self._check.goes))

    def on_click(self) -> None:
        self.action_choose()
