"""What `check` finds in the messages themselves: composed and inspected as a send would, so that `send` refuses nothing
that `check` has passed.

A long list is checked by its kinds: a send composes and inspects every message of it all the same, before any leaves.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from tui import address, mailing, plan
from tui.attendees import AttendeeList
from tui.errors import InputError, LeakError, Problem
from tui.event import Event
from tui.guard import Roll
from tui.invitation import Composer, Uncomposable
from tui.ledger import Person
from tui.plan import Action, Plan

EVERYBODY = 5_000
"""Up to so many attendees each message is composed: a second or two."""
_SAMPLE = 200
_FEW_VALUES = 100
_ADDRESS = re.compile(r"[^\s<>\"'()\[\],;:]+@[^\s<>\"'()\[\],;:]+\w")


def message_problems(
    event: Event,
    attendees: AttendeeList,
    people: Mapping[str, Person],
    composer: Composer,
    roll_of: Callable[[Iterable[str] | None], Roll],
    imprint: mailing.Imprint,
) -> Iterator[Problem]:
    """Each message's problems. `roll_of` makes the guard's roll of these addresses, of everybody's for None; `imprint`
    is what the messages are made under: who prepares under the same finds them judged."""
    yield from _about_the_organizer(event, attendees)
    if len(attendees.records) <= EVERYBODY:
        sound = [record for record in attendees.records if not record.has_error]
        yield from _inspected(plan.make(event, sound, people).to_send, composer, roll_of(None), imprint)
        return
    records = attendees.records
    sound = [records[row] for row in sorted(_one_of_each_kind(attendees, composer)) if not records.has_error(row)]
    composed: list[Action] = []
    named: set[str] = set()
    for action in plan.make(event, sound, people).to_send:
        try:
            named |= named_in(action, composer)
        except Uncomposable as error:
            yield from error.problems
            continue
        composed.append(action)
    # Of a million addresses only those that stand in some message can leak from it.
    present = (wire for _, wire in records.identities() if wire.casefold() in named)
    yield from _inspected(composed, composer, roll_of(present), imprint)


def _about_the_organizer(event: Event, attendees: AttendeeList) -> Iterator[Problem]:
    """What calendar programs make of the address that answers go to."""
    organizer, where = event.organizer.email, event.path.name
    local, _, domain = organizer.rpartition("@")
    if "+" in local:
        message = f"Answers go to {organizer}, and Outlook.com leaves out what is behind the +."
        hint = f"Write {local.partition('+')[0]}@{domain} as the organizer's email, and read the answers there."
        yield Problem("warning", "organizer-tag", message, where, value=organizer, hint=hint)
    records, mailbox = attendees.records, address.key_of(organizer)
    for row, (_, wire) in enumerate(records.identities()):
        if wire.endswith(domain) and wire.casefold() == mailbox:
            message = f"{wire} is the organiser too: a calendar program offers nobody to answer their own invitation."
            hint = "Let another address invite, or this person just read it."
            yield Problem(
                "warning", "organizer-invited", message, records.file(row), records.line(row), None, wire, hint
            )


def named_in(action: Action, composer: Composer) -> set[str]:
    """The keys of the addresses that can be read in an action's message. Raises Uncomposable."""
    made = composer.compose(action.attendee, mailing.revision_of(action, datetime.now(UTC), ""))
    return {address.key_of(text) for text in _ADDRESS.findall(f"{made.subject} {made.text} {made.html}")}


def _inspected(
    actions: Iterable[Action], composer: Composer, roll: Roll, imprint: mailing.Imprint
) -> Iterator[Problem]:
    for action in actions:
        try:
            mailing.prepare(Plan((action,), ""), composer, roll, imprint=imprint)
        except (InputError, LeakError) as error:
            yield from error.problems


def _one_of_each_kind(attendees: AttendeeList, composer: Composer) -> set[int]:
    """Rows whose messages can differ in more than the words: the first ones; every row in which something that the
    wording can use is blank, or holds an @; and one for each value of a column that has few."""
    chosen: set[int] = set()
    for part in attendees.records.parts:
        columns = part.columns
        chosen.update(part.rows[:_SAMPLE])
        for at in composer.columns_leaving(columns) - {columns.address}:
            chosen.update(part.blank_rows(at))
            seen: set[str] = set()
            for row, cell in enumerate(part.column(at), part.rows.start):
                if "@" in cell:
                    chosen.add(row)
                elif len(seen) < _FEW_VALUES and cell not in seen:
                    seen.add(cell)
                    chosen.add(row)
    return chosen
