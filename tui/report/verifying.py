"""Whether evidence still is what was written, and what the ledger says: the first line that does not hold, and why."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Literal

from tui import files
from tui.errors import InputError
from tui.ledger import OUTCOMES, Chronicle, Recorded
from tui.report.evidence import (
    ANONYMOUS_FORMAT,
    FIRST,
    FORMAT,
    AnonymousBodies,
    Bodies,
    Body,
    Tally,
    canonical,
    day_of,
    impersonal,
)

_LONGEST = 1 << 22
"""Bytes of one line that are read: ten thousand attempts at one message."""

_SHAPE = re.compile(
    rb'(\{"line":([1-9]\d{0,14}),"previous":"([0-9a-f]{64})",.*),"hash":"([0-9a-f]{64})"\}\n', re.DOTALL
)
_NUMBER = re.compile(rb'\{"line":([1-9]\d{0,14}),')
_KINDS = ("evidence", "run", "message", "decision", "end")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "evidence": ("format", "program", "event", "ledger", "anonymous"),
    "run": ("run", "command", "account", "plan", "started", "checks"),
    "message": (
        *("message", "run", "sent_by", "person", "recipient", "action", "session", "uid", "sequence", "round"),
        *("message_id", "stamp", "digest", "planned", "cleared_by", "outcome", "attempts"),
    ),
    "decision": ("decision", "person", "about", "at"),
    "end": ("lines", "counts"),
}
_NAMES = ("confirmed_by", "proposed_by")
"""Last in a run's line, where they are known."""

_FORMATS = ((FORMAT, False), (ANONYMOUS_FORMAT, True))
_UNTIL = ("run", "message", "attempt")
_ATTEMPT = ("attempt", "digest", "attempted", "settled", "outcome", "reply")
_ACCOUNT = "account"
"""Last of an attempt, where its run had several."""

_FOR_GOOD = ("kind", "message", "person", "uid", "sequence", "round", "session", "outcome", "attempts")
"""What a later run that takes a message up again leaves as it is."""

_SHOWN = 20
"""Lines that are named one by one."""

_IN_WORDS = {
    "cleared_by": "list of checks",
    "sent_by": "sender",
    "message_id": "Message-ID",
    "uid": "UID",
    "attempt": "attempt's number",
    "message": "message's number",
    "run": "run's number",
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first line that does not hold, from 1, and why, in a sentence."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. `ledger` is "none" where there was none to compare with, or the chain was broken already.

    `notes` are sentences on what is so, and no flaw: what the ledger has recorded since.
    """

    lines: int
    seal: str
    flaw: Flaw | None
    ledger: Literal["agrees", "differs", "none"]
    notes: tuple[str, ...] = ()


class _Broken(Exception):
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.flaw = Flaw(line, reason)


def verify(path: Path, chronicle: Chronicle | None, seal: str | None = None) -> Verdict:
    """Judges the evidence in the file at `path`, by `seal` where it was kept elsewhere, and by the ledger if any.

    InputError where the file cannot be read.
    """
    chain = _Chain()
    try:
        with _opened(path) as stream:
            for _ in chain.bodies(stream):
                pass
        if seal is not None and seal != chain.seal:
            raise _Broken(chain.count, f"The seal of this evidence is not {seal}: it is another one, or was made anew.")
    except _Broken as broken:
        return Verdict(chain.count, "", broken.flaw, "none")
    if chronicle is None:
        return Verdict(chain.count, chain.seal, None, "none")
    comparison = _Comparison(chronicle, chain)
    try:
        with _opened(path) as stream:
            comparison.compare(_Chain().bodies(stream))
    except _Broken as broken:
        return Verdict(chain.count, chain.seal, broken.flaw, "differs", tuple(comparison.notes))
    return Verdict(chain.count, chain.seal, None, "agrees", tuple(comparison.notes))


def _opened(path: Path) -> BinaryIO:
    try:
        return files.open_to_read(path)
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise InputError(f"There is no file {path}.", hint="Check the name.", code="missing-file") from None
        why = error.strerror if isinstance(error, OSError) else "no file can have that name"
        raise InputError(f"{path} cannot be read: {why}.", code="unreadable") from None


class _Chain:
    """Evidence, read line by line. `position` is how far the ledger was when it was written, by the ids in it."""

    def __init__(self) -> None:
        self.count, self.seal = 0, FIRST
        self.position = dict.fromkeys(("run", "message", "attempt"), 0)
        self._is_said = False
        self._tally = Tally()

    def bodies(self, stream: BinaryIO) -> Iterator[tuple[int, Body]]:
        """Each line's number and body. Raises `_Broken` at the first that does not hold."""
        ended = False
        while raw := stream.readline(_LONGEST):
            if ended:
                raise _Broken(self.count + 1, "It stands after the closing line: it was added.")
            body = self._body(raw, stream)
            ended = body["kind"] == "end"
            yield self.count, body
        if not ended:
            what = f"it ends after line {self.count}" if self.count else "it is empty"
            raise _Broken(self.count + 1, f"The closing line is missing: {what}, the rest was cut off.")

    def _body(self, raw: bytes, rest: BinaryIO) -> Body:
        at = self.count + 1
        found = _SHAPE.fullmatch(raw)
        if found is None:
            raise _Broken(at, _why_no_line(raw))
        content, number, previous, digest = found[1] + b"}", int(found[2]), found[3].decode(), found[4].decode()
        if sha256(content).hexdigest() != digest:
            raise _Broken(at, "It was edited: its hash is not that of its content.")
        if number != at:
            raise _Broken(at, _why_out_of_place(at, number, rest))
        if previous != self.seal:
            raise _Broken(at, f"It does not continue line {at - 1}: one of the two was exchanged for another.")
        body = _read(content)
        if body is None or (body["kind"] == "evidence") != (at == 1):
            raise _Broken(at, "It is none that invite-tui writes here: it was added.")
        if body["kind"] == "evidence" and (body["format"], body["anonymous"]) not in _FORMATS:
            raise _Broken(
                at, "The evidence is in another format: verify it with the version that wrote it, or a newer."
            )
        if body["kind"] == "end" and (body["lines"], body["counts"]) != (at, self._tally.counts):
            raise _Broken(at, "The closing line counts something else than what stands before it.")
        self._tally.add(body)
        self._advance(body)
        self.count, self.seal = at, digest
        return body

    def _advance(self, body: Body) -> None:
        if "until" in body:
            self.position, self._is_said = body["until"], True
        if self._is_said:
            return
        if body["kind"] in ("run", "message"):
            self._reach("run", body["run"])
        if body["kind"] == "message":
            self._reach("message", body["message"])
            for attempt in body["attempts"]:
                self._reach("attempt", attempt["attempt"])

    def _reach(self, what: str, number: int) -> None:
        self.position[what] = max(self.position[what], number)


def _read(content: bytes) -> Body | None:
    """The body of a line whose hash is right; None where nobody but a forger can have written it."""
    try:
        body: Any = json.loads(content)
        if canonical(body) != content:
            return None
        del body["line"], body["previous"]
        kind = body["kind"]
        numbers = [body[name] for name in ("run", "message", "person", "lines", "format") if name in body]
        is_numbered_by_lot = kind == "evidence" and body["format"] == ANONYMOUS_FORMAT
        names = [key for key in _NAMES if kind == "run" and key in body]
        if ("kind", *_KEYS[kind], *["until"] * is_numbered_by_lot, *names) != tuple(body):
            return None
        if is_numbered_by_lot:
            if tuple(body["until"]) != _UNTIL:
                return None
            numbers += body["until"].values()
        texts = [body[name] for name in ("decision", "sent_by", "at", "stamp", *names) if name in body]
        if kind == "message":
            if body["outcome"] not in OUTCOMES or any(
                tuple(attempt) not in (_ATTEMPT, (*_ATTEMPT, _ACCOUNT)) for attempt in body["attempts"]
            ):
                return None
            for attempt in body["attempts"]:
                numbers.append(attempt["attempt"])
                texts += [attempt["attempted"], attempt["reply"], *filter(None, [attempt["settled"]])]
                texts += [attempt[_ACCOUNT]] if _ACCOUNT in attempt else []
        sound = all(type(number) is int for number in numbers) and all(type(text) is str for text in texts)
        return body if sound else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _why_no_line(raw: bytes) -> str:
    if len(raw) >= _LONGEST and not raw.endswith(b"\n"):
        return "It is longer than any that invite-tui writes: it was added or edited."
    if not raw.endswith(b"\n"):
        return "It is not whole: the end of it, and whatever followed, was cut off."
    if raw.endswith(b"\r\n"):
        return "It was edited: its line ending was changed, perhaps by a program that takes the file for a text."
    return "It was edited or added: it is no line of evidence."


def _why_out_of_place(at: int, number: int, rest: BinaryIO) -> str:
    """Why the line at `at` says that it is line `number`."""
    if number < at:
        return f"It is line {number} once more: it was added."
    while raw := rest.readline(_LONGEST):
        if (found := _NUMBER.match(raw)) and int(found[1]) == at:
            return f"Line {number} stands here, and line {at} later: they were put in another order."
    missing = "It is" if number == at + 1 else f"Lines {at} to {number - 1} are"
    return f"{missing} missing: line {number} stands here."


class _Comparison:
    """Evidence beside the ledger. What was recorded after it was written is no contradiction, and is noted."""

    def __init__(self, chronicle: Chronicle, chain: _Chain) -> None:
        self._chronicle, self._until = chronicle, chain.position
        self._bodies = Bodies(chronicle)
        self._forgotten: list[int] = []
        self.notes: list[str] = []
        self._later = dict.fromkeys(("run", "message", "attempt", "decision"), 0)

    def compare(self, evidence: Iterator[tuple[int, Body]]) -> None:
        """Raises `_Broken` where the two differ."""
        at = 1
        runs = iter(self._chronicle.runs.values())
        messages: Iterator[tuple[int, Recorded]] = iter(())
        waiting: tuple[int, Recorded] | None = None
        decisions: dict[str, list[Body]] = {}
        for at, body in evidence:
            kind = body["kind"]
            if kind == "evidence":
                self._is_of_this_ledger(body)
                messages, decisions = self._bodies.messages(), self._decisions()
                waiting = next(messages, None)
            elif kind == "run":
                run = next(runs, None)
                if run is None:
                    raise _Broken(at, f"The ledger has no run {body['run']}.")
                _same(at, body, self._bodies.run(run))
            elif kind == "message":
                self._message(at, body, waiting)
                waiting = next(messages, None)
            elif kind == "decision":
                self._decision(at, body, decisions.get(body["decision"], []))
        self._later["run"] = sum(1 for _ in runs)
        while waiting is not None:
            self._is_later(at, waiting[1])
            waiting = next(messages, None)
        self._later["decision"] = sum(map(len, decisions.values()))
        if self._forgotten:
            self.notes.append(_about_forgotten(self._forgotten))
        later = ", ".join(f"{count} {what}{'s' * (count != 1)}" for what, count in self._later.items() if count)
        if later:
            self.notes.append(f"The ledger has gone on since this was written: {later} more.")

    def _is_of_this_ledger(self, body: Body) -> None:
        if body["anonymous"]:
            self._bodies = AnonymousBodies(self._chronicle, self._until)
        if body["ledger"] not in ("", self._chronicle.event):
            raise _Broken(1, "This is evidence of another event's ledger.")

    def _decisions(self) -> dict[str, list[Body]]:
        found: dict[str, list[Body]] = {}
        for body in self._bodies.decisions():
            found.setdefault(body["decision"], []).append(body)
        return found

    def _decision(self, at: int, body: Body, own: list[Body]) -> None:
        """Takes it out of what the ledger has of its kind: the first, or without names, where later ones come between
        them, one like it."""
        if not own:
            raise _Broken(at, f"The ledger does not know that person {body['person']} was {body['decision']}.")
        if body in own:
            own.remove(body)
        elif self._bodies.anonymous:
            raise _Broken(at, f"The ledger does not know that person {body['person']} was {body['decision']} so.")
        else:
            told = own.pop(0)
            if told["at"] == _midnight(body["at"]) and told["person"] in self._numbers_forgotten:
                told = {**told, "at": body["at"]}
            _same(at, body, told)

    @cached_property
    def _numbers_forgotten(self) -> frozenset[int]:
        return frozenset(one.number for one in self._chronicle.people.values() if one.is_forgotten)

    def _message(self, at: int, body: Body, known_as: tuple[int, Recorded] | None) -> None:
        number = body["message"]
        if known_as is None or known_as[0] > number:
            raise _Broken(at, f"The ledger has no message {number} to {_person(body)}.")
        if known_as[0] < number:
            raise _Broken(at, f"The ledger has a message {known_as[0]}, which is not in the evidence.")
        recorded = known_as[1]
        known = tuple(one for one in recorded.attempts if one.id <= self._until["attempt"])
        self._later["attempt"] += len(recorded.attempts) - len(known)
        told = self._bodies.message(Recorded(recorded.sent, recorded.run, known))
        if self._chronicle.people[recorded.sent.key].is_forgotten and not self._bodies.anonymous:
            self._forgotten += [at] if body["recipient"] is not None else []
            body = impersonal(body)
        self._as_it_was_under_way(at, body, told)
        if recorded.run > self._until["run"]:
            # A later run has taken it up again, with whatever it says anew.
            told |= {name: value for name, value in body.items() if name not in _FOR_GOOD}
        _same(at, body, told)

    def _as_it_was_under_way(self, at: int, body: Body, told: Body) -> None:
        """An attempt that was under way when the evidence was written has an end by now."""
        for then, now in zip(body["attempts"], told["attempts"], strict=False):
            under_way = (then["settled"], then["outcome"], then["reply"]) == (None, "unknown", "")
            if under_way and now["settled"] is not None:
                last = now is told["attempts"][-1]
                self.notes.append(f"Line {at}: the message was under way then; it is {now['outcome']} now.")
                now |= {"settled": None, "outcome": "unknown", "reply": ""}
                if last:
                    told["outcome"] = "unknown"

    def _is_later(self, at: int, recorded: Recorded) -> None:
        """Whether a message that is not in the evidence can have come after it."""
        early = any(attempt.id <= self._until["attempt"] for attempt in recorded.attempts)
        if early or recorded.run <= self._until["run"] or recorded.sent.id <= self._until["message"]:
            raise _Broken(at, f"The ledger has a message {recorded.sent.id}, which is not in the evidence.")
        self._later["message"] += 1
        self._later["attempt"] += len(recorded.attempts)


def _midnight(moment: str) -> str:
    """What the ledger keeps of a time of somebody who was forgotten."""
    return f"{day_of(moment)}T00:00:00+00:00"


def _about_forgotten(lines: list[int]) -> str:
    shown = ", ".join(map(str, lines[:_SHOWN])) + (f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else "")
    if len(lines) == 1:
        return f"Line {shown} is about somebody who was forgotten since: of it the ledger has no names any more."
    return f"Lines {shown} are about people who were forgotten since: of these the ledger has no names any more."


def _person(body: Body) -> str:
    return str(body["recipient"] or f"person {body['person']}")


def _same(at: int, body: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """Raises `_Broken` with the first thing that evidence and ledger tell differently."""
    for name, ours in told.items():
        theirs = body[name]
        if theirs == ours:
            continue
        if name == "attempts":
            for then, now in zip(theirs, ours, strict=False):
                _same(at, then, now)
            raise _Broken(at, f"The evidence has {len(theirs)} attempts, the ledger {len(ours)}.")
        what = _IN_WORDS.get(name, name)
        raise _Broken(at, f"The {what} is {_said(theirs)} in the evidence, and {_said(ours)} in the ledger.")


def _said(value: Any) -> str:
    if value in (None, "", []):
        return "nothing"
    return ", ".join(map(str, value)) if isinstance(value, list) else f"“{value}”"
