"""What one person was ever sent, as a timeline: when, what was different, the server's words, the digest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tui.event import Change
    from tui.ledger import Decision
    from tui.ledger.records import Person, Sent

_WORDS = {"invite": "invitation", "update": "update", "cancel": "cancellation"}


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened. `outcome` is a message's, "" for a decision of the organiser's.

    `changes` is what a message says differently from the one before it; `digest` the SHA-256 of its bytes, which may be
    `kept`.
    """

    at: datetime
    kind: Literal["message", "decision"]
    words: str
    outcome: str = ""
    address: str = ""
    session: str = ""
    reply: str = ""
    changes: "tuple[Change, ...]" = ()
    digest: str = ""
    kept: bool = False


def timeline(person: "Person", decisions: "Sequence[Decision]" = ()) -> list[Moment]:
    """Everything, the newest first. `decisions` are this person's, in the order in which they were made."""
    moments = [*_messages(person), *_decisions(person, decisions)]
    # What was decided comes before what was sent for it.
    return sorted(moments, key=lambda one: (one.at, one.kind == "message"), reverse=True)


def _messages(person: "Person") -> Iterator[Moment]:
    by_id = {sent.id: sent for sent in person.messages}
    for entry in person.history:
        if (sent := by_id.get(entry.message)) is None:
            continue
        moment = _moment(person, sent, _time(entry.at))
        yield Moment(
            moment.at,
            *("message", moment.words, entry.outcome, entry.address, sent.session, entry.reply),
            changes=moment.changes,
            digest=moment.digest and entry.digest,
            kept=entry.kept,
        )
    tried = {entry.message for entry in person.history}
    for sent in person.messages:
        if sent.id not in tried:
            yield _moment(person, sent, _time(sent.settled_at) if sent.settled_at else sent.stamp)


def _moment(person: "Person", sent: "Sent", at: datetime) -> Moment:
    """A message as the ledger has it now; of another program's there are no bytes to be the digest of."""
    from tui.plan.versions import changes_between

    words = _WORDS.get(sent.action, sent.action)
    if sent.sequence and sent.action == "update":
        words = f"update {sent.sequence}"
    if sent.round:
        words += ", once more"
    if sent.generation and sent.action == "invite":
        words += ", as a new entry"
    adopted = sent.is_foreign and sent.action != "cancel"
    if sent.is_foreign:
        words += " of another program" if adopted else " of another program's entry"
    before = [
        one for one in person.messages if one.id < sent.id and one.session == sent.session and one.may_have_arrived
    ]
    changes = tuple(changes_between(before[-1].facts, sent.facts)) if before and sent.action != "cancel" else ()
    digest = "" if adopted else sent.digest
    return Moment(at, "message", words, sent.outcome, sent.address, sent.session, sent.reply, changes, digest)


def _decisions(person: "Person", decisions: "Sequence[Decision]") -> Iterator[Moment]:
    corrections = iter(person.corrections)
    for one in decisions:
        at = _time(one.at)
        if one.kind == "corrected":
            if (made := next(corrections, None)) is not None:
                what = made.header or "address"
                yield Moment(at, "decision", f"{what} corrected: {made.before or 'blank'} → {made.after or 'blank'}")
        elif one.kind == "cancelled":
            yield Moment(at, "decision", "cancelled by name: later sends leave this person out", session=one.about)
        else:
            yield Moment(at, "decision", "a replacement was promised")


def _time(text: str) -> datetime:
    """A moment of the ledger; one that an edit by hand made unreadable comes first of all."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
