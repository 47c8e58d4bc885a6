"""Reminders: the current version once more, to those of whom no reply has been seen."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from tui.address import key_of
from tui.attendees import Attendee
from tui.event import Event
from tui.ledger.records import Person, Sent
from tui.plan.actions import Action, Kind
from tui.plan.owed import bounced_in_words, is_due_reminder, repeat, was_cancelled_by_name
from tui.plan.sessions import sessions_of
from tui.plan.versions import current, facts_of, held_by, same

AT_MOST = timedelta(days=1)
"""Nobody is reminded twice within this time: who runs the command again means those who are left."""


def reminders(
    event: Event, attendee: Attendee, person: Person | None, now: datetime, left_alone: Mapping[str, str]
) -> Iterator[Action]:
    """Of each of an attendee's sessions, a reminder, or the reason why there is none. `left_alone` are the keys of
    those who have asked for something, with what."""
    parts = person.sessions if person else {}
    if attendee.withdrawn is not None:
        yield Action(attendee, "none", "withdrawn", f"withdrawn: the list says “{attendee.withdrawn}”")
        return
    for session in sessions_of(event, attendee)[0]:
        part = parts.get(session.session)
        kind, why = _against(event, session, attendee, part, now)
        if not why and attendee.key in left_alone:
            kind, why = "held", left_alone[attendee.key]
        action = _reminder(session, attendee, part) if part and not why else Action(attendee, "none", kind, why)
        yield replace(action, session=session.session)


def _against(event: Event, session: Event, attendee: Attendee, part: Person | None, now: datetime) -> tuple[Kind, str]:
    """Why somebody is not reminded, and which sort of nothing that is; "" where they are."""
    latest, held = (current(part)[-1], held_by(part)) if part else (None, None)
    if session.is_over(now):
        return "held", "the event is over"
    if event.is_too_late_to_reply(now):
        return "held", f"nobody is reminded after {event.reply_by_in_words}, which was the last day to reply (reply_by)"
    if part is None or latest is None:
        return "held", "holds no invitation yet; `send` invites them"
    if latest.action == "cancel" or was_cancelled_by_name(part):
        return "cancelled", "was cancelled"
    if latest.bounced is not None:
        return "refused", bounced_in_words(latest)
    if held is None or held.is_foreign:
        return "held", "holds no invitation of ours; `send` says what they are owed"
    if key_of(latest.address) != key_of(attendee.address) or not same(held.facts, facts_of(session, attendee)):
        return "held", "does not hold the current version; `send` sends it"
    if part.answer is not None:
        return "held", f"has answered: {part.answer.response}"
    return _against_another(part, latest, held, now)


def _against_another(part: Person, latest: Sent, held: Sent, now: datetime) -> tuple[Kind, str]:
    """Why somebody who has not answered is not reminded (again)."""
    if latest.outcome in ("deferred", "unsent") and not is_due_reminder(latest):
        return "held", "what was asked for by name is still to send; `send` sends it"
    if held.outcome == "unknown":
        return "unknown", "it is not known whether the last message arrived; `resend` decides"
    reminded = [one for one in current(part) if is_reminder(one) and one.may_have_arrived]
    if reminded and now - reminded[-1].stamp < AT_MOST:
        return "held", f"was reminded at {reminded[-1].stamp:%Y-%m-%d %H:%M} UTC"
    return "held", ""


def is_reminder(message: Sent) -> bool:
    return "reminder" in message.facts


def _reminder(event: Event, attendee: Attendee, part: Person) -> Action:
    held, latest = held_by(part) or current(part)[-1], current(part)[-1]
    # The wording of what they hold stays on record: a reminder's own must not look like a change of it.
    facts = {**facts_of(event, attendee), "reminder": "yes"}
    if held.facts.get("wording"):
        facts["wording"] = held.facts["wording"]
    earlier = any(one.uid == held.uid and one.sequence < held.sequence for one in part.answers)
    reason = "reminder: no reply seen" + (" to the current version" if earlier else "")
    again = repeat(attendee, part, held, facts, reason)
    if is_due_reminder(latest):
        return replace(again, round=latest.round, pending=latest)
    return replace(again, round=max(one.round for one in current(part) if one.sequence == held.sequence) + 1)
