"""Making a plan: of a send to everybody, or of what the organiser asks for by name."""

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from types import MappingProxyType

from tui import address
from tui.address import key_of
from tui.attendees import Attendee, squash
from tui.attendees.columns import nearest
from tui.clean import one_line
from tui.errors import InputError, UsageError
from tui.event import Event
from tui.ledger.forgetting import LeftOut
from tui.ledger.records import NOT_CALLED_OFF, CalledOff, Correction, Decisions, Person
from tui.plan.actions import Action, Actions, Plan
from tui.plan.everybody import Everybody, Somebody
from tui.plan.owed import anew, called_off, invited_anew, left_behind, moved, newcomer, once_more, owed, taken_back
from tui.plan.people import Directory, corrected, known
from tui.plan.reminding import reminders
from tui.plan.sealing import Seal
from tui.plan.sessions import sessions_of
from tui.plan.versions import current, held_by, mark_of, worded


def make(
    event: Event,
    records: Sequence[Attendee],
    people: Mapping[str, Person],
    sealed: Sequence[str] = (),
    *,
    off: CalledOff = NOT_CALLED_OFF,
    wordings: Mapping[str, str] = MappingProxyType({}),
    left_out: Container[int] = frozenset(),
    forgotten: LeftOut | None = None,
) -> Plan:
    """The plan of a send. Records with errors are left out, and those whose numbers are in `left_out`; `sealed` is all
    else that the digest must cover.

    `people` is what the ledger holds of everybody, by key; `off` whether the event was cancelled for all.
    `wordings` has a digest of each action's wording, so that a change of it can be reported. Nobody of `forgotten` is
    invited.
    """
    is_off = bool(off.mark) and off.mark == mark_of(event)

    def owed_to(somebody: Somebody) -> Sequence[Action]:
        attendee, person = somebody.row, somebody.person
        if attendee is None:
            return () if person is None else tuple(left_behind(person))
        if somebody.is_another:
            reason = "the same person as in another row, whose address was corrected to this one"
            return (Action(attendee, "none", "held", reason),)
        if person is None:
            if forgotten and forgotten.generation(attendee.key, attendee.address) is not None:
                return (Action(attendee, "none", "forgotten", _FORGOTTEN),)
            if attendee.withdrawn is None and not is_off:
                return newcomer(event, attendee, wordings.get("invite", ""))
        is_renamed = person is not None and person.key != attendee.key
        listed = corrected(replace(attendee, key=person.key) if person and is_renamed else attendee, person)
        if is_off and listed.withdrawn is None:
            found = called_off(event, listed, person, off.anew)
        else:
            found = owed(event, listed, person)
        if person and is_renamed and not person.corrections:
            found = (replace(action, reason=f"{action.reason} (known by the address)") for action in found)
        return tuple(_with_wording(action, person, wordings) for action in found)

    everybody = Everybody(records, people, left_out)
    return _for(everybody, owed_to, event, sealed, Decisions(resumed=bool(off.mark) and not is_off))


def _for(
    everybody: Everybody,
    owed_to: Callable[[Somebody], Sequence[Action]],
    event: Event,
    sealed: Sequence[str],
    decisions: Decisions,
) -> Plan:
    """A plan whose actions are looked at once, for the seal. Those of a long list's rows are made again when they are
    asked for; where the attendees are there as objects anyway, so are their actions."""
    seal = Seal(event, [*sealed, json.dumps(asdict(decisions))])

    def looked_at() -> Iterator[tuple[int, Sequence[Action]]]:
        for number, somebody in everybody:
            own = owed_to(somebody)
            for action in own:
                seal.add(action)
            yield number, own

    actions: Sequence[Action]
    if everybody.are_made:
        actions = Actions.of(looked_at(), lambda number: owed_to(everybody[number]))
    else:
        actions = tuple(action for _, own in looked_at() for action in own)
    return Plan(actions, seal.digest, decisions)


_FORGOTTEN = "was forgotten, and is left out; `resend` invites them anew"


def _with_wording(action: Action, person: Person | None, wordings: Mapping[str, str]) -> Action:
    """The action, with what its message says kept in mind, and a change in that reported where nothing is sent."""
    now = wordings.get(action.action, "")
    if action.action in ("invite", "update") and action.facts is not None and now:
        return action.with_facts(worded(action.facts, now))
    part = person.sessions.get(action.session) if person and action.kind == "held" else None
    held = held_by(part)
    if person is None or held is None:
        return action
    reason = action.reason
    if held.facts.get("wording") and held.facts["wording"] != wordings.get(held.action):
        reason += "; the wording has changed since, which `resend` sends"
    if person.name and person.name != action.attendee.name:
        reason += f"; it was sent to the name “{person.name}”"
    return action if reason == action.reason else replace(action, reason=reason)


def make_reminder(
    event: Event,
    records: Sequence[Attendee],
    people: Mapping[str, Person],
    sealed: Sequence[str] = (),
    *,
    now: datetime,
    off: CalledOff = NOT_CALLED_OFF,
    left_alone: Mapping[str, str] = MappingProxyType({}),
) -> Plan:
    """The plan of a reminder: to who holds the current version and has not answered it. For the rest see `make`.

    `left_alone` are the keys of people who have asked for something that is still open, each with the reason in words.
    """
    usable = [attendee for attendee in records if not attendee.has_error]
    live = {attendee.key for attendee in usable if attendee.withdrawn is None}
    directory = Directory(people, {attendee.key for attendee in records})
    is_off = bool(off.mark) and off.mark == mark_of(event)
    met: set[str] = set()
    actions: list[Action] = []
    for attendee in usable:
        if attendee.key in met or (attendee.withdrawn is not None and attendee.key in live):
            continue
        met.add(attendee.key)
        person = directory.find(attendee)
        if directory.is_somebody_corrected(attendee):
            continue
        listed = corrected(replace(attendee, key=person.key) if person else attendee, person)
        if is_off and not (person and invited_anew(person, off.anew)):
            actions.append(Action(listed, "none", "cancelled", "the event was cancelled for everybody"))
        else:
            actions += reminders(event, listed, person, now, left_alone)
    return _sealed(event, actions, [*sealed, "reminder"])


@dataclass(frozen=True, slots=True)
class Amendment:
    """What `resend` corrects of one person: the address (`to`), cells by header, or nothing."""

    to: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.to or self.cells)


def make_resend(
    event: Event,
    attendees: Mapping[str, Attendee],
    people: Mapping[str, Person],
    addresses: Sequence[str],
    sealed: Sequence[str] = (),
    *,
    amendment: Amendment | None = None,
    wordings: Mapping[str, str] = MappingProxyType({}),
    forgotten: LeftOut | None = None,
) -> Plan:
    """The plan of `resend`: the current version again, to these people, with what is corrected of one of them.

    `attendees` win over what the ledger holds. InputError where an address is neither in the ledger nor among
    `attendees`, or a correction makes no sense. Who is of `forgotten` and among `attendees` is invited as somebody
    new.
    """
    once = {key_of(text): text for text in addresses}.values()
    if amendment and len(once) != 1:
        raise UsageError("A correction is one person's.", hint="Name one address.")
    found: list[Action] = []
    corrections: list[Correction] = []
    asked = _Asked(attendees.values(), people)
    for text in once:
        if forgotten and (somebody := asked.forgotten(text, forgotten)):
            if amendment:
                raise InputError(f"{text} was forgotten: there is nothing to correct.", hint="Correct the list.")
            found += [
                _with_wording(action, None, wordings)
                for one in sessions_of(event, somebody[0])[0]
                for action in anew(one, *somebody)
            ]
            continue
        who, person = asked.find(text)
        if amendment:
            mended = tuple(_corrections(who, person, amendment, asked))
            corrections += mended
            who = corrected(who, replace(person, corrections=mended))
        parts = person.sessions
        sessions = [session for session in sessions_of(event, who)[0] if session.session in parts]
        if not sessions:
            raise InputError(
                f"What {text} was sent is about sessions that they are no longer down for.",
                hint="`send` invites them to their sessions of now.",
                code="unknown-session",
            )
        for one in sessions:
            part = parts[one.session]
            held = held_by(part)
            is_elsewhere = key_of(current(part)[-1].address) != key_of(who.address)
            # Not another program's entry again: a replacement of it.
            of_one = (moved if is_elsewhere or (held and held.is_foreign) else once_more)(one, who, part)
            found += [_with_wording(replace(action, session=one.session), person, wordings) for action in of_one]
    return _sealed(event, found, sealed, Decisions(corrections=tuple(corrections)))


def make_cancel(
    event: Event,
    attendees: Mapping[str, Attendee],
    people: Mapping[str, Person],
    addresses: Sequence[str] | None,
    sealed: Sequence[str] = (),
    *,
    forgotten: LeftOut | None = None,
) -> Plan:
    """The plan of `cancel`: these people's entries taken back, or with None everybody's. InputError for those whom the
    ledger does not know; of `forgotten` it says that they were."""
    asked = _Asked(attendees.values(), people, forgotten)
    found: list[Action] = []
    by_name: list[tuple[str, str, int]] = []
    everybody = addresses is None
    reason = "the event is cancelled for everybody" if addresses is None else "cancelled by name"
    chosen = (
        map(asked.of, people.values())
        if addresses is None
        else map(asked.find, {key_of(text): text for text in addresses}.values())
    )
    for who, person in chosen:
        for name, part in person.sessions.items():
            found += [
                replace(action, session=name) for action in taken_back(event, who, part, reason, by_name=not everybody)
            ]
            by_name += [] if everybody else [(person.key, name, current(part)[-1].generation)]
    # What another program sent was another event: the one of the event file is not called off with it.
    is_ours = any(not message.is_foreign for person in people.values() for message in person.messages)
    decisions = Decisions(cancelled=tuple(by_name), called_off=mark_of(event) if everybody and is_ours else "")
    return _sealed(event, found, sealed, decisions)


def named(people: Mapping[str, Person], addresses: Sequence[str]) -> tuple[Person, ...]:
    """These people, each once, as the ledger has them. InputError where nothing was ever sent to one."""
    asked = _Asked((), people)
    return tuple({person.key: person for _, person in map(asked.find, addresses)}.values())


class _Asked:
    """The people whom the organiser names by their addresses: as the list has them, else as the ledger has."""

    def __init__(
        self, attendees: Iterable[Attendee], people: Mapping[str, Person], left_out: LeftOut | None = None
    ) -> None:
        self._people, self._left_out = people, left_out
        records = [attendee for attendee in attendees if not attendee.has_error]
        directory = Directory(people, {attendee.key for attendee in records})
        self._listed: dict[str, Attendee] = {}
        for attendee in records:
            if person := directory.find(attendee):
                self._listed[person.key] = corrected(replace(attendee, key=person.key), person)
        self._new = [attendee for attendee in records if attendee.key not in people]
        self._unsent = {key_of(attendee.address) for attendee in self._new}
        self._by_address: dict[str, list[Person]] = {}
        self._by_uid: dict[str, list[Person]] = {}
        for person in people.values():
            self._by_address.setdefault(key_of(person.address), []).append(person)
            for uid in {message.uid for message in person.messages}:
                self._by_uid.setdefault(uid, []).append(person)
        self._by_new_address: dict[str, list[Person]] = {}
        for key, attendee in self._listed.items():
            self._by_new_address.setdefault(key_of(attendee.address), []).append(people[key])

    def of(self, person: Person) -> tuple[Attendee, Person]:
        return self._listed.get(person.key) or known(person), person

    def find(self, text: str) -> tuple[Attendee, Person]:
        """InputError where nothing was ever sent there, or where it is not clear who is meant."""
        key = key_of(text)
        persons = self._by_address.get(key, [])
        if not persons and (there := self._by_new_address.get(key)):
            raise InputError(
                f"{text} is the new address of somebody who was sent something at {there[0].address}.",
                hint="`send` cancels what is at the old address and invites the new one.",
                code="changed-address",
            )
        if not persons and "@" not in text and text in self._people:
            persons = [self._people[text]]  # by their id
        if not persons and len(found := self._by_uid.get(text, [])) == 1:
            persons = found  # by their calendar entry: two may have one address and no ids
        if not persons:
            raise self._unknown(text)
        if len(persons) > 1:
            # Who is on the list of today is meant rather than who had the address before them.
            persons = [person for person in persons if person.key in self._listed] or persons
        if len(persons) > 1:
            # An address is no id: who has none is told from the others by the UID of their entry.
            ids = [person.messages[-1].uid if "@" in person.key else person.key for person in persons]
            names = ", ".join(f"{id_} ({one_line(one.name)})" for id_, one in zip(ids, persons, strict=True))
            raise InputError(
                f"{text} is the address of several people: {names}.",
                hint=f"Name the one that you mean by their id, such as {ids[0]}.",
                code="several-people",
            )
        return self.of(persons[0])

    def forgotten(self, text: str, left_out: LeftOut) -> tuple[Attendee, int] | None:
        """Who was forgotten, as the list has them, and the newest generation that they were invited under; None where
        the ledger knows who is meant, or nobody was forgotten. InputError where no list has them any more."""
        key = key_of(text)
        newest = left_out.generation(text, text)
        if newest is None or key in self._by_address or key in self._by_new_address or text in self._people:
            return None
        listed = next((one for one in self._new if key_of(one.address) == key or one.key == text), None)
        if listed is None:
            raise InputError(
                f"{text} was forgotten: the ledger has neither their name nor their columns.",
                hint="Name the list that has them: --attendees ATTENDEES.csv",
                code="forgotten",
            )
        return listed, newest

    def somebody_else_at(self, key: str, person: Person) -> bool:
        others = (*self._by_address.get(key, ()), *self._by_new_address.get(key, ()))
        return key in self._unsent or any(other.key != person.key for other in others)

    def _unknown(self, text: str) -> InputError:
        if self._left_out and self._left_out.generation(text, text) is not None:
            return InputError(
                f"{text} was forgotten: the ledger does not know what they hold, so nothing can be taken back.",
                hint="Write to them yourself if they must know.",
                code="forgotten",
            )
        before = [
            one.after
            for person in self._people.values()
            for one in person.corrections
            if not one.header and key_of(one.before) == key_of(text)
        ]
        if before:
            return InputError(
                f"{text} was corrected to {before[-1]}.", hint=f"Name {before[-1]} instead.", code="changed-address"
            )
        near = get_close_matches(key_of(text), self._by_address, 1, 0.8)
        hint = "`invite-tui status` lists everybody; a new person goes into the attendee file."
        return InputError(
            f"Nothing was ever sent to {text}.",
            hint=f"Did you mean {near[0]}?" if near else hint,
            code="unknown-address",
        )


def _corrections(who: Attendee, person: Person, amendment: Amendment, asked: _Asked) -> Iterator[Correction]:
    """What is corrected of one person. InputError where it cannot be."""
    if amendment.to:
        yield Correction(person.key, "", who.address, _new_address(amendment.to, who, person, asked))
    columns = who.columns
    for name, value in amendment.cells.items():
        at = columns.by_header.get(squash(name), columns.placeholders.get(name))
        if at is None:
            near = nearest(name, columns.headers)
            raise InputError(
                f"{who.address} has no column “{one_line(name)}”.",
                hint=f"Did you mean “{near}”?" if near else f"The columns are {', '.join(columns.headers)}.",
                code="unknown-column",
            )
        if at in columns.internal:
            raise InputError(
                f"The column “{columns.headers[at]}” is marked internal: no message has it.", code="internal-column"
            )
        if "@" in who.cells[at] and key_of(who.cells[at]) == key_of(who.address):
            raise UsageError("The address is corrected with --to.", hint=f"--to {one_line(value)}")
        yield Correction(person.key, columns.headers[at], who.cells[at], one_line(value))


def _new_address(text: str, who: Attendee, person: Person, asked: _Asked) -> str:
    try:
        new = address.parse(text)
    except address.AddressError as error:
        raise InputError(
            f"{one_line(text)} is not an address: it {error}.",
            hint=error.hint and f"Did you mean {error.hint}?",
            code="bad-address",
        ) from None
    if new.key == key_of(who.address):
        raise InputError(f"{who.address} is their address already.", hint="Leave --to out.", code="same-address")
    if asked.somebody_else_at(new.key, person):
        raise InputError(
            f"{new.wire} is another attendee's address; nothing was sent.",
            hint="`invite-tui status` says whose.",
            code="taken-address",
        )
    return new.wire


def _sealed(event: Event, actions: Sequence[Action], sealed: Sequence[str], decisions: Decisions | None = None) -> Plan:
    decided = decisions or Decisions()
    seal = Seal(event, [*sealed, json.dumps(asdict(decided))])
    for action in actions:
        seal.add(action)
    return Plan(tuple(actions), seal.digest, decided)
