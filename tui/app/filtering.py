"""Which rows are shown, and in which order, without a widget in sight: pure, and fit for a million of them.

Rows are found one after the other, in the files' order, so that the first can be shown while the rest is looked for.
"""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from tui.app.state import ANSWERS, MARKS, State, answer_of, mark_of

if TYPE_CHECKING:
    from tui.attendees import Attendee, Records
    from tui.attendees.store import Part

Order = Literal["file", "name", "address", "group", "status"]
ORDERS: Mapping[Order, str] = {
    "file": "as in the file",
    "name": "by name",
    "address": "by address",
    "group": "by group",
    "status": "by status",
}

_WORDS = (*(mark.word for mark in MARKS.values()), *ANSWERS.values())
_STANDINGS = frozenset(word for words in _WORDS for word in words.split())
_LEAST = 3  # letters from which a part of such a word is taken for it
_AT_ONCE = 16_384  # rows that are sorted in one go: nobody else has a turn meanwhile
_STEP = 8192
_COMMON = 10_000  # cells that are remembered, as others may have the same


@dataclass(frozen=True, slots=True)
class View:
    """What the organiser wants to see. `standing` names a mark, `answer` is one of `ANSWERS`, `group` one of the
    list's; "" and None: all."""

    query: str = ""
    standing: str = ""
    group: str | None = None
    order: Order = "file"
    answer: str = ""

    @property
    def narrows(self) -> bool:
        return bool(self.query.strip() or self.standing or self.answer or self.group is not None)

    @property
    def is_plain(self) -> bool:
        """Everybody, as the files have them."""
        return not self.narrows and self.order == "file"


def find(view: View, state: State) -> Iterator[int]:
    """The rows that `view` shows, in the order of the files.

    Every word must stand in some column of the row, whatever the case and the accents, or begin one of its standing or
    its answer.
    """
    if state.folder is None:
        return iter(())
    records = state.folder.attendees.records
    found: Iterator[int] | None = None
    for word in dict.fromkeys(view.query.casefold().split()):
        rows = records.find(word)
        for part in records.parts:
            if part.label and word in part.label.casefold():
                rows = _either(rows, iter(part.rows))
        if is_standing(word):
            rows = _either(rows, _standing(state, records, partial(_begins, word)))
            rows = _either(rows, _saying(state, word))
        found = rows if found is None else _both(found, rows)
    if view.standing:
        wanted = MARKS[view.standing].word
        rows = _standing(state, records, lambda said: said == wanted)
        found = rows if found is None else _both(found, rows)
    if view.answer:
        rows = (row for row, answer in _answered(state) if answer == view.answer)
        found = rows if found is None else _both(found, rows)
    if view.group is not None:
        rows = _of_group(records, view.group)
        found = rows if found is None else _both(found, rows)
    return iter(range(len(records))) if found is None else found


def in_order(rows: Sequence[int], order: Order, state: State) -> Sequence[int]:
    """These rows in this order; who is equal, as in the files."""
    if order == "file" or state.folder is None:
        return rows
    records = state.folder.attendees.records
    if order == "status":
        return _by_status(rows, state, records)
    return _sorted(rows, list(_sort_keys(records, order)))


def standings(state: State) -> Mapping[str, int]:
    """How many people stand how, by the names of the marks that there are."""
    if state.folder is None:
        return {}
    records = state.folder.attendees.records
    names = {mark.word: name for name, mark in MARKS.items()}
    found: dict[str, int] = {}
    for word in _special(state, records).values():
        found[word] = found.get(word, 0) + 1
    usual = _usual(state)
    found[usual] = found.get(usual, 0) + len(records) - sum(found.values())
    return {name: found[word] for word, name in names.items() if found.get(word)}


def answers(state: State) -> Mapping[str, int]:
    """How many of the list have answered what; nothing before anybody was sent anything."""
    counts = Counter(answer for _, answer in _answered(state))
    return {answer: counts[answer] for answer in ANSWERS if counts[answer]}


def _answered(state: State) -> Iterator[tuple[int, str]]:
    """The rows of those whom the ledger knows, in order, and which of `ANSWERS` is known of each."""
    people = state.survey.people
    for row in state.survey.known:
        if (person := people.get(state.records[row].key)) is not None:
            yield row, answer_of(person)


def _saying(state: State, word: str) -> Iterator[int]:
    """The rows of those whose answer this may be; of nobody while nothing is known to have come back."""
    known = _answered(state) if state.survey.answers else iter(())
    return (row for row, answer in known if _begins(word, ANSWERS[answer]))


def is_standing(word: str) -> bool:
    """Whether a word that is searched for may be one of how people stand, or of what they answered."""
    return word in _STANDINGS or (len(word) >= _LEAST and any(one.startswith(word) for one in _STANDINGS))


def _begins(word: str, said: str) -> bool:
    return any(one.startswith(word) for one in said.split())


def _usual(state: State) -> str:
    """How somebody stands with whom nothing is special: no problem, nothing in the ledger."""
    return MARKS["ready" if state.invites_others else "none"].word


def _special(state: State, records: "Records") -> Mapping[int, str]:
    """How those stand who are not as the most: looked at one by one."""
    return {row: mark_of(state, records[row]).word for row in state.special_rows}


def _standing(state: State, records: "Records", fits: Callable[[str], bool]) -> Iterator[int]:
    special = _special(state, records)
    if not fits(_usual(state)):
        return iter(sorted(row for row, word in special.items() if fits(word)))
    return (row for row in range(len(records)) if row not in special or fits(special[row]))


def _of_group(records: "Records", group: str) -> Iterator[int]:
    from tui.clean import one_line

    for part in records.parts:
        at = part.columns.group
        if at is None:
            if part.label == group:
                yield from part.rows
            continue
        wanted: dict[str, bool] = {}  # a cell, and whether it says this group
        for row, cell in enumerate(part.column(at), part.rows.start):
            if (is_wanted := wanted.get(cell)) is None:
                is_wanted = wanted[cell] = (one_line(cell) or part.label) == group
            if is_wanted:
                yield row


def _both(one: Iterator[int], other: Iterator[int]) -> Iterator[int]:
    """The rows of two ascending runs that are in both."""
    here, there = next(one, None), next(other, None)
    while here is not None and there is not None:
        if here == there:
            yield here
            here, there = next(one, None), next(other, None)
        elif here < there:
            here = next(one, None)
        else:
            there = next(other, None)


def _either(one: Iterator[int], other: Iterator[int]) -> Iterator[int]:
    """The rows of two ascending runs, each once."""
    here, there = next(one, None), next(other, None)
    while here is not None or there is not None:
        if there is None or (here is not None and here < there):
            yield here  # type: ignore[misc]  # one of the two is there
            here = next(one, None)
        else:
            yield there
            here = next(one, None) if here == there else here
            there = next(other, None)


# --- order ------------------------------------------------------------------------------------------------------------


def _by_status(rows: Sequence[int], state: State, records: "Records") -> Sequence[int]:
    """What needs care first, and who is ready last."""
    special, usual = _special(state, records), _usual(state)
    by_word: dict[str, array[int]] = {}
    for row in rows:
        by_word.setdefault(special.get(row, usual), array("I")).append(row)
    ordered = array("I")
    for mark in sorted(MARKS.values(), key=lambda one: ("bad", "care", "good", "quiet").index(one.tone)):
        ordered += by_word.pop(mark.word, array("I"))
    return ordered


def _sort_keys(records: "Records", order: Order) -> Iterator[bytes]:
    """What each row is sorted by, in the order of the files; blank ones come last. In UTF-8, which sorts as the letters
    do and takes less memory; what many have is there once."""
    from tui.attendees import fold

    common: dict[str, bytes] = {}
    for part in records.parts:
        columns = part.columns
        elsewhere = False  # whether a blank cell says that there is nothing
        if order == "address":
            cells, elsewhere = part.column(columns.address), bool(columns.also)
        elif order == "group":
            cells = iter([part.label] * len(part.rows)) if columns.group is None else part.column(columns.group)
            elsewhere = bool(part.label)
        else:
            cells, elsewhere = _columns_together(part, columns.name), bool(columns.other_names)
        for row, cell in enumerate(cells, part.rows.start):
            if (key := common.get(cell)) is None:
                said = fold(cell) or (elsewhere and fold(_shown(records[row], order)))
                key = said.encode("utf-8", "replace") if said else b"\xff"
                if len(common) < _COMMON and cell:
                    common[cell] = key
            yield key


def _columns_together(part: "Part", columns: Sequence[int]) -> Iterator[str]:
    if len(columns) == 1:
        return part.column(columns[0])
    if not columns:
        return iter([""] * len(part.rows))
    return (" ".join(filter(None, cells)) for cells in zip(*map(part.column, columns), strict=True))


def _shown(attendee: "Attendee", order: Order) -> str:
    return {"name": attendee.name, "address": attendee.address, "group": attendee.group}.get(order, "")


def _sorted(rows: Sequence[int], keys: Sequence[bytes]) -> Sequence[int]:
    """Parted first, each part sorted by itself: a million at once would hold every other thread for a second."""
    if len(rows) <= _AT_ONCE:
        return array("I", sorted(rows, key=keys.__getitem__))
    sample = sorted(keys[row] for row in rows[:: max(1, len(rows) // 4096)])
    borders = sorted(set(sample[:: max(1, len(sample) * _STEP // len(rows))]))
    parts = [array("I") for _ in range(len(borders) + 1)]
    for row in rows:
        parts[bisect_right(borders, keys[row])].append(row)
    ordered = array("I")
    for part in parts:
        ordered.extend(sorted(part, key=keys.__getitem__))
    return ordered
