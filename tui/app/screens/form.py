"""A few lines to fill in. It stays open while what was asked for is worked out, and says what stood in the way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from tui.app.screens.dialog import Body, Dialog
from tui.app.widgets.line import Line
from tui.app.words import crop
from tui.clean import visible
from tui.errors import InviteError

_MARGIN = 6  # lines of the panel that never scroll: its frame, the buttons
_LABEL = 22  # cells, at most
_WHY = 6  # lines of what stood in the way, as the style has it


@dataclass(frozen=True, slots=True)
class Blank:
    """One line of a form: what is there already, or with `choices` one of these (value, words)."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    complete: tuple[str, ...] = ()
    """What can be meant: it is shown as it is typed, and taken with the right arrow."""
    secret: bool = False
    """Whether what is typed is for nobody else's eyes."""


class Cycle(Widget, can_focus=True):
    """One of a few: left, right, space and a click go on to the next."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", "the one before", show=False),
        Binding("right,space", "turn(1)", "the next one", show=False),
        Binding("enter", "screen.submit", "go on", show=False),
    ]

    class Changed(Message):
        """Another one was chosen."""

    def __init__(
        self,
        choices: Sequence[tuple[str, str]],
        value: str = "",
        *,
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        super().__init__(id=id)
        self._choices = choices
        self._at = next((at for at, (name, _) in enumerate(choices) if name == value), 0)

    @property
    def value(self) -> str:
        return self._choices[self._at][0]

    @value.setter
    def value(self, value: str) -> None:
        self._at = next(at for at, (name, _) in enumerate(self._choices) if name == value)
        self.refresh()
        self.post_message(self.Changed())

    def action_turn(self, by: int) -> None:
        self._at = (self._at + by) % len(self._choices)
        self.refresh()
        self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        self.action_turn(-1 if event.x < 2 else 1)

    def render(self) -> Content:
        which = f"   {self._at + 1} of {len(self._choices)}"
        words = crop(visible(self._choices[self._at][1]), max(1, self.content_size.width - 4 - len(which)))
        return Content.assemble(("◂ ", "$quiet"), words, (" ▸", "$quiet"), (which, "$quiet"))


class Form(Dialog[None]):
    """Posts `Filled` and stays; whoever worked out what was asked for calls `refuse`, or dismisses it."""

    AUTO_FOCUS = ""  # it knows where it begins
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "submit", "save", show=False)]

    @dataclass(eq=False, repr=False)
    class Filled(Message):
        """The organiser is done; `values` has what stands in each line, by its name."""

        form: "Form"
        values: Mapping[str, str]

    def __init__(
        self,
        title: str,
        said: Content | str,
        blanks: Sequence[Blank],
        button: str,
        *,
        busy: str = "Planning ...",
        begin_at: str = "",
        then: "Callable[[Form, Mapping[str, str]], None] | None" = None,
        one_change: bool = False,
    ) -> None:
        """`begin_at` is the line that has the focus first; `then` is given the values when the organiser is done.

        With `one_change` Enter is done at once: mostly one line is mended. Else it goes from line to line.
        """
        super().__init__()
        self._begin_at = begin_at
        self.then = then
        self._one_change = one_change
        self._title_text = title
        self._said = Content(visible(said, lines=True)) if isinstance(said, str) else said
        self._blanks = blanks
        self._button = button
        self._busy = busy
        self._widgets: dict[str, Input | Cycle] = {}
        self._why = Content()

    @property
    def other(self) -> tuple[str, Callable[[], None]] | None:
        """A third button, and what it does."""
        return None

    def compose(self) -> ComposeResult:
        width = min(_LABEL, max((cell_len(visible(one.label)) for one in self._blanks), default=0)) + 2
        with Vertical(classes="panel") as panel:
            panel.border_title = Content(self._title_text)
            with Body():
                yield Static(self._said, classes="said", markup=False)
                for blank in self._blanks:
                    with Horizontal(classes="blank"):
                        label = Static(Content(crop(visible(blank.label), width - 2)), classes="label", markup=False)
                        label.styles.width = width
                        yield label
                        yield self._widget(blank)
            with Horizontal(classes="answers"):
                yield Button(Content(self._button), id="go")
                if self.other is not None:
                    yield Button(Content(self.other[0]), id="other")
                yield Button(Content("Close"), id="close")
            yield Static(id="why", markup=False)

    def _widget(self, blank: Blank) -> Input | Cycle:
        made: Input | Cycle
        if blank.choices:
            made = Cycle(blank.choices, blank.value)
        else:
            completing = SuggestFromList(blank.complete, case_sensitive=False) if blank.complete else None
            made = Line(
                visible(blank.value),
                placeholder=blank.hint,
                compact=True,
                suggester=completing,
                password=blank.secret,
            )
        self._widgets[blank.name] = made
        return made

    def on_mount(self) -> None:
        if self._widgets:
            self._first.focus()
            self._judge()
        words = "→ completes   " if any(one.complete for one in self._blanks) else ""
        words += f"{'enter' if self._one_change else '^s'}: {self._button}   esc closes"
        self.tell_of_more(self.query_one(Body), self.query_one(".panel"), words)

    @property
    def _first(self) -> "Input | Cycle":
        return self._widgets.get(self._begin_at, next(iter(self._widgets.values())))

    def on_resize(self) -> None:
        """What scrolls gives way to what stood in the way: that is read whole."""
        width = self.query_one("#why", Static).content_size.width
        said = max(1, min(_WHY, self._why.get_height({}, width) if width else 1))
        self.query_one(Body).styles.max_height = max(3, self.size.height * 92 // 100 - _MARGIN - said)

    def offer(self, offered: Mapping[str, bool]) -> None:
        """Show the lines that matter now, by their names, and leave the others out of the way."""
        for name, is_offered in offered.items():
            if (widget := self._widgets.get(name)) is not None and isinstance(line := widget.parent, Widget):
                line.display = is_offered

    def line(self, name: str) -> "Input | Cycle":
        """What this blank is filled in with. KeyError where there is none."""
        return self._widgets[name]

    def propose(self, said: Content, values: Mapping[str, str], begin_at: str) -> None:
        """What was found out meanwhile: it stands in the lines that nobody has changed. The focus goes on to `begin_at`
        where nothing was typed at all."""
        self.query_one(".said", Static).update(said)
        before = {blank.name: blank.value for blank in self._blanks}
        untouched = {name for name, value in self.values.items() if value == before[name]}
        is_begun = len(untouched) < len(before) or self.focused not in (None, self._first)
        for name in untouched & values.keys():
            self._widgets[name].value = values[name]
        if not is_begun and self._is_asking:
            self._widgets[begin_at].focus()

    @property
    def _is_asking(self) -> bool:
        """Whether it waits for the organiser, not for what was asked for."""
        return not self.query_one("#go", Button).disabled

    @property
    def values(self) -> Mapping[str, str]:
        return {name: widget.value for name, widget in self._widgets.items()}

    def on_input_changed(self, _: Input.Changed) -> None:
        self._judge()

    def on_cycle_changed(self) -> None:
        self._judge()

    def judge(self, values: Mapping[str, str]) -> Content | None:
        """What to say of the values as they are typed; None says nothing. A line that is longer than its place is shown
        whole."""
        line = self.focused
        if not isinstance(line, Input) or line.password:
            return None
        is_long = cell_len(values.get(self._name_of(line), "")) >= line.content_size.width > 0
        return Content.styled(line.value, "$quiet") if is_long else Content()

    def _name_of(self, line: Input) -> str:
        return next((name for name, widget in self._widgets.items() if widget is line), "")

    def _judge(self) -> None:
        said = self.judge(self.values)
        if said is not None:
            self._say(said)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the next line, and from the last one on."""
        inputs = [one for one in self._widgets.values() if isinstance(one, Input) and _is_offered(one)]
        if self._one_change or event.input is inputs[-1]:
            self.action_submit()
        else:
            self.focus_next()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "go":
            self.action_submit()
        elif event.button.id == "other" and self.other is not None:
            self.other[1]()
        else:
            self.dismiss(None)

    def action_submit(self) -> None:
        if self._is_asking:
            self.query_one("#go", Button).disabled = True
            self._say(Content.styled(self._busy, "$quiet"))
            self.post_message(self.Filled(self, self.values))

    def refuse(self, error: InviteError | str) -> None:
        """Say what stood in the way; it can be mended and asked for again."""
        self.ready()
        if isinstance(error, str):
            self._say(Content.assemble(("▲ ", "$error"), visible(error)))
            return
        parts: list[Content] = [Content.assemble(("▲ ", "$error"), (visible(error.message), "bold"))]
        for problem in error.problems[:3]:
            if problem.message not in error.message:
                parts.append(Content(f"  {visible(problem.message)}"))
            if problem.hint and problem.hint != error.hint:
                parts.append(Content(f"  {visible(problem.hint)}"))
        if error.hint:
            parts.append(Content(f"  {visible(error.hint)}"))
        self._say(Content("\n").join(parts))

    def ready(self) -> None:
        """As it was before anything was asked for."""
        self.query_one("#go", Button).disabled = False
        self._say(Content())

    def _say(self, words: Content) -> None:
        self._why = words
        self.query_one("#why", Static).update(words)
        self.call_after_refresh(self.on_resize)


def _is_offered(line: Widget) -> bool:
    return isinstance(line.parent, Widget) and line.parent.display
