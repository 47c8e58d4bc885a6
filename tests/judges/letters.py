"""Messages to be judged, each with what was meant by it. A new sort of message is one more line in `letters`."""

import tomllib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from tests.judges.reading import Entry, Mail, moment
from tests.unit.making import a_revision, a_wording, an_attendee, an_event
from tui import data
from tui import event as event_file
from tui.attendees import Attendee, ColumnSettings
from tui.attendees import load as load_attendees
from tui.clean import body_text, one_line
from tui.event import Change, Event, MessageSettings, Organizer
from tui.invitation import Composer, Composition, Revision, Wording, load_wording

SAMPLES = Path(__file__).parents[2] / "samples"


@dataclass(frozen=True, repr=False)
class Letter:
    """One message, the facts that it was made from, and so what every reader must find in it."""

    event: Event
    attendee: Attendee
    revision: Revision
    composition: Composition
    occurrences: tuple[str, ...] = ()
    """When the event happens, where that is more than once."""

    def __repr__(self) -> str:
        event, attendee = self.event, self.attendee
        facts = (event.title, event.location, event.description, event.organizer.name, attendee.name, attendee.address)
        return f"Letter({', '.join(map(ascii, facts))}, {self.revision.action}, {event.start.isoformat()})"

    @property
    def mail(self) -> Mail:
        """What a mail program must read. Text, HTML and subject are what the organiser was shown in the preview."""
        sender = self.event.message.sender or self.event.organizer
        calendar = self.composition.calendar.replace("\r\n", "\n")
        files = [("application/ics", "invite.ics", calendar)] if self.event.message.attach_ics else []
        files += [
            ("application/pdf", path.name, b64encode(path.read_bytes()).decode())
            for path in self.event.message.attachments
        ]
        return Mail(
            sender=(one_line(sender.name), sender.email),
            to=((one_line(self.attendee.name), self.attendee.address),),
            subject=self.composition.subject,
            message_id=self.revision.message_id,
            text=self.composition.text,
            html=self.composition.html,
            parts=(("text/calendar", "", calendar), *files),
            method=self._method,
        )

    @property
    def entry(self) -> Entry:
        """What a calendar must read: from the event, the attendee and the revision, not from what was composed."""
        event, attendee, revision = self.event, self.attendee, self.revision
        link = dict(zip(attendee.columns.headers, attendee.cells, strict=True)).get("Join URL") or event.join_url
        start = moment(event.start)
        return Entry(
            entries=1,
            method=self._method,
            uid=revision.uid,
            sequence=revision.sequence,
            stamp=moment(revision.stamp),
            summary=one_line(event.title),
            location=one_line(event.location),
            description="\n\n".join(part for part in (body_text(event.description), link) if part),
            status="CANCELLED" if revision.action == "cancel" else "CONFIRMED",
            start=start,
            end=moment(event.end),
            occurrences=self.occurrences or (start,),
            organizers=((_common_name(event.organizer.name), event.organizer.email),),
            attendees=((_common_name(attendee.name), attendee.address),),
        )

    @property
    def _method(self) -> str:
        return "CANCEL" if self.revision.action == "cancel" else "REQUEST"


def letter(
    *,
    event: Event | None = None,
    attendee: Attendee | None = None,
    revision: Revision | None = None,
    wording: Wording | str = "Dear {{ name }},\n\ncome to **{{ event.title }}**.",
) -> Letter:
    """A message of one's own making."""
    event, attendee, revision = event or an_event(), attendee or an_attendee(), revision or a_revision()
    wording = a_wording(wording, subject="{{ event.title }}") if isinstance(wording, str) else wording
    composition = Composer(event, {revision.action: wording}).compose(attendee, revision)
    return Letter(event, attendee, revision, composition)


@cache
def shipped() -> Mapping[str, Letter]:
    """The wordings that ship, with the sample event, to the first person of the sample list."""
    event, problems = event_file.load(SAMPLES / "event.toml", "event.toml")
    assert event is not None and not problems
    columns = tomllib.loads((SAMPLES / "event.toml").read_text("utf-8"))["columns"]
    settings = ColumnSettings(group=columns["group"], internal=tuple(columns["internal"]))
    attendee = load_attendees([SAMPLES / "attendees.csv"], settings).records[0]
    changes = (
        Change("Start", "Thursday 6 May 2027, 14:00", "Thursday 6 May 2027, 15:00"),
        Change("Place", "", "Microsoft Teams"),
    )
    first = Revision(
        action="invite",
        uid="0f3b5c7d9e1a2b4c6d8e0f3b5c7d9e1a@department.example",
        sequence=0,
        stamp=datetime.now(UTC).replace(microsecond=0),  # a date in the future would be held against it
        message_id="<d41d8cd98f00b204e9800998ecf8427e@department.example>",
    )
    again = replace(first, sequence=1, in_reply_to=first.message_id, message_id=first.message_id.replace("<", "<2"))
    note = "The link that we sent you before was that of another meeting. We are sorry."

    def one(revision: Revision, template: str) -> Letter:
        wording = load_wording(template, data.templates().parent, None)
        return letter(event=event, attendee=attendee, revision=revision, wording=wording)

    return {
        "invitation": one(first, "invitation"),
        "update": one(replace(again, action="update", changes=changes), "update"),
        "cancellation": one(replace(again, action="cancel"), "cancellation"),
        "correction": one(replace(again, action="update", changes=changes, note=note), "correction"),
    }


@cache
def letters() -> Mapping[str, Letter]:
    """Every sort of message that there is, by a name in words; `test_named.py` shows each to every judge."""
    utc = an_event().start.astimezone(UTC)
    long = "Łódź, ул. Ленина 5; 東京都千代田区 " * 12
    return {
        **shipped(),
        "no calendar file beside it": letter(event=an_event(message=MessageSettings(attach_ics=False))),
        "no place, link or description": letter(event=an_event(location="", join_url="", description="")),
        "a link of one's own": letter(attendee=an_attendee({"Join URL": "https://teams.example/l/for-ana?a=1,2;b"})),
        "nobody's name": letter(attendee=an_attendee(name=""), wording="Come to {{ event.title }}."),
        "other scripts": letter(
            event=an_event(
                title="اجتماع: 会議 🧑‍🚀 \u05d0\u05d1", location="Ævintýragarðurinn", description="Żółć\n東京"
            ),
            attendee=an_attendee(name="مريم الخطيب"),
        ),
        "long lines that fold within characters": letter(
            event=an_event(title=long, location=long, description=f"{long}\n\n{long}"),
            attendee=an_attendee(name=long),
        ),
        "a path for a place": letter(event=an_event(location="\\\\server\\New rooms\\north")),
        "a backslash in a name": letter(attendee=an_attendee(name="Ana \\new Ruiz\\")),
        "punctuation that means something to a calendar": letter(
            event=an_event(
                title='A, b; c: \\n \\, "d" ^n', location="x;y,z\\", description="one\ntwo\\three\\\n, four"
            ),
            attendee=an_attendee(name='Ana "Anita" Ruiz; B, C: D'),
        ),
        "an international domain": letter(
            attendee=an_attendee(address="zoe@xn--bcher-kva.example"),
            event=an_event(organizer=Organizer("Bücher", "team@xn--bcher-kva.example")),
        ),
        "a long address": letter(attendee=an_attendee(address=f"{'a' * 64}@{'b' * 60}.{'c' * 60}.example")),
        "over midnight, over the end of summer time": letter(
            event=an_event(
                start=(utc.replace(month=10, day=30, hour=22)).astimezone(an_event().start.tzinfo),
                end=(utc.replace(month=10, day=31, hour=3)).astimezone(an_event().start.tzinfo),
            )
        ),
        "four days": letter(event=an_event(end=an_event().start + timedelta(days=4))),
        "a high sequence": letter(revision=a_revision("update", sequence=2_147_483_647)),
        "cancelled": letter(revision=a_revision("cancel", sequence=3)),
    }


def _common_name(name: str) -> str:
    return one_line(name).replace('"', "'")  # no parameter of a calendar holds a double quote (RFC 5545 §3.2)
