"""What is one recipient's own in their message, cut out of it: their address, their name, and its references.

What is left is the same in every message of a run. It says by itself what it says with them only where none of them
can be a piece of anything else: each stands between spaces or brackets, nothing goes over from another line, and in the
rest of its line there is nothing of an address, said, spelled or encoded.
"""

import re
import unicodedata
from binascii import b2a_base64
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType

from tui.guard.addresses import WORDS_FOR_AT, WORDS_FOR_DOT, may_join, may_say
from tui.guard.joining import begins_property, is_open_begin, is_open_end, shown_of
from tui.guard.reading import Unreadable, broken, decode_words, unbroken
from tui.guard.spelling import TAG, groups_of_codes, has_row_of_codes, in_octets, without_hidden
from tui.guard.values import words

# What can be cut out, each under a letter. A name has several spellings, which are not the same to every check.
MESSAGE_ID, REPLY_TO_ID, REFERENCE, UID, ADDRESS, NAME, WIDE_NAME, WORDED_NAME, MARKED_NAME = "gkmnprtvw"
# What stands in cells of the recipient's own: a link, that link where markup spells it otherwise, or words.
LINKS, MARKED_LINKS, CELLS = "ahd", "bls", "cyu"
_LETTERS = (
    *(MESSAGE_ID, REPLY_TO_ID, REFERENCE, UID, ADDRESS, NAME, WIDE_NAME, WORDED_NAME, MARKED_NAME),
    *(*LINKS, *MARKED_LINKS, *CELLS),
)
REFERENCES = frozenset({MESSAGE_ID, REPLY_TO_ID, REFERENCE, UID})
NAMES = frozenset({NAME, WIDE_NAME, WORDED_NAME, MARKED_NAME, *CELLS})
ALL_LINKS = frozenset({*LINKS, *MARKED_LINKS})
_OF_CELLS = ALL_LINKS | {*CELLS}
# NUL is in no message that can be read, and in nothing that is cut out.
_GAPS = {letter: f"\0{letter}" for letter in _LETTERS}
_ANY_GAP = re.compile("\0(.)")
_STAND_IN = "qzxj"  # with a letter no word of any language, and too short to be anything encoded
ANY_STAND_IN = f"{_STAND_IN}[{''.join(_LETTERS)}]"
ANY_LINK = f"{_STAND_IN}[{LINKS}{MARKED_LINKS}]"
_ANY_STAND_IN = re.compile(ANY_STAND_IN)

# What our UIDs, Message-IDs and references are: digits, with our domain or without.
SHORTEST_REFERENCE = 32
_REFERENCE = re.compile(rf"[0-9a-f]{{{SHORTEST_REFERENCE},64}}(?:@[A-Za-z0-9-]{{1,63}}(?:\.[A-Za-z0-9-]{{1,63}})+)?")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9]+(?:[.+_-][A-Za-z0-9]+)*@[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*\.[A-Za-z0-9]+")
_ENCODED_WORDS = re.compile(r"=\?utf-8\?b\?[A-Za-z0-9+/]+=*\?=(?:\r\n =\?utf-8\?b\?[A-Za-z0-9+/]+=*\?=)*")
# A tab is between two cells, which may be the halves of an address.
_BEFORE, _AFTER = frozenset(' \r\n<>"(:'), frozenset(' \r\n>")')
_BEFORE_A_LINK, _AFTER_A_LINK = _BEFORE | frozenset("="), _AFTER | frozenset("<")
_BEFORE_A_NAME, _AFTER_A_NAME = _BEFORE | frozenset("\t=,"), _AFTER | frozenset("\t<,!:;")
_LEFT_OUT = re.compile(r"[\"()*`~]")
_TELLING = re.compile(r"[^\x00-\x7f]|[@%&\\]|data:|=(?:[0-9A-Fa-f]{2}|\?|[ \t]*$)")
_LABEL = re.compile(r"\.([A-Za-z0-9-]+)")
_WORDS = re.compile(r"[^\W_]{1,19}(?:[ '-][^\W_]{1,19})*")
_JOINING_WORD = rf"{WORDS_FOR_AT}|{WORDS_FOR_DOT}"
_TELLING_WORD = re.compile(
    rf"(?<![^\W_])(?:0x[0-9a-f]{{1,3}}|[a-f]|(?=[a-f]{{0,2}}\d)[0-9a-f]{{1,3}}|{_JOINING_WORD})(?![^\W_])|dot",
    re.IGNORECASE,
)
_TELLING_LABEL = re.compile(rf"(?<![^\W_])(?:a|{_JOINING_WORD})(?![^\W_])", re.IGNORECASE)
_MOST_CODES = 4  # groups of digits in a row say nothing yet, and
_CODES_OF_ONE = 2  # of them may be what is somebody's own
_LONGEST_WORDED = 2_000
NO_CELLS: Mapping[str, str] = MappingProxyType({})
_OPENING, _CLOSING = ' \t>|*<"(:', ' \t\r>")'

Own = Mapping[str, str]
"""What may be cut out of a text, each by the letter of the gap that it leaves."""


def cut(text: str, own: Own) -> str:
    """The text with a gap for each. Texts without NUL that come to be the same differ in nothing but what was cut."""
    for letter, value in own.items():
        text = text.replace(value, _GAPS[letter])
    return text


def pieces_of(text: str) -> tuple[str, ...]:
    """A text with gaps in pieces, and between them the letters of the gaps."""
    return tuple(_ANY_GAP.split(text))


def gap(letter: str) -> str:
    """What is left where something was cut out."""
    return _GAPS[letter]


def stand_in(letter: str) -> str:
    return _STAND_IN + letter


def with_stand_ins(text: str) -> str | None:
    """A text with gaps as it would be to somebody who does not exist; None where it has stand-ins already."""
    if _STAND_IN in text:
        return None
    for letter, gap in _GAPS.items():
        text = text.replace(gap, stand_in(letter))
    return text


def stand_ins_in(text: str) -> frozenset[str]:
    """The letters of the stand-ins in a text."""
    return frozenset(found[-1] for found in _ANY_STAND_IN.findall(text))


def apart(text: str, endings: AbstractSet[str], beside: int) -> tuple[str, ...] | None:
    """The lines of a text in which stand-ins stand, each with what is around it; None where one of them could be a
    piece of something else.

    `endings` are the last labels that domains of interest have; `beside` is how many letters and digits of what is
    before and after a line are given with it.
    """
    lines = text.splitlines()
    ours = [at for at, line in enumerate(lines) if _STAND_IN in line]
    if not all(_is_quiet(lines[at], endings) for at in ours):
        return None
    if not all(_are_apart(shown) for shown in _as_shown(text)):
        return None
    if any(_goes_on(lines, at) or _goes_on(lines, at - 1) for at in ours):
        return None
    return tuple(dict.fromkeys(_around(lines, at, beside) for at in ours))


def _as_shown(text: str) -> Iterator[str]:
    """The text as it stands, and without what may be between a word and the next that are shown as one."""
    yield text
    yield _LEFT_OUT.sub("", text)
    if "<" in text:
        for shown in (TAG.sub("", text), TAG.sub("", without_hidden(text))):
            yield shown
            yield _LEFT_OUT.sub("", shown)


def _are_apart(text: str) -> bool:
    return all(_is_apart(text, found.start(), found.end(), found[0][-1]) for found in _ANY_STAND_IN.finditer(text))


def _is_apart(text: str, begin: int, end: int, letter: str) -> bool:
    before, after = (_BEFORE_A_NAME, _AFTER_A_NAME) if letter in NAMES else (_BEFORE, _AFTER)
    if letter in ALL_LINKS:
        before, after = _BEFORE_A_LINK, _AFTER_A_LINK
    if (begin and text[begin - 1] not in before) or (end < len(text) and text[end] not in after):
        return False
    if letter in ALL_LINKS:
        return _ends_by_itself(text, end)
    return letter in NAMES or _is_alone(text, begin, end)


def _ends_by_itself(text: str, end: int) -> bool:
    """Whether what ends here is not read together with the next line, even where it may go on there: a query does."""
    last = text.find("\n", end)
    rest = text[end:last]
    if last < 0 or len(rest.split()) > (not rest[:1].isspace()):
        return True
    after = text[last + 1 :]
    first, _, more = after.partition("\n")
    is_over = not first.strip() and not is_open_begin(shown_of(more.partition("\n")[0]))
    return is_over or begins_property(after)


def _is_alone(text: str, begin: int, end: int) -> bool:
    """Whether an address cannot go on in the line after it, nor have begun in the one before."""
    first, last = text.rfind("\n", 0, begin) + 1, text.find("\n", end)
    if last >= 0 and not text[end:last].strip(_CLOSING) and not begins_property(text[last + 1 : last + 80]):
        return False
    return not first or bool(text[first:begin].strip(_OPENING))


def _goes_on(lines: Sequence[str], at: int) -> bool:
    """Whether what stands in a line may go on in the next, whichever of them is somebody's own."""
    if at < 0 or at + 1 >= len(lines) or begins_property(lines[at + 1]):
        return False
    return is_open_end(shown_of(lines[at])) or is_open_begin(shown_of(lines[at + 1]))


def _around(lines: Sequence[str], at: int, beside: int) -> str:
    """A line with enough of those before and after it for a value that goes over from one to the next."""
    begin, end, wanted = at, at + 1, beside
    while begin and wanted > 0:
        begin -= 1
        wanted -= sum(map(len, words(shown_of(lines[begin]))))
    wanted = beside
    while end < len(lines) and wanted > 0:
        wanted -= sum(map(len, words(shown_of(lines[end]))))
        end += 1
    return "\n".join(lines[begin:end])


def _is_quiet(line: str, endings: AbstractSet[str]) -> bool:
    """Whether nothing in the rest of a line could be half of an address."""
    # A link has no at-sign and none in words, so that what may be half of a word for one is looked for nowhere.
    may_be_said = may_say if stand_ins_in(line) <= ALL_LINKS else may_join
    if _TELLING.search(line) or may_be_said(line):
        return False
    if groups_of_codes(line) + _CODES_OF_ONE * len(_ANY_STAND_IN.findall(line)) > _MOST_CODES:
        return False
    return all(endings.isdisjoint({label.lower(), *label.lower().split("-")}) for label in _LABEL.findall(line))


def is_plain_address(text: str) -> bool:
    """Whether it is an address in which nothing joins or parts two words but full stops, hyphens and the like."""
    if _PLAIN_ADDRESS.fullmatch(text) is None or "AT" in text or has_row_of_codes(text):
        return False
    return text.replace(".", "").replace("@", "").isalnum() or _TELLING_LABEL.search(text) is None


def is_reference(text: str) -> bool:
    return _REFERENCE.fullmatch(text) is not None


def can_stand_alone(name: str) -> bool:
    """Whether a name is words and nothing more, none of which could be part of a row of codes, or says an at or a full
    stop. (The "at" in Natalie could do so if a full stop followed; hexadecimal letters alone are no code of ASCII.)"""
    if not _WORDS.fullmatch(name) or _TELLING_WORD.search(name):
        return False
    return len(name) > 2 and (name.isascii() or _WORDS.fullmatch(unicodedata.normalize("NFKC", name)) is not None)


def can_be_cut_out(cell: str) -> bool:
    """Whether a cell is such words, and markup spells them as they are."""
    return "'" not in cell and can_stand_alone(cell)


class OwnWords:
    """What is one recipient's own, in each way that a message of theirs spells it.

    None of it is there that could not stand apart. Who `is_ordinary` (see `ordinary`) is known to.
    """

    def __init__(
        self, recipient: str, name: str, cells: Mapping[str, str] = NO_CELLS, is_ordinary: bool = False
    ) -> None:
        """`cells` are what can be cut out of those of the recipient's own, by the letters of `LINKS` and `CELLS`."""
        self.recipient, self.name, self.cells, self.is_ordinary = recipient, name, cells, is_ordinary
        # A link may have a name in it.
        own = {letter: cell for letter, cell in cells.items() if letter in ALL_LINKS} if cells else {}
        if is_ordinary or is_plain_address(recipient):
            own[ADDRESS] = recipient
        self.otherwise: list[str] = []
        """Names as they are spelled where they do not stand as they are."""
        self.pieces: list[str] = []
        """Of links, as lines break them."""
        if is_ordinary or can_stand_alone(name):
            own[NAME if name.isascii() else WIDE_NAME] = name
        if cells:
            own |= cells
        self.said = own
        """What each letter stands for, as it reads."""
        self._in_headers = self._in_calendars = self._in_bodies = own.copy()
        self._is_wide = WIDE_NAME in own
        if cells or self._is_wide or "'" in name:
            self._spell()

    def _spell(self) -> None:
        """Takes up how headers and bodies spell what they do not spell as it is."""
        self._in_bodies = self.said.copy()
        self._in_headers = {
            letter: value for letter, value in self.said.items() if letter not in ALL_LINKS and value.isascii()
        }
        if "'" in self.name and not NAMES.isdisjoint(self.said):
            self._mark(MARKED_NAME, self.name, self.name.replace("'", "&#39;"))
            self.otherwise.append(self._in_bodies[MARKED_NAME])
        for letter, marked in zip(LINKS, MARKED_LINKS, strict=True):
            if "&" in (link := self.cells.get(letter, "")):
                self._mark(marked, link, link.replace("&", "&amp;"))

    def _mark(self, letter: str, value: str, spelling: str) -> None:
        self.said[letter] = value
        self._in_bodies[letter] = spelling

    @property
    def in_cells(self) -> list[str]:
        """What stands in cells of the recipient's own, in each way that it reads."""
        return [said for own in self.readings() for letter, said in own.items() if letter in _OF_CELLS]

    def readings(self) -> Iterator[Own]:
        """What each letter stands for, in each way that it reads."""
        yield self.said
        octets = {letter: in_octets(said) for letter, said in self.said.items() if letter in ALL_LINKS and "=" in said}
        if octets and (read := {**self.said, **octets}) != self.said:
            yield read
        if marked := {letter: self._in_bodies[letter] for letter in MARKED_LINKS if letter in self.said}:
            yield {**self.said, **marked}

    def find_in(self, message: str) -> None:
        """Takes up what else is the recipient's own in a message: its references, and the name in encoded words."""
        headers = message[: message.find("\r\n\r\n") + 2]
        found: dict[str, str] = {}
        for letter, before, after in IN_HEADERS:
            begin = headers.find(before)
            if begin >= 0:
                begin += len(before)
                reference = headers[begin : headers.find(after, begin)]
                if is_reference(reference):
                    found[letter] = reference
        if self._is_wide and (worded := self._worded(headers, headers.find("\r\nTo: ") + 6)):
            found[WORDED_NAME] = worded
        self.take(found)

    def find_uid(self, calendar: str) -> None:
        """Takes up the UID of their calendar object as their own, where it is their reference with a domain."""
        reference = self.said.get(REFERENCE)
        begin = calendar.find(f"\nUID:{reference}@") if reference and UID not in self.said else -1
        if begin >= 0:
            uid = calendar[begin + 5 : calendar.find("\r\n", begin + 5)]
            if is_reference(uid):
                self.take_uid(uid)

    def out_of_headers(self, headers: str) -> str:
        """The headers of their message without what is the recipient's own in them."""
        return cut(headers, self._in_headers)

    def out_of_body(self, body: str) -> str:
        """A body of their message, decoded, without what is the recipient's own in it."""
        return cut(body, self._in_bodies)

    def out_of_calendar(self, calendar: str) -> str:
        """Their calendar object without what is the recipient's own in it."""
        self.find_pieces(calendar)
        for value in self._in_calendars.values():
            if value not in calendar:
                calendar = unbroken(calendar, value)
        return cut(calendar, self._in_calendars)

    def find_pieces(self, calendar: str) -> None:
        """Takes up how the lines of their calendar object break links that are the recipient's own."""
        for letter in LINKS:
            if letter in self.cells:
                self.pieces += broken(calendar, self.cells[letter])

    def spelled_in(self, message: bytes) -> dict[str, bytes]:
        """What is the recipient's own as it stands in their message, but for references; in bodies that are decoded."""
        spelled = {letter: value.encode("utf-8") for letter, value in self._in_bodies.items()}
        if self._is_wide:
            at = message.find(b"\r\nTo: ") + 6
            worded = b"=?utf-8?b?%b?=" % b2a_base64(self.name.encode("utf-8"), newline=False)
            if not message.startswith(worded, at):
                self.is_ordinary = False  # which is said of names that are one encoded word
                worded = self._worded(message[at : at + _LONGEST_WORDED].decode("latin-1"), 0).encode("ascii")
            if worded:
                spelled[WORDED_NAME] = worded
                self.take({WORDED_NAME: worded.decode("ascii")})
        return spelled

    def _worded(self, text: str, at: int) -> str:
        """Their name in encoded words, where it begins there; "" where it does not."""
        found = _ENCODED_WORDS.match(text, at)
        try:
            return found[0] if found and decode_words(found[0].replace("\r\n", "")) == self.name else ""
        except Unreadable:
            return ""

    def take(self, found: Mapping[str, str]) -> None:
        """Takes up what was found to be the recipient's own in the headers of their message."""
        self._in_headers = {**found, **self._in_headers}
        self.said.update(found)
        if WORDED_NAME in found:
            self.said[WORDED_NAME] = self.name
            self.otherwise.append(found[WORDED_NAME])

    def take_uid(self, uid: str) -> None:
        """Takes up the UID of their calendar object."""
        self.said[UID] = uid
        self._in_calendars = {UID: uid, **self._in_calendars}


IN_HEADERS = (
    (MESSAGE_ID, "\r\nMessage-ID: <", ">"),
    (REPLY_TO_ID, "\r\nIn-Reply-To: <", ">"),
    (REFERENCE, "\r\nX-Invite-Tui-Ref: ", "\r\n"),
)
"""The references in a message's headers, each with what stands before and after it."""
