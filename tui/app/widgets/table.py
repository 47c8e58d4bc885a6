"""The attendees, one line each. Only the lines in view are ever made: a million rows cost no more than fifty-five."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.app.state import Mark
from tui.app.words import cells, crop, fit
from tui.clean import visible

if TYPE_CHECKING:
    from tui.attendees import Attendee

_MEASURED = 400  # rows whose texts decide how wide the columns are; measuring all of a million would take a second
_GAP = 2
_NAME = 18  # cells that a name keeps before the address is cut
_ADDRESS = 20  # that an address keeps before the group gives way
_GROUP = 8  # that show a group, where they must
_WORD = 9  # that say how somebody stands, or what they answered


class AttendeeTable(ScrollView, can_focus=True):
    """Shows the chosen rows of the records; the cursor is a row of what is shown."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--accent",
        "table--good",
        "table--bad",
        "table--care",
        "table--quiet",
        "table--cursor",
        "table--cursor-blurred",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "the row above", show=False),
        Binding("down,j", "move(1)", "the row below", show=False),
        Binding("pageup", "page(-1)", "a page up", show=False),
        Binding("pagedown", "page(1)", "a page down", show=False),
        Binding("home,g", "edge(0)", "the first row", show=False),
        Binding("end,G", "edge(-1)", "the last row", show=False),
        Binding(
            "space", "mark", "mark", tooltip="Mark this person, for r and t; once more takes the mark away", id="mark"
        ),
        Binding("ctrl+a", "mark_all", "mark all", show=False, tooltip="Mark everybody who is shown, or nobody"),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)

    @dataclass(eq=False, repr=False)
    class Selected(Message):
        """The cursor came to this attendee, or to nobody."""

        attendee: "Attendee | None"

    class Marked(Message):
        """Other people are marked than before."""

    class Chosen(Message):
        """The selected attendee was asked for: a second click."""

    def __init__(
        self,
        mark_of: "Callable[[Attendee], Mark]",
        as_known: "Callable[[Attendee], Attendee]" = lambda one: one,
        answer_of: "Callable[[Attendee], Mark | None]" = lambda _: None,
        *,
        id: str | None = None,  # noqa: A002 - Textual's word
    ) -> None:
        super().__init__(id=id)
        self._mark_of = mark_of
        self._as_known = as_known
        self._answer_of = answer_of
        self.answered = False
        """Whether anybody's answer is known: the list has a sign and a word for it then, from the next drawing on."""
        self._records: Sequence[Attendee] = ()
        self._order: Sequence[int] = ()
        self._notice = ""
        self._natural = (0, 0, 0)
        self._drawn: dict[int, Mark] = {}  # with which mark each place was drawn last
        self._last: Attendee | None = None
        self._chosen_row = 0  # of the records: what the cursor is on, whatever is shown
        self._marked: set[int] = set()  # of the records

    @property
    def selected(self) -> "Attendee | None":
        return self._records[self._order[self.cursor]] if self.cursor < len(self._order) else None

    @property
    def marked(self) -> "Sequence[Attendee]":
        """Who is marked, in the order of the files, whether shown or not."""
        from tui.attendees import Records
        from tui.attendees.store import Chosen

        rows = sorted(self._marked)
        return Chosen(self._records, rows) if isinstance(self._records, Records) else [self._records[at] for at in rows]

    @property
    def order(self) -> Sequence[int]:
        """The rows that are shown."""
        return self._order

    @property
    def marks(self) -> int:
        """How many are marked."""
        return len(self._marked)

    def mark(self, rows: Sequence[int]) -> None:
        """Marks these rows of the records, too."""
        if rows:
            self._marked.update(rows)
            self._marks_changed()

    def unmark(self) -> None:
        if self._marked:
            self._marked.clear()
            self._marks_changed()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        return bool(self._order) if action in ("mark", "mark_all") else True

    def action_mark(self) -> None:
        if self.selected is not None:
            self._marked ^= {self._order[self.cursor]}
            self._marks_changed()
            self.cursor += 1

    def action_mark_all(self) -> None:
        shown = set(self._order)
        self._marked = self._marked - shown if shown <= self._marked else self._marked | shown
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.refresh()
        self.post_message(self.Marked())

    def show(
        self, records: "Sequence[Attendee]", order: Sequence[int], notice: str = "", row: int | None = None
    ) -> None:
        """Show these records in this order, the cursor kept on its attendee; `notice` where none are.

        `row` is where the selected attendee is now, if these are other records than before.
        """
        if records is not self._records:
            self._natural = _natural_widths(records)
            self._chosen_row = row if row is not None else self._chosen_row if self._is_there(records) else 0
            self.unmark()
        self._records, self._order, self._notice = records, order, notice
        self.virtual_size = Size(0, len(order))
        self.set_reactive(AttendeeTable.cursor, _place_of(self._chosen_row, order))
        self._show_cursor()
        self._tell()
        self.refresh()

    def grow(self, records: "Sequence[Attendee]") -> None:
        """Show these records, which begin with those that are shown: nothing that is in view changes, if it is full."""
        was_full = len(self._order) >= self.scroll_offset.y + self.size.height
        self._records, self._order = records, range(len(records))
        size = Size(0, len(records))
        if was_full and self.show_vertical_scrollbar:
            # Nothing has to be laid out anew, which would draw the whole screen: the bar alone.
            self.set_reactive(AttendeeTable.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
        else:
            self.virtual_size = size
        if not was_full:
            self.refresh()

    def _is_there(self, records: "Sequence[Attendee]") -> bool:
        """Whether the selected attendee is where they were."""
        row = self._chosen_row
        return self._last is not None and row < len(records) and records[row].key == self._last.key

    def go_to(self, place: int) -> None:
        self.cursor = place

    def go_to_row(self, row: int) -> None:
        """To this row of the records, if it is shown."""
        self.cursor = _place_of(row, self._order)

    def validate_cursor(self, place: int) -> int:
        return max(0, min(place, len(self._order) - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        self.refresh_line(old)
        self.refresh_line(new)
        self._show_cursor()
        self._tell()

    def _tell(self) -> None:
        if self.selected is not None:
            self._chosen_row = self._order[self.cursor]
        if self.selected is not self._last:
            self._last = self.selected
            self.post_message(self.Selected(self._last))

    def _show_cursor(self) -> None:
        height = self.scrollable_content_region.height
        top = self.scroll_offset.y
        if height and not top <= self.cursor < top + height:
            self.scroll_to(y=self.cursor if self.cursor < top else self.cursor - height + 1, animate=False, force=True)

    def action_move(self, by: int) -> None:
        self.cursor += by

    def action_page(self, direction: int) -> None:
        self.cursor += direction * max(1, self.scrollable_content_region.height - 1)

    def action_edge(self, place: int) -> None:
        self.cursor = place if place == 0 else len(self._order) - 1

    def on_resize(self) -> None:
        self._show_cursor()

    def on_click(self, event: events.Click) -> None:
        place = event.y + self.scroll_offset.y
        if place < len(self._order):
            self.cursor = place
            if event.chain == 2:
                self.post_message(self.Chosen())

    def on_focus(self) -> None:
        self.refresh_line(self.cursor)

    def on_blur(self) -> None:
        self.refresh_line(self.cursor)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.rich_style
        place = y + self.scroll_offset.y
        if place >= len(self._order):
            return self._notice_line(y, width, base)
        row = self._order[place]
        return self._row(self._records[row], width, base, place, row in self._marked)

    def _notice_line(self, y: int, width: int, base: Style) -> Strip:
        """The line `y` of the words that stand where nobody does."""
        said = [] if self._order else Content(visible(self._notice)).wrap(max(1, width - 2))
        if y >= len(said):
            return Strip.blank(width, base)
        return Strip([Segment(fit(f" {said[y].plain}", width), base + self._style("quiet"))], width)

    def refresh_marks(self) -> None:
        """Draw those rows in sight again whose mark is another one than on the screen."""
        top = self.scroll_offset.y
        seen = range(top, min(top + self.scrollable_content_region.height, len(self._order)))
        self._drawn = {place: mark for place, mark in self._drawn.items() if place in seen}
        for place, mark in self._drawn.items():
            if self._mark_of(self._records[self._order[place]]) is not mark:
                self.refresh_line(place)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"table--{name}", partial=True)

    def _row(self, attendee: "Attendee", width: int, base: Style, place: int, is_marked: bool) -> Strip:
        at_cursor = place == self.cursor
        if at_cursor:
            base += self._style("cursor" if self.has_focus else "cursor-blurred")
        mark = self._mark_of(attendee)
        self._drawn[place] = mark
        attendee = self._as_known(attendee)
        answer = self._answer_of(attendee) if self.answered else None
        accent, quiet, tone, said = (
            # Where two colours are exchanged for the cursor, the row is one piece.
            base if base.reverse else base + self._style(name)
            for name in ("accent", "quiet", mark.tone, answer.tone if answer is not None else "quiet")
        )
        # Nothing touches the frame, or the bar beside it.
        name, address, group, word, reply = _columns(width - 1, self._natural, answered=self.answered)
        gap = Segment(" " * _GAP, base)
        plain = quiet if mark.tone == "quiet" else base
        segments = [
            Segment("◆" if is_marked else "▌" if at_cursor and not base.reverse else " ", accent),
            Segment(f"{mark.sign} ", tone),
            *([Segment(f"{answer.sign if answer else ' '} ", said)] if self.answered else []),
            Segment(fit(attendee.name or "-", name), plain),
            gap,
            Segment(fit(attendee.address, address), plain),
        ]
        if group:
            segments += [gap, Segment(fit(attendee.group, group), quiet)]
        if word:
            segments += [gap, Segment(fit(mark.word, word), tone)]
        if reply:
            segments += [gap, Segment(fit(answer.word if answer is not None else "", reply), said)]
        return Strip(segments).adjust_cell_length(width, base)


def _place_of(row: int, order: Sequence[int]) -> int:
    """Where a row is shown; 0 where it is not."""
    if isinstance(order, range):
        return order.index(row) if row in order else 0
    try:
        return order.index(row)
    except ValueError:
        return 0


def _natural_widths(records: "Sequence[Attendee]") -> tuple[int, int, int]:
    sample = records[:_MEASURED]
    widths = [0, 0, 0]
    for one in sample:
        for column, text in enumerate((one.name, one.address, one.group)):
            widths[column] = max(widths[column], cells(crop(visible(text), 48)))
    return widths[0], widths[1], widths[2]


def _columns(width: int, natural: tuple[int, int, int], *, answered: bool) -> tuple[int, int, int, int, int]:
    """Cells for name, address, group, the mark's word and the answer's: 0 for a column that has to give way."""
    name, address, group = max(natural[0], 8), max(natural[1], 12), min(natural[2], 16)
    room = width - 3 - _GAP - (2 if answered else 0)  # the signs before, one gap between name and address
    spare = room - min(name, _NAME) - _GAP
    # A word says what its sign says: it is there where all else is whole, and the answer's first.
    words = max(0, min(2 if answered else 1, (spare - address - group) // (_WORD + _GAP)))
    reply = _WORD if answered and words else 0
    word = _WORD if words > (1 if answered else 0) else 0
    if not words and spare - address < group:
        # The address matters more than the group, whose first letters tell it from the others.
        least = min(group, _GROUP)
        group = max(least, min(group, spare - address)) if spare - _ADDRESS >= least else 0
    room -= (group + _GAP if group else 0) + words * (_WORD + _GAP)
    if (over := name + address - room) > 0:
        name = max(min(name, room * 2 // 5, _NAME), name - over)
        address = room - name
    elif words or group:
        # What is left over goes between the columns that are read together and the ones at the edge.
        address += -over
    return name, address, group, word, reply
