"""Makes events, attendees and wordings for tests: a sentence each, with sensible rest."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tui.attendees import Attendee, Columns, ColumnSettings
from tui.attendees.columns import understand
from tui.event import Change, Event, MessageSettings, Organizer
from tui.invitation import Composer, Composition, Revision, Wording
from tui.invitation.wording import Source

LONDON = ZoneInfo("Europe/London")
LAYOUT = """\
<html lang="{{ language }}">
<head><title>{{ subject }}</title></head>
<body><div class="message">{{ content }}</div></body>
</html>
"""
UID = "0f3b5c7d9e1a2b4c6d8e0f3b5c7d9e1a@department.example"


def an_event(folder: Path = Path("/nowhere"), *, message: MessageSettings | None = None, **facts: Any) -> Event:
    """The sample event, with other facts where they are said."""
    event = Event(
        path=folder / "event.toml",
        title="Pathways to Work",
        start=datetime(2027, 5, 6, 14, tzinfo=LONDON),
        end=datetime(2027, 5, 6, 15, 30, tzinfo=LONDON),
        timezone="Europe/London",
        organizer=Organizer("Consultation team", "consultations@department.example"),
        location="Microsoft Teams",
        join_url="https://teams.example/l/meetup-join/abc",
        description="No preparation is needed.",
        uid="5ec2e75ec2e75ec2e75ec2e75ec2e75e",
        message=message or MessageSettings(),
    )
    return replace(event, **facts)


def columns(*headers: str, internal: Sequence[str] = ()) -> Columns:
    """What the reader makes of a header row."""
    return understand(headers, ColumnSettings(internal=tuple(internal)), "list.csv", 1)[0]


def an_attendee(
    row: Mapping[str, str] | None = None,
    *,
    name: str = "Ana Ruiz",
    address: str = "ana@example.org",
    internal: Sequence[str] = (),
) -> Attendee:
    """Ana Ruiz, or somebody else, with the further columns in `row`."""
    cells = {"Name": name, "Email": address, **(row or {})}
    return Attendee(
        key=address,
        address=address,
        name=name,
        group="",
        file="list.csv",
        line=2,
        cells=tuple(cells.values()),
        columns=columns(*cells, internal=internal),
    )


def a_wording(
    body: str,
    *,
    subject: str = "Hello",
    layout: str = LAYOUT,
    override: str | None = None,
    event_subject: str | None = None,
) -> Wording:
    """A template made of `subject: ...`, an empty line and `body`, in a layout like the one that ships."""
    # One of its own: a wording remembers what it was found to be endless with.
    return copy(_compiled(f"subject: {subject}\n\n{body}", event_subject, layout, override))


@lru_cache(maxsize=100)
def _compiled(text: str, event_subject: str | None, layout: str, override: str | None) -> Wording:
    """Kept: many tests say much in few words."""
    return Wording(
        Source("invitation.md", text),
        event_subject,
        Source("layout.html.j2", layout),
        None if override is None else Source("invitation.html.j2", override),
    )


def a_revision(
    action: str = "invite", *, changes: Sequence[Change] = (), note: str = "", sequence: int = 0
) -> Revision:
    return Revision(
        action=action,
        uid=UID,
        sequence=sequence,
        stamp=datetime(2027, 4, 1, 9, 30, tzinfo=UTC),
        message_id="<d41d8cd98f00b204e9800998ecf8427e@department.example>",
        changes=changes,
        note=note,
    )


def compose(
    wording: Wording | str,
    attendee: Attendee | None = None,
    *,
    event: Event | None = None,
    revision: Revision | None = None,
) -> Composition:
    """The message of one attendee, as a run composes it."""
    revision = revision or a_revision()
    wording = a_wording(wording) if isinstance(wording, str) else wording
    return Composer(event or an_event(), {revision.action: wording}).compose(attendee or an_attendee(), revision)


_INLINE = ("a", "b", "code", "em", "i", "span", "strong")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "p" and "p" in self.open:
            self.faults.append("p within p")
        if tag not in ("br", "hr", "meta", "img"):
            self.open.append(tag)
        if tag not in _INLINE:
            self.text.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}>")
        if tag not in _INLINE:
            self.text.append("\n")

    def handle_data(self, data: str) -> None:
        if self.open and "style" not in self.open and "head" not in self.open:
            self.text.append(data)


@dataclass(frozen=True)
class Page:
    """An HTML document as a browser has it. `faults` are tags that do not nest."""

    tags: list[tuple[str, dict[str, str | None]]]
    text: str
    faults: list[str]

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(html: str) -> Page:
    parser = _Page()
    parser.feed(html)
    parser.close()
    return Page(parser.tags, "".join(parser.text).strip("\n"), [*parser.faults, *parser.open])


def body(html: str) -> str:
    """What the layout that ships, or the one above, surrounds."""
    return html.partition('<div class="message"')[2].partition(">")[2].rpartition("</div>")[0].strip()
