"""The versions of an event that one person was told of: what is in them, and how they differ."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tui.attendees import Attendee
from tui.event import Change, Event, is_web_link
from tui.ledger.records import Facts, Person, Sent
from tui.recurrence import parse as parse_rule

_COMPARED = ("title", "start", "end", "rrule", "zone", "location", "join_url")
_TIMES = ("start", "end", "rrule", "zone")
_LONGEST_DOMAIN = 150  # Outlook may confuse UIDs of more than 202 bytes (STANOICAL §2.1.10)


def facts_of(event: Event, attendee: Attendee) -> Facts:
    """What one person is told of the event: the version that an update would change. Whoever is told the same shares
    one mapping, which must not be changed: a million people would fill the memory with as many."""
    link = _own_link(attendee) or event.join_url
    known = _told.get((id(event), link))
    if known is None or known[0] is not event:
        if len(_told) > _MOST_TOLD:
            _told.clear()
        known = _told[id(event), link] = (event, _facts_of(event, link))
    return known[1]


def worded(facts: Facts, wording: str) -> Facts:
    """The facts with the wording's digest; shared by whoever is told the same, as the facts are."""
    known = _worded.get((id(facts), wording))
    if known is None or known[0] is not facts:
        if len(_worded) > _MOST_TOLD:
            _worded.clear()
        known = _worded[id(facts), wording] = (facts, {**facts, "wording": wording})
    return known[1]


_told: dict[tuple[int, str], tuple[Event, Facts]] = {}
_worded: dict[tuple[int, str], tuple[Facts, Facts]] = {}
_MOST_TOLD = 10_000


def _facts_of(event: Event, link: str) -> Facts:
    start, end = event.span if event.all_day else (at.astimezone(UTC).isoformat() for at in (event.start, event.end))
    facts = {
        "title": event.title,
        "start": start,
        "end": end,
        "location": event.location,
        "join_url": link,
        "when": event.when,
    }
    if event.session:
        facts |= {"session": event.session}
    if event.rule:
        # Later meetings of a series are at other moments in another zone.
        facts |= {"rrule": str(event.rule), "zone": "" if event.all_day else event.timezone}
    return facts


def mark_of(event: Event) -> str:
    """Tells one version of the whole event from another: what it was when it was cancelled for everybody."""
    told = [
        [one.session, one.title, *one.span, one.timezone, str(one.rule or ""), one.location, one.join_url]
        for one in event.each
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def event_of(event: Event, facts: Facts) -> Event:
    """The event, or the session of it, as somebody was told of it: what a cancellation takes back.

    `event` says the rest, such as who invites. The join link is left out: there is nothing to join any more.
    """
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
    told = replace(event, title=facts.get("title", ""), location=facts.get("location", ""), join_url="", description="")
    told = replace(told, session=facts.get("session", ""), sessions=(), start=start, end=end, timezone=zone.key)
    return replace(told, all_day=all_day, rule=rule)


def uid_of(event: Event, key: str, generation: int) -> str:
    """The calendar UID of one person and session: unguessable, and the same whenever it is worked out."""
    whose = f"{key}\0{generation}\0{event.session}" if event.session else f"{key}\0{generation}"
    keyed, domain = _of_all_uids(event.uid, event.organizer.email)
    own = keyed.copy()
    own.update(whose.encode())
    return f"{own.hexdigest()[:40]}@{domain}"


@lru_cache(maxsize=16)
def _of_all_uids(secret: str, organizer: str) -> tuple[hmac.HMAC, str]:
    """The keyed hash that an event's UIDs are made by, and their domain."""
    return hmac.new(secret.encode(), digestmod="sha256"), organizer.rpartition("@")[2][-_LONGEST_DOMAIN:].lstrip(".-")


def current(person: Person) -> tuple[Sent, ...]:
    """The messages of the newest generation: one calendar entry's life. Never empty."""
    newest = max(message.generation for message in person.messages)
    return tuple(message for message in person.messages if message.generation == newest)


def newest_stamp(person: Person) -> datetime:
    return max(message.stamp for message in person.messages)


def held_by(person: Person | None) -> Sent | None:
    """The newest version that may be in the person's calendar, None where there is none or it was cancelled."""
    if person is None:
        return None
    arrived = [message for message in current(person) if message.may_have_arrived]
    return arrived[-1] if arrived and arrived[-1].action != "cancel" else None


def same(one: Facts, other: Facts) -> bool:
    return all(one.get(name, "") == other.get(name, "") for name in _COMPARED)


def changes_between(old: Facts, new: Facts) -> Iterator[Change]:
    for name, word in (("title", "Title"), ("location", "Place"), ("join_url", "Link")):
        if old.get(name, "") != new.get(name, ""):
            yield Change(word, old.get(name, ""), new.get(name, ""))
    if any(old.get(name, "") != new.get(name, "") for name in _TIMES):
        yield Change("Time", old.get("when", ""), new.get("when", ""))


def changes_told(person: Person) -> Mapping[int, tuple[Change, ...]]:
    """What each of a person's messages, by its number, told to have changed: against what they held of that entry."""
    found = {}
    held: dict[str, Sent] = {}
    for message in person.messages:
        if message.action == "update" and message.uid in held:
            found[message.id] = tuple(changes_between(held[message.uid].facts, message.facts))
        if message.may_have_arrived and message.action != "cancel":
            held[message.uid] = message
    return found


def _own_link(attendee: Attendee) -> str:
    index = attendee.columns.placeholders.get("join_url")
    link = attendee.cells[index].strip() if index is not None else ""
    return link if is_web_link(link) else ""
