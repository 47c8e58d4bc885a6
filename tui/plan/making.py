"""Making a plan: of a send to everybody, or of what the organiser asks for by name."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tui.attendees import Attendee
from tui.errors import InputError
from tui.event import Event
from tui.ledger.records import Person
from tui.plan.actions import Action, Plan
from tui.plan.owed import left_behind, once_more, owed
from tui.plan.people import known, under_another_key
from tui.plan.sessions import sessions_of
from tui.plan.versions import current, key_of


def make(event: Event, records: Sequence[Attendee], people: Mapping[str, Person], sealed: Sequence[str] = ()) -> Plan:
    """The plan of a send. Records with errors are left out; `sealed` is all else that the digest must cover."""
    usable = [attendee for attendee in records if not attendee.has_error]
    live = {attendee.key for attendee in usable if attendee.withdrawn is None}
    met: set[str] = set()
    listed = {attendee.key for attendee in records}
    strays = {key_of(person.address): person for person in people.values() if person.key not in listed}
    actions: list[Action] = []
    for attendee in usable:
        if attendee.key in met or (attendee.withdrawn is not None and attendee.key in live):
            continue  # they took one registration back and hold another
        met.add(attendee.key)
        person = people.get(attendee.key) or under_another_key(attendee, strays)
        if person is not None and person.key != attendee.key:
            del strays[key_of(person.address)]
            known_by = owed(event, replace(attendee, key=person.key), person)
            actions.extend(replace(action, reason=f"{action.reason} (known by the address)") for action in known_by)
        else:
            actions.extend(owed(event, attendee, person))
    planned = {action.attendee.key for action in actions}
    for person in people.values():
        if person.key not in listed and person.key not in planned:
            actions.extend(left_behind(person))
    return Plan(tuple(actions), digest_of(event, actions, sealed))


def make_resend(
    event: Event,
    attendees: Mapping[str, Attendee],
    people: Mapping[str, Person],
    addresses: Sequence[str],
    sealed: Sequence[str] = (),
) -> Plan:
    """The plan of `resend`: the current version again, to these people. `attendees` win over what the ledger holds.

    InputError where an address is neither in the ledger nor among `attendees`.
    """
    by_address = {key_of(person.address): person for person in people.values()}
    listed = {key_of(attendee.address): attendee for attendee in attendees.values()}
    actions: list[Action] = []
    for key, text in {key_of(text): text for text in addresses}.items():
        attendee = listed.get(key)
        person = people.get(attendee.key) if attendee else None
        if attendee and person and key_of(current(person)[-1].address) != key:
            raise InputError(
                f"{text} is the new address of somebody who was sent something at {person.address}.",
                hint="`send` cancels what is at the old address and invites the new one.",
                code="changed-address",
            )
        person = person or by_address.get(key)
        if person is None:
            raise InputError(
                f"Nothing was ever sent to {text}, so there is nothing to send again.",
                hint="`invite-tui status` lists everybody; a new person goes into the attendee file.",
                code="unknown-address",
            )
        who = replace(attendee, key=person.key) if attendee else known(person)
        parts = person.sessions
        found = [session for session in sessions_of(event, who)[0] if session.session in parts]
        if not found:
            raise InputError(
                f"What {text} was sent is about sessions that they are no longer down for.",
                hint="`send` invites them to their sessions of now.",
                code="unknown-session",
            )
        actions += [replace(once_more(one, who, parts[one.session]), session=one.session) for one in found]
    return Plan(tuple(actions), digest_of(event, actions, sealed))


def digest_of(event: Event, actions: Sequence[Action], sealed: Sequence[str]) -> str:
    """SHA-256 over everything that decides what goes out; the event's uid is in it only through the UIDs."""
    seal = hashlib.sha256()
    said = {
        **{name: str(getattr(event, name)) for name in ("title", "start", "end", "timezone", "location", "join_url")},
        **{name: str(getattr(event, name)) for name in ("description", "organizer", "all_day", "rule")},
        "message": str(replace(event.message, attachments=())),
        "attachments": [path.name for path in event.message.attachments],
        "sealed": list(sealed),
    }
    seal.update(json.dumps(said, sort_keys=True).encode())
    for session in event.sessions:
        facts = (session.session, session.title, *session.span, session.location, session.join_url, session.description)
        seal.update(json.dumps(facts).encode())
    for action in actions:
        person = action.attendee
        headers = person.columns.headers
        row = (action.action, action.kind, action.uid, action.sequence, action.round, person.key, person.address)
        seal.update(json.dumps([*row, person.name, person.group, headers, person.cells]).encode("utf-8", "replace"))
    return seal.hexdigest()
