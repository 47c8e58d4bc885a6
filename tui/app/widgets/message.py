"""What the selected person would receive, one page at a time."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from tui.app.pages import PAGES, Line, Subject, failure_in_words, field_line, page, text_line
from tui.app.state import Mark, State
from tui.app.theme import COLOURS
from tui.app.widgets.framed import Framed
from tui.app.widgets.headline import key_of
from tui.app.widgets.reader import Reader
from tui.clean import visible


class TabBar(Widget, can_focus=False):
    """The names of the pages on one line; a click turns to one."""

    current: reactive[str] = reactive(PAGES[0])

    class Turned(Message):
        """The page was changed."""

    def render(self) -> Content:
        room = self.content_size.width - sum(map(len, PAGES))
        gap = " " * max(1, min(3, room // (len(PAGES) - 1)))
        return Content(gap).join(
            Content.styled(name, "bold underline $primary" if name == self.current else "$quiet") for name in PAGES
        )

    def watch_current(self) -> None:
        self.post_message(self.Turned())

    def on_click(self, event: events.Click) -> None:
        at = event.x - self.gutter.left
        text = self.render().plain
        for name in PAGES:
            if text.index(name) - 1 <= at <= text.index(name) + len(name):
                self.current = name


_WAYS = (("^o", "opens a list of people, or the sample"), ("?", "shows every key"), ("q", "quits"))
"""What there is to do where nothing is open."""
_WITHOUT_EVENT = (("e", "says what they are invited to"), ("^o", "opens another list, or the sample"), ("q", "quits"))
_SOON = 0.06
"""Seconds in which a message is made nearly always: until then the page before stays, and nothing is drawn twice."""


class MessagePane(Framed):
    """The tabs and the page. It is given a `Subject`, and whatever else there is to say when there is none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", "the page before", show=False),
        Binding("right", "turn(1)", "the next page", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.tabs = TabBar(id="tabs")
        self.reader = Reader(id="reader")
        self._subject: Subject | None = None
        self._waiting: Timer | None = None
        self._mark: Mark | None = None

    def compose(self) -> "list[Widget]":
        return [self.tabs, self.reader]

    @property
    def subject(self) -> Subject | None:
        return self._subject

    def show(self, subject: Subject, mark: Mark) -> None:
        """Show this person, who stands as `mark` says; their page keeps its place when only what is known of them has
        changed."""
        same = self._subject is not None and self._subject.attendee is subject.attendee
        self._subject, self._mark = subject, mark
        if subject.view is not None:
            self._draw(keep_place=same and self._waiting is None)
        elif not same:
            self._wait_no_more()
            self._waiting = self.set_timer(_SOON, self._draw)
        elif self._waiting is None:
            self._entitle(subject)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None

    def _entitle(self, subject: Subject) -> None:
        """Name the person above the page."""
        name, address = visible(subject.corrected.name), visible(subject.corrected.address)
        who, mark = f"{name} <{address}>" if name else address or "no address", self._mark
        standing = Content.styled(f"{mark.in_words}  ", f"not bold {COLOURS[mark.tone]}") if mark else ""
        self.entitle(Content.assemble(standing, who), Content(self._under(subject)))

    def _under(self, subject: Subject) -> str:
        """What mends what is wrong, else how the page is turned."""
        wrong = [one for one in subject.wrong if one.code != "withdrawn"]
        if any(one in subject.problems and one.code != "leak" for one in wrong):
            return f"{key_of(self.app, 'correct')} corrects it"
        return f"{key_of(self.app, 'open')} twice goes to where it comes from" if wrong else "1 to 6 turn the page"

    def tell(self, mark: Mark) -> None:
        """How the shown person stands now; said in words above their message."""
        if self._subject is not None and mark is not self._mark:
            self._mark = mark
            if self._waiting is None:
                self._entitle(self._subject)

    def show_nobody(self, state: State) -> None:
        """Say what there is instead of a person: what stopped the opening, or nothing."""
        self._wait_no_more()
        self._subject = None
        self.entitle(Content("Message"))
        lines: list[Line] = []
        if state.lacks_event:
            lines = [text_line("Nobody on the list is invited to anything yet.", "strong"), text_line()]
            lines += [field_line(f"  {key}", words, width=6) for key, words in _WITHOUT_EVENT]
        elif state.failure is not None:
            lines = list(failure_in_words("This cannot be opened.", state.failure))
            lines.append(text_line("F5 tries again, q quits.", "quiet"))
        elif not state.files:
            lines = [text_line("Nothing is open.", "strong"), text_line()]
            lines += [field_line(f"  {key}", words, width=6) for key, words in _WAYS]
        elif state.folder is None:
            lines = [text_line("The message is here when the whole list was read.", "quiet")]
        elif not len(state.records):
            lines = [
                text_line("Nobody is on the list yet.", "strong"),
                text_line(),
                field_line("→", f"Put people into {', '.join(state.files)}, one on each line, and save it.", width=2),
                field_line("→", "It is read again by itself, and everybody's message is here.", width=2),
            ]
        self.reader.show(lines)

    def turn_to(self, number: int) -> None:
        self.tabs.current = PAGES[number % len(PAGES)]

    def action_turn(self, by: int) -> None:
        self.turn_to(PAGES.index(self.tabs.current) + by)

    def on_tab_bar_turned(self) -> None:
        self._draw()

    def _draw(self, *, keep_place: bool = False) -> None:
        self._wait_no_more()
        if self._subject is not None:
            self._entitle(self._subject)
            self.reader.show(page(self.tabs.current, self._subject), keep_place=keep_place)
