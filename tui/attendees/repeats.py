"""Rows that name a person again because of what the file is: somebody who answered a form twice, or joined twice.

Of the answers the last counts; of the times that somebody joined the first is as good as any.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from tui.attendees.store import NO_ADDRESS, SHIFTED, Part, Records

# A form's moment, in the order of whatever country: 4/9/27 16:16:54, 09.04.2027 16:16, 2027/04/09 4:16:54 PM GMT+1.
_MOMENT = re.compile(
    r"(\d{1,4})[./-]\s?(\d{1,2})[./-]\s?(\d{1,4}),?[T\s]\s*(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:\.\d+)?"
    r"(?:\s*([ap])\.?\s?m\.?)?(?:\s*(?:GMT|UTC|Z)?(?:([+-]\d{1,2})(?::?(\d{2}))?)?)?",
    re.IGNORECASE,
)
_ORDERS = ((0, 1, 2), (2, 1, 0), (2, 0, 1))  # where year, month and day stand


def superseded(records: Records, rows: Iterable[int]) -> dict[int, int]:
    """Of these rows, ascending, those that do not count, each with the one that does."""
    found: dict[int, int] = {}
    for part in records.parts:
        if part.columns.answered is None and not part.columns.joins:
            continue
        people: dict[str, list[int]] = {}
        for row in rows:
            if row in part.rows and not records.marks(row) & SHIFTED:
                own, key, _ = records.identity(row)
                if own or not records.marks(row) & NO_ADDRESS:
                    people.setdefault(own or key, []).append(row)
        if part.columns.answered is None:
            found |= _later_joins(records, people.values())
        else:
            found |= _earlier_answers(part, part.columns.answered, people.values())
    return found


def _later_joins(records: Records, people: Iterable[Sequence[int]]) -> dict[int, int]:
    found: dict[int, int] = {}
    for rows in people:
        live = [row for row in rows if not records.is_withdrawn(row)]
        found |= dict.fromkeys(live[1:], live[0] if live else 0)
    return found


def _earlier_answers(part: Part, column: int, people: Iterable[Sequence[int]]) -> dict[int, int]:
    repeated = [rows for rows in people if len(rows) > 1]
    if not repeated:
        return {}
    given = _in_order_of_time(list(part.column(column)))
    found: dict[int, int] = {}
    for rows in repeated:
        last = max(rows, key=lambda row: given[row - part.rows.start])
        found |= {row: last for row in rows if row != last}
    return found


def _in_order_of_time(cells: Sequence[str]) -> Sequence[tuple[datetime, int]]:
    """A key for each cell of a column of moments: which is later. Where it cannot be told, further down is later.

    Day and month are told apart by how the whole column reads best: forms write one answer below the other, and people
    turn the list around.
    """
    best: tuple[int, int, Sequence[tuple[datetime, int]]] | None = None
    for order in _ORDERS:
        moments = _moments(cells, order)
        if moments is None:
            continue
        back = sum(one > two for one, two in pairwise(moments))
        forth = sum(one < two for one, two in pairwise(moments))
        down = -1 if back > forth else 1  # the newest on top
        keys = [(moment, down * at) for at, moment in enumerate(moments)]
        if best is None or (min(back, forth), back) < best[:2]:
            best = min(back, forth), back, keys
    return best[2] if best else [(datetime.min, at) for at in range(len(cells))]


def _moments(cells: Sequence[str], order: tuple[int, int, int]) -> Sequence[datetime] | None:
    """The moments in UTC or whatever clock the form goes by; None where one of them cannot be read in this order."""
    found = []
    for cell in cells:
        match = _MOMENT.fullmatch(cell)
        if match is None:
            return None
        *day, hour, minute, second, half, zone, odd = match.groups()
        year, month, date = (int(day[at]) for at in order)
        hours = int(hour) % 12 + (12 if half in "pP" else 0) if half else int(hour)
        try:
            moment = datetime(  # compared with its like only
                year + (2000 if year < 100 else 0), month, date, hours, int(minute), int(second or 0)
            )
            offset = timedelta(hours=int(zone or 0), minutes=int(odd or 0))
            found.append(moment - offset)
        except (ValueError, OverflowError):
            return None
    return found
