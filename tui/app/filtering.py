"""Which rows are shown: search over every column of every attendee, without a widget in sight."""

import unicodedata
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from tui.app.state import MARKS

if TYPE_CHECKING:
    from tui.attendees import Attendee


_STANDINGS = frozenset(word for mark in MARKS.values() for word in mark.word.split())
_LEAST = 3  # letters from which a part of such a word is taken for it: looking at how everybody stands takes longer


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

    def find(self, query: str, standing: Callable[[int], str] = lambda _: "") -> tuple[int, ...]:
        """The rows in which every word of `query` occurs, in any column, whatever the case and the accents.

        It may also begin a word of the row's `standing`.
        """
        words = sorted(fold(query).split(), key=len, reverse=True)
        if not words:
            return tuple(range(len(self._starts)))
        plain = [word for word in words if not _is_standing(word)]
        asked = [word for word in words if _is_standing(word)]
        rows: Iterable[int] = self._rows_with(plain[0]) if plain else range(len(self._starts))
        return tuple(
            row
            for row in rows
            if all(word in self._row(row) for word in plain[1:]) and self._stands(row, asked, standing)
        )

    def _stands(self, row: int, asked: Sequence[str], standing: Callable[[int], str]) -> bool:
        if not asked:
            return True
        text, stands = self._row(row), standing(row).split()
        return all(word in text or any(one.startswith(word) for one in stands) for word in asked)

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


def _is_standing(word: str) -> bool:
    return word in _STANDINGS or (len(word) >= _LEAST and any(one.startswith(word) for one in _STANDINGS))


def fold(text: str) -> str:
    """Case and accents away, so that "muller" finds "Müller"."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
