"""The figures of a report: who was sent what and when, counted. Page, table, JSON and summary all show these."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from tui.errors import InputError
from tui.event import Event
from tui.folder import Folder, Promise
from tui.ledger import OUTCOMES, Attempt, Chronicle, Known, Outcome, Person, Recorded, Run, reply_without_names
from tui.report.evidence import About

ADOPTED = "by another program"
"""The state of a person whom only another program has sent anything, which `repair` has put down."""

STATES = (*OUTCOMES, ADOPTED)

_HOURLY = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Guest:
    """One person of the report. `name` and `address` are "" in an anonymous one."""

    number: int
    name: str
    address: str
    group: str
    state: str
    messages: tuple[Recorded, ...]

    @property
    def label(self) -> str:
        return self.name or self.address or f"Person {self.number}"


@dataclass(frozen=True)
class Figures:
    """Everything that a report says. Times are ISO 8601 in UTC; `zone` is where they are shown."""

    about: About
    when: str
    zone: tzinfo
    zone_name: str
    anonymous: bool
    promise: Promise | None
    runs: Mapping[int, Run]
    guests: tuple[Guest, ...]

    @cached_property
    def messages(self) -> tuple[tuple[Guest, Recorded], ...]:
        """Every message, in the order in which they were first planned."""
        found = ((guest, recorded) for guest in self.guests for recorded in guest.messages)
        return tuple(sorted(found, key=lambda one: one[1].sent.id))

    @cached_property
    def history(self) -> tuple[tuple[Guest, Recorded, Attempt], ...]:
        """Every attempt, in the order in which they were made."""
        found = ((*message, attempt) for message in self.messages for attempt in message[1].attempts)
        return tuple(sorted(found, key=lambda one: one[2].id))

    @cached_property
    def states(self) -> Mapping[str, int]:
        """How many people are in which state, all states named."""
        return _count(guest.state for guest in self.guests)

    @cached_property
    def groups(self) -> Mapping[str, Mapping[str, int]]:
        """The same for each group, "" for who has none; empty where nobody has one."""
        found: dict[str, list[str]] = {}
        for guest in self.guests:
            found.setdefault(guest.group, []).append(guest.state)
        return {name: _count(states) for name, states in found.items()} if any(found) else {}

    @cached_property
    def messages_by_outcome(self) -> Mapping[str, int]:
        return _count(ADOPTED if self.is_adopted(one) else outcome_of(one) for _, one in self.messages)

    @cached_property
    def up_to(self) -> str | None:
        """The newest moment of which the ledger knows anything."""
        moments = [run.started_at for run in self.runs.values()]
        moments += [attempt.settled_at or attempt.started_at for _, _, attempt in self.history]
        return max(moments, default=None)

    def accepted_over_time(self) -> list[tuple[datetime, int]]:
        """How many messages servers took, by day of `zone`, or by the hour where all of it was within two days. Without
        the times in which there was nothing."""
        moments = [
            datetime.fromisoformat(attempt.settled_at).astimezone(self.zone)
            for _, recorded, attempt in self.history
            if attempt.outcome == "accepted" and attempt.settled_at and not self.is_adopted(recorded)
        ]
        if not moments:
            return []
        hour = max(moments) - min(moments) < _HOURLY
        return sorted(Counter(_floor(moment, hour=hour) for moment in moments).items())

    def is_adopted(self, recorded: Recorded) -> bool:
        return self.runs[recorded.run].is_adoption

    def reply(self, attempt: Attempt) -> str:
        return reply_without_names(attempt.reply) if self.anonymous else attempt.reply

    def run_counts(self) -> Iterator[tuple[Run, Mapping[str, int]]]:
        """Each run with what became of the messages that it took up last."""
        found: dict[int, list[str]] = {}
        for _, recorded in self.messages:
            found.setdefault(recorded.run, []).append(outcome_of(recorded))
        for run in self.runs.values():
            yield run, _count(found.get(run.id, ()))

    def document(self) -> dict[str, Any]:
        """The figures as JSON spells them."""
        promise = self.promise
        return {
            "event": {"title": self.about.title, "start": self.about.start},
            "anonymous": self.anonymous,
            "up_to": self.up_to,
            "people": len(self.guests),
            "counts": self.states,
            "messages": self.messages_by_outcome,
            "groups": self.groups,
            "promise": promise and promise.document,
            "runs": [
                {
                    "run": run.id,
                    "command": run.command,
                    "account": None if self.anonymous else run.account,
                    "started_at": run.started_at,
                    "checks": list(run.checks),
                    "counts": counts,
                }
                for run, counts in self.run_counts()
            ],
            "attendees": [self._guest_document(guest) for guest in self.guests],
        }

    def _guest_document(self, guest: Guest) -> dict[str, Any]:
        return {
            "number": guest.number,
            "address": guest.address or None,
            "name": guest.name or None,
            "group": guest.group,
            "state": guest.state,
            "messages": [
                {
                    "run": recorded.run,
                    "action": recorded.sent.action,
                    "session": recorded.sent.session,
                    "sequence": recorded.sent.sequence,
                    "adopted": self.is_adopted(recorded),
                    "outcome": outcome_of(recorded),
                    "attempts": [
                        {
                            "started_at": attempt.started_at,
                            "settled_at": attempt.settled_at,
                            "outcome": attempt.outcome,
                            "reply": self.reply(attempt),
                        }
                        for attempt in recorded.attempts
                    ],
                }
                for recorded in guest.messages
            ],
        }


def figures(folder: Folder, chronicle: Chronicle, *, anonymous: bool) -> Figures:
    """The figures of an event folder. InputError where neither its event file nor its ledger says what the event is."""
    by_person: dict[str, list[Recorded]] = {}
    for recorded in chronicle.messages():
        by_person.setdefault(recorded.sent.key, []).append(recorded)
    event = folder.event
    return Figures(
        about=event_of(folder, chronicle),
        when=event.when if event else "",
        zone=_zone(event),
        zone_name=event.timezone if event else "UTC",
        anonymous=anonymous,
        promise=folder.promise,
        runs=chronicle.runs,
        guests=tuple(
            _guest(known, by_person[known.key], chronicle.runs, anonymous=anonymous)
            for known in chronicle.people.values()
            if known.key in by_person
        ),
    )


def event_of(folder: Folder, chronicle: Chronicle) -> About:
    """The event as its file has it; where that cannot be read, as the newest message told it."""
    if folder.event:
        return About(folder.event.title, folder.event.span[0])
    newest = deque(chronicle.messages(), 1)
    if not newest:
        first = folder.errors[0]
        raise InputError(first.message, hint=first.hint, code=first.code, problems=folder.errors)
    facts = newest[0].sent.facts
    return About(facts.get("title", ""), facts.get("start", ""))


def outcome_of(recorded: Recorded) -> Outcome:
    return recorded.attempts[-1].outcome if recorded.attempts else "unsent"


def _zone(event: Event | None) -> tzinfo:
    return ZoneInfo(event.timezone) if event else UTC


def _guest(known: Known, messages: list[Recorded], runs: Mapping[int, Run], *, anonymous: bool) -> Guest:
    own = tuple(one.sent for one in messages if not runs[one.run].is_adoption)
    state = Person(known.key, known.address, known.name, known.group, {}, own).outcome if own else ADOPTED
    name, address = ("", "") if anonymous else (known.name, known.address)
    return Guest(known.number, name, address, known.group, state, tuple(messages))


def _count(states: Iterable[str]) -> dict[str, int]:
    found = Counter(states)
    return {state: found[state] for state in STATES}


def _floor(moment: datetime, *, hour: bool) -> datetime:
    return moment.replace(hour=moment.hour if hour else 0, minute=0, second=0, microsecond=0)
