"""The question before people are forgotten: who, what it cannot take back, and the number to be typed."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, Static

from tui.app.screens.dialog import Body, Dialog
from tui.app.state import MARKS
from tui.app.widgets.headline import key_of
from tui.app.widgets.line import Line
from tui.app.words import count
from tui.clean import visible
from tui.forgetting import HOLDING, NO_UNDO, Whom

_PEOPLE_SHOWN = 12
_BELOW = 10  # lines of the panel that never scroll: its frame, the question, the number, the answer


class ConfirmForgetting(Dialog[bool]):
    """True when the organiser typed the number of people and pressed the button; nobody is forgotten with less."""

    AUTO_FOCUS = ""

    def __init__(self, whom: Whom) -> None:
        super().__init__()
        self._whom = whom
        self._number = whom.count

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel") as panel:
            panel.border_title = Content("Forget")
            with Body():
                # What cannot be taken back is read first, however small the screen.
                yield Static(Content.assemble(("△ ", "$warning"), NO_UNDO), markup=False)
                if self._whom.holding:
                    people = count(self._whom.holding, "person", "people")
                    words = HOLDING.format(people, f"{key_of(self.app, 'cancel')} (cancel)")
                    yield Static(Content.assemble(("△ ", "$warning"), words), id="holding", markup=False)
                yield Static(self._people(), classes="apart", markup=False)
            ask = f"Type the number of people, {self._number}, to forget them."
            yield Static(Content(ask), id="ask", markup=False)
            with Horizontal(classes="answers"):
                yield Line(id="number", compact=True, max_length=12, select_on_focus=False)
                yield Button(Content("Back"), id="cancel")
                yield Button(Content(f"Forget {self._number:,}"), id="go", disabled=True)

    def _people(self) -> Content:
        whom = self._whom
        lines = [Content.styled(count(self._number, "person", "people"), "bold")]
        for person in whom.people[:_PEOPLE_SHOWN]:
            name = f"{visible(person.name)} <{visible(person.address)}>" if person.name else visible(person.address)
            lines.append(Content.assemble(f"  {name}  ", (f"{person.action}, {MARKS[person.outcome].word}", "$quiet")))
        lines += [Content(f"  {visible(address)}") for address in whom.others[:_PEOPLE_SHOWN]]
        if len(whom.people) > _PEOPLE_SHOWN:
            lines.append(Content.styled(f"  and {len(whom.people) - _PEOPLE_SHOWN:,} more", "$quiet"))
        return Content("\n").join(lines)

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self.tell_of_more(self.query_one(Body), self.query_one(".panel"), "esc forgets nobody")

    def on_resize(self) -> None:
        self.query_one(Body).styles.max_height = max(2, self.size.height * 92 // 100 - _BELOW)

    def action_close(self) -> None:
        """Who only looked is not told that nothing was done."""
        self.dismiss(False if self.query_one(Input).value else None)

    def on_input_changed(self, event: Input.Changed) -> None:
        harmless = visible(event.value)
        if harmless != event.value:
            event.input.value = harmless
            return
        self.query_one("#go", Button).disabled = not self._is_right(event.value)

    def on_input_submitted(self) -> None:
        if self._is_right(self.query_one(Input).value):
            self.dismiss(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "go" and self._is_right(self.query_one(Input).value))

    def _is_right(self, typed: str) -> bool:
        digits = typed.strip().replace(",", "")
        return digits.isascii() and digits.isdecimal() and int(digits) == self._number
