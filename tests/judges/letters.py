"""Messages to be judged, each with what was meant by it. A new sort of message is one more line in `letters`."""

import tomllib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from tests.judges.reading import MOST_OCCURRENCES, Entry, Mail, moment
from tests.unit.making import a_revision, a_wording, an_attendee, an_event
from tui import data
from tui import event as event_file
from tui.attendees import Attendee, ColumnSettings
from tui.attendees import load as load_attendees
from tui.clean import body_text, one_line
from tui.event import Change, Event, MessageSettings, Organizer
from tui.invitation import Composer, Composition, Revision, Wording, load_wording
from tui.recurrence import parse

HERE = Path(__file__).parent
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
        event = self.event
        sender = event.message.sender or event.organizer
        calendar = self.composition.calendar.replace("\r\n", "\n")
        files = [("application/ics", "invite.ics", calendar)] if event.message.attach_ics else []
        files += [("application/json", file.name, _base64(file.read_bytes())) for file in event.message.attachments]
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
        start, end = (moment(at.date() if event.all_day else at) for at in (event.start, event.end))
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
            end=end,
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
    occurrences: tuple[str, ...] = (),
) -> Letter:
    """A message of one's own making."""
    event, attendee, revision = event or an_event(), attendee or an_attendee(), revision or a_revision()
    wording = a_wording(wording, subject="{{ event.title }}") if isinstance(wording, str) else wording
    composition = Composer(event, {revision.action: wording}).compose(attendee, revision)
    [meeting] = [one for one in event.each if one.session == revision.session]
    return Letter(meeting, attendee, revision, composition, occurrences)


def _sessions() -> Mapping[str, Letter]:
    """One message for each session of the sample event that has some."""
    event = _event(SAMPLES / "sessions" / "event.toml")
    revisions = [replace(a_revision(), session=one.session) for one in event.sessions]
    return {f"a session, {one.session}": letter(event=event, revision=one) for one in revisions}


def _event(path: Path) -> Event:
    event, problems = event_file.load(path, path.name)
    assert event is not None and not problems
    return event


def a_series(rule: str, zone: str, first: datetime, *, all_day: bool = False, action: str = "invite") -> Letter:
    """An hour and a half again and again, or a day. `first` is a time on the clock; the meetings are dateutil's."""
    start = first.replace(tzinfo=ZoneInfo(zone))
    end = start + (timedelta(days=1) if all_day else timedelta(minutes=90))
    event = an_event(start=start, end=end, timezone=zone, all_day=all_day, rule=parse(rule, start, all_day))
    meetings = list(islice(rrulestr(rule, dtstart=first), MOST_OCCURRENCES))
    occurrences = tuple(moment(at.date() if all_day else at.replace(tzinfo=start.tzinfo)) for at in meetings)
    return letter(event=event, revision=a_revision(action), occurrences=occurrences)


@cache
def shipped() -> Mapping[str, Letter]:
    """The wordings that ship, with the sample event, to the first person of the sample list."""
    event = _event(SAMPLES / "event.toml")
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
        "reminder": one(replace(again, sequence=0), "reminder"),
    }


@cache
def letters() -> Mapping[str, Letter]:
    """Every sort of message that there is, by a name in words; `test_named.py` shows each to every judge."""
    utc = an_event().start.astimezone(UTC)
    midnight = datetime(2027, 5, 6, tzinfo=an_event().start.tzinfo)
    days = [midnight + timedelta(days=count) for count in range(4)]
    thursday, last_thursday = datetime(2027, 3, 11, 14), datetime(2027, 3, 25, 9, 15)
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
        "an address beyond ASCII": letter(attendee=an_attendee(address="ñandú@example.org")),
        "a reply to another mailbox, and a language": letter(
            event=an_event(message=MessageSettings(reply_to="desk@example.org", language="pt-BR"))
        ),
        "a file for everybody": letter(
            event=an_event(HERE, message=MessageSettings(attachments=(HERE / "package.json",)))
        ),
        "from somebody else than the organiser": letter(
            event=an_event(message=MessageSettings(sender=Organizer("Desk", "desk@department.example")))
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
        "a day": letter(event=an_event(start=days[0], end=days[1], all_day=True)),
        "three days": letter(event=an_event(start=days[0], end=days[3], all_day=True)),
        "a series of days": a_series("FREQ=WEEKLY;COUNT=9", "Europe/London", datetime(2027, 3, 18), all_day=True),
        "every week, over both changes of the clock": a_series("FREQ=WEEKLY;COUNT=40", "Europe/London", thursday),
        "every day, an hour after the clocks go forward": a_series(
            "FREQ=DAILY;COUNT=9", "Europe/Berlin", datetime(2027, 3, 24, 3, 30)
        ),
        "every fortnight in the south": a_series("FREQ=WEEKLY;INTERVAL=2;COUNT=30", "Australia/Sydney", thursday),
        "three times a week": a_series("FREQ=WEEKLY;BYDAY=MO,TH,FR;COUNT=50", "America/New_York", thursday),
        "the last Thursday of the month": a_series(
            "FREQ=MONTHLY;BYDAY=-1TH;COUNT=30", "America/Chicago", last_thursday
        ),
        "every month, for ever": a_series("FREQ=MONTHLY;BYMONTHDAY=25", "Pacific/Auckland", last_thursday),
        "every year": a_series("FREQ=YEARLY;COUNT=9", "Europe/Dublin", last_thursday),
        "a series where the clocks never change": a_series("FREQ=WEEKLY;COUNT=30", "Asia/Kathmandu", thursday),
        "a series in UTC": a_series("FREQ=WEEKLY;COUNT=30", "UTC", thursday),
        "a series, cancelled": a_series("FREQ=WEEKLY;COUNT=30", "Europe/London", thursday, action="cancel"),
        **_sessions(),
        "cancelled": letter(revision=a_revision("cancel", sequence=3)),
    }


def _common_name(name: str) -> str:
    return one_line(name).replace('"', "'")  # no parameter of a calendar holds a double quote (RFC 5545 §3.2)


def _base64(content: bytes) -> str:
    return b64encode(content).decode()
