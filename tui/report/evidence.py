"""Evidence: everything that a ledger holds as JSON lines, each with the hash of the one before.

A line is compact JSON in ASCII, closed by a line feed. `line` is its number, `previous` the hash of the line before it
(64 zeros in the first), `hash`, always the last key, the SHA-256 of the line's own bytes without `,"hash":"..."` and
without the line feed. The hash of the last line, the seal, so depends on every byte before it. The same ledger makes
the same bytes.

Lines come as: one `evidence`; each `run`; each `message`, in the order in which they were first planned; each
`decision`; one `end`. docs/evidence.md names all of their keys.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import tui
from tui.ledger import OUTCOMES, Attempt, Chronicle, Decision, Recorded, Run, reply_without_names

FORMAT = 1
FIRST = "0" * 64
"""What stands for the hash of the line before the first."""

_COMPACT = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode

Body = dict[str, Any]
"""A line without its number and its hashes."""


@dataclass(frozen=True, slots=True)
class About:
    """The event that the evidence is of."""

    title: str
    start: str


class Bodies:
    """What evidence says of each thing that a ledger holds."""

    def __init__(self, chronicle: Chronicle, *, anonymous: bool) -> None:
        self.chronicle, self.anonymous = chronicle, anonymous

    def all(self, about: About) -> Iterator[Body]:
        """Every line's body but the last."""
        yield {
            "kind": "evidence",
            "format": FORMAT,
            "program": f"invite-tui {tui.__version__}",
            "event": {"title": about.title, "start": about.start},
            "ledger": self.chronicle.event,
            "anonymous": self.anonymous,
        }
        yield from map(self.run, self.chronicle.runs.values())
        yield from map(self.message, self.chronicle.messages())
        yield from map(self.decision, self.chronicle.decisions())

    def run(self, run: Run) -> Body:
        return {
            "kind": "run",
            "run": run.id,
            "command": run.command,
            "account": self._personal(run.account),
            "plan": run.digest,
            "started": run.started_at,
            "checks": list(run.checks),
        }

    def message(self, recorded: Recorded) -> Body:
        sent, run = recorded.sent, self.chronicle.runs[recorded.run]
        adopted = run.is_adoption
        return {
            "kind": "message",
            "message": sent.id,
            "run": run.id,
            "sent_by": "another program" if adopted else "invite-tui",
            "person": self.chronicle.people[sent.key].number,
            "recipient": self._personal(sent.address),
            "action": sent.action,
            "session": sent.session,
            "uid": self._personal(sent.uid),
            "sequence": sent.sequence,
            "round": sent.round,
            "message_id": self._personal(sent.message_id),
            "stamp": sent.stamp.isoformat(),
            # Of what another program sent, the ledger has no bytes to be the digest of.
            "digest": None if adopted else sent.digest,
            "planned": run.started_at,
            "cleared_by": list(run.checks),
            "outcome": recorded.attempts[-1].outcome if recorded.attempts else "unsent",
            "attempts": [self._attempt(attempt, adopted=adopted) for attempt in recorded.attempts],
        }

    def decision(self, decision: Decision) -> Body:
        return {
            "kind": "decision",
            "decision": decision.kind,
            "person": self.chronicle.people[decision.key].number,
            "about": decision.about,
            "at": decision.at,
        }

    def _attempt(self, attempt: Attempt, *, adopted: bool) -> Body:
        return {
            "attempt": attempt.id,
            "digest": None if adopted else attempt.digest,
            "attempted": attempt.started_at,
            "settled": attempt.settled_at,
            "outcome": attempt.outcome,
            "reply": reply_without_names(attempt.reply) if self.anonymous else attempt.reply,
        }

    def _personal(self, text: str) -> str | None:
        return None if self.anonymous else text


class Tally:
    """The counts of the closing line, from the bodies before it."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(("runs", "messages", "adopted", "attempts", "decisions"), 0)
        self._people: set[int] = set()
        self._outcomes = dict.fromkeys(OUTCOMES, 0)

    def add(self, body: Mapping[str, Any]) -> None:
        kind = body["kind"]
        if kind == "message":
            self._counts["adopted"] += body["sent_by"] != "invite-tui"
            self._counts["attempts"] += len(body["attempts"])
            self._people.add(body["person"])
            self._outcomes[body["outcome"]] += 1
        if f"{kind}s" in self._counts:
            self._counts[f"{kind}s"] += 1

    @property
    def counts(self) -> Body:
        return {**self._counts, "people": len(self._people), "outcomes": {**self._outcomes}}


class Chain:
    """Makes lines of bodies. `seal` is the hash of the newest line."""

    def __init__(self) -> None:
        self.count, self.seal = 0, FIRST

    def line(self, body: Mapping[str, Any]) -> bytes:
        self.count += 1
        content = canonical({"line": self.count, "previous": self.seal, **body})
        self.seal = sha256(content).hexdigest()
        return sealed(content, self.seal)


def lines(chronicle: Chronicle, about: About, chain: Chain, *, anonymous: bool) -> Iterator[bytes]:
    """The evidence, line by line; afterwards `chain.seal` is its seal."""
    tally = Tally()
    for body in Bodies(chronicle, anonymous=anonymous).all(about):
        tally.add(body)
        yield chain.line(body)
    yield chain.line({"kind": "end", "lines": chain.count + 1, "counts": tally.counts})


def canonical(content: Mapping[str, Any]) -> bytes:
    """The bytes of which a line's hash is made."""
    return _COMPACT(content).encode("ascii")


def sealed(content: bytes, digest: str) -> bytes:
    """The whole line, of its canonical bytes and their hash."""
    return content[:-1] + b',"hash":"' + digest.encode("ascii") + b'"}\n'
