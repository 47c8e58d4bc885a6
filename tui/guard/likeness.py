"""What was found to be clean for anybody is not read again.

Most messages of a run are the same but for what is their recipient's own. When one has been judged in full and cleared,
and another of its kind before it, the guard makes the same message to somebody who does not exist: with stand-ins for
the address, the name, the references, and what stands in those cells of the recipient's own that make the difference.
If that is judged without any finding, not even one that a recipient would be forgiven, and nothing in it could go
together with what stands where the stand-ins do, then it may go to anybody: what it is made of is remembered to the
letter. A message that is made of the same, and of its recipient's own in the same places, is clean. All others go the
long way, which never looks here.
"""

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tui.guard.findings import NOTHING, Findings, Found, Said, nothing
from tui.guard.form import CALENDARS
from tui.guard.joints import Joint, Joints, counted, is_innocent
from tui.guard.masking import (
    ADDRESS,
    ANY_LINK,
    ANY_STAND_IN,
    CELLS,
    LINKS,
    OwnWords,
    apart,
    can_be_cut_out,
    stand_in,
    stand_ins_in,
    with_stand_ins,
)
from tui.guard.memory import Memory
from tui.guard.ordinary import is_name
from tui.guard.reading import Part, Reading, Unreadable, in_printable, out_of_printable, read, unfolded
from tui.guard.searching import OfRoll, around_parts, in_headers, in_part
from tui.guard.spelling import TooDeep, is_noise, without_twins
from tui.guard.values import words
from tui.guard.whole import Whole, Wholes, is_addressed

if TYPE_CHECKING:
    from tui.guard.roll import Roll  # which keeps one of these

_NOBODY = stand_in(ADDRESS)
_PERSONAL = frozenset({"to", "subject", "message-id", "in-reply-to", "references", "x-invite-tui-ref"})
"""Headers in which something may be the recipient's own."""
_MOST_FRAMES = 8  # one for each set of attachments
_STAND_IN = re.compile(ANY_STAND_IN)
_BEGINS_A_LINE = re.compile(rf"(?:^|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]){ANY_STAND_IN}")
_ESCAPED = re.compile(rf"\\[^nN]?{ANY_STAND_IN}|\\[nN](?!{ANY_LINK}){ANY_STAND_IN}|{ANY_STAND_IN}\\")
_LINE_BREAK = re.compile(r"\\[nN]")


class _Frame:
    """How a message is put together: what stands `between` its headers and its bodies, before, between and after; and
    what of each may go to anybody.

    Bodies are the parts that are no files, and the calendar object: it comes last, and its copy, if there is one, is
    the same to the letter.
    """

    def __init__(
        self,
        between: tuple[str, ...],
        parts: tuple[int, ...],
        are_printable: tuple[bool, ...],
        again: str | None,
        end: str,
    ) -> None:
        """`between`: up to the calendar object; `again`: between that and its copy; `parts`: numbers of the bodies, and
        whether each is in quoted-printable."""
        self.form = (between, again, end)
        self.between, self.again, self.end = self.form
        self.parts, self.are_printable = parts, are_printable
        self.before: _Judged | None = None
        """The message that was judged last."""
        self.known: tuple[Memory[str, Joints], ...] = tuple(Memory(500) for _ in range(len(between) + 1))

    def parted(self, text: str) -> list[str] | None:
        """The headers, the bodies and the calendar object of a message, as they stand in it; None where it is put
        together otherwise."""
        pieces: list[str] = []
        begin = 0
        for seam in self.between:
            end = text.find(seam, begin)
            if end < 0:
                return None
            pieces.append(text[begin:end])
            begin = end + len(seam)
        calendar = self._calendar(text, begin)
        return None if calendar is None else [*pieces, calendar]

    def _calendar(self, text: str, begin: int) -> str | None:
        """The calendar object of a message in which it begins there; None where it is followed by anything else."""
        if self.again is None:
            return text[begin : len(text) - len(self.end)] if text.endswith(self.end, begin) else None
        size = (len(text) - begin - len(self.again) - len(self.end)) // 2
        calendar = text[begin : begin + size] if size > 0 else ""
        return calendar if text[begin:] == f"{calendar}{self.again}{calendar}{self.end}" else None

    def whole(self, cuts: Sequence[str], own: OwnWords, joints: Joints, roll: "Roll") -> Whole:
        """A message that is put together so, of parts that may go to anybody."""
        bodies = zip(cuts[1:-1], self.are_printable, strict=True)
        front = [
            (cuts[0], False),
            *(one for seam, body in zip(self.between, bodies, strict=False) for one in ((seam, False), body)),
        ]
        front.append((self.between[-1], False))
        behind = (self.end,) if self.again is None else (self.again, self.end)
        return Whole(front, cuts[-1], behind, own, joints, roll)


class Known(NamedTuple):
    """What of a message is clean by what is known already: the `whole` of it; or its `headers`, and the bodies that
    begin at these octets."""

    whole: bool = False
    headers: bool = False
    bodies: frozenset[int] = frozenset()


class _Judged(NamedTuple):
    """A message that was judged and cleared, in pieces; and what is left of these without what is its recipient's."""

    pieces: Sequence[str]
    recipient: str
    own_words: str
    cuts: Sequence[str]


class _Unlike(Exception):
    """A message of this kind is not clean for anybody by what it is made of alone."""


class Likeness:
    """What is known of the messages that were cleared against a roll. Threads may share it."""

    def __init__(self) -> None:
        self._frames: tuple[_Frame, ...] = ()
        self._wholes = Wholes()
        self._columns: tuple[int, ...] = ()
        """In which lines of recipients' words there was what made the difference between two messages."""
        # By their hashes: where two are taken for one, a text is judged once too often or too rarely, nothing else.
        self._seen: Memory[int, bool] = Memory()
        self._unfit: Memory[int, bool] = Memory()

    def known(self, raw: bytes, recipient: str, own_words: str, roll: "Roll") -> Known:
        """What of this message is nothing but what is clean for anybody, and its recipient's own."""
        own = self._own(recipient, own_words, self._columns, roll)
        if found := self._wholes.find(raw, own):
            whole, digits = found
            return Known(whole=whole.is_clean(own, digits, roll))
        if not self._frames or b"\0" in raw:
            return Known()
        text = raw.decode("latin-1")
        own.find_in(text)
        for frame in self._frames:
            if pieces := frame.parted(text):
                return self._known(raw, frame, pieces, own, roll)
        return Known()

    @staticmethod
    def _own(recipient: str, own_words: str, columns: Sequence[int], roll: "Roll") -> OwnWords:
        """What is a recipient's own, with what stands in these lines of their words."""
        name = own_words.partition("\n")[0]
        is_ordinary = is_name(name) and roll.ordinary.is_address(recipient)
        if not columns:
            return OwnWords(recipient, name, is_ordinary=is_ordinary)
        cells: dict[str, str] = {}
        lines = own_words.split("\n")
        for number, at in enumerate(columns):
            cell = lines[at] if at < len(lines) else ""
            if not _can_be_cut_out(cell, roll):
                continue
            if _may_be_link(cell):
                cells[LINKS[number]] = cell
            else:
                cells[CELLS[number]] = cell
                is_ordinary = is_ordinary and is_name(cell)
        # One of them may have letters beyond ASCII, beside which the others are read in small ones too.
        is_ordinary = is_ordinary and (not cells or is_noise(f"{name} {' '.join(cells.values())}".lower()))
        return OwnWords(recipient, name, cells, is_ordinary)

    def _known(self, raw: bytes, frame: _Frame, pieces: Sequence[str], own: OwnWords, roll: "Roll") -> Known:
        """What is known of a message that is put together so."""
        cuts = _without_own(frame, pieces, own)
        found = [memory.get(cut) for memory, cut in zip(frame.known, cuts, strict=True)]
        joints = tuple(joint for some in found if some for joint in some)
        if not is_innocent(own, roll, joints):
            return Known()
        if None not in found and is_addressed(cuts[0], cuts[-1]):
            mark = hash(tuple(cuts))
            if self._unfit.get(mark) is None and not self._wholes.add(raw, frame.whole(cuts, own, joints, roll), own):
                self._unfit.put(mark, True)
            return Known(whole=True)
        begin, bodies = len(pieces[0]), set()
        for seam, piece, joint in zip(frame.between, pieces[1:], found[1:], strict=True):
            begin += len(seam)
            if joint is not None:
                bodies.add(begin)
            begin += len(piece)
        if found[-1] is not None and frame.again is not None:
            bodies.add(begin + len(frame.again))
        return Known(False, found[0] is not None, frozenset(bodies))

    def learn(self, raw: bytes, message: Reading, recipient: str, own_words: str, roll: "Roll") -> None:
        """Takes up what a message that was judged and cleared is made of, if that has been seen before."""
        text = raw.decode("latin-1")
        frame = self._frame(text, message, roll)
        pieces = frame.parted(text) if frame else None
        if not frame or not pieces:
            return
        judged = self._judged(frame, pieces, recipient, own_words, self._columns, roll)
        before, frame.before = frame.before, judged
        if before and len(self._columns) < len(CELLS):
            judged = self._without_cells(frame, judged, before, roll)
        cuts = judged.cuts
        # What is in one message only has no like, and would be judged twice for nothing.
        fresh = [at for at, cut in enumerate(cuts) if frame.known[at].get(cut) is None and self._is_worth_it(at, cut)]
        for at in fresh:
            try:
                frame.known[at].put(cuts[at], _joints_of(frame, pieces, at, cuts[at], roll))
            except (_Unlike, Unreadable, TooDeep):
                self._unfit.put(hash((at, cuts[at])), True)
        self._frames = (frame, *(one for one in self._frames if one is not frame))[:_MOST_FRAMES]

    def _judged(
        self, frame: _Frame, pieces: Sequence[str], recipient: str, own_words: str, columns: Sequence[int], roll: "Roll"
    ) -> _Judged:
        own = self._own(recipient, own_words, columns, roll)
        own.find_in(f"{pieces[0]}\r\n")
        return _Judged(pieces, recipient, own_words, _without_own(frame, pieces, own))

    def _without_cells(self, frame: _Frame, judged: _Judged, before: _Judged, roll: "Roll") -> _Judged:
        """A message also without what stands in those cells of the recipient's own that make the difference between it
        and the one before, if that is all the difference between some parts of them. From then on they are cut out."""
        unlike = [pair for pair in zip(judged.cuts[1:], before.cuts[1:], strict=False) if pair[0] != pair[1]]
        lines = enumerate(zip(judged.own_words.split("\n"), before.own_words.split("\n"), strict=False))
        columns = [
            at
            for at, (cell, other) in lines
            if at
            and cell != other
            and _can_be_cut_out(cell, roll)
            and _can_be_cut_out(other, roll)
            and any(cell in cut and other in other_cut for cut, other_cut in unlike)
        ]
        if not columns:
            return judged
        chosen = tuple(dict.fromkeys((*self._columns, *columns)))[: len(CELLS)]
        made, others = (
            self._judged(frame, one.pieces, one.recipient, one.own_words, chosen, roll) for one in (judged, before)
        )
        alike = [
            at
            for at, (cut, other) in enumerate(zip(made.cuts, others.cuts, strict=True))
            if cut == other and judged.cuts[at] != before.cuts[at]
        ]
        if not alike:
            return judged
        self._columns, frame.before = chosen, made
        for at in alike:
            self._seen.put(hash((at, made.cuts[at])), True)
        return made

    def _is_worth_it(self, at: int, cut: str) -> bool:
        mark = hash((at, cut))
        if self._seen.get(mark) is None:
            self._seen.put(mark, True)
            return False
        return self._unfit.get(mark) is None

    def _frame(self, text: str, message: Reading, roll: "Roll") -> _Frame | None:
        """How this message is put together; None where it has no calendar object, or where what was its recipient's own
        stands around its bodies."""
        at = [number for number, part in enumerate(message.parts) if is_calendar(part)]
        if not at:
            return None
        bodies = [number for number, part in enumerate(message.parts) if number < at[0] and not part.is_file]
        first, last = message.parts[at[0]], message.parts[at[-1]]
        begins = [message.parts[number].at for number in (*bodies, at[0])]
        ends = [text.find("\r\n\r\n") + 2, *(_end(message.parts[number]) for number in bodies)]
        between = tuple(text[end:begin] for end, begin in zip(ends, begins, strict=True))
        again = text[_end(first) : last.at] if last is not first else None
        are_printable = tuple(message.parts[number].head.encoding == "quoted-printable" for number in bodies)
        frame = _Frame(between, (*bodies, at[0]), are_printable, again, text[_end(last) :])
        if known := next((one for one in self._frames if one.form == frame.form), None):
            return known
        nobody = OfRoll(roll, _NOBODY)
        around = [*around_parts(message, nobody)]
        around += [
            one for part in message.parts if part.is_file and not is_calendar(part) for one in in_part(part, nobody)
        ]
        return None if _is_anything(around, roll) else frame


def _can_be_cut_out(cell: str, roll: "Roll") -> bool:
    """Whether a cell is a link that can be told at a glance, or words that can stand alone."""
    return roll.ordinary.is_link(cell) if _may_be_link(cell) else can_be_cut_out(cell)


def _may_be_link(cell: str) -> bool:
    return cell.startswith("http")


def _end(part: Part) -> int:
    return part.at + len(part.body)


def _without_own(frame: _Frame, pieces: Sequence[str], own: OwnWords) -> list[str]:
    """The headers, the bodies and the calendar object of a message, decoded, without what is the recipient's own in
    them."""
    headers, *bodies, piece = pieces
    calendar = _decoded(piece)
    own.find_uid(calendar)
    cuts = [
        own.out_of_body(_read(body) if is_so else body) for body, is_so in zip(bodies, frame.are_printable, strict=True)
    ]
    return [own.out_of_headers(headers), *cuts, own.out_of_calendar(calendar)]


def is_calendar(part: Part) -> bool:
    return part.head.kind in CALENDARS and part.head.encoding == "base64"


def _decoded(piece: str) -> str:
    """The calendar object that a piece is; "" for none, or where it has gaps already."""
    try:
        return _as_text(a2b_base64(piece.replace("\r\n", ""), strict_mode=True))
    except ValueError:
        return ""


def _read(body: str) -> str:
    """What a body in quoted-printable says; "" where that is no text, or has gaps already."""
    return _as_text(out_of_printable(body.encode("latin-1")))


def _as_text(octets: bytes) -> str:
    try:
        return "" if b"\0" in octets else octets.decode("utf-8")
    except ValueError:
        return ""


def _as_it_goes_out(frame: _Frame, at: int, content: str) -> str:
    """A decoded piece of a message as it stands in it."""
    if at == len(frame.between):
        return b2a_base64(content.encode("utf-8"), newline=False).decode("ascii")
    if at and frame.are_printable[at - 1]:
        return b"\r\n".join(in_printable(line.encode("utf-8")) for line in content.split("\r\n")).decode("ascii")
    return content


def _joints_of(frame: _Frame, pieces: Sequence[str], at: int, cut: str, roll: "Roll") -> Joints:
    """Where a value may stand over a joint in one piece of a message that was judged.

    _Unlike where that could not go to anybody as it is.
    """
    content = with_stand_ins(cut)
    if not content:
        raise _Unlike
    made = list(pieces)
    made[at] = _as_it_goes_out(frame, at, content)
    said = [one for both in zip(made, frame.between, strict=False) for one in both]
    calendar = made[-1] if frame.again is None else f"{made[-1]}{frame.again}{made[-1]}"
    again = read("".join((*said, calendar, frame.end)).encode("latin-1"))
    search = _OfNobody(roll)
    if at == 0:
        for header in again.headers:
            if stand_ins_in(header.raw) and (header.name.lower() not in _PERSONAL or "=?" in header.raw):
                raise _Unlike
        list(in_headers(again, search))
    else:
        part = again.parts[frame.parts[at - 1]]
        _must_stay_what_it_is(part)
        in_part(part, search)
    return tuple(search.joints)


def _is_anything(found: Iterable[Found], roll: "Roll") -> bool:
    """Whether anything was found that nobody may see, or could not be looked into and is not reviewed."""
    return any(one.people or one.values or one.digest not in {*roll.reviewed, ""} for one in found)


def _must_stay_what_it_is(part: Part) -> None:
    """_Unlike where what stands in the place of the stand-ins could make something else of the part."""
    if is_calendar(part):
        lines = unfolded(part.text)
        if _BEGINS_A_LINE.search(lines) or _ESCAPED.search(lines):
            raise _Unlike
        return
    if part.head.encoding == "base64" and _STAND_IN.search(part.body.decode("latin-1")):
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
        # Where something of the recipient's own has letters beyond ASCII, all around it is read in small ones too.
        if any(self._roll.find(reading, said) != NOTHING for reading in (text, without_twins(text))):
            raise _Unlike
        lines = apart(text, self._roll.endings, self._roll.values.longest)
        if lines is None:
            raise _Unlike
        if self._roll.values and said is not nothing:
            self.joints += [
                Joint(line, said, stand_ins_in(line), self._is_loose(line, said), *counted(line, said))
                for line in lines
            ]
        return NOTHING

    def find_apart(self, texts: Sequence[str]) -> Findings:
        for text in texts:
            if self._roll.find(text, nothing) != NOTHING:
                raise _Unlike
            self.find(_LINE_BREAK.sub("\n", text), nothing)
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
