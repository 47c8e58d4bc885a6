"""The values of the internal columns, and where they stand in a text."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from tui.guard.hashes import Hashes
from tui.guard.values import Spoken, dates, is_distinctive, phones, words, written_otherwise

_PREFIX = 3
_HEAD = 12
"""Letters and digits of a longer value that decide whether the rest of it is compared."""
_LONG = 1


class Internal:
    """Values, each under its letters and digits alone: "Lottery draw 4" is "lotterydraw4" however it is spaced.

    A date and a telephone number count in their other ways of writing too. What is not distinctive, or stands in
    `common` (what everybody is told), is none. It takes
    8 bytes of memory a value, and an entry for each beginning of three characters.
    """

    def __init__(self, cells: Iterable[str], common: Spoken) -> None:
        self._has_dates = self._has_phones = False
        self._beginnings: dict[str, int] = {}
        self._lengths: set[int] = set()
        heads: set[str] = set()
        self._known = Hashes(key for cell in cells for key in self._keys(cell, common, heads))
        self._heads = Hashes(heads)
        self._longest = max(self._lengths, default=0)

    def _keys(self, cell: str, common: Spoken, heads: set[str]) -> Iterator[str]:
        said = words(cell)
        if not is_distinctive(said):
            return
        others = written_otherwise(cell)
        key = "".join(said)
        if common.holds(key) or any(map(common.holds, others)):
            return
        self._has_dates |= any(other.startswith("date:") for other in others)
        self._has_phones |= any(other.startswith("phone:") for other in others)
        if len(key) > _HEAD:
            self._lengths.add(len(key))
            heads.add(key[:_HEAD])
        bit = _LONG if len(key) > _HEAD else 1 << len(key)
        self._beginnings[key[:_PREFIX]] = self._beginnings.get(key[:_PREFIX], 0) | bit
        for length in range(1, _PREFIX):
            self._beginnings.setdefault(key[:length], 0)
        yield key
        yield from others

    def __bool__(self) -> bool:
        return bool(self._beginnings)

    @property
    def longest(self) -> int:
        """Letters and digits of the longest value, at most."""
        return max(self._longest, _HEAD) if self else 0

    def among(self, text: str) -> Iterator[str]:
        """The values in a text: their words in small letters, or "date:2027-05-06", "phone:079460958"."""
        yield from self.among_words(words(text))
        yield from self._numbers(text)

    def among_words(self, said: Sequence[str]) -> Iterator[str]:
        """The values that begin with one of the words and end with another."""
        run = "".join(said)
        ends = list(accumulate(map(len, said)))
        begin = 0
        for which, after in enumerate(ends):
            kinds = self._beginnings.get(run[begin : begin + _PREFIX], 0)
            if kinds:
                is_long = kinds & _LONG and run[begin : begin + _HEAD] in self._heads
                for end in range(which, len(said)):
                    length = ends[end] - begin
                    if length > (self._longest if is_long else _HEAD):
                        break
                    fits = length in self._lengths if length > _HEAD else kinds >> length & 1
                    if fits and run[begin : ends[end]] in self._known:
                        yield " ".join(said[which : end + 1])
            begin = after

    @property
    def counts(self) -> bool:
        """Whether a date or a telephone number is among the values."""
        return self._has_dates or self._has_phones

    def may_begin_in(self, *texts: str) -> bool:
        """Whether a value may begin with a word of one of these texts."""
        if self._beginnings.keys().isdisjoint([word[:_PREFIX] for word in words(" ".join(texts))]):
            return False
        return any(self._may_begin_in(words(text)) for text in texts)

    def _may_begin_in(self, said: Sequence[str]) -> bool:
        run, at = "".join(said), 0
        for word in said:
            if word[:_PREFIX] in self._beginnings and run[at : at + _PREFIX] in self._beginnings:
                return True
            at += len(word)
        return False

    def may_begin_with(self, word: str) -> bool:
        """Whether a value may begin with this word."""
        return word[:_PREFIX] in self._beginnings

    def has_number_in(self, text: str) -> bool:
        """Whether this text has a date or a telephone number of the values in it."""
        return any(self._numbers(text))

    def _numbers(self, text: str) -> Iterator[str]:
        if self._has_dates:
            yield from (key for key in dates(text) if key in self._known)
        if self._has_phones:
            yield from (key for key in phones(text) if key in self._known)

    def loose(self, spoken: str) -> int:
        """Where in these words the first begins that may be a value which goes on after them; -1 where none does."""
        at = 0
        left = len(spoken) - spoken.count(" ")
        for word in spoken.split():
            if word[:_PREFIX] in self._beginnings:
                start = spoken[at : at + 2 * _PREFIX].replace(" ", "")[:_PREFIX]
                if start in self._beginnings and (left < _HEAD or self._is_long(spoken[at : at + 2 * _HEAD])):
                    return at
            at += len(word) + 1
            left -= len(word)
        return -1

    def needed(self, begin: str, more: str) -> int:
        """How many letters and digits are wanting after `begin` and `more` until every value that begins in `begin`
        has ended."""
        joined = f"{begin} {more}"
        starts = [0, *(at + 1 for at, char in enumerate(begin) if char == " ")]
        wanted = self._longest if any(self._is_long(joined[at:]) for at in starts) else _HEAD
        return wanted - len(more) + more.count(" ")

    def _is_long(self, spoken: str) -> bool:
        run = spoken[: 2 * _HEAD].replace(" ", "")[:_HEAD]
        return len(run) == _HEAD and self._beginnings.get(run[:_PREFIX], 0) & _LONG != 0 and run in self._heads
