"""Who could see whom in other programs' mails."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button

from tui.app.leaking import Audited, Judged
from tui.app.pages import Line, text_line
from tui.app.screens.dialog import Dialog
from tui.app.widgets.reader import Reader
from tui.app.words import count
from tui.clean import visible

if TYPE_CHECKING:
    from tui.audit import Judgement

_NAMED = 200  # people of one place
_MARGIN = 6  # lines of the panel around the text


class Exposure(Dialog[str]):
    """Returns "repair" where the organiser wants a folder for it, else None."""

    BINDINGS = [Binding("q", "close", "close", show=False)]  # noqa: RUF012 - as the base class declares it

    def __init__(self, audited: Audited) -> None:
        super().__init__()
        self._lines = list(_lines(audited))
        leaking = [one for one in audited.judged if one.judgement is not None and one.judgement.exposures]
        self._can_repair = len(audited.judged) == 1 and bool(leaking)

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel -reading") as panel:
            panel.border_title = Content("Who could see whom")
            yield Reader(id="seen")
            with Horizontal(classes="answers"):
                yield Button(Content("Close"), id="close")
                if self._can_repair:
                    yield Button(Content("Make a folder for the repair …"), id="repair")

    def on_mount(self) -> None:
        reader = self.query_one(Reader)
        reader.show(self._lines)
        reader.focus()
        self.tell_of_more(reader, self.query_one(".panel"), "esc closes")

    def on_resize(self) -> None:
        self.query_one(Reader).styles.max_height = max(3, self.size.height * 92 // 100 - _MARGIN)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss("repair" if event.button.id == "repair" else None)


def _lines(audited: Audited) -> Iterator[Line]:
    judged = [one for one in audited.judged if one.judgement is not None]
    exposed = {leak.what for one in judged if one.judgement is not None for leak in one.judgement.leaks}
    if not audited.judged:
        yield text_line(f"There is no message in {visible(audited.path)}.", "strong")
        return
    messages = count(len(judged), "message")
    if exposed:
        yield Line(
            text_line(
                f"{messages} judged: {count(len(exposed), 'address was', 'addresses were')} exposed.", "strong"
            ).body,
            text_line("▲ ", "bad").body,
        )
    elif judged:
        yield Line(text_line(f"{messages} judged: nobody was exposed.", "strong").body, text_line("✓ ", "good").body)
    words = (
        "Whoever is on the open list was looked for in every text and file as well."
        if audited.listed
        else "Other people's addresses in texts and files count only where a list is open."
    )
    yield text_line(words, "quiet")
    if audited.more:
        yield text_line(f"There are more: `invite-tui audit {visible(audited.path)}` judges them all.", "care")
    for one in audited.judged:
        yield from _of_one(one)


def _of_one(one: Judged) -> Iterator[Line]:
    yield text_line()
    if one.judgement is None:
        yield Line(text_line(f"{visible(one.place)}: {visible(one.reason)}").body, text_line("? ", "care").body)
        return
    yield text_line(visible(one.judgement.subject[:200]) or "without a subject", "strong")
    sender = f", from {visible(one.judgement.sender[:200])}" if one.judgement.sender else ""
    yield text_line(f"{visible(one.place)}{sender}", "quiet")
    yield from _exposures(one.judgement)


def _exposures(judgement: "Judgement") -> Iterator[Line]:
    for exposure in judgement.exposures:
        yield text_line()
        yield Line(text_line(visible(exposure.sentence)).body, text_line("▲ ", "bad").body)
        people = ", ".join(visible(leak.what) for leak in exposure.leaks[:_NAMED])
        rest = len(exposure.leaks) - _NAMED
        people += f" and {rest:,} more" if rest > 0 else ""
        yield Line(text_line(people, "quiet").body, text_line("  ").body)
    if judgement.unopened:
        yield text_line()
    for place in judgement.unopened:
        where = visible(place.where) or "the message"
        yield Line(
            text_line(f"could not be looked into: {where}: {visible(place.reason)}").body, text_line("? ", "care").body
        )
