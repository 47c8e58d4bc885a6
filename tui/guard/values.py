"""When two texts say the same value: its words, whatever stands between them; a date or a telephone number, however it
is written."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import accumulate

from tui.guard.spelling import plain

DISTINCTIVE = 4
"""Letters or digits that a value must have to mean anything (contract §6.5)."""

# Scripts that put no space between words: each character counts as a word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
_TO_WORDS = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
_WIDE_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
_MONTH += r"|nov(?:ember)?|dec(?:ember)?"
_SPACE = r"[\s,./-]{1,3}"
_DATE = re.compile(
    rf"(?<!\d)(?:(?P<y1>\d{{4}})[-/.](?P<m1>\d{{1,2}})[-/.](?P<d1>\d{{1,2}})|(?P<y2>\d{{4}})(?P<m2>\d\d)(?P<d2>\d\d)"
    rf"|(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<y3>\d{{4}})"
    rf"|(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?{_SPACE}(?P<m4>{_MONTH}){_SPACE}(?P<y4>\d{{4}})"
    rf"|(?<![a-z])(?P<m5>{_MONTH}){_SPACE}(?P<d5>\d{{1,2}})(?:st|nd|rd|th)?{_SPACE}(?P<y5>\d{{4}}))(?!\d)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\d{4}")
_PHONE = re.compile(r"(?<![\d.])(\+|00)?\(?\d(?:[\s()./\u2010-\u2015-]{0,3}\d){6,17}(?!\d)")
_NOT_DIGIT = re.compile(r"\D")


def words(text: str) -> list[str]:
    """The words of a text as values are compared: letters and digits, in small letters."""
    if text.isascii():
        return text.translate(_TO_WORDS).split()
    # Folding may undo a form, and a form may be folded further.
    return _WIDE_WORD.findall(unicodedata.normalize("NFKC", plain(text).casefold()))


def is_distinctive(said: Sequence[str]) -> bool:
    return sum(map(len, said)) >= DISTINCTIVE


def dates(text: str) -> Iterator[str]:
    """Every date in a text, as a key. 03/04/2027 is two: nobody can tell which."""
    for found in _DATE.finditer(text) if _YEAR.search(text) else ():
        part = found.groupdict()
        if part["a"]:
            pairs = {(part["a"], part["b"]), (part["b"], part["a"])}
            candidates = [(part["y3"], month, day) for day, month in pairs]
        else:
            which = next(number for number in "1245" if part[f"y{number}"])
            candidates = [(part[f"y{which}"], part[f"m{which}"], part[f"d{which}"])]
        for year, month, day in candidates:
            number = int(month) if month.isdecimal() else _MONTHS.index(month[:3].lower()) + 1
            try:
                yield f"date:{date(int(year), number, int(day)).isoformat()}"
            except ValueError:
                continue


def phones(text: str) -> Iterator[str]:
    """Every telephone number in a text, by the digits that do not change with where one calls from.

    "+44 20 7946 0958", "020 7946 0958" and "+44 (0)20 79460958" are the same by their last nine digits; abroad, where
    numbers have eight, by those.
    """
    for found in _PHONE.finditer(text):
        digits = _NOT_DIGIT.sub("", found[0])
        yield f"phone:{digits[-9:]}"
        if found[1] and len(digits) <= 12:
            yield f"phone:{digits[-8:]}"


def may_be_of_a_number(said: Iterable[str]) -> bool:
    """Whether one of these words may be a part of a date or a telephone number."""
    return any(word.startswith(_MONTHS) or not word.isalpha() for word in said)


def written_otherwise(cell: str) -> tuple[str, ...]:
    """The keys of a cell that is a date or a telephone number and nothing else."""
    cell = cell.strip()
    if len(cell) > 24 or not any(map(str.isdigit, cell)):
        return ()
    if _DATE.fullmatch(cell):
        return tuple(dates(cell))
    return tuple(phones(cell)) if _PHONE.fullmatch(cell) else ()


class Spoken:
    """A text in which values are looked for by their words: each begins and ends where a word does."""

    def __init__(self, text: str) -> None:
        said: list[str] = []
        for line in text.splitlines():
            said += words(line)
            said.append("\n")
        self._text = "".join(said)
        self._ends = {0, *accumulate(map(len, said))}
        self._others = {*dates(text), *phones(text)}

    def holds(self, value: str) -> bool:
        """Whether the words of a value stand in one line, whatever is between them; or its date or number in any."""
        if ":" in value:
            return value in self._others
        value = value.replace(" ", "")
        at = self._text.find(value)
        while at >= 0:
            if at in self._ends and at + len(value) in self._ends:
                return True
            at = self._text.find(value, at + 1)
        return False
