"""Which columns reach a message, and where: found by composing with marked values and looking at what has changed.

Reading the template says which columns it can reach at most. What they do there, behind filters, conditions and loops,
is only seen in what comes out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tui.attendees import Attendee, Columns
from tui.attendees.amending import amended
from tui.event import Change
from tui.invitation.composer import Composer, Composition, Revision, Uncomposable

PLACES = ("to", "subject", "text", "html", "calendar", "attachment")
"""Where a column can reach a message, in the order in which they are said."""

_ROWS, _VALUES = 4, 25
"""So many people's messages are tried, each column with so many of the values that stand in it."""

_MARK = "Xq7Zmark"
_STAMP = datetime(2000, 1, 1, tzinfo=UTC)
_ACTIONS = ("invite", "update", "cancel")


def columns_leaving(composer: Composer, columns: Columns, rows: Sequence[Attendee]) -> Mapping[int, tuple[str, ...]]:
    """The columns of one file that reach a message, by index, and the places that they were seen to reach.

    `rows` are some of the file's records. A column that the wording names is told even where it was seen nowhere: what
    it does may depend on a value that none of these rows has.
    """
    trial = _Trial(composer, columns, rows[:_ROWS])
    named = composer.columns_leaving(columns)
    can_reach_all = composer.uses_whole_rows
    places: dict[int, set[str]] = {}
    for at in sorted(named):
        values = dict.fromkeys(row.cells[at] for row in rows)
        seen = trial.reached([at], [*values][:_VALUES])
        if seen or not can_reach_all or at in composer.columns_named(columns):
            places[at] = seen
    # What the template was not seen to use, all together: reading it may have missed one.
    rest = [at for at in range(len(columns.headers)) if at not in named and at not in columns.internal]
    for at in trial.reaching_of(rest):
        places[at] = trial.reached([at], ())
    return {at: tuple(place for place in PLACES if place in seen) for at, seen in sorted(places.items())}


class _Trial:
    """Some people's messages, composed as they are and with other cells."""

    def __init__(self, composer: Composer, columns: Columns, rows: Iterable[Attendee]) -> None:
        self._composer, self._special = composer, composer.special_columns(columns)
        self._before = [
            (row, action, made)
            for row in rows
            for action in _ACTIONS
            if (made := self._composed(row, action)) is not None
        ]

    def reached(self, columns: Sequence[int], values: Iterable[str]) -> set[str]:
        """The places where it shows when these columns' cells are marked, blank, or one of the values."""
        places = {"attachment"} if self._special.file in columns else set[str]()
        if places:
            return places  # its cells are names of files, and no other name can be tried
        for row, action, before in self._before:
            for cell in dict.fromkeys((self._marked(columns), "", *values)):
                cells = tuple(cell if at in columns else old for at, old in enumerate(row.cells))
                address = row.address
                if row.columns.address in columns:
                    address = "xq7zmark@marked.example"
                after = self._composed(amended(row, address, cells), action)
                if after is not None:
                    places.update(_differences(before, after))
        return places

    def reaching_of(self, columns: Sequence[int]) -> Iterator[int]:
        """Those of these columns that reach anything, found by halving."""
        if not columns or not self.reached(columns, ()):
            return
        if len(columns) == 1:
            yield columns[0]
            return
        middle = len(columns) // 2
        yield from self.reaching_of(columns[:middle])
        yield from self.reaching_of(columns[middle:])

    def _marked(self, columns: Sequence[int]) -> str:
        return f"https://{_MARK.lower()}.example/" if self._special.link in columns else _MARK

    def _composed(self, attendee: Attendee, action: str) -> Composition | None:
        changes = (Change("Place", "there", "here"),) if action == "update" else ()
        session = self._composer.first_session
        revision = Revision(action, "mark@marked.example", 1, _STAMP, "<mark@marked.example>", changes=changes)
        try:
            return self._composer.compose(attendee, replace(revision, session=session))
        except Uncomposable:
            return None


def _differences(before: Composition, after: Composition) -> Iterator[str]:
    if before.subject != after.subject:
        yield "subject"
    if before.text != after.text:
        yield "text"
    if before.html != after.html:
        yield "html"
    if before.calendar != after.calendar:
        yield "calendar"
    if _to(before.raw) != _to(after.raw):
        yield "to"


def _to(raw: bytes) -> bytes:
    """The To header as it stands."""
    begin = raw.find(b"\r\nTo:")
    end = begin + 2
    while (end := raw.find(b"\r\n", end)) >= 0 and raw[end + 2 : end + 3] in (b" ", b"\t"):
        end += 2
    return raw[begin:end]
