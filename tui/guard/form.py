"""The form that every message of ours has: who it is from and to, and whom its calendar object names."""

import re
from collections.abc import Iterator
from itertools import chain

from tui.guard.cleared import Leak
from tui.guard.reading import Reading, unfolded

CALENDARS = ("text/calendar", "application/ics")

_OURS = frozenset(
    {
        *("from", "to", "subject", "date", "message-id", "reply-to", "in-reply-to", "references"),
        *("content-language", "x-invite-tui-ref", "mime-version", "content-type"),
    }
)
_OURS_IN_A_PART = frozenset({"content-type", "content-transfer-encoding", "content-disposition"})
_MAILBOXES = frozenset({"to", "from", "reply-to"})
_BARE = re.compile(r"\s*[^<>\s,;:\"()]+@[^<>\s,;:\"()]+\s*")
_MAILBOX = re.compile(
    r"\s*(?:\"(?:[^\"\\]|\\.)*\"|(?:=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=\s*)+|[A-Za-z0-9!#$%&'*+/=?^_`{|}~\s-]+)?\s*"
    r"<([^<>\s,;:\"]+)>\s*"
)
_PROPERTY = re.compile(
    r"(?:^|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029])(ATTENDEE|METHOD)(?![A-Za-z0-9-])([^\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]*)",
    re.IGNORECASE,
)
_MAILTO = re.compile(r":mailto:([^:]*)$", re.IGNORECASE)


def envelope(message: Reading, recipient: str) -> Iterator[Leak]:
    """One From, one To that is the recipient, and no header that could name anybody else."""
    counts: dict[str, int] = {}
    for header in message.headers:
        name = header.name.lower()
        counts[name] = counts.get(name, 0) + 1
        if name not in _OURS:
            yield Leak(header.name, header.value, f"The message has a header {header.name}, which none of ours has.")
        elif counts[name] == 2:
            yield Leak(header.name, header.value, f"The message has more than one {header.name} header.")
        if name not in _MAILBOXES:
            continue
        found = _MAILBOX.fullmatch(header.raw)
        if name == "to" and (not found or found[1] != recipient):
            yield Leak("To", header.value, f"To is not just the recipient, {recipient}.")
        if name != "to" and not found and not _BARE.fullmatch(header.raw):
            yield Leak(header.name, header.value, f"{header.name} does not hold exactly one address.")
    for name in ("from", "to"):
        if name not in counts:
            yield Leak(name.title(), "", f"The message has no {name.title()} header.")
    for header in chain.from_iterable(head.headers for head in message.heads):
        if header.name.lower() not in _OURS_IN_A_PART:
            yield Leak(header.name, header.value, f"A part has a header {header.name}, which none of ours has.")


def calendars(message: Reading, recipient: str) -> Iterator[Leak]:
    """Every calendar object has one ATTENDEE, the recipient, and the METHOD that the message declares."""
    declared: set[str] = set()
    for part in message.parts:
        if part.head.kind not in CALENDARS:
            continue
        lines = _PROPERTY.findall(unfolded(part.text))
        attendees = [rest for name, rest in lines if name.upper() == "ATTENDEE"]
        if len(attendees) != 1:
            yield Leak(
                part.where, str(len(attendees)), f"The calendar object names {len(attendees)} attendees, not one."
            )
        for line in attendees:
            target = _MAILTO.search(line)
            if not target or target[1] != recipient:
                yield Leak(part.where, line[:200], "The calendar object's attendee is not the recipient.")
        methods = [rest.partition(":")[2].strip() for name, rest in lines if name.upper() == "METHOD"]
        declared.update(part.head.parameters.get("method", method) for method in methods[:1])
        if len(methods) != 1 or {*methods} != declared:
            yield Leak(part.where, " ".join(methods), "The calendar object's METHOD is not the one declared.")
