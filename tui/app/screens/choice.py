"""A question with a few answers."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from tui.app.screens.dialog import Body, Dialog

_BELOW = 6  # lines of the panel that never scroll: its frame, the answers


class Choice(Dialog[str]):
    """Returns the chosen answer's name, or None. The first answer is the safe one, and has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "app.focus_next", "next", show=False),
        Binding("left", "app.focus_previous", "previous", show=False),
        Binding("pageup", "scroll(-5)", "up", show=False),
        Binding("pagedown", "scroll(5)", "down", show=False),
    ]
    CLOSES: ClassVar[str] = "esc closes"

    def __init__(self, title: str, said: Sequence[Content | str], answers: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title_text = title
        self._said = [Content(one) if isinstance(one, str) else one for one in said]
        self._answers = answers

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel") as panel:
            panel.border_title = Content(self._title_text)
            with Body():
                yield Static(Content("\n\n").join(self._said), id="said", markup=False)
            with Horizontal(classes="answers"):
                for name, label in self._answers:
                    yield Button(Content(label), id=name)

    def say_instead(self, *said: str) -> None:
        """What it is about has changed while it stands there."""
        self.query_one("#said", Static).update(Content("\n\n").join(map(Content, said)))

    def on_mount(self) -> None:
        self.query(Button).first().focus()
        self.tell_of_more(self.query_one(Body), self.query_one(".panel"), self.CLOSES)

    def on_resize(self) -> None:
        """The answers stay in sight, however much is said."""
        self.query_one(Body).styles.max_height = max(2, self.size.height * 92 // 100 - _BELOW)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id)


class Quit(Choice):
    """Whether a run is stopped and the app left. Who asks to quit once more has answered: "quit", else "stay"."""

    CLOSES: ClassVar[str] = "^c again: stop and quit   esc stays"

    def __init__(self, kind: str) -> None:
        said = f"A {kind} is on. Quitting stops it after the messages in flight; what became of them is recorded."
        rest = "What is left is still to send, and the next send does it."
        super().__init__("Quit?", [said, rest], [("stay", "Stay"), ("quit", "Stop and quit")])
