"""The lines on top: which event this is, and whether what is done here reaches people."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tui.app.actions import BY_NAME
from tui.app.state import State
from tui.app.way import SIGNS, Step, next_step, steps
from tui.app.widgets.keybar import keys_in_words
from tui.app.words import crop
from tui.clean import visible

if TYPE_CHECKING:
    from textual.app import App

    from tui.event import Event


_WIDE = 110  # cells in which the usual event is on one line


class EventLine(Widget):
    """Title, when and where; on two lines where one is too short for them."""

    def __init__(self, state: State, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._title, self._rest = _said(state, None)
        self._is_opening = bool(state.files)

    def show(self, state: State) -> None:
        said = _said(state, state.folder.event if state.folder is not None else None)
        if said != (self._title, self._rest):
            self._title, self._rest = said
            self._is_opening = state.folder is None and state.failure is None and bool(state.files)
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's
        # Nothing below moves when the event is read: there is room for it already.
        return 1 if self._fits(width) and (width >= _WIDE or not self._is_opening) else 2

    def _fits(self, width: int) -> bool:
        return not self._rest or sum(cell_len(part) + 4 for part in (self._title, *self._rest)) - 4 <= width

    def render(self) -> Content:
        width = self.content_size.width
        if self._fits(width):
            parts = [Content.styled(crop(self._title, width), "bold"), *(Content(part) for part in self._rest)]
            return Content("    ").join(parts)
        return Content.assemble(
            (crop(self._title, width), "bold"), "\n", crop("    ".join(part for part in self._rest), width)
        )


def _said(state: State, event: "Event | None") -> tuple[str, tuple[str, ...]]:
    if event is not None:
        rest = (event.when_short, visible(event.location), _other_ledger(state))
        return visible(event.title), tuple(part for part in rest if part)
    if state.lacks_event:
        return "No event yet", (visible(", ".join(state.files)),)
    if state.failure is not None:
        return "Nothing could be opened", ()
    if not state.files:
        return "invite-tui", ("one message per person, and nobody learns of another",)
    if state.folder is None:
        return "Opening " + visible(", ".join(state.files)), ()
    return "The event file has errors", ("press e to see them",)


def _other_ledger(state: State) -> str:
    """The ledger, where it is not the one beside the event file: it says who has what."""
    if state.folder is None:
        return ""
    where = state.folder.ledger_path
    if isinstance(where, Path):
        usual = state.folder.event_path.with_name(f"{state.folder.event_path.stem}.ledger.db")
        return "" if where == usual else f"ledger {visible(where.name)}"
    return f"ledger {visible(where.shown)}"


class Banner(Widget):
    """REHEARSAL or LIVE, in a word and a colour, where messages go, and what the next step's key does, as a click on
    it does."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._state = State()
        self._made_of: tuple[object, ...] = ()
        self._showing_problems = False
        self._hint: tuple[int, str] | None = None  # its first cell, what a click does

    def show(self, state: State, *, showing_problems: bool = False) -> None:
        """With `showing_problems` only people who have some are in the list: what is next is to mend them."""
        where = state.account or state.account_failure
        seen = (state.files, state.folder, state.checked, state.survey.blocked, where, state.busy, _hinted(state))
        made_of = (*seen, showing_problems)
        self._state, self._showing_problems = state, showing_problems
        if made_of != self._made_of:
            self._made_of = made_of
            self.refresh()

    def render(self) -> Content:
        state = self._state
        self._hint = None
        if not state.files:
            return Content()
        pill = Content.styled(
            *((" LIVE ", "bold $on-accent on $warning") if state.live else (" REHEARSAL ", "bold on $row"))
        )
        room = self.content_size.width - pill.cell_length - 1
        words = _destination(state)
        for said in (words, _briefly(state) or words):
            for act, hint in self._hints():
                gap = room - said.cell_length - hint.cell_length
                if gap >= _GAP:
                    self._hint = self.content_size.width - hint.cell_length, act
                    return Content.assemble(pill, " ", said, " " * gap, hint)
        return Content.assemble(pill, " ", words.truncate(max(0, room), ellipsis=True))

    async def on_click(self, event: events.Click) -> None:
        if self._hint is not None and event.x - self.gutter.left >= self._hint[0]:
            await self.run_action(f"screen.do('{self._hint[1]}')")

    def _hints(self) -> Iterator[tuple[str, Content]]:
        """What the next step's key does, the longest first; each with what that is called."""
        if (step := _hinted(self._state)) is None:
            return
        act, said = step.act, (step.hint, step.brief, step.label.lower())
        if act == "problems" and self._showing_problems:
            act, said = _MENDING[step.label]
        for words in filter(None, said):
            yield act, Content.assemble(("next  ", "$quiet"), (key_of(self.app, act), "bold $primary"), f" {words}")


_MENDING = {
    "Check": ("correct", ("corrects who is selected", "corrects it", "correct")),
    "Follow up": ("next", ("looks after the next of them", "the next of them", "next")),
}
"""What is done about people with problems once they are shown, by the step that led there."""


class WayLine(Widget):
    """Check, Rehearse, Send, Follow up: what is done, what is next, and what is missing; each can be clicked.

    Drawn by itself: each widget more is milliseconds more before the first picture.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._steps: tuple[Step, ...] = ()
        self._spans: list[tuple[int, int, str]] = []  # first cell, last cell, what a click does

    def show(self, state: State) -> None:
        made = steps(state)
        if made != self._steps:
            self._steps = made
            self.refresh()

    def render(self) -> Content:
        width = self.content_size.width
        parts: list[Content] = []
        for notes in (_all_notes, _loud_notes, _next_notes, _last_notes, _no_notes):
            parts = [_step(step, *notes(step)) for step in self._steps]
            if sum(part.cell_length + len(_BETWEEN) for part in parts) - len(_BETWEEN) <= width:
                break
        self._spans = []
        at = 0
        for part, step in zip(parts, self._steps, strict=False):
            self._spans.append((at, at + part.cell_length - 1, step.act))
            at += part.cell_length + len(_BETWEEN)
        return Content.styled(_BETWEEN, "$quiet").join(parts)

    async def on_click(self, event: events.Click) -> None:
        for first, last, act in self._spans:
            if first <= event.x - self.gutter.left <= last:
                await self.run_action(f"screen.do('{act}')")


_BETWEEN = " → "
_GAP = 3  # cells at least between where messages go and what is next
_LOOKS = {"done": "$primary", "next": "bold $on-accent on $primary", "care": "bold $error", "later": "$quiet"}


def _step(step: Step, notes: Sequence[str], troubles: Sequence[str]) -> Content:
    words = f"{SIGNS[step.standing]} {step.label}"
    name = Content.styled(f" {words} " if step.standing == "next" else words, _LOOKS[step.standing])
    said = [Content.styled(note, "bold $foreground" if step.matters else "$quiet") for note in notes]
    said += [Content.styled(trouble, "bold $error") for trouble in troubles]
    return Content.assemble(name, " " if step.standing == "next" else "  ", Content("  ").join(said)) if said else name


def _all_notes(step: Step) -> tuple[Sequence[str], Sequence[str]]:
    return step.notes, step.troubles


def _loud_notes(step: Step) -> tuple[Sequence[str], Sequence[str]]:
    return (step.notes if step.matters else ()), step.troubles


def _next_notes(step: Step) -> tuple[Sequence[str], Sequence[str]]:
    """What needs care, and of the step that is next the rest as well."""
    return (step.notes if step.matters and step.standing == "next" else ()), step.troubles


def _last_notes(step: Step) -> tuple[Sequence[str], Sequence[str]]:
    return (), step.troubles[-1:]


def _no_notes(_: Step) -> tuple[Sequence[str], Sequence[str]]:
    return (), ()


def key_of(app: "App[object]", name: str) -> str:
    """The key of this of `ACTIONS`, as the organiser has it."""
    return keys_in_words(getattr(app, "keys", {}).get(name, BY_NAME[name].keys))


def _hinted(state: State) -> Step | None:
    """The next step, where it says what it does and can be taken now."""
    step = None if state.busy or state.running else next_step(steps(state))
    return step if step is not None and step.hint else None


def _destination(state: State) -> Content:
    if state.busy:
        return Content.styled(visible(state.busy), "bold $primary")
    if state.folder is not None and not state.checked:
        return Content.styled("checking every message ...", "$quiet")
    if state.survey.blocked is not None:
        return Content.styled("▲ nothing can be sent yet", "$error")
    if state.folder is None:
        return Content()
    if state.account is not None:
        return Content.styled(f"sends reach people, through {visible(state.account.name)}", "$warning")
    if state.account_failure is not None:
        return Content.styled(visible(state.account_failure.message), "$error")
    return Content.styled(f"no account yet, messages go to {visible(state.folder.outbox.name)}/", "$quiet")


def _briefly(state: State) -> Content | None:
    """The same where there is little room, None where it is said in few words anyway."""
    if state.busy or not state.checked or state.survey.blocked is not None or state.account is not None:
        return None
    return Content.styled("no account yet", "$quiet") if state.account_failure is None else None
