"""What is one recipient's own in their message, cut out of it: their address, their name, and its references.

What is left is the same in every message of a run. It says by itself what it says with them only where none of them
can be a piece of anything else: each stands between spaces or brackets, nothing goes over from another line, and in the
rest of its line there is nothing of an address, said, spelled or encoded.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from tui.guard.addresses import WORDS_FOR_AT, WORDS_FOR_DOT, may_join
from tui.guard.joining import begins_property, is_open_begin, is_open_end, shown_of
from tui.guard.reading import Unreadable, decode_words
from tui.guard.spelling import may_have_codes
from tui.guard.values import words

# What can be cut out, each under a letter. A name has several spellings, which are not the same to every check.
MESSAGE_ID, REPLY_TO_ID, REFERENCE, UID, ADDRESS, NAME, WIDE_NAME, WORDED_NAME, MARKED_NAME = _LETTERS = "gkmnprtvw"
REFERENCES = frozenset({MESSAGE_ID, REPLY_TO_ID, REFERENCE, UID})
_NAMES = frozenset({NAME, WIDE_NAME, WORDED_NAME, MARKED_NAME})
# NUL is in no message that can be read, and no control in what is cut out.
_GAPS = {letter: f"\0{chr(number)}" for number, letter in enumerate(_LETTERS, 1)}
_STAND_IN = "qzxj"  # with a letter no word of any language, and too short to be anything encoded
ANY_STAND_IN = f"{_STAND_IN}[{_LETTERS}]"
_ANY_STAND_IN = re.compile(ANY_STAND_IN)

# What our UIDs, Message-IDs and references are: digits, with our domain or without.
_REFERENCE = re.compile(r"[0-9a-f]{32,64}(?:@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+)?")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)*@[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)+")
_ENCODED_WORDS = re.compile(r"=\?utf-8\?b\?[A-Za-z0-9+/]+=*\?=(?:\r\n =\?utf-8\?b\?[A-Za-z0-9+/]+=*\?=)*")
_BEFORE, _AFTER = frozenset(' \t\r\n<>"(:'), frozenset(' \t\r\n>")')
_BEFORE_A_NAME, _AFTER_A_NAME = _BEFORE | frozenset("=,"), _AFTER | frozenset("<,!:;")
_TELLING = re.compile(r"[^\x00-\x7f]|[@%&\\]|=(?:[0-9A-Fa-f]{2}|\?|[ \t]*$)")
_LABEL = re.compile(r"\.([A-Za-z0-9-]+)")
_WORDS = re.compile(r"[^\W_]{1,19}(?:[ '-][^\W_]{1,19})*")
_TELLING_WORD = re.compile(
    rf"(?<![^\W_])(?:(?:0x)?[0-9a-f]{{1,3}}|{WORDS_FOR_AT}|{WORDS_FOR_DOT})(?![^\W_])|dot", re.IGNORECASE
)
_OPENING, _CLOSING = ' \t>|*<"(:', ' \t\r>")'

Own = Sequence[tuple[str, str]]
"""What may be cut out of a text, each with the gap that it leaves."""


def cut(text: str, own: Own) -> str:
    """The text with a gap for each. Texts without NUL that come to be the same differ in nothing but what was cut."""
    for gap, value in own:
        text = text.replace(value, gap)
    return text


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
    spans = [(found.start(), found.end(), found[0][-1]) for found in _ANY_STAND_IN.finditer(text)]
    if not all(_is_apart(text, *span) for span in spans):
        return None
    lines = text.splitlines()
    ours = [at for at, line in enumerate(lines) if _STAND_IN in line]
    if not all(_is_quiet(lines[at], endings) for at in ours):
        return None
    if any(_goes_on(lines, at) or _goes_on(lines, at - 1) for at in ours):
        return None
    return tuple(dict.fromkeys(_around(lines, at, beside) for at in ours))


def _is_apart(text: str, begin: int, end: int, letter: str) -> bool:
    before, after = (_BEFORE_A_NAME, _AFTER_A_NAME) if letter in _NAMES else (_BEFORE, _AFTER)
    if (begin and text[begin - 1] not in before) or (end < len(text) and text[end] not in after):
        return False
    return letter in _NAMES or _is_alone(text, begin, end)


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
    if _TELLING.search(line) or may_join(line) or may_have_codes(line):
        return False
    return all(endings.isdisjoint({label.lower(), *label.lower().split("-")}) for label in _LABEL.findall(line))


def is_plain_address(text: str) -> bool:
    """Whether it is an address in which nothing parts one word from the next but full stops."""
    return _PLAIN_ADDRESS.fullmatch(text) is not None and "AT" not in text


def is_reference(text: str) -> bool:
    return _REFERENCE.fullmatch(text) is not None


def can_stand_alone(name: str) -> bool:
    """Whether a name is words and nothing more, none of which could be part of a row of codes, or says an at or a full
    stop. (The "at" in Natalie could do so if a full stop followed.)"""
    if not _WORDS.fullmatch(name) or _TELLING_WORD.search(name):
        return False
    return len(name) > 2 and (name.isascii() or _WORDS.fullmatch(unicodedata.normalize("NFKC", name)) is not None)


class OwnWords:
    """What is one recipient's own, in each way that a message of theirs spells it.

    None of it is there that could not stand apart.
    """

    def __init__(self, recipient: str, name: str, message: str) -> None:
        self.said: dict[str, str] = {}
        """What each letter stands for, as it reads."""
        self.otherwise: list[str] = []
        """Names as they are spelled where they do not stand as they are."""
        self._end_of_headers = message.find("\r\n\r\n") + 2
        headers = message[: self._end_of_headers]
        self._in_headers = [self._add(letter, value) for letter, value in _references(headers)]
        self._in_front: list[tuple[str, str]] = []
        self.in_calendars: list[tuple[str, str]] = []
        if is_plain_address(recipient):
            address = self._add(ADDRESS, recipient)
            self._in_front.append(address)
            self.in_calendars.append(address)
        if can_stand_alone(name):
            self._add_name(name, headers)

    def _add_name(self, name: str, headers: str) -> None:
        if name.isascii():
            own_name = self._add(NAME, name)
            self._in_front.append(own_name)
        else:
            own_name = self._add(WIDE_NAME, name)
            self._in_front.append((own_name[0], _quoted(name)))
            if worded := _worded(headers, name):
                self._in_front.append(self._add(WORDED_NAME, name, worded))
        self.in_calendars.append(own_name)
        if "'" in name:
            marked, spelling = self._add(MARKED_NAME, name, name.replace("'", "&#39;"))
            self._in_front.append((marked, _quoted(spelling)))

    def _add(self, letter: str, said: str, otherwise: str = "") -> tuple[str, str]:
        self.said[letter] = said
        if otherwise:
            self.otherwise.append(otherwise)
        return _GAPS[letter], otherwise or said

    def out_of_headers(self, message: str) -> str:
        """The headers of the message without what is the recipient's own in them."""
        return cut(cut(message[: self._end_of_headers], self._in_headers), self._in_front)

    def out_of_front(self, front: str) -> str:
        """The beginning of the message, its headers too, without what is the recipient's own in it."""
        headers = cut(front[: self._end_of_headers], self._in_headers)
        return cut(headers + front[self._end_of_headers :], self._in_front)

    def out_of_calendar(self, calendar: str) -> str:
        """Their calendar object without what is the recipient's own in it."""
        reference = self.said.get(REFERENCE)
        begin = calendar.find(f"\nUID:{reference}@") if reference else -1
        if begin >= 0:
            uid = calendar[begin + 5 : calendar.find("\r\n", begin + 5)]
            if is_reference(uid):
                calendar = cut(calendar, (self._add(UID, uid),))
        return cut(calendar, self.in_calendars)


_IN_HEADERS = (
    (MESSAGE_ID, "\r\nMessage-ID: <", ">"),
    (REPLY_TO_ID, "\r\nIn-Reply-To: <", ">"),
    (REFERENCE, "\r\nX-Invite-Tui-Ref: ", "\r\n"),
)


def _references(headers: str) -> Iterator[tuple[str, str]]:
    for letter, before, after in _IN_HEADERS:
        begin = headers.find(before) + len(before)
        end = headers.find(after, begin)
        if begin >= len(before) and end >= 0 and is_reference(headers[begin:end]):
            yield letter, headers[begin:end]


def _worded(headers: str, name: str) -> str:
    """The name in `To` as encoded words; "" where it is written otherwise."""
    begin = headers.find("\r\nTo: =?") + 6
    end = headers.find("\r\n <", begin)
    found = headers[begin:end] if begin >= 6 and end >= 0 else ""
    if not _ENCODED_WORDS.fullmatch(found):
        return ""
    try:
        return found if decode_words(found.replace("\r\n", "")) == name else ""
    except Unreadable:
        return ""


def _quoted(name: str) -> str:
    """A name in quoted-printable (RFC 2045 §6.7): of what it is made of, only what is beyond ASCII is encoded."""
    if name.isascii():
        return name
    return "".join(chr(octet) if octet < 128 else f"={octet:02X}" for octet in name.encode("utf-8"))
