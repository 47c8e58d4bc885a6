"""The figures of a report: who was sent what and when, counted. Page, table, JSON and summary all show these."""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from tui.errors import InputError
from tui.event import Event
from tui.folder import Folder, Promise
from tui.ledger import OUTCOMES, Answer, Attempt, Chronicle, Known, Outcome, Person, Recorded, Run
from tui.report.anonymity import kept_apart, of_nobody
from tui.report.evidence import About

ADOPTED = "by another program"
"""The state of a person whom only another program has sent anything, which `repair` has put down."""

STATES = (*OUTCOMES, ADOPTED)

RESPONSES = ("accepted", "tentative", "declined", "bounced", "none")
"""What is known of whether somebody comes; "none" is no reply seen."""

_HOURLY = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Guest:
    """One person of the report. `name` and `address` are "" in an anonymous one, and of who was forgotten.

    `response` is "" for somebody who holds no invitation; `answers` are those that hold, each with its day or moment.
    """

    number: int
    name: str
    address: str
    group: str
    state: str
    messages: tuple[Recorded, ...]
    response: str = ""
    answers: tuple[tuple[str, str], ...] = ()
    is_forgotten: bool = False

    @property
    def label(self) -> str:
        return self.name or self.address or f"Person {self.number}" + ", forgotten" * self.is_forgotten


@dataclass(frozen=True)
class Figures:
    """Everything that a report says. Times are ISO 8601 in UTC; `zone` is where they are shown. In an anonymous report,
    and of who was forgotten, they are days."""

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
        """Every message in the order in which they were first planned, the list's; without names by person."""
        found = ((guest, recorded) for guest in self.guests for recorded in guest.messages)
        return tuple(found) if self.anonymous else tuple(sorted(found, key=lambda one: one[1].sent.id))

    @cached_property
    def history(self) -> tuple[tuple[Guest, Recorded, Attempt], ...]:
        """Every attempt, in the order in which they were made; without names by day alone."""
        found = ((*message, attempt) for message in self.messages for attempt in message[1].attempts)
        if self.anonymous:
            return tuple(sorted(found, key=lambda one: one[2].settled_at or one[2].started_at))
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
        return self._over_time(
            attempt.settled_at
            for _, recorded, attempt in self.history
            if attempt.outcome == "accepted" and attempt.settled_at and not self.is_adopted(recorded)
        )

    @cached_property
    def responses(self) -> Mapping[str, int]:
        """How many of those who hold an invitation, or should, have answered what."""
        found = Counter(guest.response for guest in self.guests if guest.response)
        return {response: found[response] for response in RESPONSES}

    def answers_over_time(self) -> list[tuple[datetime, Mapping[str, int]]]:
        """How many answers that hold were given, by what they say; by day or hour, as `accepted_over_time`."""
        given = [answer for guest in self.guests for answer in guest.answers]
        by_kind = {
            kind: dict(self._over_time((at for said, at in given if said == kind), [at for _, at in given]))
            for kind in RESPONSES[:3]
        }
        moments = sorted({moment for counts in by_kind.values() for moment in counts})
        return [(moment, {kind: counts.get(moment, 0) for kind, counts in by_kind.items()}) for moment in moments]

    def _over_time(self, times: Iterable[str], among: Iterable[str] | None = None) -> list[tuple[datetime, int]]:
        """How many of `times` are in which hour, where all of `among` are within two days and more than days; else on
        which day."""
        moments = [self._moment(at) for at in times]
        texts = list(among) if among is not None else None
        span = [self._moment(at) for at in texts] if texts is not None else moments
        if not span:
            return []
        hour = not self.anonymous and max(span) - min(span) < _HOURLY
        return sorted(Counter(_floor(moment, hour=hour) for moment in moments).items())

    def _moment(self, text: str) -> datetime:
        found = datetime.fromisoformat(text)
        return found.astimezone(self.zone) if found.tzinfo else found.replace(tzinfo=self.zone)

    def is_adopted(self, recorded: Recorded) -> bool:
        return self.runs[recorded.run].is_adoption

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
            "responses": self.responses,
            "promise": promise and promise.document,
            "runs": [
                {
                    "run": run.id,
                    "command": run.command,
                    "account": run.account or None,
                    "started_at": run.started_at,
                    "checks": list(run.checks),
                    "confirmed_by": run.confirmed_by or None,
                    "proposed_by": run.proposed_by or None,
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
            "response": guest.response or None,
            "forgotten": guest.is_forgotten,
            "messages": [
                {
                    "run": recorded.run,
                    "action": recorded.sent.action,
                    "session": recorded.sent.session,
                    "sequence": recorded.sent.sequence,
                    "adopted": self.is_adopted(recorded),
                    "outcome": outcome_of(recorded),
                    "bounced": recorded.sent.bounced,
                    "attempts": [
                        {
                            "started_at": attempt.started_at,
                            "settled_at": attempt.settled_at,
                            "outcome": attempt.outcome,
                            "reply": attempt.reply,
                            "account": attempt.account,
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
    zone = _zone(event)
    guests = [
        _guest(known, by_person[known.key], chronicle) for known in chronicle.people.values() if known.key in by_person
    ]
    runs = chronicle.runs
    if anonymous:
        numbers = chronicle.lots.numbers("person", (guest.number for guest in guests))
        groups = kept_apart({guest.number: {guest.group} for guest in guests})
        sessions = kept_apart({one.number: {part.sent.session for part in one.messages} for one in guests})
        guests = [
            _nameless(guest, numbers[guest.number], zone, groups, sessions)
            for guest in sorted(guests, key=lambda guest: numbers[guest.number])
        ]
        runs = {
            id_: replace(run, account="", started_at=_day(run.started_at, zone), confirmed_by="", proposed_by="")
            for id_, run in runs.items()
        }
    return Figures(
        about=event_of(folder, chronicle),
        when=event.when if event else "",
        zone=zone,
        zone_name=event.timezone if event else "UTC",
        anonymous=anonymous,
        promise=folder.promise,
        runs=runs,
        guests=tuple(guests),
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


def _guest(known: Known, messages: list[Recorded], chronicle: Chronicle) -> Guest:
    own = tuple(one.sent for one in messages if not chronicle.runs[one.run].is_adoption)
    answers = chronicle.answers.get(known.key, ())
    person = Person(known.key, known.address, known.name, known.group, {}, own, answers=answers) if own else None
    if known.is_forgotten:
        # What is left of a time is its day.
        messages = [of_nobody(one, lambda moment: moment[:10]) for one in messages]
    return Guest(
        *(known.number, known.name, known.address, known.group, person.outcome if person else ADOPTED),
        tuple(messages),
        _response(person) if person else "",
        tuple(_answers(person, known)) if person else (),
        known.is_forgotten,
    )


def _response(person: Person) -> str:
    if person.has_bounced:
        return "bounced"
    held = (part.held for part in person.sessions.values())
    return person.response if any(sent is not None and sent.action != "cancel" for sent in held) else ""


def _answers(person: Person, known: Known) -> Iterator[tuple[str, str]]:
    for part in person.sessions.values():
        answer: Answer | None = part.answer
        if answer is not None and answer.in_short != "none":
            at = answer.at.astimezone(UTC).isoformat()
            yield answer.in_short, at[:10] if known.is_forgotten else at


def _nameless(guest: Guest, number: int, zone: tzinfo, groups: Collection[str], sessions: Collection[str]) -> Guest:
    def day(moment: str) -> str:
        return _day(moment, zone)

    return replace(
        guest,
        number=number,
        name="",
        address="",
        group=guest.group if guest.group in groups else "",
        messages=tuple(of_nobody(recorded, day, sessions) for recorded in guest.messages),
        answers=tuple((said, day(at)) for said, at in guest.answers),
    )


def _day(moment: str, zone: tzinfo) -> str:
    """The day of a moment in a zone; a day stays one."""
    return moment if len(moment) == 10 else datetime.fromisoformat(moment).astimezone(zone).date().isoformat()


def _count(states: Iterable[str]) -> dict[str, int]:
    found = Counter(states)
    return {state: found[state] for state in STATES}


def _floor(moment: datetime, *, hour: bool) -> datetime:
    return moment.replace(hour=moment.hour if hour else 0, minute=0, second=0, microsecond=0)
