"""A message that may go to anybody, whole: what of it is the same for all, and where what is a recipient's own stands.

Whether another message is one of its kind takes one comparison: it is made anew, with what is the other recipient's
own, and has to be the same to the byte.
"""

import re
from binascii import b2a_base64
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING

from tui.guard.internal import Internal
from tui.guard.joints import Joints, is_innocent
from tui.guard.masking import (
    ADDRESS,
    ALL_LINKS,
    IN_HEADERS,
    NAMES,
    REFERENCE,
    REFERENCES,
    UID,
    OwnWords,
    gap,
    pieces_of,
)
from tui.guard.memory import Memory
from tui.guard.reading import in_printable
from tui.guard.spelling import are_noise
from tui.guard.values import may_be_of_a_number, words

if TYPE_CHECKING:
    from tui.guard.roll import Roll

_MOST = 8  # of a kind
_MOST_KINDS = 100
_DIGITS = b"0123456789abcdef"
_BASE64_LINE = 76  # RFC 2045 §6.8
_CONTENT_LINE = 75  # octets, RFC 5545 §3.1
_TO_THE_RECIPIENT = re.compile(rf"(?:\A|\n)To: (?:[^\r\n]|\r\n )*<{gap(ADDRESS)}>\r\n")
_FOR_THE_RECIPIENT = re.compile(rf"\nATTENDEE;(?:[^\r\n]|\r\n )*:mailto:{gap(ADDRESS)}\r\n")
_BEFORE = {letter: before.encode("ascii") for letter, before, _ in IN_HEADERS}


def is_addressed(headers: str, calendar: str) -> bool:
    """Whether a message is to its recipient, whoever that is, and so is its calendar object, by their gaps."""
    return bool(_TO_THE_RECIPIENT.search(headers) and _FOR_THE_RECIPIENT.search(calendar))


class Whole:
    """One such message."""

    def __init__(
        self,
        front: Sequence[tuple[str, bool]],
        calendar: str,
        behind: Sequence[str],
        own: OwnWords,
        joints: Joints,
        roll: "Roll",
    ) -> None:
        """`front` are the texts before its calendar object, each with whether it goes out in quoted-printable, and
        `calendar` is that, all with gaps; `behind` is what stands behind that and behind its copy; `own` is whose it
        was."""
        digits: dict[str, str] = {}
        rests: dict[str, str] = {}
        for letter in sorted(REFERENCES & own.said.keys()):
            digits[letter], mark, domain = own.said[letter].partition("@")
            rests[letter] = mark + domain
        self.form = (*front, calendar, *behind, *rests.items())
        self._joints, self._rests = joints, rests
        self._references = [(letter, _BEFORE[letter], len(digits[letter])) for letter in digits if letter != UID]
        self._front: list[bytes] = []
        self._in_front: list[tuple[int, str]] = []
        self._lines: list[tuple[int, bytes, list[str]]] = []
        """Of its bodies those in which gaps are, decoded: each with its place in the front, and what to fill in."""
        for text, is_printable in front:
            self._add(text, is_printable)
        self._calendar, self._in_calendar = _with_gaps(calendar, rests, "utf-8")
        self._has_links = any(letter in ALL_LINKS for _, letter in self._in_calendar)
        self._behind = [piece.encode("latin-1") for piece in behind]
        self._rooms = [*_rooms(calendar, {letter: len(own.said[letter]) for letter in rests})]
        self._is_dull = all(roll.is_dull(rest[1:]) for rest in rests.values() if rest)
        self._is_dull &= not any(len(one) % 2 for one in digits.values())
        self._is_loose = any(one.is_loose for one in joints) or roll.values.may_begin_in(*rests.values())
        numeric = frozenset({ADDRESS, *rests, *ALL_LINKS})
        self._may_count = any(one.may_hold(frozenset(), numeric) for one in joints)
        self._may_count_with_name = any(one.may_hold(frozenset(), numeric | NAMES) for one in joints)

    def _add(self, text: str, is_printable: bool) -> None:
        """Takes up a text of the front."""
        if not is_printable:
            self._put(*_with_gaps(text, self._rests, "latin-1"))
            return
        done: list[bytes] = []
        for line in text.split("\r\n"):
            if "\0" in line:
                self._front += [b"\r\n".join([*done, b""]) if done else b"", b""]
                same, gaps = _with_gaps(line.replace("%", "%%"), self._rests, "utf-8")
                for gap_at, _ in gaps:
                    same[gap_at] = b"%b"
                self._lines.append((len(self._front) - 1, b"".join(same), [letter for _, letter in gaps]))
                done = [b""]
            else:
                done.append(in_printable(line.encode("utf-8")))
        self._front.append(b"\r\n".join(done))

    def _put(self, pieces: Sequence[bytes], gaps: Sequence[tuple[int, str]]) -> None:
        self._in_front += [(len(self._front) + at, letter) for at, letter in gaps]
        self._front += pieces

    def digits_in(self, raw: bytes, spelled: Mapping[str, bytes], own: OwnWords) -> list[bytes] | None:
        """The digits of the references in a message that is one of this kind; None in one that is not.

        `spelled` is what is its recipient's own, as messages spell it (`OwnWords.spelled_in`).
        """
        said = {**spelled}
        digits: list[bytes] = []
        for letter, before, length in self._references:
            at = raw.find(before) + len(before)
            said[letter] = found = raw[at : at + length]
            digits.append(found)
        pieces = self._front.copy()
        for at, letter in self._in_front:
            pieces[at] = said[letter]
        for at, line, letters in self._lines:
            pieces[at] = in_printable(line % tuple([said[letter] for letter in letters]))
        calendar = self._calendar_with(said)
        encoded = _in_lines(b2a_base64(calendar, newline=False))
        for piece in self._behind:
            pieces += (encoded, piece)
        if b"".join(pieces) != raw or b"".join(digits).translate(None, _DIGITS):
            return None
        if self._has_links:
            own.find_pieces(calendar.decode("utf-8"))
        return digits

    def _calendar_with(self, said: Mapping[str, bytes]) -> bytes:
        pieces = self._calendar.copy()
        for at, letter in self._in_calendar:
            pieces[at] = said[letter]
        calendar = b"".join(pieces)
        for room, letters in self._rooms:
            if sum([len(said[letter]) for letter in letters]) > room:
                return _folded(calendar)
        return calendar

    def is_clean(self, own: OwnWords, digits: Sequence[bytes], roll: "Roll") -> bool:
        """Whether a message of this kind is clean for its recipient, with these references."""
        references = [one.decode("ascii") for one in digits]
        is_plain = own.is_ordinary and self._is_dull and are_noise(digits)
        if own.pieces:
            is_plain = is_plain and all(map(roll.ordinary.is_piece_of_link, own.pieces))
        if is_plain and self._holds_no_value(own, references, roll.values):
            return True
        found = {letter: said for said, (letter, _, _) in zip(references, self._references, strict=True)}
        own.take({letter: f"{said}{self._rests[letter]}" for letter, said in found.items()})
        if UID in self._rests:
            own.take_uid(f"{found[REFERENCE]}{self._rests[UID]}")
        return is_innocent(own, roll, self._joints)

    def _holds_no_value(self, own: OwnWords, digits: Sequence[str], values: Internal) -> bool:
        """Whether no internal value can be in it, at a glance."""
        if not (values and self._joints):
            return True
        said = (own.name, own.recipient, *own.in_cells) if own.cells else (own.name, own.recipient)
        if self._is_loose or values.may_begin_in(*said):
            return False
        if any(map(values.may_begin_with, digits)):
            return False
        if not values.counts:
            return True
        if self._may_count or (self._may_count_with_name and may_be_of_a_number(words(" ".join(said)))):
            return False
        return not any(map(values.has_number_in, (*said, *digits, *self._rests.values())))


class Wholes:
    """The messages that may go to anybody, by whose own they have gaps for. Threads may share them."""

    def __init__(self) -> None:
        self._known: Memory[str, tuple[Whole, ...]] = Memory(_MOST_KINDS)

    def find(self, raw: bytes, own: OwnWords) -> tuple[Whole, list[bytes]] | None:
        """Of which kind a message is, and the digits of its references."""
        spelled = own.spelled_in(raw)
        key = "".join(spelled)
        for whole in self._known.get(key) or ():
            digits = whole.digits_in(raw, spelled, own)
            if digits is not None:
                self._put(key, whole)
                return whole, digits
        return None

    def add(self, raw: bytes, whole: Whole, own: OwnWords) -> bool:
        """Takes up a kind of message that is clean for anybody, from one of them. False where even that one would not
        be made anew as it is."""
        spelled = own.spelled_in(raw)
        is_made_anew = whole.digits_in(raw, spelled, own) is not None
        if is_made_anew:
            self._put("".join(spelled), whole)
        return is_made_anew

    def _put(self, key: str, whole: Whole) -> None:
        """The one that was found last before the others: most messages of a run are like one of two or three."""
        known = self._known.get(key) or ()
        if not known or known[0] is not whole:
            others = [one for one in known if one.form != whole.form]
            self._known.put(key, (whole, *others)[:_MOST])


def _with_gaps(text: str, rests: Mapping[str, str], charset: str) -> tuple[list[bytes], list[tuple[int, str]]]:
    """A text with gaps in pieces; and which of these are gaps, each with its letter.

    Of references their digits are the gap; the `rests` are the same for all.
    """
    pieces: list[bytes] = []
    gaps: list[tuple[int, str]] = []
    rest = ""
    for at, piece in enumerate(pieces_of(text)):
        if at % 2:
            gaps.append((at, REFERENCE if piece == UID else piece))
            rest = rests.get(piece, "")
            pieces.append(b"")
        else:
            pieces.append(f"{rest}{piece}".encode(charset))
    return pieces, gaps


def _rooms(calendar: str, lengths: Mapping[str, int]) -> Iterator[tuple[int, list[str]]]:
    """For each line of a calendar object in which names or the address stand, how many octets there is room for, and of
    what; `lengths` are those of references."""
    for line in calendar.split("\r\n"):
        *pieces, last = pieces_of(line)
        letters = pieces[1::2]
        if own := [letter for letter in letters if letter not in lengths]:
            same = sum(len(piece.encode("utf-8")) for piece in (*pieces[::2], last))
            yield _CONTENT_LINE - same - sum(lengths[letter] for letter in letters if letter in lengths), own


def _folded(calendar: bytes) -> bytes:
    """A calendar object with its lines folded."""
    lines: list[bytes] = []
    for line in calendar.split(b"\r\n"):
        first, room, fold = 0, _CONTENT_LINE, b""
        while len(line) - first > room:
            last = first + room
            while line[last] & 0xC0 == 0x80:  # no character is cut in two
                last -= 1
            lines.append(fold + line[first:last])
            first, room, fold = last, _CONTENT_LINE - 1, b" "
        lines.append(fold + line[first:])
    return b"\r\n".join(lines)


def _in_lines(encoded: bytes) -> bytes:
    """Base64 as it stands in a message."""
    return b"\r\n".join(_lines_of(len(encoded)).unpack(encoded))


@lru_cache(maxsize=256)
def _lines_of(length: int) -> Struct:
    """Cuts so many octets into lines."""
    whole, rest = divmod(length, _BASE64_LINE)
    return Struct(f"{_BASE64_LINE}s" * whole + (f"{rest}s" if rest else ""))
