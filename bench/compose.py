"""What composing a message costs beside the usual way: Jinja2, EmailMessage and icalendar for each of them.

Both fill the wording that ships and write the same parts, turn by turn in one run. Goal: at most a tenth.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from icalendar import Calendar, vCalAddress, vText
from icalendar import Event as VEvent
from jinja2.sandbox import SandboxedEnvironment

from bench.measure import interleaved
from tui import data
from tui import event as event_file
from tui.attendees import Attendee, ColumnSettings
from tui.attendees import load as load_attendees
from tui.event import Event
from tui.invitation import Composer, Revision, load_wording

STAMP = datetime(2027, 4, 1, 9, 30, tzinfo=UTC)
REPEATS = 4


def revision(attendee: Attendee) -> Revision:
    return Revision("invite", f"{'0' * 40}@department.example", 0, STAMP, f"<{attendee.key}@department.example>")


class Plainly:
    """The usual way, without anything that could be left out: the templates are compiled once here too."""

    def __init__(self, event: Event, text: str, html: str) -> None:
        self._event = event
        # The wording of somebody else, filled in, with their name made a placeholder again.
        self._text = SandboxedEnvironment().from_string(text.replace("Ana Ruiz", "{{ name }}"))
        self._html = SandboxedEnvironment(autoescape=True).from_string(html.replace("Ana Ruiz", "{{ name }}"))

    def compose(self, attendee: Attendee) -> bytes:
        event, about = self._event, revision(attendee)
        calendar, entry = Calendar(), VEvent()
        calendar.add("prodid", "-//invite-tui//invite-tui//EN")
        calendar.add("version", "2.0")
        calendar.add("method", "REQUEST")
        entry.add("uid", about.uid)
        entry.add("dtstamp", about.stamp)
        entry.add("sequence", about.sequence)
        entry.add("dtstart", event.start.astimezone(UTC))
        entry.add("dtend", event.end.astimezone(UTC))
        entry.add("summary", event.title)
        entry.add("location", event.location)
        entry.add("description", f"{event.description}\n\n{event.join_url}")
        entry.add("status", "CONFIRMED")
        organizer, guest = vCalAddress(f"mailto:{event.organizer.email}"), vCalAddress(f"mailto:{attendee.address}")
        organizer.params["CN"] = vText(event.organizer.name)
        guest.params["CN"] = vText(attendee.name)
        entry.add("organizer", organizer)
        entry.add("attendee", guest)
        calendar.add_component(entry)
        ics = calendar.to_ical()

        message = EmailMessage(policy=SMTP)
        message["From"] = f"{event.organizer.name} <{event.organizer.email}>"
        message["To"] = attendee.address
        message["Subject"] = f"Invitation: {event.title}"
        message["Date"] = format_datetime(about.stamp)
        message["Message-ID"] = about.message_id
        message.set_content(self._text.render(name=attendee.name))
        message.add_alternative(self._html.render(name=attendee.name), subtype="html")
        message.add_alternative(ics.decode(), subtype="calendar", cte="base64", params={"method": "REQUEST"})
        message.make_mixed()
        message.add_attachment(ics, maintype="application", subtype="ics", filename="invite.ics")
        return message.as_bytes()


def timed(compose: Callable[[Attendee], object], attendees: list[Attendee]) -> Callable[[], float]:
    """Seconds that one message takes, over all of them."""

    def measure() -> float:
        start = time.perf_counter()
        for attendee in attendees:
            compose(attendee)
        return (time.perf_counter() - start) / len(attendees)

    return measure


def main() -> bool:
    samples = data.samples()
    event, problems = event_file.load(samples / "event.toml", "event.toml")
    if event is None:
        raise SystemExit(str(problems))
    people = load_attendees([samples / "attendees.csv"], ColumnSettings(internal=("Role", "Section"))).records
    attendees = list(people) * REPEATS
    composer = Composer(event, {"invite": load_wording("invitation", Path("/nowhere"), None)})
    first = composer.compose(attendees[0], revision(attendees[0]))
    plainly = Plainly(event, first.text, first.html)
    return interleaved(
        f"One message of {len(first.raw):,} bytes",
        {
            "the usual way": timed(plainly.compose, attendees[: len(attendees) // 4]),
            "invite-tui": timed(lambda attendee: composer.compose(attendee, revision(attendee)), attendees),
        },
        rounds=15,
        goals={"invite-tui": 0.1},
    )


if __name__ == "__main__":
    sys.exit(not main())
