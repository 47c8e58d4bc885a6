"""The plan: the event, the attendees and what the ledger holds; one action for each, with its reason. Pure."""

import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from tui import address
from tui.attendees import Attendee, Columns, normalise_header, squash
from tui.clean import one_line
from tui.errors import InputError, Problem
from tui.event import Change, Event, is_web_link
from tui.ledger.records import Facts, Person, Sent
from tui.recurrence import parse as parse_rule

Verb = Literal["invite", "update", "cancel", "none"]
Kind = Literal["due", "held", "unknown", "refused", "cancelled", "removed", "withdrawn"]

_NOTHING: tuple[Kind, ...] = ("held", "refused", "cancelled")
_COMPARED = ("title", "start", "end", "rrule", "zone", "location", "join_url")
_TIMES = ("start", "end", "rrule", "zone")
_LONGEST_DOMAIN = 150  # Outlook may confuse UIDs of more than 202 bytes (STANOICAL §2.1.10)


@dataclass(frozen=True, slots=True)
class Action:
    """What one person is owed of one session. For `none`, `kind` says which sort of nothing; `reason` says it in words.

    `pending` is the message that an earlier run left to be tried again, where this action is that one.
    """

    attendee: Attendee
    action: Verb
    kind: Kind
    reason: str
    uid: str = ""
    sequence: int = 0
    generation: int = 0
    round: int = 0
    facts: Facts | None = None
    changes: tuple[Change, ...] = ()
    in_reply_to: str | None = None
    not_before: datetime | None = None
    pending: Sent | None = None
    session: str = ""

    @property
    def line(self) -> int | None:
        """The line of the attendee's record, None for somebody whom only the ledger knows."""
        return self.attendee.line or None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would send. `digest` seals everything that it depends on (contract §3, `--approve`)."""

    actions: tuple[Action, ...]
    digest: str

    @property
    def to_send(self) -> tuple[Action, ...]:
        return tuple(action for action in self.actions if action.action != "none")

    @property
    def counts(self) -> dict[str, int]:
        """How many messages of each action, and how many people of each sort of nothing; nobody is counted twice."""
        found: Counter[str] = Counter(
            action.action if action.action != "none" or action.kind in _NOTHING else action.kind
            for action in self.actions
        )
        return {word: found[word] for word in ("invite", "update", "cancel", "none", "unknown", "removed", "withdrawn")}

    @property
    def groups(self) -> dict[str, int]:
        """How many messages go to each group, in the order of the list."""
        return dict(Counter(action.attendee.group for action in self.to_send))

    def only(self, addresses: Sequence[str]) -> "Plan":
        """Of this plan, only these people. InputError where an address is nobody's on the list."""
        wanted = {_key_of(text): text for text in addresses}
        found = [(_key_of(action.attendee.address), action.attendee.key) for action in self.actions]
        missing = wanted.keys() - {key for key, _ in found}
        if missing:
            raise InputError(
                f"{wanted[min(missing)]} is not on the list.", hint="Check the spelling.", code="unknown-address"
            )
        # A person, not an address: the cancellation to somebody's old address belongs to the invitation to the new one.
        keys = {person for key, person in found if key in wanted}
        chosen = tuple(action for action in self.actions if action.attendee.key in keys)
        return Plan(chosen, self.digest)


def make(event: Event, records: Sequence[Attendee], people: Mapping[str, Person], sealed: Sequence[str] = ()) -> Plan:
    """The plan of a send. Records with errors are left out; `sealed` is all else that the digest must cover."""
    usable = [attendee for attendee in records if not attendee.has_error]
    live = {attendee.key for attendee in usable if attendee.withdrawn is None}
    met: set[str] = set()
    listed = {attendee.key for attendee in records}
    strays = {_key_of(person.address): person for person in people.values() if person.key not in listed}
    actions: list[Action] = []
    for attendee in usable:
        if attendee.key in met or (attendee.withdrawn is not None and attendee.key in live):
            continue  # they took one registration back and hold another
        met.add(attendee.key)
        person = people.get(attendee.key) or _under_another_key(attendee, strays)
        if person is not None and person.key != attendee.key:
            del strays[_key_of(person.address)]
            owed = _owed(event, replace(attendee, key=person.key), person)
            actions.extend(replace(action, reason=f"{action.reason} (known by the address)") for action in owed)
        else:
            actions.extend(_owed(event, attendee, person))
    planned = {action.attendee.key for action in actions}
    for person in people.values():
        if person.key not in listed and person.key not in planned:
            actions.extend(_left(person))
    return Plan(tuple(actions), _digest(event, actions, sealed))


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
    by_address = {_key_of(person.address): person for person in people.values()}
    listed = {_key_of(attendee.address): attendee for attendee in attendees.values()}
    actions: list[Action] = []
    for key, text in {_key_of(text): text for text in addresses}.items():
        attendee = listed.get(key)
        person = people.get(attendee.key) if attendee else None
        if attendee and person and _key_of(_current(person)[-1].address) != key:
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
        actions += [replace(_again(one, who, parts[one.session]), session=one.session) for one in found]
    return Plan(tuple(actions), _digest(event, actions, sealed))


def sessions_of(event: Event, attendee: Attendee) -> tuple[tuple[Event, ...], tuple[str, ...]]:
    """The sessions that an attendee is invited to, in the event's order, and the names in their row that are none's.

    Their `session` column names them, with `;` or `,` between; without one, or where it is blank, it is all of them.
    """
    at = _session_column(attendee.columns) if event.sessions else None
    if at is None or not attendee.cells[at].strip():
        return event.each, ()
    by_name = {_folded(name): session for session in event.sessions for name in _names(event, session)}
    wanted, unknown = set[str](), list[str]()
    # A name may have a comma in it.
    whole = [part for part in re.split(r"[;\n]", attendee.cells[at]) if part.strip()]
    for name in (piece for part in whole for piece in ([part] if _folded(part) in by_name else part.split(","))):
        if _folded(name) in by_name:
            wanted.add(by_name[_folded(name)].session)
        elif name.strip():
            unknown.append(name.strip())
    return tuple(session for session in event.sessions if session.session in wanted), tuple(unknown)


def session_problems(event: Event, records: Iterable[Attendee]) -> Iterator[Problem]:
    """The sessions in attendees' rows that the event does not have."""
    if not event.sessions:
        return
    names = {_folded(name): name for session in event.sessions for name in _names(event, session)}
    for attendee in records:
        at = _session_column(attendee.columns)
        for name in sessions_of(event, attendee)[1]:
            near = get_close_matches(_folded(name), names, 1)
            ids = ", ".join(session.session for session in event.sessions)
            yield Problem(
                "error",
                "unknown-session",
                f"The event has no session “{one_line(name)}”.",
                file=attendee.file,
                line=attendee.line,
                column=None if at is None else attendee.columns.headers[at],
                value=name,
                hint=f"Did you mean “{names[near[0]]}”?" if near else f"It has {ids}.",
            )


def find_session(event: Event, name: str) -> Event | None:
    """The session with this id or title."""
    return next((one for one in event.sessions if _folded(name) in map(_folded, _names(event, one))), None)


def past_sessions(event: Event, people: Mapping[str, Person]) -> Iterator[Event]:
    """Sessions that are no longer in the event file, as they were last sent: a cancellation of one may be due."""
    today = {session.session for session in event.each}
    told = {sent.session: sent.facts for person in people.values() for sent in person.messages}
    for name, facts in told.items():
        if name in today or not facts:
            continue
        all_day = "T" not in facts["start"]
        start, end = (datetime.fromisoformat(facts[key]) for key in ("start", "end"))
        zone = ZoneInfo(facts.get("zone") or event.timezone)
        # Days have no zone, and an end that is the last of them.
        start, end = (
            (start.replace(tzinfo=zone), (end + timedelta(days=1)).replace(tzinfo=zone))
            if all_day
            else (start.astimezone(zone), end.astimezone(zone))
        )
        rule = parse_rule(facts["rrule"], start, all_day) if facts.get("rrule") else None
        said = {key: facts.get(key, "") for key in ("title", "location", "join_url")}
        one = replace(event, **said, session=name, sessions=(), start=start, end=end, timezone=zone.key)  # type: ignore[arg-type]  # all texts
        yield replace(one, all_day=all_day, rule=rule, description="")


def _session_column(columns: Columns) -> int | None:
    return columns.by_header.get("session", columns.by_header.get("sessions"))


def _names(event: Event, session: Event) -> tuple[str, str]:
    return session.session, session.title.removeprefix(f"{event.title}: ")


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def known(person: Person) -> Attendee:
    """The attendee as the ledger remembers them."""
    columns = _columns_of(tuple(person.fields))
    return Attendee(
        person.key, person.address, person.name, person.group, "", 0, tuple(person.fields.values()), columns
    )


@lru_cache(maxsize=64)
def _columns_of(headers: tuple[str, ...]) -> Columns:
    """One object for all who have these columns, as for the records of one file."""
    return Columns(
        headers,
        placeholders={normalise_header(header): at for at, header in enumerate(headers)},
        by_header={squash(header): at for at, header in enumerate(headers)},
        address=0,
    )


def facts_of(event: Event, attendee: Attendee) -> Facts:
    """What one person is told of the event: the version that an update would change."""
    start, end = event.span if event.all_day else (at.astimezone(UTC).isoformat() for at in (event.start, event.end))
    facts = {
        "title": event.title,
        "start": start,
        "end": end,
        "location": event.location,
        "join_url": _own_link(attendee) or event.join_url,
        "when": event.when,
    }
    if event.session:
        facts |= {"session": event.session}
    if event.rule:
        # Later meetings of a series are at other moments in another zone.
        facts |= {"rrule": str(event.rule), "zone": "" if event.all_day else event.timezone}
    return facts


def uid_of(event: Event, key: str, generation: int) -> str:
    """The calendar UID of one person and session: unguessable, and the same whenever it is worked out."""
    whose = f"{key}\0{generation}\0{event.session}" if event.session else f"{key}\0{generation}"
    secret = hmac.new(event.uid.encode(), whose.encode(), hashlib.sha256)
    domain = event.organizer.email.rpartition("@")[2]
    return f"{secret.hexdigest()[:40]}@{domain[-_LONGEST_DOMAIN:].lstrip('.-')}"


def _under_another_key(attendee: Attendee, strays: Mapping[str, Person]) -> Person | None:
    """Who has this address in the ledger where one of the two lists had ids and the other had none.

    They would be invited a second time otherwise. Two different ids are two people.
    """
    address_key = _key_of(attendee.address)
    person = strays.get(address_key)
    if person is None or (attendee.key == address_key) == (person.key == address_key):
        return None
    return person


def _owed(event: Event, attendee: Attendee, person: Person | None) -> Iterator[Action]:
    """What one listed attendee is owed, given what the ledger holds of them: session by session."""
    parts = person.sessions if person else {}
    if attendee.withdrawn is not None:
        reason = f"withdrawn: the list says “{attendee.withdrawn}”"
        if any(map(_held, parts.values())):
            reason += "; they still hold an invitation, so a cancellation is owed"
        yield Action(attendee, "none", "withdrawn", reason)
        return
    due = {session.session: session for session in sessions_of(event, attendee)[0]}
    for name, session in due.items():
        yield from (replace(action, session=name) for action in _owed_of_one(session, attendee, parts.get(name)))
    titles = {session.session: session.title for session in event.each}
    for name, part in parts.items():
        if name not in due:
            yield from (replace(action, session=name) for action in _left_out(attendee, part, titles.get(name)))


def _left_out(attendee: Attendee, part: Person, title: str | None) -> Iterator[Action]:
    """A session that the person was invited to and no longer is to come to: reported, and left alone."""
    yield from _unfinished_cancellations(attendee, part)
    held, latest = _held(part), _current(part)[-1]
    if latest.action == "cancel":
        return
    was = latest.facts.get("title", "")
    reason = f"no longer down for “{title}”" if title else f"“{was}” is no longer in the event file"
    reason += (
        "; still holds an invitation, which only a cancellation takes back" if held else "; nothing has reached them"
    )
    yield Action(attendee, "none", "removed", reason, latest.uid, latest.sequence, latest.generation)


def _owed_of_one(event: Event, attendee: Attendee, person: Person | None) -> Iterator[Action]:
    """What they are owed of one session. `person` is what the ledger holds of them and of it."""
    if person is None:
        yield _first(event, attendee, 0, "first invitation")
        return
    yield from _unfinished_cancellations(attendee, person)
    held, latest = _held(person), _current(person)[-1]
    if latest.action == "cancel":
        reason = "was cancelled; `resend` invites them anew"
        yield Action(attendee, "none", "cancelled", reason, latest.uid, latest.sequence, latest.generation)
    elif _key_of(latest.address) != _key_of(attendee.address):
        if held:
            yield _cancel(attendee, person, held)
        yield _first(event, attendee, latest.generation + 1, f"the address was {latest.address} before")
    elif held is None:
        yield _still_first(event, attendee, person)
    else:
        yield _next(event, attendee, person, held)


def _first(event: Event, attendee: Attendee, generation: int, reason: str, round_: int = 0) -> Action:
    uid = uid_of(event, attendee.key, generation)
    facts = facts_of(event, attendee)
    return Action(attendee, "invite", "due", reason, uid, 0, generation, round_, facts)


def _still_first(event: Event, attendee: Attendee, person: Person) -> Action:
    """Somebody for whom no message can have arrived yet."""
    latest = _current(person)[-1]
    if latest.outcome != "refused":
        words = f"the server put it off: {latest.reply}" if latest.outcome == "deferred" else "it was not tried"
        first = _first(event, attendee, latest.generation, f"still to send: {words}", latest.round)
        return replace(first, uid=latest.uid, pending=latest)
    if _same(latest.facts, facts_of(event, attendee)):
        reason = f"refused: {latest.reply}; correct the address, or `resend` if the server should be asked again"
        return Action(attendee, "none", "refused", reason, latest.uid, latest.sequence, latest.generation)
    reason = "refused before, and the event has changed since"
    return replace(_first(event, attendee, latest.generation, reason, latest.round + 1), uid=latest.uid)


def _next(event: Event, attendee: Attendee, person: Person, held: Sent) -> Action:
    """Somebody who holds a version, or may hold it: nothing, an update, or a resend that is still due."""
    facts, latest = facts_of(event, attendee), _current(person)[-1]
    nothing = Action(attendee, "none", "held", "holds the current invitation", held.uid, held.sequence, held.generation)
    if latest.outcome in ("deferred", "unsent") and _same(held.facts, facts):
        # What is still due is a resend of what they hold, or an update that the event has since taken back.
        if latest.sequence == held.sequence:
            again = _repeat(attendee, person, latest, facts, f"still to send: {latest.reply or 'it was not tried'}")
            return replace(again, pending=latest)
        return nothing
    if _same(held.facts, facts):
        if held.outcome == "unknown":
            reason = "it is not known whether the message arrived; `resend` decides"
            return replace(nothing, kind="unknown", reason=reason)
        return nothing
    if latest.outcome == "refused" and _same(latest.facts, facts):
        return replace(nothing, kind="refused", reason=f"the update was refused: {latest.reply}")
    changes = tuple(_changes(held.facts, facts))
    pending = latest.outcome in ("deferred", "unsent") and latest.sequence > held.sequence
    sequence = latest.sequence if pending else max(message.sequence for message in _current(person)) + 1
    return Action(
        attendee,
        "update",
        "due",
        "changed: " + ", ".join(change.what.lower() for change in changes),
        held.uid,
        sequence,
        held.generation,
        latest.round if pending else 0,
        facts,
        changes,
        _current(person)[0].message_id,
        _newest_stamp(person),
        latest if pending else None,
    )


def _again(event: Event, attendee: Attendee, person: Person) -> Action:
    """The current version once more, because the organiser asks for it by name."""
    held, latest = _held(person), _current(person)[-1]
    if latest.action == "cancel":
        return _first(event, attendee, latest.generation + 1, "asked for by name, after a cancellation")
    if held is None:
        round_ = latest.round + (latest.outcome == "refused")
        return replace(_first(event, attendee, latest.generation, "asked for by name", round_), uid=latest.uid)
    facts = facts_of(event, attendee)
    if not _same(held.facts, facts):
        owed = _next(event, attendee, person, held)
        if owed.action != "none":
            return owed
        return replace(_repeat(attendee, person, latest, facts, "asked for by name"), round=latest.round + 1)
    rounds = [message for message in _current(person) if message.sequence == held.sequence]
    round_ = rounds[-1].round + (rounds[-1].outcome not in ("deferred", "unsent"))
    return replace(_repeat(attendee, person, held, facts, "asked for by name"), round=round_)


def _repeat(attendee: Attendee, person: Person, message: Sent, facts: Facts, reason: str) -> Action:
    """A version once more; an update with the changes that it told of."""
    earlier = [sent for sent in _current(person) if sent.may_have_arrived and sent.sequence < message.sequence]
    is_update = message.action == "update"
    return Action(
        *(attendee, "update" if is_update else "invite", "due", reason, message.uid, message.sequence),
        *(message.generation, message.round, facts),
        changes=tuple(_changes(earlier[-1].facts, facts)) if is_update and earlier else (),
        in_reply_to=_current(person)[0].message_id,
        not_before=_newest_stamp(person),
    )


def _cancel(attendee: Attendee, person: Person, held: Sent) -> Action:
    """Takes the old entry away from where it was sent."""
    there = replace(attendee, address=held.address)
    sequence = max(message.sequence for message in _current(person)) + 1
    return Action(
        *(there, "cancel", "due", f"the address is now {attendee.address}", held.uid, sequence, held.generation),
        facts=held.facts,
        in_reply_to=_current(person)[0].message_id,
        not_before=_newest_stamp(person),
    )


def _unfinished_cancellations(attendee: Attendee, person: Person) -> Iterator[Action]:
    for message in person.messages:
        if message.action == "cancel" and message.outcome in ("deferred", "unsent"):
            there = replace(attendee, address=message.address)
            words = message.reply or "it was not tried"
            yield Action(
                *(there, "cancel", "due", f"still to send: {words}", message.uid, message.sequence),
                *(message.generation, message.round, message.facts),
                in_reply_to=next(sent.message_id for sent in person.messages if sent.uid == message.uid),
                not_before=_newest_stamp(person),
                pending=message,
            )


def _left(person: Person) -> Iterator[Action]:
    """Somebody who is in the ledger and no longer on the list: reported, and left alone."""
    parts = [part for part in person.sessions.values() if _current(part)[-1].action != "cancel"]
    if not parts:
        return
    latest = _current(parts[-1])[-1]
    reason = "no longer on the list; " + (
        "still holds an invitation, which only a cancellation takes back"
        if any(map(_held, parts))
        else "nothing has reached them"
    )
    yield Action(known(person), "none", "removed", reason, latest.uid, latest.sequence, latest.generation)


def _current(person: Person) -> tuple[Sent, ...]:
    """The messages of the newest generation: one calendar entry's life. Never empty."""
    newest = max(message.generation for message in person.messages)
    return tuple(message for message in person.messages if message.generation == newest)


def _newest_stamp(person: Person) -> datetime:
    return max(message.stamp for message in person.messages)


def _held(person: Person | None) -> Sent | None:
    """The newest version that may be in the person's calendar, None where there is none or it was cancelled."""
    if person is None:
        return None
    arrived = [message for message in _current(person) if message.may_have_arrived]
    return arrived[-1] if arrived and arrived[-1].action != "cancel" else None


def _same(one: Facts, other: Facts) -> bool:
    return all(one.get(name, "") == other.get(name, "") for name in _COMPARED)


def _changes(old: Facts, new: Facts) -> Iterator[Change]:
    for name, word in (("title", "Title"), ("location", "Place"), ("join_url", "Link")):
        if old.get(name, "") != new.get(name, ""):
            yield Change(word, old.get(name, ""), new.get(name, ""))
    if any(old.get(name, "") != new.get(name, "") for name in _TIMES):
        yield Change("Time", old.get("when", ""), new.get("when", ""))


def _own_link(attendee: Attendee) -> str:
    index = attendee.columns.placeholders.get("join_url")
    link = attendee.cells[index].strip() if index is not None else ""
    return link if is_web_link(link) else ""


def _key_of(text: str) -> str:
    try:
        return address.parse(text).key
    except address.AddressError:
        return text.strip().casefold()


def _digest(event: Event, actions: Sequence[Action], sealed: Sequence[str]) -> str:
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
