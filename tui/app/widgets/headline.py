"""The two lines on top: which event this is, and whether what is done here reaches people."""

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from tui.app.state import State
from tui.app.widgets.chip import Chip
from tui.app.words import crop
from tui.clean import visible

if TYPE_CHECKING:
    from tui.event import Event


class EventLine(Widget):
    """Title, when and where; on two lines where one is too short for them."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._title = ""
        self._rest: tuple[str, ...] = ()

    def show(self, state: State) -> None:
        event = state.folder.event if state.folder is not None else None
        self._title, self._rest = _said(state, event)
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002
        return 1 if self._fits(width) else 2

    def _fits(self, width: int) -> bool:
        return not self._rest or sum(cell_len(part) + 4 for part in (self._title, *self._rest)) - 4 <= width

    def render(self) -> Content:
        width = self.content_size.width
        if self._fits(width):
            parts = [Content.styled(self._title, "bold"), *(Content(part) for part in self._rest)]
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
    if state.folder is None:
        return "Opening " + visible(", ".join(state.files)), ()
    return "The event file has errors", ("press e to see them",)


class Banner(Container):
    """REHEARSAL or LIVE, in a word and a colour; where messages go; the counts; and the two things to press."""

    def compose(self) -> ComposeResult:
        yield Static(id="pill", markup=False)
        yield Static(id="place", markup=False)
        yield Static(id="counts", markup=False)
        yield Chip("Rehearse", "screen.rehearse", id="rehearse")
        yield Chip("Send…", "screen.send", id="send")

    def show(self, state: State) -> None:
        self.set_class(state.live, "-live")
        self.query_one("#pill", Static).update(" LIVE " if state.live else " REHEARSAL ")
        self.query_one("#place", Static).update(_place(state))
        self.query_one("#counts", Static).update(_counts(state))
        for chip in self.query(Chip):
            chip.disabled = not state.checked or state.running


def _place(state: State) -> Content:
    if state.survey.blocked is not None:
        return Content.assemble(("▲ nothing can be sent yet: press e", "$error"))
    return Content(_destination(state))


def _destination(state: State) -> str:
    if state.folder is None:
        return ""
    if state.account is not None:
        return f"sends reach people, through {visible(state.account.name)}"
    if state.account_failure is not None:
        return visible(state.account_failure.message)
    return f"no account yet, messages go to {visible(state.folder.outbox.name)}/"


def _counts(state: State) -> Content:
    if state.folder is None:
        return Content()
    if not state.checked:
        return Content("checking every message ...")
    run = state.run
    sent = state.survey.sent
    if run is not None and run.live and not run.over:
        sent += run.counts.get("accepted", 0)
    parts = [
        Content.assemble((f"{state.survey.ready:,}", "bold"), " ready"),
        Content.assemble((f"{state.to_fix:,}", "bold $error" if state.to_fix else ""), " to fix"),
        Content.assemble((f"{sent:,}", "bold" if sent else ""), " sent"),
    ]
    return Content("  ").join(parts)
