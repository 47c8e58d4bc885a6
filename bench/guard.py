"""What guarding a message costs beside composing it, and for 1,000, 100,000 and a million attendees.

Goals: as much as composing at most, and the number of attendees makes no difference (at most 1.3x). Every round
composes messages that no roll has seen, so that nothing is remembered but what is the same in all of them. The second
clearing is the one in the moment before a message goes out. A message that is like no other has a word in it that is in
none before; it is judged in full. Processor time is measured.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bench.measure import interleaved
from tui import data, event
from tui.attendees import Attendee, ColumnSettings, load
from tui.guard import Cleared, Roll, clear
from tui.invitation import Composer, Revision, load_wording

MESSAGES = 100
ROUNDS = 15


class Sample:
    """The sample event, and attendees made of the sample's, each with an address, a calendar entry and a name of their
    own."""

    def __init__(self) -> None:
        folder = data.samples()
        meeting, problems = event.load(folder / "event.toml", "event.toml")
        assert meeting is not None, problems
        self.event = meeting
        wording = load_wording("invitation", Path(folder), None)
        self.composer = Composer(meeting, {"invite": wording})
        self.common = f"{meeting.title}\n{meeting.description}\n{meeting.location}\n{meeting.when}\n{wording.words}"
        columns = ColumnSettings(group="Audience", internal=("Role", "Section"))
        self._people = [record for record in load([folder / "attendees.csv"], columns).records if not record.has_error]
        self._numbers = count()
        self._now = datetime.now(UTC)  # of a whole run, as where one is prepared
        self.messages: list[tuple[bytes, str, str]] = []

    def attendees(self) -> Iterator[tuple[Attendee, Revision]]:
        for _ in range(MESSAGES):
            number = next(self._numbers)
            address = f"guest{number % 1_000}@example.org"  # on every roll, as whoever is written to is
            one = replace(
                self._people[number % len(self._people)], address=address, key=address, name=f"Guest {number:06} Ruiz"
            )
            yield (
                one,
                Revision(
                    "invite",
                    f"{number * 2**128 // 7 % 2**160:040x}@department.example",
                    0,
                    self._now,
                    f"<{number * 2**100 // 7 % 2**128:032x}@example.org>",
                ),
            )

    def compose(self) -> float:
        """Seconds for new messages; they are kept, to be guarded in the rest of the round."""
        about = list(self.attendees())
        start = time.process_time()
        self.messages = [(self.composer.compose(one, revision).raw, one.address, one.name) for one, revision in about]
        return time.process_time() - start

    def make_unlike(self) -> None:
        """Puts a word into each of the messages that is in no other."""
        self.messages = [
            (raw.replace(b"Kind regards", b"Kind regards %d" % next(self._numbers), 1), address, name)
            for raw, address, name in self.messages
        ]

    def guard(self, roll: Roll) -> float:
        """Seconds for clearing them."""
        start = time.process_time()
        for raw, address, name in self.messages:
            said = clear(raw, address, roll, name)
            assert isinstance(said, Cleared), said
        return time.process_time() - start


def roll_of(number: int, sample: Sample) -> Roll:
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    addresses = (f"guest{at}@example.org" for at in range(number))
    internal = (f"Lottery draw {at}" for at in range(number))
    roll = Roll(addresses, internal, [sample.event.organizer.email], sample.common)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    seconds = time.process_time() - start
    print(f"A roll of {number:,} addresses and as many values: {seconds:.1f} s, {grown:.0f} MB", end="")
    print(f", {grown * 1024**2 / number:.0f} bytes a person" if number >= 100_000 else "")
    return roll


def main() -> bool:
    sample = Sample()
    few, some, many = (roll_of(number, sample) for number in (1_000, 100_000, 1_000_000))

    def guarding(roll: Roll) -> Callable[[], float]:
        return lambda: sample.guard(roll)

    def unlike() -> float:
        sample.make_unlike()
        return sample.guard(few)

    beside = interleaved(
        f"{MESSAGES} messages",
        {
            "composing": sample.compose,
            "guarding, of 1,000": guarding(few),
            "the second time": guarding(few),
            "like no other": unlike,
        },
        rounds=ROUNDS,
        goals={"guarding, of 1,000": 1.0},
    )
    composed = {"of 1,000": few, "of 100,000": some, "of 1,000,000": many}

    def fresh(roll: Roll) -> Callable[[], float]:
        def measure() -> float:
            sample.compose()
            return sample.guard(roll)

        return measure

    flat = interleaved(
        f"Guarding {MESSAGES} messages",
        {name: fresh(roll) for name, roll in composed.items()},
        rounds=ROUNDS,
        goals={"of 100,000": 1.3, "of 1,000,000": 1.3},
    )
    return beside and flat


if __name__ == "__main__":
    sys.exit(not main())
