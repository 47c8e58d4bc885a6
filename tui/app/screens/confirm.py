"""The last question before anything leaves: who it reaches, by group, and the number to be typed."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from tui.app.screens.dialog import Dialog
from tui.app.state import State
from tui.app.words import count, crop, duration
from tui.clean import visible

if TYPE_CHECKING:
    from tui.app.work import Planned
    from tui.delivery import Account
    from tui.plan import Action

_GROUPS_SHOWN = 12
_WIDTH = 28
_BELOW = 10  # lines of the panel that never scroll: its frame, the question, the number, the answer
_KINDS = ("invite", "update", "cancel")


class Confirm(Dialog[bool]):
    """True when the organiser typed the number of messages and pressed the button; nothing is sent with less."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "scroll(-5)", "up", show=False),
        Binding("pagedown", "scroll(5)", "down", show=False),
    ]

    def __init__(self, account: "Account", planned: "Planned", state: State) -> None:
        super().__init__()
        self._account = account
        self._event = state.folder.event if state.folder is not None else None
        self._state = state
        self._planned = planned
        self._plan = planned.plan
        self._purpose = planned.purpose
        self._left_out = state.left_out
        self._number = len(self._plan.to_send)

    def compose(self) -> ComposeResult:
        verb = "Resend" if self._purpose == "resend" else "Send"
        with Vertical(classes="panel") as panel:
            panel.border_title = Content(verb)
            with VerticalScroll(can_focus=False):
                yield Static(self._account_in_words(), markup=False)
                yield Static(self._table(), id="groups", markup=False)
                yield Static(self._columns(), id="columns", markup=False)
            yield Static(Content(f"Type the number of messages, {self._number}, to send them."), id="ask", markup=False)
            with Horizontal(classes="answers"):
                yield Input(id="number", compact=True, max_length=12, select_on_focus=False)
                yield Button(Content("Cancel"), id="cancel")
                yield Button(Content(f"{verb} {self._number:,}"), id="go", disabled=True)
            yield Static(id="why", markup=False)

    def on_mount(self) -> None:
        self._judge("")
        self.query_one(Input).focus()
        self.tell_of_more(self.query_one(VerticalScroll), self.query_one(".panel"), "esc sends nothing")

    def on_resize(self) -> None:
        """However small the screen, the number can be typed: what scrolls gives way to it."""
        self.query_one(VerticalScroll).styles.max_height = max(2, self.size.height * 92 // 100 - _BELOW)

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def _account_in_words(self) -> Content:
        account = self._account
        messages = count(self._number, "message")
        user = f" as {visible(account.username)}" if account.username else ""
        return Content.assemble(
            (" LIVE ", "bold $on-accent on $warning"),
            (f" {messages}", "bold"),
            ", one for each person\n" if self._number > 1 else "\n",
            (f"through {visible(account.name)}: {visible(account.host)}:{account.port}{user}", "$quiet"),
            *self._what_and_how_long(),
        )

    def _what_and_how_long(self) -> Iterator[tuple[str, str]]:
        if self._event is not None:
            yield f"\n\n{visible(self._event.title)}", "bold"
            yield f"\n{visible(self._event.when_short)}", ""
        if self._planned.subject:
            which = "Subject of the first" if self._number > 1 else "Subject"
            yield f"\n{which}: {visible(self._planned.subject)}", ""
        if (pace := self._planned.per_minute) and self._number > 1:
            yield f"\nAt {pace:g} a minute it will take about {duration((self._number - 1) / pace * 60)}.", "$quiet"

    def _table(self) -> Content:
        if self._purpose == "resend":
            return Content("\n").join(_person(one) for one in self._plan.to_send)
        groups = _shown(self._plan.groups)
        rows = [_row(visible(name) or "no group", number, "") for name, number in groups]
        rows.append(_row("together", self._number, "bold"))
        kinds = [count(n, kind) for kind, n in self._plan.counts.items() if n and kind in _KINDS]
        if len(kinds) > 1:
            rows.append(Content.styled("  " + ", ".join(kinds), "$quiet"))
        if self._left_out:
            words = f"\n▲ {count(self._left_out, 'person', 'people')} with errors left out"
            rows.append(Content.styled(words, "$warning"))
        return Content("\n").join(rows)

    def _columns(self) -> Content:
        """What of each row leaves, and what stays."""
        leaving = [
            f"{visible(header)} ({', '.join(places)})" if places else visible(header)
            for header, places in self._state.leaving.items()
        ]
        words = Content.assemble(("Columns that leave: ", "$quiet"), ", ".join(leaving) or "none")
        staying = ", ".join(map(visible, self._state.staying))
        return words + Content.assemble(("\nThat stay here: ", "$quiet"), staying) if staying else words

    def action_close(self) -> None:
        """Who only looked is not told that nothing was sent."""
        self.dismiss(False if self.query_one(Input).value else None)

    def on_input_changed(self, event: Input.Changed) -> None:
        harmless = visible(event.value)
        if harmless != event.value:
            event.input.value = harmless
            return
        self._judge(event.value)

    def on_input_submitted(self) -> None:
        if self._right(self.query_one(Input).value):
            self.dismiss(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "go" and self._right(self.query_one(Input).value))

    def _right(self, typed: str) -> bool:
        digits = typed.strip().replace(",", "")
        return digits.isascii() and digits.isdecimal() and int(digits) == self._number

    def _judge(self, typed: str) -> None:
        right = self._right(typed)
        self.query_one("#go", Button).disabled = not right
        if right:
            words = Content.styled("Enter sends.", "$primary")
        elif typed.strip():
            words = Content.styled(f"{typed.strip()} is not {self._number}: nothing will be sent.", "$warning")
        else:
            words = Content.styled("Nothing is sent before that.", "$quiet")
        self.query_one("#why", Static).update(words)


def _shown(groups: Mapping[str, int]) -> list[tuple[str, int]]:
    """Every group in the list's order; where they are too many, the largest, and the rest as one."""
    if len(groups) <= _GROUPS_SHOWN:
        return list(groups.items())
    ordered = sorted(groups.items(), key=lambda one: -one[1])
    rest = ordered[_GROUPS_SHOWN - 1 :]
    return [*ordered[: _GROUPS_SHOWN - 1], (f"{len(rest)} other groups", sum(number for _, number in rest))]


def _person(action: "Action") -> Content:
    one = action.attendee
    return Content.assemble(f"  {visible(one.name)} <{visible(one.address)}>  ", (action.action, "$quiet"))


def _row(name: str, number: int, style: str) -> Content:
    shown = crop(name, _WIDTH)
    line = Content(f"  {shown}").pad_right(_WIDTH - Content(shown).cell_length) + Content(f"{number:>7,}")
    return line.stylize(style) if style else line
