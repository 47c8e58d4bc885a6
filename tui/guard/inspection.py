"""What the guard asks of every message, and the only place where one is cleared."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import partial

from tui.guard import cleared
from tui.guard.cleared import Cleared, Leak
from tui.guard.reading import Header, Part, Reading, Unreadable, content_lines, read, unfolded
from tui.guard.roll import TAG, Findings, Roll, as_it_stands, keys, spaced

_OURS = frozenset(
    {
        *("from", "to", "subject", "date", "message-id", "reply-to", "in-reply-to", "references"),
        *("content-language", "x-invite-tui-ref", "mime-version", "content-type"),
    }
)
_OURS_IN_A_PART = frozenset({"content-type", "content-transfer-encoding", "content-disposition"})
_BARE = re.compile(r"\s*[^<>\s,;:\"()]+@[^<>\s,;:\"()]+\s*")
_MAILBOX = re.compile(
    r"\s*(?:\"(?:[^\"\\]|\\.)*\"|(?:=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=\s*)+|[A-Za-z0-9!#$%&'*+/=?^_`{|}~\s-]+)?\s*"
    r"<([^<>\s,;:\"]+)>\s*"
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_CALENDARS = ("text/calendar", "application/ics")

# Words of the formats themselves. "Confirmed", "True" and "Individual" are in every calendar object, so that a column
# with such values would stop every mailing; what is cut out here is never a value, and the rest is searched.
_FORMAL: Mapping[str, re.Pattern[str]] = {
    "date": re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"),
    "message-id": re.compile(r"<[0-9a-f]{32}@"),
    "in-reply-to": re.compile(r"<[0-9a-f]{32}@"),
    "references": re.compile(r"<[0-9a-f]{32}@"),
    "x-invite-tui-ref": re.compile(r"[0-9a-f]{40}"),
    "content-language": re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"),
    "content-type": re.compile(
        r"^[a-z]+/[a-z0-9.+-]+|charset=utf-8|method=(?:REQUEST|CANCEL)|boundary=\"=_invite-tui_(?:mixed|alternative)\"",
        re.IGNORECASE,
    ),
    "content-transfer-encoding": re.compile(r"base64|quoted-printable"),
    "content-disposition": re.compile(r"^attachment|filename(?:=\"invite\.ics\"|\*=utf-8''|=)"),
}
_FORMAL_IN_HTML = re.compile(
    r"style=\"text-align:\s?(?:left|right|center)\"|</?[A-Za-z][A-Za-z0-9]*|(?<=[\s\"'])[A-Za-z-]+(?==[\"'])"
)
_FORMAL_IN_CALENDAR = re.compile(
    r"^(?:(?:BEGIN|END):(?:VCALENDAR|VEVENT)|VERSION:2\.0|PRODID:-//invite-tui//invite-tui//EN|CALSCALE:GREGORIAN"
    r"|METHOD:(?:REQUEST|CANCEL)|STATUS:(?:CONFIRMED|CANCELLED)|TRANSP:(?:OPAQUE|TRANSPARENT)|SEQUENCE:\d+"
    r"|DT(?:STAMP|START|END):\d{8}T\d{6}Z)\r?$"
    r"|^UID:[0-9a-f]{40}@|^(?:SUMMARY|DESCRIPTION|LOCATION|ORGANIZER|ATTENDEE)(?=[;:])"
    r"|;(?:CUTYPE=INDIVIDUAL|ROLE=REQ-PARTICIPANT|PARTSTAT=NEEDS-ACTION|RSVP=TRUE|CN=)|:mailto:",
    re.MULTILINE,
)


def clear(raw: bytes, recipient: str, roll: Roll, own_words: str = "") -> Cleared | tuple[Leak, ...]:
    """The message, cleared for `recipient` alone; or every leak that was found in it.

    `own_words` is what stands in the recipient's own columns that are not internal, a line each: an internal value that
    is also there is theirs to see.
    """
    try:
        message = read(raw)
        leaks = (
            *_envelope(message, recipient),
            *_calendars(message, recipient),
            *_people_and_values(message, recipient, roll, own_words),
        )
    except Unreadable as error:
        leaks = (Leak(error.where, error.what, f"The message cannot be read back safely: {error.what}."),)
    if leaks:
        return tuple(dict.fromkeys(leaks))
    return Cleared(cleared._SEAL, raw, recipient, hashlib.sha256(raw).hexdigest())


def _envelope(message: Reading, recipient: str) -> Iterator[Leak]:
    """One From, one To that is the recipient, and no header that could name anybody else."""
    counts: dict[str, int] = {}
    for header in message.headers:
        name = header.name.lower()
        counts[name] = counts.get(name, 0) + 1
        if name not in _OURS:
            yield Leak(header.name, header.value, f"The message has a header {header.name}, which none of ours has.")
        elif counts[name] == 2:
            yield Leak(header.name, header.value, f"The message has more than one {header.name} header.")
        found = _MAILBOX.fullmatch(header.raw)
        if name == "to" and (not found or found[1] != recipient):
            yield Leak("To", header.value, f"To is not just the recipient, {recipient}.")
        if name in ("from", "reply-to") and not found and not _BARE.fullmatch(header.raw):
            yield Leak(header.name, header.value, f"{header.name} does not hold exactly one address.")
    for name in ("from", "to"):
        if name not in counts:
            yield Leak(name.title(), "", f"The message has no {name.title()} header.")
    for header in message.headers_of_parts:
        if header.name.lower() not in _OURS_IN_A_PART:
            yield Leak(header.name, header.value, f"A part has a header {header.name}, which none of ours has.")


def _calendars(message: Reading, recipient: str) -> Iterator[Leak]:
    """Every calendar object has one ATTENDEE, the recipient, and the METHOD that the message declares."""
    declared: set[str] = set()
    read_already: dict[bytes, list[tuple[str, str]]] = {}  # the calendar part and its copy are one text
    for part in message.parts:
        if part.head.kind not in _CALENDARS:
            continue
        if part.body not in read_already:
            read_already[part.body] = list(content_lines(part.text()))
        lines = read_already[part.body]
        attendees = [line for name, line in lines if name == "ATTENDEE"]
        if len(attendees) != 1:
            yield Leak(
                part.where, str(len(attendees)), f"The calendar object names {len(attendees)} attendees, not one."
            )
        for line in attendees:
            target = re.search(r":mailto:([^:]*)$", line, re.IGNORECASE)
            if not target or target[1] != recipient:
                yield Leak(part.where, line[:200], "The calendar object's attendee is not the recipient.")
        methods = [line.partition(":")[2].strip() for name, line in lines if name == "METHOD"]
        declared.update(part.head.parameters.get("method", method) for method in methods[:1])
        if len(methods) != 1 or {*methods} != declared:
            yield Leak(part.where, " ".join(methods), "The calendar object's METHOD is not the one declared.")


def _people_and_values(message: Reading, recipient: str, roll: Roll, own_words: str) -> Iterator[Leak]:
    """Nobody else's address and no internal value, in any header, part, file name, or gap between parts."""
    mine = set(keys(recipient))
    own = ""
    for where, (people, values) in _findings(message, roll):
        for key in sorted(people - mine):
            yield Leak(where, key, f"{key}, another attendee's address, is in it.")
        for value in sorted(values):
            own = own or spaced(own_words)
            said = " ".join(value)
            if f" {said} " not in own:
                yield Leak(where, said, f"“{said}”, from a column that is marked internal, is in it.")


def _findings(message: Reading, roll: Roll) -> Iterator[tuple[str, Findings]]:
    """Each place of the message, and what of the roll is there."""
    for header in (*message.headers, *message.headers_of_parts):
        yield header.name, roll.once(header, partial(_in_header, header, roll))
    for part in message.parts:
        for name in part.head.names:
            yield part.where, roll.find(name, as_it_stands if name != "invite.ics" else _nothing)
        yield part.where, _in_part(part, roll)
    if message.between.strip():
        yield "between the parts", _in_file(message.between, roll)


def _in_header(header: Header, roll: Roll) -> Findings:
    formal = _FORMAL.get(header.name.lower())
    people, _ = roll.find(f"{header.value}\n{header.raw}", _nothing)
    _, values = roll.find(formal.sub(" ", header.value) if formal else header.value, as_it_stands)
    return people, values


def _in_part(part: Part, roll: Roll) -> Findings:
    if part.head.kind in _CALENDARS:
        return roll.once(part.body, lambda: _in_calendar(part.text(), roll))
    if part.is_file:
        return roll.once(hashlib.sha256(part.body).digest(), lambda: _in_file(part.content(), roll))
    return roll.find(part.text(), _in_html if part.head.kind == "text/html" else as_it_stands)


def _in_file(content: bytes, roll: Roll) -> Findings:
    """An attachment, judged by its content: text in any usual encoding.

    Of other files only the addresses are searched for: their words are their format's ("Parent" is in every PDF).
    """
    text = _as_text(content)
    if text is None:
        # Without NULs, ASCII in UTF-16 and UTF-32 is ASCII.
        return roll.find(content.replace(b"\0", b"").decode("latin-1"), _nothing)
    return _in_calendar(text, roll) if "BEGIN:V" in text else roll.find(text, _in_html)


def _in_calendar(text: str, roll: Roll) -> Findings:
    """A calendar object or a card, as it stands and as it reads."""
    lines = unfolded(text)
    people, _ = roll.find(text, _nothing)
    more, values = roll.find(re.sub(r"\\[nN]|\^n", "\n", lines), _in_content_lines)
    return people | more, values


def _nothing(_text: str) -> tuple[str, ...]:
    return ()


def _in_html(text: str) -> tuple[str, ...]:
    """A value stands in what is shown, where a tag may part two words or none, or in a tag or a comment."""
    tags = "\n".join(TAG.findall(text))
    return TAG.sub("", text), TAG.sub(" ", text), _FORMAL_IN_HTML.sub(" ", tags)


def _in_content_lines(text: str) -> tuple[str, ...]:
    return (_FORMAL_IN_CALENDAR.sub(" ", text),)


def _as_text(content: bytes) -> str | None:
    """The text that a file is, None where it is none."""
    is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if is_wide else ["utf-8-sig", "cp1252"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if _CONTROL.search(text) else text
    return None
