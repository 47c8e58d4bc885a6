"""Everything that came back, put in order: what holds now, what is superseded, what is still open. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tui.address import key_of
from tui.ledger import Answer, Answers, Bounce, Person, Request, RequestKind

ASKED: Mapping[RequestKind, str] = {
    "address": "for another address",
    "withdraw": "to be taken off",
    "other": "for something else",
}
"""What somebody asks, in words."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An answer, and whether it is to the version that the person holds."""

    answer: Answer
    invited_as: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what was done about it since: `done` in words, "" while it is open."""

    request: Request
    name: str
    done: str

    @property
    def is_open(self) -> bool:
        return not self.done


@dataclass(frozen=True, slots=True)
class Overview:
    """What is known of the event's answers: of several to one entry, by one person, only the newest."""

    responses: tuple[Standing, ...] = ()
    bounces: tuple[Bounce, ...] = ()
    requests: tuple[Asked, ...] = ()
    forwarded: tuple[Standing, ...] = ()

    @property
    def unverified(self) -> tuple[Standing, ...]:
        return tuple(one for one in self.responses if not one.answer.counts)

    @property
    def waiting(self) -> Mapping[str, str]:
        """Who is not to be reminded, because they have asked for something that is still open: by key, in words."""
        return {
            one.request.key: f"has asked {ASKED[one.request.kind]}, which is open: see `replies`"
            for one in self.requests
            if one.is_open and one.request.kind != "other"
        }

    def acceptable(self, address: str) -> tuple[Answer, ...]:
        """The answers from or for this address that count only if the organiser says so; those from it alone, where
        there are any."""
        key = key_of(address)
        waiting = [one for one in (*self.responses, *self.forwarded) if not one.answer.counts]
        own = tuple(one.answer for one in waiting if key == one.answer.sender)
        return own or tuple(
            one.answer for one in waiting if key in (key_of(one.answer.address), key_of(one.invited_as))
        )

    def open_requests(self, address: str) -> tuple[int, ...]:
        key = key_of(address)
        return tuple(
            one.request.id
            for one in self.requests
            if one.is_open and key in (key_of(one.request.address), one.request.sender)
        )


def overview(people: Mapping[str, Person], found: Answers) -> Overview:
    standing = [*_standing(people, found.answers)]
    return Overview(
        responses=tuple(one for one in standing if not one.answer.is_forwarded),
        bounces=tuple(_bounces(found.bounces)),
        requests=tuple(asked(people.get(one.key), one) for one in found.requests),
        forwarded=tuple(one for one in standing if one.answer.is_forwarded),
    )


def _standing(people: Mapping[str, Person], answers: Sequence[Answer]) -> Iterator[Standing]:
    newest: dict[tuple[str, ...], Answer] = {}
    for answer in answers:
        # Somebody who only pretends to be the attendee supersedes nothing that the attendee, or anybody else, has said.
        by = "" if answer.counts else f"by {answer.sender}"
        whose = (answer.key, answer.uid, answer.occurrence, key_of(answer.address), by)
        if whose not in newest or newest[whose].order < answer.order:
            newest[whose] = answer
    for answer in newest.values():
        person = people.get(answer.key)
        sent = [one for one in person.messages if one.uid == answer.uid] if person else []
        held = next((one for one in reversed(sent) if one.may_have_arrived), None)
        is_current = held is not None and held.action != "cancel" and answer.sequence >= held.sequence
        yield Standing(answer, sent[-1].address if sent else answer.address, is_current)


def _bounces(found: Sequence[Bounce]) -> Iterator[Bounce]:
    """One for each message: what failed for good was delayed before."""
    final = {one.message: one for one in found if one.kind == "failed"}
    for one in found:
        if final.get(one.message, one) is one:
            yield one


def asked(person: Person | None, request: Request) -> Asked:
    """A request, and what was done since: the correction or the cancellation that followed it."""
    if request.settled_at:
        return Asked(request, person.name if person else "", f"settled on {request.settled_at[:10]}")
    if person is None:
        return Asked(request, "", "")
    return Asked(request, person.name, _done(person, request))


def _done(person: Person, request: Request) -> str:
    if request.kind == "address" and key_of(person.address) != key_of(request.address):
        corrected = [one.at for one in person.corrections if not one.header]
        return f"corrected to {person.address}" + (f" on {corrected[-1][:10]}" if corrected else "")
    if request.kind == "withdraw":
        cancelled = [one.stamp for one in person.messages if one.action == "cancel" and one.stamp >= request.at]
        return f"cancelled on {cancelled[-1]:%Y-%m-%d}" if cancelled else ""
    return ""
