"""What a ledger holds of people, made up for tests of what is decided from it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.making import an_attendee
from tui.attendees import Attendee
from tui.event import Event
from tui.ledger import NOT_CALLED_OFF, CalledOff, Outcome, Person, Sent
from tui.plan import Action, Plan

BEGIN = datetime(2027, 4, 1, 9, tzinfo=UTC)


def listed(address: str = "ana@example.org", *, key: str | None = None, line: int = 2, **facts: Any) -> Attendee:
    """A row of the list; `key` where it has an id."""
    made = an_attendee(name=str(facts.pop("name", "Ana Ruiz")), address=address)
    return replace(made, key=key or address, line=line, **facts)


def as_sent(action: Action, outcome: Outcome, *, number: int = 1, reply: str = "", attempts: int = 1) -> Sent:
    """The message that came of an action."""
    return Sent(
        id=number,
        key=action.attendee.key,
        address=action.attendee.address,
        action=action.action,
        uid=action.uid,
        sequence=action.sequence,
        generation=action.generation,
        round=action.round,
        facts=action.facts or {},
        message_id=f"<{number:032x}@department.example>",
        stamp=BEGIN + timedelta(minutes=number),
        digest=f"{number:064x}",
        outcome=outcome,
        reply=reply,
        attempts=attempts,
        settled_at=None if outcome == "unsent" else "2027-04-01T09:00:00+00:00",
    )


class Book:
    """A ledger in memory, as `plan` sees one: what was sent is put down, a message that is due again taken over."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.off = NOT_CALLED_OFF
        self._count = 0

    def put(self, actions: Sequence[Action], outcome: Outcome = "accepted", reply: str = "") -> None:
        for action in actions:
            if action.action == "none":
                continue
            self._count += 1
            attendee = action.attendee
            if self.off.mark and action.action != "cancel":
                self.off = replace(self.off, anew=self.off.anew | {action.uid})
            before = self.people[attendee.key].messages if attendee.key in self.people else ()
            version = (action.uid, action.sequence, action.round)
            sent = as_sent(action, outcome, number=self._count, reply=reply)
            taken = [old for old in before if (old.uid, old.sequence, old.round) == version]
            assert all(old.outcome in ("deferred", "unsent") for old in taken), "the same version a second time"
            if taken:
                sent = replace(sent, id=taken[0].id, attempts=taken[0].attempts + 1)
                messages = tuple(sent if old in taken else old for old in before)
            else:
                messages = (*before, sent)
            known = self.people.get(attendee.key)
            self.people[attendee.key] = Person(
                attendee.key,
                known.address if known and action.action == "cancel" else attendee.address,
                *(attendee.name, attendee.group, attendee.fields, messages),
                corrections=known.corrections if known else (),
                cancelled=known.cancelled if known else {},
            )

    def bounce(self, action: Action, words: str = "550 5.1.1 User unknown") -> None:
        """The message that came of an action has come back."""
        person = self.people[action.attendee.key]
        version = (action.uid, action.sequence, action.round)
        messages = tuple(
            replace(one, bounced=words) if (one.uid, one.sequence, one.round) == version else one
            for one in person.messages
        )
        self.people[person.key] = replace(person, messages=messages)

    def carry_out(self, plan: Plan, outcome: Outcome = "accepted", reply: str = "") -> None:
        """Puts down a whole run: its messages, and what was decided with it."""
        self.put(plan.actions, outcome, reply)
        for one in plan.decisions.corrections:
            person = self.people[one.key]
            self.people[one.key] = replace(person, corrections=(*person.corrections, one))
        for key, session, generation in plan.decisions.cancelled:
            person = self.people[key]
            self.people[key] = replace(person, cancelled={**person.cancelled, session: generation})
        if plan.decisions.called_off:
            self.off = CalledOff(plan.decisions.called_off)


def changed(event: Event, **facts: Any) -> Event:
    return replace(event, **facts)
