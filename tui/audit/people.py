"""Whom an address header or a calendar object names, however badly it is written."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from tui.address import key_of
from tui.audit.reading import decode_words

_TOKEN = re.compile(
    r"(?P<quoted>\"(?:[^\"\\]|\\.)*\")|(?P<angle><[^<>]*>)|(?P<comment>\([^()]*\))|(?P<literal>\[[^\[\]]*\])"
    r"|(?P<mark>[,;:])|(?P<loose>(?:\\.|[^\"<(\[,;:\\])+|.)",
    re.DOTALL,
)
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"\\@]{1,256}@(?:[^\s<>()\[\],;:\"\\@]+|\[[^\[\]\s]{1,64}\])")
_QUOTED_ADDRESS = re.compile(r"\"((?:[^\"\\]|\\.){1,128})\"(@[^\s<>()\[\],;:\"\\@]+)")
# What programs write where they name nobody: "undisclosed-recipients:;" is a group, and these are not.
_NOBODY = re.compile(r"(?:undisclosed|unlisted|suppressed|hidden)[-_. ]*recip|list suppressed|not shown", re.IGNORECASE)
_PROPERTY = re.compile(r"(?:[A-Za-z0-9-]+\.)?(ATTENDEE|ORGANIZER|METHOD)(?=[;:])", re.IGNORECASE)
_LINE_END = re.compile(r"[\r\n]+")
_VALUE = re.compile(r"((?:[^\":]|\"[^\"]*\")*):(.*)", re.DOTALL)
_EMAIL = re.compile(r";EMAIL=\"?([^\";:,]+)", re.IGNORECASE)
_NAME = re.compile(r";CN=(?:\"([^\"]*)\"|([^\";:,]*))", re.IGNORECASE)


def mailboxes(value: str) -> tuple[str, ...]:
    """The keys of all the people in an address header, each once, groups opened.

    Somebody who is named without an address counts where the names are parted by semicolons, as Outlook writes them:
    between commas a name may be half of one.
    """
    return tuple(dict.fromkeys(_mailboxes(value, is_decoded=False)))


def _mailboxes(value: str, *, is_decoded: bool) -> Iterator[str]:
    item: list[tuple[str, str]] = []
    before = ""
    for kind, text in [*_tokens(value), ("mark", "")]:
        if kind != "mark":
            item.append((kind, text))
        elif text == ":":
            # The name of a group, or a scheme.
            item = [(kind, text) for kind, text in item if "@" in text]
        else:
            yield from _of_item(item, is_alone="," not in (before, text), is_decoded=is_decoded)
            item, before = [], text


def _tokens(value: str) -> Iterator[tuple[str, str]]:
    for found in _TOKEN.finditer(value):
        yield found.lastgroup or "", found[0]


def _of_item(item: list[tuple[str, str]], *, is_alone: bool, is_decoded: bool) -> Iterator[str]:
    """The people in what stands between two separators: one, where it is well written."""
    angles = [text[1:-1].strip() for kind, text in item if kind == "angle"]
    routed = [text for text in angles if "@" in text]
    if routed:
        yield from (key_of(text.rpartition(":")[2]) for text in routed if not _NOBODY.search(text))
        return
    shown = "".join(text for kind, text in item if kind not in ("comment", "angle"))
    found = [f'"{local}"{domain}' for local, domain in _QUOTED_ADDRESS.findall(shown)]
    found += _ADDRESS.findall(_QUOTED_ADDRESS.sub(" ", shown))
    if found:
        yield from map(key_of, found)
        return
    if not is_decoded and (words := decode_words(shown)) != shown:
        yield from _mailboxes(words, is_decoded=True)
        return
    inner = next(filter(None, angles), "")  # Exchange's own kind of address
    name = " ".join((inner or shown).replace('"', "").split())
    if name and (is_alone or inner) and not _NOBODY.search(name):
        yield name


class Calendar:
    """Whom a calendar object names: `attendees` and `organizers` as keys, each once, and its METHOD in capitals."""

    def __init__(self, text: str) -> None:
        self.attendees: dict[str, None] = {}
        self.organizers: set[str] = set()
        self.method = ""
        for line in _LINE_END.split(unfolded(text)):
            found = _PROPERTY.match(line)
            if not found:
                continue
            name = found[1].upper()
            if name == "METHOD":
                self.method = self.method or line.partition(":")[2].strip().upper()
            elif who := _participant(line):
                if name == "ATTENDEE":
                    self.attendees.setdefault(who)
                else:
                    self.organizers.add(who)


def unfolded(calendar: str) -> str:
    """A calendar object with each content line on one line (RFC 5545 §3.1)."""
    return re.sub(r"(?:\r\n|\r|\n)[ \t]", "", calendar)


def _participant(line: str) -> str:
    """The key of the person in an ATTENDEE or ORGANIZER line; their name where no address is given; "" for nobody."""
    found = _VALUE.fullmatch(line)
    parameters, value = (found[1], found[2].strip()) if found else (line, line.rpartition(":")[2].strip())
    if value.lower().startswith("mailto:"):
        value = unquote(value[7:]).partition("?")[0].strip().strip("<>")
        return key_of(value) if value else ""
    email = _EMAIL.search(parameters)  # Apple's servers write a path as the value
    if email:
        return key_of(email[1].removeprefix("mailto:"))
    written = _ADDRESS.search(value)
    if written:
        return key_of(written[0])
    name = _NAME.search(parameters)
    return ((name[1] or name[2] or "") if name else "").strip() or value
