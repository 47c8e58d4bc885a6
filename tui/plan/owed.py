"""What a person is owed, given the event of now and what the ledger holds of them."""

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import replace

from tui.address import key_of
from tui.attendees import Attendee
from tui.event import Event
from tui.ledger.records import Facts, Person, Sent
from tui.plan.actions import Action, Kind
from tui.plan.people import known
from tui.plan.sessions import sessions_of
from tui.plan.versions import changes_between, current, facts_of, held_by, newest_stamp, same, uid_of, worded


def newcomer(event: Event, attendee: Attendee, wording: str = "") -> Sequence[Action]:
    """What somebody is owed who is coming, and of whom the ledger holds nothing; `wording`: see `worded`.

    In as few steps as can be: most of a million people are newcomers, and each is asked for several times.
    """
    sessions = sessions_of(event, attendee)[0]
    return tuple([_first(session, attendee, 0, _FIRST, wording=wording) for session in sessions])


_FIRST = "first invitation"


def owed(event: Event, attendee: Attendee, person: Person | None) -> Iterator[Action]:
    """What one listed attendee is owed, given what the ledger holds of them: session by session."""
    if person is None and attendee.withdrawn is None:
        yield from newcomer(event, attendee)
        return
    parts = person.sessions if person else {}
    if attendee.withdrawn is not None:
        for name, part in parts.items():
            yield from (replace(action, session=name) for action in _unfinished_cancellations(attendee, part))
        reason = f"withdrawn: the list says “{attendee.withdrawn}”"
        if any(map(held_by, parts.values())):
            reason += "; they still hold an invitation, so a cancellation is owed"
        yield from _with_doubts([Action(attendee, "none", "withdrawn", reason)], parts.values())
        return
    due = {session.session: session for session in sessions_of(event, attendee)[0]}
    for name, session in due.items():
        for action in owed_of_one(session, attendee, parts.get(name)):
            yield replace(action, session=name) if name else action
    if not parts:
        return
    titles = {session.session: session.title for session in event.each}
    for name, part in parts.items():
        if name not in due:
            yield from (replace(action, session=name) for action in _left_out(attendee, part, titles.get(name)))


def _left_out(attendee: Attendee, part: Person, title: str | None) -> Iterator[Action]:
    """A session that the person was invited to and no longer is to come to: reported, and left alone."""
    yield from _unfinished_cancellations(attendee, part)
    held, latest = held_by(part), current(part)[-1]
    if latest.action == "cancel" or was_cancelled_by_name(part):
        if cancelled := _doubtful_cancellations(part):
            reason = _doubt_in_words(cancelled[-1])
            yield Action(attendee, "none", "removed", reason, latest.uid, latest.sequence, latest.generation)
        return
    was = latest.facts.get("title", "")
    reason = f"no longer down for “{title}”" if title else f"“{was}” is no longer in the event file"
    reason += (
        "; still holds an invitation, which only a cancellation takes back" if held else "; nothing has reached them"
    )
    yield Action(attendee, "none", "removed", reason, latest.uid, latest.sequence, latest.generation)


def owed_of_one(event: Event, attendee: Attendee, person: Person | None) -> Iterator[Action]:
    """What they are owed of one session. `person` is what the ledger holds of them and of it."""
    if person is None:
        yield _first(event, attendee, 0, _FIRST)
        return
    unfinished = [*_unfinished_cancellations(attendee, person)]
    yield from unfinished
    now = [*_with_doubts([*_owed_now(event, attendee, person)], [person])]
    # Whoever is sent a cancellation is not told of as well that they are sent nothing.
    yield from (action for action in now if not (unfinished and action.kind == "cancelled"))


def _owed_now(event: Event, attendee: Attendee, person: Person) -> Iterator[Action]:
    held, latest = held_by(person), current(person)[-1]
    if was_cancelled_by_name(person):
        yield _nothing_more(attendee, latest, "was cancelled by name; `resend` invites them anew")
    elif _is_what_another_program_sent(event, attendee, held or latest):
        reason = "holds what another program sent" if held else "what another program sent was cancelled"
        reason += "; once the event file differs from that, `send` replaces it"
        yield Action(attendee, "none", "held" if held else "cancelled", reason, latest.uid, latest.sequence)
    elif latest.action == "cancel" and not (held and latest.was_refused):
        reason = "everybody was cancelled, and the event has changed since"
        yield _first(event, attendee, latest.generation + 1, reason)
    elif key_of(latest.address) != key_of(attendee.address):
        if held:
            yield from _take_back(event, attendee, person, held, f"the address is now {attendee.address}")
        yield _first(event, attendee, latest.generation + 1, f"the address was {latest.address} before")
    elif held and held.is_foreign:
        yield from _take_back(event, attendee, person, held, "it was sent by another program, and is replaced")
        yield _first(event, attendee, latest.generation + 1, "a replacement is owed for what another program sent")
    elif held is None:
        yield _still_first(event, attendee, person)
    else:
        yield _next(event, attendee, person, held)


def called_off(event: Event, attendee: Attendee, person: Person | None, asked_for: Container[str]) -> Iterator[Action]:
    """What is left to do for somebody while the event is cancelled for everybody.

    `asked_for` are the UIDs of what the organiser has asked for by name since.
    """
    parts = person.sessions if person else {}
    unfinished = [
        replace(action, session=name)
        for name, part in parts.items()
        for action in _unfinished_cancellations(attendee, part)
    ]
    yield from unfinished
    anew = invited_anew(person, asked_for) if person else frozenset()
    if anew:
        for session in event.each:
            if session.session in anew:
                part = parts[session.session]
                owed_now = _with_doubts([*_owed_now(session, attendee, part)], [part])
                yield from (replace(action, session=session.session) for action in owed_now)
        return
    if unfinished:
        return
    reason = "the event was cancelled for everybody; `send` invites anew once it has changed"
    if parts and all(map(was_cancelled_by_name, parts.values())):
        reason = "was cancelled by name; `resend` invites them anew"
    yield from _with_doubts([Action(attendee, "none", "cancelled", reason)], parts.values())


def invited_anew(person: Person, asked_for: Container[str]) -> Collection[str]:
    """The sessions to which somebody was invited by name after the event was cancelled for everybody.

    What they hold, and is not being cancelled, tells as much, also where the ledger did not record what was asked for.
    """
    return frozenset(
        name
        for name, part in person.sessions.items()
        if (latest := current(part)[-1]).action != "cancel" and (held_by(part) or latest.uid in asked_for)
    )


def taken_back(event: Event, attendee: Attendee, person: Person, reason: str, *, by_name: bool) -> Iterator[Action]:
    """The cancellation that the organiser asks for, of one session. `person` is what the ledger holds of it.

    One that may have arrived, or was refused, is sent again only to somebody who is named.
    """
    held, latest = held_by(person), current(person)[-1]
    if not by_name and (doubtful := _doubtful_cancellations(person)):
        words = doubtful[-1].refusal or "may have arrived"
        yield from _unfinished_cancellations(attendee, person)
        yield _nothing_more(attendee, latest, f"their cancellation {words}; `cancel ADDRESS` sends it again")
        return
    earlier = [*_earlier_cancellations(attendee, person)]
    yield from earlier
    if held and held.uid not in {action.uid for action in earlier}:
        yield from _take_back(event, attendee, person, held, reason)
    elif earlier:
        return
    elif latest.action == "cancel":
        yield _nothing_more(attendee, latest, "was cancelled before")
    else:
        yield _nothing_more(attendee, latest, f"{reason}; nothing has reached them, so there is nothing to take back")


def moved(event: Event, attendee: Attendee, person: Person) -> Iterator[Action]:
    """What the correction of an address takes, of one session: `attendee` has the new one."""
    held, latest = held_by(person), current(person)[-1]
    earlier = [*_earlier_cancellations(attendee, person)]
    yield from earlier
    if held and held.uid not in {action.uid for action in earlier}:
        yield from _take_back(event, attendee, person, held, f"the address is now {attendee.address}")
    yield _first(event, attendee, latest.generation + 1, f"the address was corrected from {latest.address}")


def anew(event: Event, attendee: Attendee, newest: int) -> Iterator[Action]:
    """The invitation of somebody who was forgotten: what they may still hold is under an earlier generation's UID."""
    yield _first(event, attendee, newest + 1, "asked for by name, after they were forgotten")


def was_cancelled_by_name(person: Person) -> bool:
    """Of one session's part of a person: whether they were cancelled by name, and not invited anew since."""
    latest = current(person)[-1]
    return person.cancelled.get(latest.session, -1) >= latest.generation


def _is_what_another_program_sent(event: Event, attendee: Attendee, latest: Sent) -> bool:
    """Whether the event is still the one that another program sent, whose join link is dead."""
    return latest.is_foreign and same({**latest.facts, "join_url": ""}, facts_of(event, attendee))


def _nothing_more(attendee: Attendee, latest: Sent, reason: str) -> Action:
    return Action(attendee, "none", "cancelled", reason, latest.uid, latest.sequence, latest.generation)


def _take_back(event: Event, attendee: Attendee, person: Person, held: Sent, reason: str) -> Iterator[Action]:
    """The cancellation of what somebody holds, where it is ours to cancel."""
    owner = held.facts.get("organizer", "")
    if owner and key_of(owner) != key_of(event.organizer.email):
        # A calendar obeys nobody but the organizer of the entry (RFC 5546 §3.2.5).
        reason = f"their old entry is {owner}'s, so only {owner} can take it back"
        yield _nothing_more(attendee, held, reason)
    else:
        yield _cancel(attendee, person, held, reason)


def _first(
    event: Event, attendee: Attendee, generation: int, reason: str, round_: int = 0, wording: str = ""
) -> Action:
    uid = uid_of(event, attendee.key, generation)
    facts = facts_of(event, attendee)
    if wording:
        facts = worded(facts, wording)
    return Action(attendee, "invite", "due", reason, uid, 0, generation, round_, facts, session=event.session)


def _still_first(event: Event, attendee: Attendee, person: Person) -> Action:
    """Somebody for whom no message can have arrived yet."""
    latest = current(person)[-1]
    if not latest.was_refused:
        words = f"the server put it off: {latest.reply}" if latest.outcome == "deferred" else "it was not tried"
        first = _first(event, attendee, latest.generation, f"still to send: {words}", latest.round)
        return replace(first, uid=latest.uid, pending=latest)
    if latest.bounced is not None:
        reason = bounced_in_words(latest)
        return Action(attendee, "none", "refused", reason, latest.uid, latest.sequence, latest.generation)
    if same(latest.facts, facts_of(event, attendee)):
        reason = f"refused: {latest.reply}; correct the address, or `resend` if the server should be asked again"
        return Action(attendee, "none", "refused", reason, latest.uid, latest.sequence, latest.generation)
    reason = "refused before, and the event has changed since"
    return _first_again(event, attendee, person, reason, latest.round + 1)


def _first_again(event: Event, attendee: Attendee, person: Person, reason: str, round_: int) -> Action:
    """An entry that nobody can hold, once more: under the same UID, and never under a lower SEQUENCE."""
    latest = current(person)[-1]
    first = _first(event, attendee, latest.generation, reason, round_)
    return replace(first, uid=latest.uid, sequence=latest.sequence, not_before=newest_stamp(person))


def bounced_in_words(message: Sent) -> str:
    """What came back, and what puts it right: until then nothing more is sent there."""
    return f"{message.refusal}; correct it with `resend {message.address} --to NEW`, or `resend` to try it once more"


def _next(event: Event, attendee: Attendee, person: Person, held: Sent) -> Action:
    """Somebody who holds a version, or may hold it: nothing, an update, or a resend that is still due."""
    facts, latest = facts_of(event, attendee), current(person)[-1]
    nothing = Action(attendee, "none", "held", "holds the current invitation", held.uid, held.sequence, held.generation)
    if latest.bounced is not None:
        return replace(nothing, kind="refused", reason=bounced_in_words(latest))
    if is_due_reminder(latest) and same(held.facts, facts):
        return replace(nothing, reason=f"{nothing.reason}; a reminder is still to send, by `send --remind`")
    if latest.outcome in ("deferred", "unsent") and same(held.facts, facts):
        # What is still due is a resend of what they hold, or an update that the event has since taken back.
        if latest.sequence == held.sequence:
            again = repeat(attendee, person, latest, facts, f"still to send: {latest.reply or 'it was not tried'}")
            return replace(again, pending=latest)
        return nothing
    if same(held.facts, facts):
        if held.outcome == "unknown":
            reason = "it is not known whether the message arrived; `resend` decides"
            return replace(nothing, kind="unknown", reason=reason)
        return nothing
    if latest.outcome == "refused" and same(latest.facts, facts):
        return replace(nothing, kind="refused", reason=f"the update was refused: {latest.reply}")
    changes = tuple(changes_between(held.facts, facts))
    pending = latest.outcome in ("deferred", "unsent") and latest.sequence > held.sequence
    sequence = latest.sequence if pending else max(message.sequence for message in current(person)) + 1
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
        current(person)[0].message_id,
        newest_stamp(person),
        latest if pending else None,
    )


def once_more(event: Event, attendee: Attendee, person: Person) -> Iterator[Action]:
    """The current version once more, because the organiser asks for it by name; before it the cancellations of which
    it is not known that they have arrived."""
    yield from _earlier_cancellations(attendee, person)
    yield _current_once_more(event, attendee, person)


def _current_once_more(event: Event, attendee: Attendee, person: Person) -> Action:
    held, latest = held_by(person), current(person)[-1]
    if latest.action == "cancel" or was_cancelled_by_name(person):
        return _first(event, attendee, latest.generation + 1, "asked for by name, after a cancellation")
    if held is None:
        return _first_again(event, attendee, person, "asked for by name", latest.round + latest.was_refused)
    facts = facts_of(event, attendee)
    if not same(held.facts, facts):
        owed = _next(event, attendee, person, held)
        if owed.action != "none":
            return owed
        return replace(repeat(attendee, person, latest, facts, "asked for by name"), round=latest.round + 1)
    rounds = [message for message in current(person) if message.sequence == held.sequence]
    round_ = rounds[-1].round + (rounds[-1].outcome not in ("deferred", "unsent"))
    return replace(repeat(attendee, person, held, facts, "asked for by name"), round=round_)


def is_due_reminder(message: Sent) -> bool:
    """Whether it is a reminder that an earlier run left to be tried again."""
    return "reminder" in message.facts and message.outcome in ("deferred", "unsent")


def repeat(attendee: Attendee, person: Person, message: Sent, facts: Facts, reason: str) -> Action:
    """A version once more; an update with the changes that it told of."""
    earlier = [sent for sent in current(person) if sent.may_have_arrived and sent.sequence < message.sequence]
    is_update = message.action == "update"
    return Action(
        *(attendee, "update" if is_update else "invite", "due", reason, message.uid, message.sequence),
        *(message.generation, message.round, facts),
        changes=tuple(changes_between(earlier[-1].facts, facts)) if is_update and earlier else (),
        in_reply_to=current(person)[0].message_id,
        not_before=newest_stamp(person),
    )


def _cancel(attendee: Attendee, person: Person, held: Sent, reason: str) -> Action:
    """Takes the old entry away from where it was sent."""
    there = replace(attendee, address=held.address)
    sequence = max(message.sequence for message in current(person)) + 1
    return Action(
        *(there, "cancel", "due", reason, held.uid, sequence, held.generation),
        facts=held.facts,
        in_reply_to=current(person)[0].message_id,
        not_before=newest_stamp(person),
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
                not_before=newest_stamp(person),
                pending=message,
            )


def _earlier_cancellations(attendee: Attendee, person: Person) -> Iterator[Action]:
    """Cancellations that are still to send, and again those that may not have arrived or were refused."""
    yield from _unfinished_cancellations(attendee, person)
    for message in _doubtful_cancellations(person):
        there = replace(attendee, address=message.address)
        yield Action(
            *(there, "cancel", "due", "asked for by name", message.uid, message.sequence, message.generation),
            *(message.round + 1, message.facts),
            in_reply_to=next(sent.message_id for sent in person.messages if sent.uid == message.uid),
            not_before=newest_stamp(person),
        )


def _doubtful_cancellations(person: Person) -> list[Sent]:
    """The newest cancellation of each entry that may still be in a calendar, where none of it is known to have
    arrived and none is still to send. Oldest first."""
    newest = {message.uid: message for message in person.messages}
    found = []
    for uid, last in newest.items():
        messages = [message for message in person.messages if message.uid == uid]
        of_last = [message for message in messages if message.action == "cancel" and message.sequence == last.sequence]
        has_arrived = any(message.outcome == "accepted" and not message.was_refused for message in of_last)
        was_held = any(message.action != "cancel" and message.may_have_arrived for message in messages)
        is_doubtful = last.outcome == "unknown" or last.was_refused
        if last.action == "cancel" and is_doubtful and was_held and not has_arrived:
            found.append(last)
    return found


def _with_doubts(actions: Sequence[Action], parts: Iterable[Person]) -> Iterator[Action]:
    """The actions; the last of them says whether an earlier entry may still be where it was."""
    doubtful = [message for part in parts for message in _doubtful_cancellations(part)]
    yield from actions[:-1]
    last = actions[-1]
    if not doubtful:
        yield last
        return
    message = doubtful[-1]
    kind: Kind = last.kind
    if kind in ("held", "cancelled"):
        kind = "refused" if message.was_refused else "unknown"
    who = "cancel" if last.kind in ("cancelled", "withdrawn") else "resend"
    yield replace(last, kind=kind, reason=f"{last.reason}; {_doubt_in_words(message, who)}")


def _doubt_in_words(message: Sent, command: str = "cancel") -> str:
    """What became of a cancellation that is not known to have arrived, and what decides it."""
    if not message.was_refused:
        return f"it is not known whether the cancellation to {message.address} arrived; `{command}` sends it again"
    return f"the cancellation to {message.address} {message.refusal}; `{command}` sends it again"


def left_behind(person: Person) -> Iterator[Action]:
    """Somebody who is in the ledger and no longer on the list: reported, and left alone."""
    gone = known(person)
    for name, part in person.sessions.items():
        yield from (replace(action, session=name) for action in _unfinished_cancellations(gone, part))
    parts = [
        part
        for part in person.sessions.values()
        if current(part)[-1].action != "cancel" and not was_cancelled_by_name(part)
    ]
    doubtful = [message for part in person.sessions.values() for message in _doubtful_cancellations(part)]
    doubts = "; ".join(map(_doubt_in_words, doubtful))
    if not parts:
        if doubtful:
            last = doubtful[-1]
            reason = f"no longer on the list; {doubts}"
            yield Action(gone, "none", "removed", reason, last.uid, last.sequence, last.generation)
        return
    latest = current(parts[-1])[-1]
    reason = "no longer on the list; " + (
        "still holds an invitation, which only a cancellation takes back"
        if any(map(held_by, parts))
        else "nothing has reached them"
    )
    reason += f"; {doubts}" if doubts else ""
    yield Action(gone, "none", "removed", reason, latest.uid, latest.sequence, latest.generation)
