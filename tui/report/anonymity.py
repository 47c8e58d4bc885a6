"""What a report without names leaves out: what tells who is who to those that have the list, or a mail server's log."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from tui.ledger import Recorded, reply_without_names

FEW = 5
"""People: a group of fewer is not told of, because somebody who knows who is in it would know who is meant."""


def kept_apart(labels: Mapping[int, Iterable[str]]) -> Collection[str]:
    """Which groups, of everybody's by number, can be told of. Those that cannot are together never fewer than `FEW`:
    else they would be known from the rest."""
    counts = Counter(label for own in labels.values() for label in own if label)
    large = {label for label, count in counts.items() if count >= FEW}
    apart = sum(not large.intersection(own) for own in labels.values())
    while 0 < apart < FEW and large:
        large.discard(min(large, key=lambda label: (counts[label], label)))
        apart = sum(not large.intersection(own) for own in labels.values())
    return large


def of_nobody(recorded: Recorded, day: Callable[[str], str], sessions: Collection[str] | None = None) -> Recorded:
    """The message with days for times and codes for replies; of its session only one of `sessions` is said."""
    sent = recorded.sent
    facts = {"session": sent.session} if sessions is None or sent.session in sessions else {}
    return replace(
        recorded,
        sent=replace(
            sent,
            address="",
            facts=facts,
            bounced=sent.bounced and reply_without_names(sent.bounced),
        ),
        attempts=tuple(
            replace(
                attempt,
                reply=reply_without_names(attempt.reply),
                started_at=day(attempt.started_at),
                settled_at=attempt.settled_at and day(attempt.settled_at),
                account=None,
            )
            for attempt in recorded.attempts
        ),
    )
