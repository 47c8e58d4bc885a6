"""What the organiser asks to be sent, and to whom: pure."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tui.address import key_of
from tui.clean import one_line, visible

if TYPE_CHECKING:
    from tui.attendees import Attendee
    from tui.folder import Folder
    from tui.ledger.records import Person
    from tui.plan import Amendment

Purpose = Literal["rehearsal", "send", "resend", "cancel", "remind"]


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be planned. `names` are the people whom the core is asked about; None is everybody. Of a send and of
    reminders they are addresses on the list.

    `template` is the wording of a resend, "" for each action's own. `accounts` are those that send it, () for those
    that were chosen before: a plan is sealed with their names. `ways` is how it is to go as far as that was typed
    before it had to be planned with other accounts, by the names of `Confirm`'s lines.
    """

    purpose: Purpose
    names: tuple[str, ...] | None = None
    amendment: "Amendment | None" = None
    note: str = ""
    template: str = ""
    skip_errors: bool = False
    accounts: tuple[str, ...] = ()
    ways: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody to whom something is to be sent by name. `asked` is what the core knows them by; `fields` are their
    columns that may be in a message, as corrected."""

    asked: str
    name: str
    address: str
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def in_words(self) -> str:
        name, address = visible(self.name), visible(self.address)
        return f"{name} <{address}>" if name else address


def targets(
    attendees: Iterable["Attendee"], people: "Mapping[str, Person]", shared: Container[str]
) -> Iterator[Target]:
    """These people as the core is asked for them; `people` is what the ledger holds of everybody, and `shared` the
    addresses that several of those have."""
    for attendee in attendees:
        person = people.get(attendee.key)
        yield _target(attendee, person, is_alone=person is None or person.address.casefold() not in shared)


def shared_addresses(people: "Mapping[str, Person]") -> frozenset[str]:
    """Those that the ledger holds of more than one person, casefolded. In a thread: it looks at everybody."""
    seen: set[str] = set()
    shared: set[str] = set()
    for person in people.values():
        address = person.address.casefold()
        (shared if address in seen else seen).add(address)
    return frozenset(shared)


def addresses(
    attendees: Iterable["Attendee"], people: "Mapping[str, Person]", shared: Container[str]
) -> tuple[str, ...]:
    """Where these people are sent something now, each once."""
    return tuple(dict.fromkeys(one.address for one in targets(attendees, people, shared)))


def _target(attendee: "Attendee", person: "Person | None", *, is_alone: bool) -> Target:
    from tui.plan.people import corrected

    now = corrected(attendee, person)
    asked = person.address if person is not None else now.address
    if person is not None and not is_alone:
        asked = person.messages[-1].uid if "@" in person.key else person.key
    return Target(asked, now.name, now.address, tuple(_fields(now)))


def _fields(attendee: "Attendee") -> Iterator[tuple[str, str]]:
    """Each column that can be corrected by its name: not the address, nothing internal, no name that two have."""
    from tui.attendees import squash

    columns = attendee.columns
    own = key_of(attendee.address)
    named = Counter(map(squash, columns.headers))
    taken = {header for header, times in named.items() if times > 1}
    for at, (header, cell) in enumerate(zip(columns.headers, attendee.cells, strict=False)):
        is_address = "@" in cell and key_of(cell) == own
        is_known_by_it = at == columns.id or at in columns.also
        if header and not (is_address or is_known_by_it or at in columns.internal or squash(header) in taken):
            yield header, cell


def amendment(target: Target, address: str, fields: Mapping[str, str]) -> "Amendment | None":
    """What differs from what is known of this person, None where nothing does. The values are as they were typed, over
    what `visible` makes of the known ones."""
    from tui.plan import Amendment

    to = address.strip()
    to = "" if to == visible(target.address) else to
    known = dict(target.fields)
    cells = {
        header: one_line(value)
        for header, value in fields.items()
        if header in known and value != visible(known[header])
    }
    return Amendment(to, cells) if to or cells else None


def accounts_in(typed: str) -> list[str]:
    """The names of accounts, as they are typed one after the other."""
    return [name for part in typed.split(",") if (name := part.strip())]


def wordings(folder: "Folder") -> Sequence[str]:
    """The names of the wordings that a resend may have: the event folder's own, and those that ship."""
    from tui.data import templates

    own = folder.event_path.parent / "templates"
    found = {file.stem for place in (own, templates()) if place.is_dir() for file in place.glob("*.md")}
    return sorted(found - {"cancellation"}, key=lambda name: (name != "correction", name))
