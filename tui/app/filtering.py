"""Which rows are shown: search over every column of every attendee, without a widget in sight."""

import unicodedata
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.attendees import Attendee


class Index:
    """All rows as one folded text, so that a search is a few passes of `str.find` and not a million comparisons."""

    def __init__(self, records: "Sequence[Attendee]") -> None:
        starts = array("Q")
        rows: list[str] = []
        at = 0
        for one in records:
            row = fold("\x1f".join((one.name, one.address, one.group, *one.cells))).replace("\n", " ")
            starts.append(at)
            rows.append(row)
            at += len(row) + 1
        self._starts = starts
        self._text = "\n".join(rows)

    def find(self, query: str) -> tuple[int, ...]:
        """The rows in which every word of `query` occurs, in any column, whatever the case and the accents."""
        words = sorted(fold(query).split(), key=len, reverse=True)
        if not words:
            return tuple(range(len(self._starts)))
        return tuple(row for row in self._rows_with(words[0]) if all(word in self._row(row) for word in words[1:]))

    def _rows_with(self, word: str) -> list[int]:
        rows: list[int] = []
        at = self._text.find(word)
        while at >= 0:
            row = bisect_right(self._starts, at) - 1
            rows.append(row)
            if row + 1 == len(self._starts):
                break
            at = self._text.find(word, self._starts[row + 1])
        return rows

    def _row(self, row: int) -> str:
        end = self._starts[row + 1] - 1 if row + 1 < len(self._starts) else len(self._text)
        return self._text[self._starts[row] : end]


def fold(text: str) -> str:
    """Case and accents away, so that "muller" finds "Müller"."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
