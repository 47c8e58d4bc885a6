"""The lines on top: which event this is, and whether what is done here reaches people."""

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tui.app.state import MARKS, TROUBLES, State
from tui.app.widgets.chip import Chip
from tui.app.words import crop
from tui.clean import visible

if TYPE_CHECKING:
    from tui.event import Event


class EventLine(Widget):
    """Title, when and where; on two lines where one is too short for them."""

    def __init__(self, state: State, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._title, self._rest = _said(state, None)

    def show(self, state: State) -> None:
        said = _said(state, state.folder.event if state.folder is not None else None)
        if said != (self._title, self._rest):
            self._title, self._rest = said
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return 1 if self._fits(width) else 2

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
        rest = (event.when_short, visible(event.location))
        return visible(event.title), tuple(part for part in rest if part)
    if state.failure is not None:
        return "Nothing could be opened", ()
    if not state.files:
        return "invite-tui", ("one message per person, and nobody learns of another",)
    if state.folder is None:
        return "Opening " + visible(", ".join(state.files)), ()
    return "The event file has errors", ("press e to see them",)


class Banner(Widget):
    """REHEARSAL or LIVE, in a word and a colour; where messages go; the counts; and the two things to press.

    On one line, or on two where one is too short for them. The words are drawn by the banner itself: each widget more
    is milliseconds more before the first picture.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._state = State()

    def compose(self) -> ComposeResult:
        yield Chip("Rehearse", "screen.rehearse", id="rehearse")
        yield Chip("Send…", "screen.send", id="send")

    def show(self, state: State) -> None:
        if state is not self._state:
            self._state = state
            for chip in self.query(Chip):
                chip.disabled = not state.checked or state.running
            self.refresh()

    def render(self) -> Content:
        state = self._state
        if not state.files:
            return Content()
        pill = Content.styled(
            *((" LIVE ", "bold $on-accent on $warning") if state.live else (" REHEARSAL ", "bold on $row"))
        )
        counts = _counts(state)
        width = self.content_size.width
        chips = sum(chip.outer_size.width + 1 for chip in self.query(Chip))
        if self.content_size.height > 1:
            words = _fitted(_destination(state), width - pill.cell_length - 1)
            if counts.cell_length > width - chips:
                counts = _counts(state, zeros=False)
            return Content("\n").join([Content.assemble(pill, " ", words), counts])
        room = width - chips - counts.cell_length - pill.cell_length - 3
        words = _fitted(_destination(state), max(0, room))
        gap = " " * (room - words.cell_length + 2)
        return Content.assemble(pill, " ", words, gap, counts)


def _fitted(content: Content, width: int) -> Content:
    return content.truncate(width, ellipsis=True)


def _destination(state: State) -> Content:
    if state.busy:
        return Content.styled(visible(state.busy), "bold $primary")
    if state.survey.blocked is not None:
        return Content.styled("▲ nothing can be sent yet: press e", "$error")
    if state.folder is None:
        return Content()
    if state.account is not None:
        return Content.styled(f"sends reach people, through {visible(state.account.name)}", "$warning")
    if state.account_failure is not None:
        return Content.styled(visible(state.account_failure.message), "$error")
    return Content.styled(f"no account yet, messages go to {visible(state.folder.outbox.name)}/", "$quiet")


_LOUD = {"bad": "bold $error", "care": "bold $warning"}


def _counts(state: State, *, zeros: bool = True) -> Content:
    """How many stand how; without what there is none of, where there is no room for it."""
    if state.folder is None:
        return Content()
    if not state.checked:
        return Content.styled("checking every message ...", "$quiet")
    run = state.run
    ready, sent = state.survey.ready, state.survey.sent
    if run is not None and run.live and not run.over:
        ready -= min(ready, run.done)
        sent += run.counts.get("accepted", 0)
    numbers = [
        (ready, "ready", "bold $foreground"),
        (state.to_fix, "to fix", "bold $error" if state.to_fix else "$quiet"),
        (sent, "sent", "bold $foreground" if sent else "$quiet"),
    ]
    parts = [_number(*one) for one in numbers if zeros or one[0]]
    troubles = state.troubles
    parts += [_number(troubles[one], one, _LOUD[MARKS[one].tone]) for one in TROUBLES if troubles.get(one)]
    return Content("  ").join(parts)


def _number(number: int, word: str, style: str) -> Content:
    return Content.assemble((f"{number:,}", style), (f" {word}", "$quiet"))
