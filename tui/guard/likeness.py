"""What was found to be clean for anybody is not read again.

Most messages of a run are the same but for what is their recipient's own. When one has been judged in full and cleared,
and another of its kind before it, the guard makes the same message to somebody who does not exist: with stand-ins for
the address, the name and the references. If that is judged without any finding, not even one that a recipient would be
forgiven, and nothing in it could go together with what stands where the stand-ins do, then it may go to anybody: what
it is made of is remembered to the letter. A message that is made of the same, and of its recipient's own in the same
places, is clean. All others go the long way, which never looks here.
"""

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tui.guard.findings import NOTHING, Findings, Found, Said, nothing
from tui.guard.form import CALENDARS
from tui.guard.mailboxes import keys as keys_of
from tui.guard.masking import ADDRESS, ANY_STAND_IN, OwnWords, apart, stand_in, stand_ins_in, with_stand_ins
from tui.guard.memory import Memory
from tui.guard.reading import Part, Reading, Unreadable, read, unbroken, unfolded
from tui.guard.searching import OfRoll, around_parts, in_headers, in_part
from tui.guard.spelling import TooDeep
from tui.guard.values import words

if TYPE_CHECKING:
    from tui.guard.roll import Roll  # which keeps one of these

_NOBODY = stand_in(ADDRESS)
_PERSONAL = frozenset({"to", "subject", "message-id", "in-reply-to", "references", "x-invite-tui-ref"})
"""Headers in which something may be the recipient's own."""
_MOST_FRAMES = 8  # one for each set of attachments
_STAND_IN = re.compile(ANY_STAND_IN)
_BEGINS_A_LINE = re.compile(rf"(?:^|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]){ANY_STAND_IN}")
_IN_AN_OCTET = re.compile(rf"=[0-9A-Fa-f]?{ANY_STAND_IN}".encode())


class Joint(NamedTuple):
    """A line, with those around it, in which something of a recipient's stands that could be half of an internal value.

    `is_loose` is where a value may begin before it.
    """

    line: str
    said: Said
    letters: frozenset[str]
    is_loose: bool


class _Frame(NamedTuple):
    """How a message is put together: its `front`, which is all that differs from one to the next but for the calendar
    object; what stands between; that object in base64; and what stands after it.

    Where `again` is no "", the object follows once more after that.
    """

    seam: str
    again: str
    end: str
    fronts: Memory[str, tuple[Joint, ...]]
    calendars: Memory[str, tuple[Joint, ...]]

    def parted(self, text: str) -> tuple[str, str] | None:
        """The front and the calendar object of a message; None where it is put together otherwise."""
        front, seam, rest = text.partition(self.seam)
        if not seam or not rest.endswith(self.end):
            return None
        size = len(rest) - len(self.end)
        if not self.again:
            return front, rest[:size]
        size = (size - len(self.again)) // 2
        calendar = rest[:size] if size > 0 else ""
        return (front, calendar) if rest == f"{calendar}{self.again}{calendar}{self.end}" else None


class Known(NamedTuple):
    """What of a message is clean by what is known already: the `whole` of it; or its `headers`, and parts whose body is
    this `calendar`."""

    whole: bool = False
    headers: bool = False
    calendar: bytes = b""


class _Unlike(Exception):
    """A message of this kind is not clean for anybody by what it is made of alone."""


class Likeness:
    """What is known of the messages that were cleared against a roll. Threads may share it."""

    def __init__(self) -> None:
        self._frames: tuple[_Frame, ...] = ()
        self._headers: Memory[str, tuple[Joint, ...]] = Memory(500)
        self._seen: Memory[str, bool] = Memory()

    def known(self, raw: bytes, recipient: str, name: str, roll: "Roll") -> Known:
        """What of this message is nothing but what is clean for anybody, and its recipient's own."""
        if not self._frames or b"\0" in raw:
            return Known()
        text = raw.decode("latin-1")
        own = OwnWords(recipient, name, text)
        for frame in self._frames:
            if parted := frame.parted(text):
                calendar = _calendar(parted[1], own)
                in_front = frame.fronts.get(own.out_of_front(parted[0]))
                in_calendar = frame.calendars.get(own.out_of_calendar(calendar))
                if in_calendar is not None and in_front is not None:
                    return Known(whole=True) if _is_innocent(own, recipient, roll, in_front + in_calendar) else Known()
                in_headers = self._headers.get(own.out_of_headers(text))
                joints = (in_headers or ()) + (in_calendar or ())
                if not _is_innocent(own, recipient, roll, joints):
                    return Known()
                piece = b"" if in_calendar is None else parted[1].encode("ascii")
                return Known(headers=in_headers is not None, calendar=piece)
        return Known()

    def learn(self, raw: bytes, message: Reading, recipient: str, name: str, roll: "Roll") -> None:
        """Takes up what a message that was judged and cleared is made of, if that has been seen before."""
        text = raw.decode("latin-1")
        own = OwnWords(recipient, name, text)
        frame = self._frame(text, message)
        parted = frame.parted(text) if frame else None
        if not frame or not parted:
            return
        content = _calendar(parted[1], own)
        front, calendar, headers = own.out_of_front(parted[0]), own.out_of_calendar(content), own.out_of_headers(text)
        # What is in one message only has no like, and would be judged twice for nothing.
        unseen = [one for one in (front, calendar, headers) if self._seen.get(one) is None]
        for one in unseen:
            self._seen.put(one, True)
        are_known = self._headers.get(headers) is not None and frame.calendars.get(calendar) is not None
        if calendar in unseen or headers in unseen or (front in unseen and are_known):
            return
        try:
            in_headers, in_front, in_calendar = _joints(frame, front, calendar, message, roll)
        except (_Unlike, Unreadable, TooDeep):
            return
        if front not in unseen:
            frame.fronts.put(front, in_headers + in_front)
        frame.calendars.put(calendar, in_calendar)
        self._headers.put(headers, in_headers)
        self._frames = (frame, *(one for one in self._frames if one is not frame))[:_MOST_FRAMES]

    def _frame(self, text: str, message: Reading) -> _Frame | None:
        """How this message is put together; None where it has no calendar object, or more than one."""
        at = [number for number, part in enumerate(message.parts) if is_calendar(part)]
        if not at or not at[0] or len({message.parts[number].body for number in at}) > 1 or len(at) > 2:
            return None
        first, last = message.parts[at[0]], message.parts[at[-1]]
        before = message.parts[at[0] - 1]
        end = first.at + len(first.body)
        seam, rest = text[before.at + len(before.body) : first.at], text[last.at + len(last.body) :]
        again = text[end : last.at] if last is not first else ""
        made = _Frame(seam, again, rest, Memory(500), Memory(500))
        return next((one for one in self._frames if one[:3] == made[:3]), made)


def _is_innocent(own: OwnWords, recipient: str, roll: "Roll", joints: Sequence[Joint]) -> bool:
    """Whether what is the recipient's own gives nobody else away, and is part of no internal value."""
    if not roll.people_in_own(own).issubset(keys_of(recipient)):
        return False
    values = roll.values
    if not values:
        return True
    is_loud = values.may_begin_in(" ".join(own.said.values()))
    loud = {letter for letter, said in own.said.items() if values.may_begin_in(said)} if is_loud else frozenset()
    for joint in joints:
        if joint.is_loose or not loud.isdisjoint(joint.letters):
            line = joint.line
            for letter in joint.letters:
                line = line.replace(stand_in(letter), own.said[letter])
            if roll.values_in(joint.said(line)):
                return False
    return True


def is_calendar(part: Part) -> bool:
    return part.head.kind in CALENDARS and part.head.encoding == "base64"


def _calendar(piece: str, own: OwnWords) -> str:
    """The calendar object that a piece is, with nothing of its recipient's own folded in the middle; "" for none."""
    try:
        calendar = a2b_base64(piece.replace("\r\n", ""), strict_mode=True).decode("utf-8")
    except ValueError:
        return ""
    for _, value in own.in_calendars:
        if value not in calendar:
            calendar = unbroken(calendar, value)
    return "" if "\0" in calendar else calendar


def _joints(
    frame: _Frame, front: str, calendar: str, message: Reading, roll: "Roll"
) -> tuple[tuple[Joint, ...], tuple[Joint, ...], tuple[Joint, ...]]:
    """Where a value may stand over a joint in a message that was judged: above its parts, in them, and in its calendar.

    _Unlike where it could not go to anybody as it is.
    """
    begin, content = with_stand_ins(front), with_stand_ins(calendar)
    if begin is None or not content:
        raise _Unlike
    piece = b2a_base64(content.encode("utf-8"), newline=False).decode("ascii")
    raw = "".join((begin, frame.seam, piece, frame.again, frame.again and piece, frame.end)).encode("latin-1")
    again = read(raw)
    if again.heads != message.heads:
        raise _Unlike
    for header in again.headers:
        if stand_ins_in(header.raw) and (header.name.lower() not in _PERSONAL or "=?" in header.raw):
            raise _Unlike
    above, in_front, in_calendar = _OfNobody(roll), _OfNobody(roll), _OfNobody(roll)
    found = [*in_headers(again, above), *around_parts(again, in_front)]
    for part in again.parts:
        _must_stay_what_it_is(part)
        search = OfRoll(roll, _NOBODY) if _is_file(part) else in_calendar if is_calendar(part) else in_front
        found += in_part(part, search)
    if any(one.people or one.values or one.digest not in {*roll.reviewed, ""} for one in found):
        raise _Unlike
    return tuple(above.joints), tuple(in_front.joints), tuple(in_calendar.joints)


def _is_file(part: Part) -> bool:
    """Whether a part has been looked into already: nothing that could be cut out stands in it as it is."""
    return part.is_file and not is_calendar(part)


def _must_stay_what_it_is(part: Part) -> None:
    """_Unlike where what stands in the place of the stand-ins could make something else of the part."""
    if is_calendar(part):
        if _BEGINS_A_LINE.search(unfolded(part.text)):
            raise _Unlike
        return
    if part.head.encoding == "base64" and _STAND_IN.search(part.body.decode("latin-1")):
        raise _Unlike
    if _IN_AN_OCTET.search(part.body):
        raise _Unlike


class _OfNobody:
    """A search of a message that was made to nobody, in which nothing may be found; see `searching.Search`.

    _Unlike where something is, or where a stand-in could be a piece of something else.
    """

    recipient = _NOBODY

    def __init__(self, roll: "Roll") -> None:
        self._roll = roll
        self.places: Memory[Hashable, tuple[Found, ...]] = Memory()
        self.joints: list[Joint] = []

    def find(self, text: str, said: Said) -> Findings:
        if self._roll.find(text, said) != NOTHING:
            raise _Unlike
        lines = apart(text, self._roll.endings, self._roll.values.longest)
        if lines is None:
            raise _Unlike
        if self._roll.values and said is not nothing:
            self.joints += [Joint(line, said, stand_ins_in(line), self._is_loose(line, said)) for line in lines]
        return NOTHING

    def find_apart(self, texts: Sequence[str]) -> Findings:
        for text in texts:
            self.find(text, nothing)
        return NOTHING

    def _is_loose(self, line: str, said: Said) -> bool:
        """Whether a value may begin before a stand-in, that goes on in it."""
        for variant in said(line):
            run: list[str] = []
            for word in words(variant):
                if _STAND_IN.fullmatch(word):
                    if self._roll.values.loose(" ".join(run)) >= 0:
                        return True
                    run = []
                elif stand_ins_in(word):
                    return True  # what is before or after it is of the same word
                else:
                    run.append(word)
        return False
