"""The guard beside a slow judge: the standard library's parsers, and a look for everybody in everything they show."""

import email
import html
import quopri
import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable
from email import policy
from email.headerregistry import HeaderRegistry
from functools import cache, lru_cache
from html.parser import HTMLParser
from urllib.parse import quote, unquote

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.making import an_attendee, compose
from tests.unit.test_guard import (
    ANA,
    COMMON,
    ORGANIZER,
    WORDING,
    a_message,
    judged,
    with_calendar,
    with_html,
    with_part,
)
from tests.unit.test_guard_spellings import in_subject, in_text
from tui.guard import Leak, Roll

PEOPLE = ["bo.li@example.com", "cy@example.net", "dee+x@example.net", "o'neil@example.org", "zoe_k@mail.example.co.uk"]
NOTES = ["Lone parent", "Lottery draw 4", "R-00042", "in dispute"]
ROLL = Roll([ANA, *PEOPLE], NOTES, [ORGANIZER], COMMON)
NOBODY = [
    "nobody@example.net",
    ANA,
    "cyan@example.net",
    "xbo.li@example.com",
    "li@example.com",
    "draw a lot",
    "parents",
]

Spelling = Callable[[str], str]
SPELLINGS: dict[str, Spelling] = {
    "as it is": str,
    "in capitals": str.upper,
    "percent": lambda said: quote(said, safe=""),
    "percent twice": lambda said: quote(quote(said, safe=""), safe=""),
    "entities": lambda said: "".join(f"&#{ord(char)};" for char in said),
    "escaped": lambda said: html.escape(said, quote=True),
    "base64": lambda said: b64encode(f"to={said}!".encode()).decode(),
    "quoted-printable": lambda said: "".join(f"={octet:02X}" for octet in said.encode()),
    "tags": "<b></b>".join,
}


class _Shown(HTMLParser):
    """All that a page holds: what is shown, attributes and comments."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.more: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.more.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.more += [value for _, value in attrs if value]


def in_page(text: str) -> list[str]:
    page = _Shown()
    page.feed(text)
    page.close()
    return ["".join(page.text), *page.more]


def in_base64(text: str) -> list[str]:
    found = []
    for token in re.findall(r"[A-Za-z0-9+/]{8,}={0,2}", text):
        try:
            found.append(b64decode(token).decode("ascii"))
        except (Error, ValueError):
            continue
    return found


def in_octets(text: str) -> list[str]:
    return [quopri.decodestring(text.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")]


# The same headers come again and again, and the library reads each when it is asked for.
READER = policy.default.clone(header_factory=lru_cache(maxsize=5_000)(HeaderRegistry()))


def everything(raw: bytes) -> set[str]:
    """Every text that the library's parsers get out of a message, and out of what they got."""
    message = email.message_from_bytes(raw, policy=READER)
    new = {message.preamble or "", message.epilogue or ""}
    for part in message.walk():
        new |= {str(value) for _, value in part.items()} | {part.get_filename() or ""}
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            text = content.decode("utf-8", "replace")
            new |= {text, re.sub(r"\r\n[ \t]", "", text).replace("\\n", "\n").replace("\\", "")}
    found: set[str] = set()
    for _ in range(4):
        found |= new
        new = {more for text in new for more in one_step_on(text)} - found
    return found


@lru_cache(maxsize=5_000)
def one_step_on(text: str) -> frozenset[str]:
    octets = in_octets(text) if "=" in text else []
    return frozenset({html.unescape(text), unquote(text), *in_page(text), *in_base64(text), *octets})


def is_named(value: str, text: str) -> bool:
    """Whether an address or the words of a value stand in a text, apart from what is around them."""
    return pattern(value).search(text) is not None


@cache
def pattern(value: str) -> re.Pattern[str]:
    if "@" in value:
        return re.compile(rf"(?<![\w.+'=-]){re.escape(value)}(?![\w-]|\.\w)", re.IGNORECASE)
    words = r"[\W_]+".join(re.findall(r"[^\W_]+", value))
    return re.compile(rf"(?<![^\W_]){words}(?![^\W_])", re.IGNORECASE)


def place(where: str, said: str) -> bytes:
    line = " ".join(said.split())
    match where:
        case "text":
            return in_text(said)
        case "html":
            return with_html(f"<p>{said}</p>")
        case "attribute":
            return with_html(f'<p title="{said.replace(chr(34), "")}">x</p>')
        case "comment":
            return with_html(f"<p>x<!-- {said.replace('--', '')} --></p>")
        case "calendar":
            return with_calendar(("STATUS:CONFIRMED", f"STATUS:CONFIRMED\nCOMMENT:{line}"))
        case "file":
            return with_part(said.encode())
        case "file name":
            return with_part(b"x", f"Content-Disposition: attachment; filename*=utf-8''{quote(said, safe='')}")
        case "subject":
            return in_subject(line)
        case "between":
            return a_message() + f"{line}\r\n".encode()
        case _:
            return compose(WORDING, an_attendee(name=line)).raw


PLACES = ["text", "html", "attribute", "comment", "calendar", "file", "file name", "subject", "between", "name"]


@settings(max_examples=1_000, deadline=None)
@given(
    where=st.sampled_from(PLACES),
    who=st.sampled_from([*PEOPLE, *NOTES, *NOBODY]),
    spelling=st.sampled_from(sorted(SPELLINGS)),
    before=st.text(alphabet="äßЖ日本ที\u200d😀aZ9 .,-+'&%;=!?\n", max_size=20),
    after=st.text(alphabet="äßЖ日本ที\u200d😀aZ9 .,-+'&%;=!?\n", max_size=20),
)
@example(where="html", who="cy@example.net", spelling="tags", before="", after="")
def test_the_guard_and_a_slow_judge_agree(where: str, who: str, spelling: str, before: str, after: str) -> None:
    raw = place(where, f"{before} {SPELLINGS[spelling](who)} {after}")
    leaks = judged(raw, ROLL)
    shown = everything(raw)
    wanted = {value for value in (*PEOPLE, *NOTES) if any(is_named(value, text) for text in shown)}
    assert not wanted or leaks, wanted
    if not wanted:
        assert leaks == () or is_unclear(who, leaks), leaks


def is_unclear(who: str, leaks: tuple[Leak, ...]) -> bool:
    """The guard is generous about where an address or a value may end; it makes up none."""
    return who in (*PEOPLE, *NOTES) or any("read back" in leak.message for leak in leaks)
