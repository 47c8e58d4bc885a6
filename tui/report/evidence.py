"""Evidence: everything that a ledger holds as JSON lines, each with the hash of the one before.

A line is compact JSON in ASCII, closed by a line feed. `line` is its number, `previous` the hash of the line before it
(64 zeros in the first), `hash`, always the last key, the SHA-256 of the line's own bytes without `,"hash":"..."` and
without the line feed. The hash of the last line, the seal, so depends on every byte before it. The same ledger makes
the same bytes.

Lines come as: one `evidence`; each `run`; each `message`, in the order in which they were first planned; each
`decision`; one `end`. docs/evidence.md names all of their keys.

Without names, people and messages are numbered by lot, and come in the order of the lots; times are days. `until` says
how much the ledger held, so that the lots can be drawn again.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import tui
from tui.ledger import OUTCOMES, Attempt, Chronicle, Decision, Recorded, Run, reply_without_names

FORMAT, ANONYMOUS_FORMAT = 1, 2
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
    """What evidence says of each thing that a ledger holds, with names."""

    anonymous = False

    def __init__(self, chronicle: Chronicle) -> None:
        self.chronicle = chronicle

    def all(self, about: About) -> Iterator[Body]:
        """Every line's body but the last."""
        yield {
            "kind": "evidence",
            "format": ANONYMOUS_FORMAT if self.anonymous else FORMAT,
            "program": f"invite-tui {tui.__version__}",
            "event": {"title": about.title, "start": about.start},
            "ledger": self.chronicle.event,
            "anonymous": self.anonymous,
            **self.until,
        }
        yield from map(self.run, self.chronicle.runs.values())
        yield from (self.message(recorded) for _, recorded in self.messages())
        yield from self.decisions()

    @property
    def until(self) -> Body:
        return {}

    def messages(self) -> Iterator[tuple[int, Recorded]]:
        """Every message in the order of the lines, with its number there."""
        return ((recorded.sent.id, recorded) for recorded in self.chronicle.messages())

    def decisions(self) -> Iterator[Body]:
        return map(self.decision, self.chronicle.decisions())

    def run(self, run: Run) -> Body:
        return {
            "kind": "run",
            "run": run.id,
            "command": run.command,
            "account": run.account,
            "plan": run.digest,
            "started": run.started_at,
            "checks": list(run.checks),
            **names_of(run),
        }

    def message(self, recorded: Recorded) -> Body:
        sent, run = recorded.sent, self.chronicle.runs[recorded.run]
        adopted, person = run.is_adoption, self.chronicle.people[sent.key]
        body = {
            "kind": "message",
            "message": sent.id,
            "run": run.id,
            "sent_by": "another program" if adopted else "invite-tui",
            "person": person.number,
            "recipient": sent.address,
            "action": sent.action,
            "session": sent.session,
            "uid": sent.uid,
            "sequence": sent.sequence,
            "round": sent.round,
            "message_id": sent.message_id,
            "stamp": sent.stamp.isoformat(),
            # Of what another program sent, the ledger has no bytes to be the digest of.
            "digest": None if adopted else sent.digest,
            "planned": run.started_at,
            "cleared_by": list(run.checks),
            "outcome": recorded.attempts[-1].outcome if recorded.attempts else "unsent",
            "attempts": [_attempt(attempt, adopted=adopted) for attempt in recorded.attempts],
        }
        return impersonal(body) if person.is_forgotten else body

    def decision(self, decision: Decision) -> Body:
        return {
            "kind": "decision",
            "decision": decision.kind,
            "person": self.chronicle.people[decision.key].number,
            "about": decision.about,
            "at": decision.at,
        }


class AnonymousBodies(Bodies):
    """The same without names, as of when the ledger held no more than `until` (None: now)."""

    anonymous = True

    def __init__(self, chronicle: Chronicle, until: Mapping[str, int] | None = None) -> None:
        super().__init__(chronicle)
        ids, lots = chronicle.message_ids(), chronicle.lots
        last = ids[-1] if ids else 0
        self._until = until or {
            "run": max(chronicle.runs, default=0),
            "message": last,
            "attempt": chronicle.last_attempt(),
        }
        self._messages = lots.numbers("message", (id_ for id_ in ids if id_ <= self._until["message"]))
        there = {key for key, first in chronicle.first_messages().items() if first <= self._until["message"]}
        self._people = lots.numbers("person", (one.number for key, one in chronicle.people.items() if key in there))

    @property
    def until(self) -> Body:
        return {"until": dict(self._until)}

    def messages(self) -> Iterator[tuple[int, Recorded]]:
        """Those of then by their lots, and afterwards whatever has come since."""
        yield from enumerate(self.chronicle.messages(self._messages), 1)
        later = (id_ for id_ in self.chronicle.message_ids() if id_ not in self._messages)
        yield from enumerate(self.chronicle.messages(later), len(self._messages) + 1)

    def decisions(self) -> Iterator[Body]:
        return iter(sorted(super().decisions(), key=lambda body: (body["decision"], body["person"], body["at"])))

    def run(self, run: Run) -> Body:
        body = super().run(replace(run, confirmed_by="", proposed_by=""))
        return {**body, "account": None, "started": day_of(body["started"])}

    def message(self, recorded: Recorded) -> Body:
        body = impersonal(super().message(recorded))
        attempts = [
            {name: at if name == "attempt" else value for name, value in attempt.items() if name != "account"}
            for at, attempt in enumerate(body["attempts"], 1)
        ]
        numbers = {"message": self._messages.get(recorded.sent.id, 0), "person": self._number(recorded.sent.key)}
        return {**body, **numbers, "session": None, "planned": day_of(body["planned"]), "attempts": attempts}

    def decision(self, decision: Decision) -> Body:
        body = super().decision(decision)
        about = decision.about if decision.kind == "corrected" else None
        return {**body, "person": self._number(decision.key), "about": about, "at": day_of(body["at"])}

    def _number(self, key: str) -> int:
        """The person's lot; 0 for somebody who has come since."""
        return self._people.get(self.chronicle.people[key].number, 0)


def names_of(run: Run) -> Body:
    """Who stood behind a run, where that is known."""
    names = {"confirmed_by": run.confirmed_by, "proposed_by": run.proposed_by}
    return {key: name for key, name in names.items() if name}


def _attempt(attempt: Attempt, *, adopted: bool) -> Body:
    return {
        "attempt": attempt.id,
        "digest": None if adopted else attempt.digest,
        "attempted": attempt.started_at,
        "settled": attempt.settled_at,
        "outcome": attempt.outcome,
        "reply": attempt.reply,
        **({"account": attempt.account} if attempt.account else {}),
    }


def impersonal(body: Body) -> Body:
    """Of a message's line what says nothing of who it was for: no names, days for times, codes for replies."""
    attempts = [
        {
            **attempt,
            "attempted": day_of(attempt["attempted"]),
            "settled": day_of(attempt["settled"]),
            "reply": reply_without_names(attempt["reply"]),
        }
        for attempt in body["attempts"]
    ]
    nobody = dict.fromkeys(("recipient", "uid", "message_id"))
    return {**body, **nobody, "stamp": day_of(body["stamp"]), "attempts": attempts}


def day_of(moment: str | None) -> str | None:
    """Its day in UTC, of what is ISO 8601 in UTC."""
    return moment and moment[:10]


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
    for body in (AnonymousBodies if anonymous else Bodies)(chronicle).all(about):
        tally.add(body)
        yield chain.line(body)
    yield chain.line({"kind": "end", "lines": chain.count + 1, "counts": tally.counts})


def canonical(content: Mapping[str, Any]) -> bytes:
    """The bytes of which a line's hash is made."""
    return _COMPACT(content).encode("ascii")


def sealed(content: bytes, digest: str) -> bytes:
    """The whole line, of its canonical bytes and their hash."""
    return content[:-1] + b',"hash":"' + digest.encode("ascii") + b'"}\n'
