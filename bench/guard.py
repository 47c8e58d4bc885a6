"""What guarding a message costs, beside composing it, and for 1,000 and 100,000 attendees.

Goal: the number of attendees makes no difference (at most 1.3x).
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import interleaved
from tui import data, event
from tui.attendees import Attendee, ColumnSettings, load
from tui.event import Event
from tui.guard import Cleared, Roll, clear
from tui.invitation import Composer, Revision, load_wording

MESSAGES = 500


def sample() -> tuple[Event, Composer, list[Attendee]]:
    """The sample event, and so many attendees made of the sample's that no two have the same address."""
    folder = data.samples()
    meeting, problems = event.load(folder / "event.toml", "event.toml")
    assert meeting is not None, problems
    wording = load_wording("invitation", Path(folder), None)
    columns = ColumnSettings(group="Audience", internal=("Role", "Section"))
    people = [record for record in load([folder / "attendees.csv"], columns).records if not record.has_error]
    attendees = [
        replace(people[number % len(people)], address=f"guest{number}@example.org", key=f"guest{number}@example.org")
        for number in range(MESSAGES)
    ]
    return meeting, Composer(meeting, {"invite": wording}), attendees


def composing(composer: Composer, attendees: Sequence[Attendee]) -> list[bytes]:
    revision = Revision("invite", "0" * 40 + "@department.example", 0, datetime.now(UTC), f"<{'0' * 32}@example.org>")
    return [composer.compose(attendee, revision).raw for attendee in attendees]


def guarding(messages: Sequence[bytes], attendees: Sequence[Attendee], roll: Roll) -> None:
    for raw, attendee in zip(messages, attendees, strict=True):
        assert isinstance(clear(raw, attendee.address, roll), Cleared)


def roll_of(count: int, meeting: Event) -> Roll:
    addresses = (f"guest{number}@example.org" for number in range(count))
    internal = (f"Lottery draw {number}" for number in range(count))
    return Roll(addresses, internal, [meeting.organizer.email], f"{meeting.title} {meeting.description}")


def timed(work: Callable[[], object]) -> Callable[[], float]:
    def measure() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return measure


if __name__ == "__main__":
    meeting, composer, attendees = sample()
    messages = composing(composer, attendees)
    few, many = roll_of(1_000, meeting), roll_of(100_000, meeting)
    kept = interleaved(
        f"Guarding {MESSAGES} messages",
        {
            "of 1,000 attendees": timed(lambda: guarding(messages, attendees, few)),
            "of 100,000 attendees": timed(lambda: guarding(messages, attendees, many)),
            "composing them": timed(lambda: composing(composer, attendees)),
        },
        rounds=15,
        goals={"of 100,000 attendees": 1.3},
    )
    sys.exit(not kept)
