"""How a run ended: a line for each kind of outcome, with what to do next to press beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tui.app.state import MARKS, Run, Tone
from tui.app.theme import COLOURS
from tui.app.widgets.chip import chip
from tui.app.widgets.headline import key_of
from tui.app.words import count, crop
from tui.clean import visible
from tui.delivery.oauth.grants import RevokedError
from tui.errors import AccountError

_WIDTH = 14  # cells for "3 refused"
_LEAST = 12  # cells of words that are worth being said


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some: `words` say what it means; `acts`: what can be done, each a label and one of `ACTIONS`."""

    sign: str
    what: str
    words: str
    tone: Tone
    acts: tuple[tuple[str, str], ...] = ()


def outcomes(run: Run) -> Iterator[Outcome]:
    """What became of the messages, each kind that there is; of a run that is over."""
    if run.taken_back:
        yield Outcome("○", "Nothing was sent", "and nothing is remembered as tried", "good", (("Begin anew…", "send"),))
        return
    if not run.live:
        what = f"{run.counts.get('accepted', 0):,} written to {visible(run.place)}"
        yield Outcome("▣", what, "nothing was sent", "good", (("Send…", "send"),))
    for outcome in ("accepted", "refused", "deferred", "unknown") if run.live else ():
        if number := run.counts.get(outcome, 0):
            mark = MARKS[outcome]
            yield Outcome(mark.sign, f"{number:,} {mark.word}", _MEANS[outcome], mark.tone, _acts(outcome, run))
    if run.live and run.left:
        mark = MARKS["unsent"]
        yield Outcome(mark.sign, f"{run.left:,} {mark.word}", "not tried yet", mark.tone, _acts("unsent", run))
    if run.left_out:
        people = count(run.left_out, "person", "people")
        yield Outcome("▲", f"{people} left out", "their rows have errors", "care", (_SHOW,))


_MEANS = {
    "accepted": "the server took them",
    "refused": "for good, says the server",
    "deferred": "not now, says the server",
    "unknown": "may have arrived: ask them first",
}
_SHOW = ("Show them", "problems")


def _acts(outcome: str, run: Run) -> tuple[tuple[str, str], ...]:
    if outcome == "accepted":
        return (("Answers…", "answers"),)
    if outcome == "deferred":
        return (("Send again…", "send"),)
    if outcome == "unsent":
        if isinstance(run.failure, RevokedError):
            return ("Sign in again…", "sign-in"), ("Send the rest…", "send")
        if isinstance(run.failure, AccountError):
            return ("Accounts…", "accounts"), ("Send the rest…", "send")
        return (("Send the rest…", "send"),)
    # Whoever was refused comes first.
    if outcome == "refused":
        return _SHOW, ("Correct and resend…", "next")
    return (_SHOW,) if run.counts.get("refused") else (_SHOW, ("Resend…", "next"))


class NextSteps(Widget, can_focus=False):
    """Drawn by itself. What is pressed has a key or a name in the palette as well, so it takes no focus."""

    DEFAULT_CSS = "NextSteps { height: auto; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._outcomes: tuple[Outcome, ...] = ()
        self._spans: list[tuple[int, int, int, str]] = []  # line, first cell, last cell, what a click does

    def show(self, found: Sequence[Outcome]) -> None:
        self.display = bool(found)
        if tuple(found) != self._outcomes:
            self._outcomes = tuple(found)
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's
        return len(self._outcomes)

    def render(self) -> Content:
        self._spans = []
        widest = max((len(one.words) for one in self._outcomes), default=0)
        return Content("\n").join([self._line(at, one, widest) for at, one in enumerate(self._outcomes)])

    def _line(self, at: int, one: Outcome, widest: int) -> Content:
        """What is pressed stands in one column, as far as there is room; `widest` is the longest of all words."""
        chips = [(Content.assemble(" ", chip(key_of(self.app, act), label), " "), act) for label, act in one.acts]
        said = Content.assemble((f"{one.sign} ", COLOURS[one.tone]), (f"{one.what:<{_WIDTH}}", "bold"))
        room = self.content_size.width - said.cell_length - sum(each.cell_length + 1 for each, _ in chips) - 3
        if room >= min(_LEAST, len(one.words)):
            said = Content.assemble(said, "  ", (f"{crop(one.words, room):<{min(widest, room)}} ", "$quiet"))
        for each, act in chips:
            first = said.cell_length + 1
            self._spans.append((at, first, first + each.cell_length - 1, act))
            said = Content.assemble(said, " ", each.stylize("on $row"))
        return said

    async def on_click(self, event: events.Click) -> None:
        for line, first, last, act in self._spans:
            if line == event.y and first <= event.x <= last:
                await self.run_action(f"screen.do('{act}')")
