"""What guarding a message costs beside composing it, and for 1,000, 100,000 and a million attendees. About two minutes.

Goals: as much as composing at most, and the number of attendees makes no difference (at most 1.3x). Every round
composes messages that no roll has seen, to people with names from many places and addresses that no message had before,
so that nothing is remembered but what is the same in all of them. A run clears each message twice: when it is prepared,
and in the moment before it goes out. A message with a link of one's own has it in the text, the page and the calendar
object; a message that is like no other has a word that is in none before, and in no cell: that is judged in full.
Processor time is measured.
"""

import csv
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha1
from itertools import count
from pathlib import Path
from secrets import token_hex
from unicodedata import normalize

from bench.measure import interleaved
from tui import data, event
from tui.attendees import Attendee, ColumnSettings, load
from tui.guard import Cleared, Roll, clear
from tui.invitation import Composer, Revision, load_wording

MESSAGES = 100
PEOPLE = 20_000  # more than come in a run of this program
ROUNDS = 15
FIRST = (
    *("Ana", "Bo", "Cyan", "Dee", "Eve", "Finn", "Ida", "Kay", "Lee", "Mei-Ling", "Muhammad", "Natalie", "O'Neil"),
    *("Tom", "Zoë", "Åsa"),
)
LAST = (
    *("Ruiz", "Li", "Moss", "Hart", "Young", "Featherstonehaugh", "Kowalski", "O'Dowd", "Patel", "Smith", "Thompson"),
    *("Williams", "García", "Müller"),
)


def name_of(number: int) -> str:
    return f"{FIRST[number % len(FIRST)]} {LAST[number // 7 % len(LAST)]}"


def address_of(number: int) -> str:
    name = normalize("NFKD", name_of(number)).lower().replace(" ", ".")
    local = "".join(one for one in name if one == "." or "a" <= one <= "z")
    return f"{local}{number}@example.org"


class Sample:
    """The sample event, and attendees made of the sample's, each with an address, a calendar entry and a name of their
    own; with a link of their own where `has_links`."""

    def __init__(self, has_links: bool = False) -> None:
        folder = data.samples()
        meeting, problems = event.load(folder / "event.toml", "event.toml")
        assert meeting is not None, problems
        self.event = meeting
        wording = load_wording("invitation", Path(folder), None)
        self.composer = Composer(meeting, {"invite": wording})
        self.common = f"{meeting.title}\n{meeting.description}\n{meeting.location}\n{meeting.when}\n{wording.words}"
        self._has_links = has_links
        self.listed = PEOPLE
        self._people = _people(folder / "attendees.csv")
        self._numbers = count()
        self._now = datetime.now(UTC)  # of a whole run, as where one is prepared
        self.messages: list[tuple[bytes, str, str]] = []

    def attendees(self) -> Iterator[tuple[Attendee, Revision]]:
        for _ in range(MESSAGES):
            number = next(self._numbers)
            address, name = address_of(number % self.listed), name_of(number)  # on the roll
            one = self._people[number % len(self._people)]
            link = f"https://teams.example/l/meetup-join/{number * 2**40 // 7:012x}?p={number}"
            cells = (*one.cells[:-1], link) if self._has_links else one.cells
            yield (
                replace(one, address=address, key=address, name=name, cells=cells),
                Revision(
                    "invite",
                    f"{sha1(address.encode() + number.to_bytes(8)).hexdigest()}@department.example",
                    0,
                    self._now,
                    f"<{token_hex(16)}@example.org>",
                ),
            )

    def compose(self) -> float:
        """Seconds for new messages; they are kept, to be guarded in the rest of the round."""
        about = list(self.attendees())
        start = time.process_time()
        made = [self.composer.compose(one, revision).raw for one, revision in about]
        seconds = time.process_time() - start
        self.messages = [(raw, one.address, _own_words(one)) for raw, (one, _) in zip(made, about, strict=True)]
        return seconds

    def make_unlike(self) -> None:
        """Puts a word into each of the messages that is in no other."""
        self.messages = [
            (raw.replace(b"Kind regards", b"Kind regards %d" % next(self._numbers), 1), address, own_words)
            for raw, address, own_words in self.messages
        ]

    def guard(self, roll: Roll) -> float:
        """Seconds for clearing them."""
        start = time.process_time()
        for raw, address, own_words in self.messages:
            said = clear(raw, address, roll, own_words)
            assert isinstance(said, Cleared), said
        return time.process_time() - start


def _people(path: Path) -> list[Attendee]:
    """The sample's attendees, with one more column, in which a link may stand."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        headers, *rows = csv.reader(file)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "attendees.csv")
        with copy.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([[*headers, "join_url"], *([*row, ""] for row in rows)])
        columns = ColumnSettings(group="Audience", internal=("Role", "Section"))
        return [record for record in load([copy], columns).records if not record.has_error]


def _own_words(one: Attendee) -> str:
    """As a mailing says them to the guard."""
    internal = one.columns.internal
    return "\n".join([one.name, *(cell for at, cell in enumerate(one.cells) if at not in internal)])


def roll_of(number: int, sample: Sample) -> Roll:
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    addresses = map(address_of, range(number))
    internal = (f"Lottery draw {at}" for at in range(number))
    roll = Roll(addresses, internal, [sample.event.organizer.email], sample.common)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    seconds = time.process_time() - start
    print(f"A roll of {number:,} addresses and as many values: {seconds:.1f} s, {grown:.0f} MB", end="")
    print(f", {grown * 1024**2 / number:.0f} bytes a person" if number >= 100_000 else "")
    return roll


def main() -> bool:
    sample, linked = Sample(), Sample(has_links=True)
    few, usual, some, many = (roll_of(number, sample) for number in (1_000, PEOPLE, 100_000, 1_000_000))

    def guarding(roll: Roll) -> Callable[[], float]:
        return lambda: sample.guard(roll)

    def unlike() -> float:
        sample.make_unlike()
        return sample.guard(usual)

    def cleared_twice() -> float:
        return sample.guard(usual) + sample.guard(usual)

    kept = interleaved(
        f"{MESSAGES} messages",
        {
            "composing": sample.compose,
            "the first clearing": guarding(usual),
            "the second": guarding(usual),
            "like no other": unlike,
        },
        rounds=ROUNDS,
        goals={"the first clearing": 1.0, "like no other": 1.0},
    )
    kept &= interleaved(
        f"A run of {MESSAGES}",
        {"composed twice": lambda: 2 * sample.compose(), "cleared twice": cleared_twice},
        rounds=ROUNDS,
        goals={"cleared twice": 1.0},
    )
    kept &= interleaved(
        f"{MESSAGES} messages, each with a link of its own",
        {"composing": linked.compose, "the first clearing": lambda: linked.guard(usual)},
        rounds=ROUNDS,
        goals={"the first clearing": 1.0},
    )

    def fresh(roll: Roll) -> Callable[[], float]:
        def measure() -> float:
            sample.compose()
            return sample.guard(roll)

        return measure

    sample.listed = 1_000
    rolls = {"of 1,000": few, "of 100,000": some, "of 1,000,000": many}
    kept &= interleaved(
        f"Guarding {MESSAGES} messages",
        {name: fresh(roll) for name, roll in rolls.items()},
        rounds=ROUNDS,
        goals={"of 100,000": 1.3, "of 1,000,000": 1.3},
    )
    return kept


if __name__ == "__main__":
    sys.exit(not main())
