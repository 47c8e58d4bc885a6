"""Reports: what evidence shows when it was tampered with, by whom ever, and what a report must not say or do."""

import csv
import io
import json
import os
import re
import sqlite3
import tempfile
from base64 import encodebytes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.making import a_wording, compose
from tui.errors import InputError, LedgerError
from tui.folder import open_folder
from tui.guard import Cleared, Roll, clear
from tui.guard.checks import CHECKS
from tui.ledger import (
    Answer,
    Bounce,
    Correction,
    Decisions,
    Ledger,
    Outcome,
    Planned,
    Response,
    Taken,
    open_for_run,
    open_to_read,
)
from tui.report import Chain, Verdict, figures, lines, must_be_writable, page, table, verify, write
from tui.report.evidence import About, Body, Tally, sealed

ABOUT = About("Pathways", "2027-05-06T14:00:00+01:00")
REPLIES: dict[Outcome, str] = {
    "accepted": "250 2.0.0 Ok: queued as 4F",
    "refused": "550 5.1.1 <ana@example.org>: no such user Ana",
    "deferred": "451 4.7.1 Greylisted, try again",
    "unknown": "the connection was lost",
}
FAST = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def planned(number: int, action: str = "invite", **more: Any) -> Planned:
    return replace(
        Planned(
            key=f"guest{number}@example.org",
            address=f"guest{number}@example.org",
            name=f"Guest {number} Surname",
            group="public" if number % 2 else "staff",
            line=number + 1,
            fields={},
            action=action,
            uid=f"{number:040x}@department.example",
            sequence=1 if action == "cancel" else 0,
            generation=0,
            round=0,
            facts={"title": "Pathways", "start": "2027-05-06T13:00:00+00:00"},
            message_id=f"<{number:032x}@department.example>",
            stamp=datetime(2027, 4, 1, 9, 30, tzinfo=UTC),
            digest=f"{number:064x}",
        ),
        **more,
    )


def run(ledger: Ledger, messages: Sequence[Planned], outcomes: Sequence[Outcome], **more: Any) -> list[int]:
    """A run of which as many messages are tried as there are outcomes; the ids of all."""
    ids = list(ledger.begin("send", "work", "plan", messages, more.get("decisions"), CHECKS))
    for id_, message, outcome in zip(ids, messages, outcomes, strict=False):
        ledger.settle(ledger.sending(id_, message.digest), outcome, REPLIES[outcome])
    return ids


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with every outcome, a cancellation, decisions, and what another program sent."""
    path = tmp_path / "event.ledger.db"
    decisions = Decisions(
        corrections=(Correction("guest1@example.org", "", "guest1@example.org", "new@example.org"),),
        cancelled=(("guest1@example.org", "", 0),),
    )
    with open_for_run(path) as ledger:
        ledger.belongs_to("f" * 32)
        ledger.adopt([planned(9, uid="leak@elsewhere")], "sent by another program", ["guest9@example.org"], [])
        run(ledger, [planned(n) for n in range(1, 6)], ["accepted", "refused", "deferred", "unknown"])
        run(ledger, [planned(1, "cancel")], ["accepted"], decisions=decisions)
    return path


def written(path: Path, *, anonymous: bool = False) -> bytes:
    with open_to_read(path) as ledger, ledger.chronicle() as chronicle:
        return b"".join(lines(chronicle, ABOUT, Chain(), anonymous=anonymous))


def judge(evidence: bytes, ledger: Path | None = None, seal: str | None = None) -> Verdict:
    with _file(evidence) as file:
        if ledger is None:
            return verify(file, None, seal)
        with open_to_read(ledger) as opened, opened.chronicle() as chronicle:
            return verify(file, chronicle, seal)


@contextmanager
def _file(content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "evidence.jsonl"
        file.write_bytes(content)
        yield file


def bodies(evidence: bytes) -> list[Body]:
    found = [json.loads(line) for line in evidence.splitlines()]
    return [{name: body[name] for name in body if name not in ("line", "previous", "hash")} for body in found]


def forged(changed: Sequence[Body]) -> bytes:
    """A chain made anew, as anybody can who knows the format."""
    chain = Chain()
    return b"".join(map(chain.line, changed))


def flaw(verdict: Verdict) -> tuple[int, str]:
    assert verdict.flaw is not None
    return verdict.flaw.line, verdict.flaw.reason


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("ledger") / "event.ledger.db"
    with open_for_run(path) as ledger:
        run(ledger, [planned(n) for n in range(1, 8)], ["accepted", "refused", "deferred", "unknown", "accepted"])
    return written(path)


# --- what evidence holds ----------------------------------------------------------------------------------------------


def test_evidence_holds_every_message_its_attempts_and_what_cleared_it(path: Path) -> None:
    first, *rest, end = bodies(written(path))
    assert first["ledger"] == "f" * 32 and first["event"] == {"title": ABOUT.title, "start": ABOUT.start}
    messages = [body for body in rest if body["kind"] == "message"]
    assert [(body["recipient"], body["action"], body["outcome"]) for body in messages] == [
        ("guest9@example.org", "invite", "accepted"),
        ("guest1@example.org", "invite", "accepted"),
        ("guest2@example.org", "invite", "refused"),
        ("guest3@example.org", "invite", "deferred"),
        ("guest4@example.org", "invite", "unknown"),
        ("guest5@example.org", "invite", "unsent"),
        ("guest1@example.org", "cancel", "accepted"),
    ]
    assert [body["cleared_by"] for body in messages] == [[], *[list(CHECKS)] * 6]
    assert [body["attempts"][0]["reply"] for body in messages[2:5]] == [
        REPLIES[outcome] for outcome in ("refused", "deferred", "unknown")
    ]
    assert messages[1]["attempts"][0]["digest"] == messages[1]["digest"] == f"{1:064x}"
    assert messages[5]["attempts"] == []
    decisions = [(body["decision"], body["person"]) for body in rest if body["kind"] == "decision"]
    assert decisions == [("corrected", 2), ("cancelled", 2), ("promised", 1)]
    assert end["lines"] == len(rest) + 2
    assert end["counts"]["outcomes"] == {"accepted": 3, "refused": 1, "deferred": 1, "unknown": 1, "unsent": 1}


def test_what_another_program_sent_is_said_to_be_and_has_no_digest_of_bytes_that_nobody_has(path: Path) -> None:
    adopted, own, *_ = (body for body in bodies(written(path)) if body["kind"] == "message")
    assert (adopted["sent_by"], adopted["digest"], adopted["attempts"][0]["digest"]) == ("another program", None, None)
    assert own["sent_by"] == "invite-tui"


def test_the_same_ledger_makes_the_same_evidence_and_it_holds(path: Path) -> None:
    evidence = written(path)
    assert evidence == written(path)
    verdict = judge(evidence, path)
    assert verdict == Verdict(evidence.count(b"\n"), json.loads(evidence.splitlines()[-1])["hash"], None, "agrees")


def test_anybody_can_recompute_the_chain_with_nothing_but_sha_256(whole: bytes) -> None:
    previous = "0" * 64
    for number, line in enumerate(whole.splitlines(), 1):
        content, _, end = line.rpartition(b',"hash":"')
        digest = sha256(content + b"}").hexdigest()
        assert end == f'{digest}"}}'.encode()
        assert content.startswith(f'{{"line":{number},"previous":"{previous}",'.encode())
        previous = digest


def test_anonymous_evidence_names_nobody_and_agrees_with_the_ledger_all_the_same(path: Path) -> None:
    evidence = written(path, anonymous=True)
    for personal in (b"guest", b"@", b"Guest", b"Ana", b"ana", b"leak"):
        assert personal not in evidence
    assert b'"reply":"550 5.1.1"' in evidence
    assert judge(evidence, path).ledger == "agrees"


# --- what was done to it afterwards -----------------------------------------------------------------------------------


@FAST
@given(data=st.data())
def test_any_byte_that_was_changed_is_found_in_its_line(whole: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[at]))
    line, _ = flaw(judge(whole[:at] + bytes([byte]) + whole[at + 1 :]))
    assert line == whole[:at].count(b"\n") + 1


@FAST
@given(data=st.data())
def test_any_byte_that_was_taken_out_or_put_in_is_found(whole: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(whole) - 1))
    assert judge(whole[:at] + whole[at + 1 :]).flaw
    assert judge(whole[:at] + data.draw(st.binary(min_size=1, max_size=3)) + whole[at:]).flaw
    assert judge(whole + data.draw(st.binary(min_size=1, max_size=3))).flaw


@FAST
@given(data=st.data())
def test_evidence_that_was_cut_off_anywhere_is_not_whole(whole: bytes, data: st.DataObject) -> None:
    assert judge(whole[: data.draw(st.integers(0, len(whole) - 1))]).flaw


def test_every_line_that_is_missing_doubled_or_out_of_place_is_named(whole: bytes) -> None:
    parts = whole.splitlines(keepends=True)
    last = len(parts)
    for at in range(last - 1):
        gone = judge(b"".join(parts[:at] + parts[at + 1 :]))
        assert flaw(gone) == (at + 1, f"It is missing: line {at + 2} stands here.")
        twice = judge(b"".join(parts[: at + 1] + parts[at:]))
        assert flaw(twice) == (at + 2, f"It is line {at + 1} once more: it was added.")
        for other in range(at + 1, last):
            swapped = [*parts]
            swapped[at], swapped[other] = parts[other], parts[at]
            line, reason = flaw(judge(b"".join(swapped)))
            assert line == at + 1 and "another order" in reason
    assert flaw(judge(b"".join(parts[:-1]))) == (
        last,
        f"The closing line is missing: it ends after line {last - 1}, the rest was cut off.",
    )
    assert flaw(judge(whole + parts[-1]))[0] == last + 1
    assert flaw(judge(b"")) == (1, "The closing line is missing: it is empty, the rest was cut off.")


def test_a_line_of_another_evidence_in_its_place_is_noticed(whole: bytes, path: Path) -> None:
    parts, others = whole.splitlines(keepends=True), written(path).splitlines(keepends=True)
    parts[2] = others[2]
    line, reason = flaw(judge(b"".join(parts)))
    assert line == 3 and "exchanged" in reason


def test_line_endings_that_a_mail_program_changed_are_called_that(whole: bytes) -> None:
    assert "line ending" in flaw(judge(whole.replace(b"\n", b"\r\n")))[1]


def test_a_chain_that_was_made_anew_is_known_by_the_seal(whole: bytes) -> None:
    kept = judge(whole).seal
    changed = bodies(whole)
    changed[3]["recipient"] = "somebody@else.example"
    again = forged(changed)
    assert judge(whole, seal=kept).flaw is None
    assert judge(again).flaw is None
    assert kept in flaw(judge(again, seal=kept))[1]


_CHANGES: dict[str, list[tuple[str, Any]]] = {
    "run": [("command", "resend"), ("account", "other"), ("started", "2020-01-01T00:00:00+00:00"), ("checks", ["x"])],
    "message": [
        *(("recipient", "x@y.example"), ("action", "update"), ("digest", "0" * 64), ("planned", "2020"), ("run", 1)),
        *(("outcome", "refused"), ("sequence", 7), ("uid", "x"), ("person", 5), ("sent_by", "another program")),
        *(("cleared_by", []), ("stamp", "2020"), ("message_id", "<x@y>"), ("attempts", []), ("round", 3)),
    ],
    "decision": [("person", 1), ("about", "x"), ("at", "2020")],
}


@pytest.mark.parametrize(("kind", "name", "value"), [(kind, *one) for kind, all_ in _CHANGES.items() for one in all_])
def test_a_chain_that_was_made_anew_differs_from_the_ledger(path: Path, kind: str, name: str, value: Any) -> None:
    changed = bodies(written(path))
    # The last run's, and the messages of the one before it: what came later cannot excuse them.
    at = [number for number, body in enumerate(changed) if body["kind"] == kind][-2 if kind == "decision" else -1]
    assert changed[at][name] != value
    changed[at][name] = value
    _recount(changed)
    verdict = judge(forged(changed), path)
    assert verdict.ledger == "differs"
    line, reason = flaw(verdict)
    assert line == at + 1
    assert "ledger" in reason


@pytest.mark.parametrize(
    ("name", "value"), [("reply", "250 Ok"), ("outcome", "refused"), ("attempted", "2020"), ("settled", None)]
)
def test_an_attempt_that_was_told_otherwise_differs_from_the_ledger(path: Path, name: str, value: Any) -> None:
    changed = bodies(written(path))
    message = next(body for body in changed if body["kind"] == "message" and body["outcome"] == "deferred")
    message["attempts"][0][name] = value
    assert judge(forged(changed)).flaw is None
    assert judge(forged(changed), path).ledger == "differs"


def test_a_message_that_was_left_out_is_missed_by_the_ledger(path: Path) -> None:
    everything = bodies(written(path))
    for at, body in enumerate(everything):
        if body["kind"] == "message":
            changed = everything[:at] + everything[at + 1 :]
            _recount(changed)
            reason = flaw(judge(forged(changed), path))[1]
            assert f"message {body['message']}" in reason and "not in the evidence" in reason


def test_a_message_that_was_made_up_is_unknown_to_the_ledger(path: Path) -> None:
    changed = bodies(written(path))
    at = max(number for number, body in enumerate(changed) if body["kind"] == "message")
    changed.insert(at + 1, {**changed[at], "message": changed[at]["message"] + 1, "recipient": "x@y.example"})
    _recount(changed)
    assert flaw(judge(forged(changed), path)) == (at + 2, "The ledger has no message 8 to x@y.example.")


def _recount(changed: list[Body]) -> None:
    tally = Tally()
    for body in changed[:-1]:
        tally.add(body)
    changed[-1] = {"kind": "end", "lines": len(changed), "counts": tally.counts}


def test_a_chain_that_was_made_anew_must_still_be_evidence(whole: bytes) -> None:
    head, *rest, end = bodies(whole)
    assert judge(forged([head, *rest, end])).flaw is None
    assert flaw(judge(forged([rest[0], *rest, end])))[0] == 1, "it has no head"
    assert flaw(judge(forged([head, head, *rest, end])))[0] == 2
    assert flaw(judge(forged([head, *rest, end, rest[0]]))) == (
        len(rest) + 3,
        "It stands after the closing line: it was added.",
    )
    end["counts"]["messages"] += 1
    assert "counts something else" in flaw(judge(forged([head, *rest, end])))[1]


def test_a_line_may_not_say_a_thing_twice() -> None:
    content = f'{{"line":1,"previous":"{"0" * 64}","kind":"end","lines":1,"lines":1,"counts":{{}}}}'.encode()
    assert "none that invite-tui writes" in flaw(judge(sealed(content, sha256(content).hexdigest())))[1]
    head = (
        b'{"line":1,"previous":"' + b"0" * 64 + b'", "kind":"evidence","format":1,"program":"","event":{},"ledger":"",'
    )
    spaced = head + b'"anonymous":false}'
    assert "none that invite-tui writes" in flaw(judge(sealed(spaced, sha256(spaced).hexdigest())))[1]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside, max_size=3),
    max_leaves=5,
)


@FAST
@given(data=st.data())
def test_whatever_a_forger_writes_it_ends_in_a_sentence(path: Path, data: st.DataObject) -> None:
    changed = bodies(written(path))
    body = data.draw(st.sampled_from(changed))
    body[data.draw(st.sampled_from([*body, "other"]))] = data.draw(_JSON)
    if "attempts" in body and isinstance(body["attempts"], list) and body["attempts"]:
        attempt = body["attempts"][0]
        if isinstance(attempt, dict):
            attempt[data.draw(st.sampled_from([*attempt]) if attempt else st.just("x"))] = data.draw(_JSON)
    judge(forged(changed), path)


def test_a_line_that_is_nested_without_end_ends_in_a_sentence() -> None:
    deep = b'{"line":1,"previous":"' + b"0" * 64 + b'","kind":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert flaw(judge(sealed(deep, sha256(deep).hexdigest())))[0] == 1


# --- what the ledger recorded since -----------------------------------------------------------------------------------


def test_evidence_goes_on_holding_while_the_ledger_goes_on(path: Path) -> None:
    evidence = written(path)
    with open_for_run(path) as ledger:
        run(ledger, [planned(3), planned(5), planned(6)], ["accepted", "refused", "accepted"])
    verdict = judge(evidence, path)
    assert (verdict.flaw, verdict.ledger) == (None, "agrees")
    assert verdict.notes == ("The ledger has gone on since this was written: 1 run, 1 message, 3 attempts more.",)


def test_a_message_that_was_under_way_may_have_been_settled_since(path: Path) -> None:
    with open_for_run(path) as ledger:
        (message,) = run(ledger, [planned(6)], [])
        attempt = ledger.sending(message, planned(6).digest)
        evidence = written(path)
        assert bodies(evidence)[-5]["attempts"][0]["settled"] is None
        ledger.settle(attempt, "refused", REPLIES["refused"])
    verdict = judge(evidence, path)
    assert (verdict.flaw, verdict.ledger) == (None, "agrees")
    assert "it is refused now" in verdict.notes[0]


def test_an_attempt_that_was_left_out_is_missed_also_when_the_ledger_has_gone_on(path: Path) -> None:
    with open_for_run(path) as ledger:
        run(ledger, [planned(3)], ["accepted"])
    changed = bodies(written(path))
    message = next(body for body in changed if body["kind"] == "message" and len(body["attempts"]) == 2)
    with open_for_run(path) as ledger:
        run(ledger, [planned(6)], ["accepted"])
    del message["attempts"][0]
    _recount(changed)
    assert (
        flaw(judge(forged(changed), path))[1] == "The attempt's number is “7” in the evidence, and “4” in the ledger."
    )


def test_the_evidence_of_another_event_is_told_apart(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.ledger.db"
    with open_for_run(other) as ledger:
        ledger.belongs_to("e" * 32)
        run(ledger, [planned(1)], ["accepted"])
    assert flaw(judge(written(other), path)) == (1, "This is evidence of another event's ledger.")


def test_a_ledger_that_was_edited_by_hand_is_called_damaged(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DELETE FROM run WHERE id = 2")
    with pytest.raises(LedgerError, match="damaged"):
        written(path)


# --- the checks that are named ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHECKS)
def test_each_check_that_is_named_is_really_made(name: str) -> None:
    roll = Roll(["ana@example.org", "other@example.org"], ["Lottery draw 4711"], [], "")

    def cleared(body: str, old: bytes = b"", new: bytes = b"") -> bool:
        raw = compose(a_wording(body)).raw
        assert old in raw
        return isinstance(clear(raw.replace(old, new, 1), "ana@example.org", roll), Cleared)

    assert cleared("Dear {{ name }}, come.")
    if name == "read back whole":
        assert not cleared("Dear", b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\n")
    elif name == "one recipient":
        assert not cleared("Dear", b"MIME-Version: 1.0", b"Cc: nobody@elsewhere.example\r\nMIME-Version: 1.0")
    elif name == "one calendar attendee":
        assert not cleared("Dear", *_second_attendee(compose(a_wording("Dear")).raw))
    elif name == "no other address":
        assert not cleared("Dear, other@example.org comes too")
    elif name == "no internal value":
        assert not cleared("Dear, you are Lottery draw 4711")
    else:
        assert name == "nothing unopened"
        assert not cleared("Dear", *_unknown_attachment(compose(a_wording("Dear")).raw))


def _second_attendee(raw: bytes) -> tuple[bytes, bytes]:
    """A place in the message, and the same with a second ATTENDEE in the calendar object."""
    part = next(
        one for one in message_from_bytes(raw, policy=policy.SMTP).walk() if one.get_content_type() == "text/calendar"
    )
    text = part.get_payload(decode=True)
    encoded = part.get_payload()
    assert isinstance(text, bytes) and isinstance(encoded, str)
    doubled = text.replace(b"END:VEVENT", b"ATTENDEE:mailto:nobody@elsewhere.example\r\nEND:VEVENT")
    return encoded.encode().rstrip(), encodebytes(doubled).replace(b"\n", b"\r\n").rstrip()


def _unknown_attachment(raw: bytes) -> tuple[bytes, bytes]:
    """The last boundary of the message, and the same after an attachment that nobody can look into."""
    end = raw.rstrip().rpartition(b"\r\n--")[2]
    boundary = end.removesuffix(b"--")
    part = (
        b'Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="a.bin"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + b"3q2+78r+ur4A/wH+Av0D/AT7Bfo=\r\n"
    )
    return b"--" + end, b"--" + boundary + b"\r\n" + part + b"--" + end


# --- pages and tables -------------------------------------------------------------------------------------------------

HOSTILE = "</td><script>alert(1)</script>\u202e\x1b[31m&amp;\"'>"


def reported(path: Path, *, anonymous: bool = False) -> tuple[str, list[dict[str, str]], dict[str, Any]]:
    """The report of a ledger beside an event file that says nothing: page, table and figures."""
    path.with_name("event.toml").write_text("[event]\n")
    folder = open_folder([], event=str(path.with_name("event.toml")), ledger=str(path))
    with folder.chronicle() as chronicle:
        made = figures(folder, chronicle, anonymous=anonymous)
        html, rows = b"".join(page(made)).decode(), b"".join(table(made)).decode("utf-8-sig")
    return html, list(csv.DictReader(io.StringIO(rows, newline=""))), made.document()


def test_a_report_counts_people_and_keeps_what_another_program_sent_apart(path: Path) -> None:
    html, rows, document = reported(path)
    counts = {"accepted": 1, "refused": 1, "deferred": 1, "unknown": 1, "unsent": 1, "by another program": 1}
    assert document["counts"] == counts
    assert document["messages"] == counts | {"accepted": 2}
    assert document["groups"]["public"]["by another program"] == 1
    assert len(rows) == 7
    assert [row["sent by"] for row in rows] == ["another program", *["invite-tui"] * 6]
    assert "invite, by another program" in html
    assert "550 5.1.1 &lt;ana@example.org&gt;: no such user Ana" in html


def test_where_the_event_file_is_faulty_the_ledger_says_what_the_event_was(path: Path) -> None:
    html, _, document = reported(path)
    assert document["event"] == {"title": "Pathways", "start": "2027-05-06T13:00:00+00:00"}
    assert '<h1 dir="auto">Pathways</h1>' in html


def test_a_report_without_names_has_none_and_the_same_counts(path: Path) -> None:
    html, rows, document = reported(path, anonymous=True)
    everything = html + str(rows) + json.dumps(document)
    for personal in ("guest", "@", "Surname", "Ana"):
        assert personal not in everything.replace("@media", "")
    named = reported(path)[2]
    assert {name: document[name] for name in ("people", "counts", "messages")} == {
        name: named[name] for name in ("people", "counts", "messages")
    }
    assert "Person 2" in html and "550 5.1.1" in html


def crowd(path: Path, sizes: Mapping[str, int], session: str = "") -> Path:
    """A ledger of groups of these sizes, whose messages were all accepted, one after the other."""
    groups = [group for group, size in sizes.items() for _ in range(size)]
    facts = {"title": "Pathways", "start": "2027-05-06T13:00:00+00:00", "session": session}
    people = [planned(number, group=group, facts=facts) for number, group in enumerate(groups, 1)]
    with open_for_run(path) as ledger:
        run(ledger, people, ["accepted"] * len(people))
    return path


def test_without_names_nothing_comes_in_the_order_of_the_list(tmp_path: Path) -> None:
    path = crowd(tmp_path / "event.ledger.db", dict.fromkeys("abcdefghij", 6))
    named, nameless = reported(path)[2], reported(path, anonymous=True)[2]
    order = [guest["group"] for guest in nameless["attendees"]]
    assert sorted(order) == sorted(guest["group"] for guest in named["attendees"])
    assert order != sorted(order), "sixty people in ten groups, one after the other in the list"
    assert [guest["number"] for guest in nameless["attendees"]] == list(range(1, 61))
    assert nameless == reported(path, anonymous=True)[2], "the lots are the ledger's"
    digests = [body["digest"] for body in bodies(written(path, anonymous=True)) if body["kind"] == "message"]
    assert digests != sorted(digests) and len(set(digests)) == 60


def test_two_ledgers_of_the_same_list_draw_other_lots(tmp_path: Path) -> None:
    orders = [
        [
            guest["group"]
            for guest in reported(crowd(tmp_path / name, {"a": 30, "b": 30}), anonymous=True)[2]["attendees"]
        ]
        for name in ("one.db", "other.db")
    ]
    assert orders[0] != orders[1]


def test_without_names_every_time_is_a_day(path: Path) -> None:
    html, rows, document = reported(path, anonymous=True)
    evidence = written(path, anonymous=True).decode()
    for text in (html, str(rows), json.dumps(document), evidence):
        without_event = text.replace(ABOUT.start, "").replace("2027-05-06T13:00:00+00:00", "")
        assert not re.search(r"\d\d:\d\d", without_event)


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({"staff": 12, "public": 5}, {"staff": 12, "public": 5}),
        ({"staff": 12, "public": 4, "press": 1}, {"staff": 12, "": 5}),
        ({"staff": 12, "public": 6, "press": 4}, {"staff": 12, "": 10}),
        ({"staff": 12, "press": 1}, {}),
        ({"staff": 4}, {}),
    ],
    ids=str,
)
def test_without_names_no_group_is_so_small_that_it_tells_who(
    tmp_path: Path, sizes: Mapping[str, int], told: Mapping[str, int]
) -> None:
    path = crowd(tmp_path / "event.ledger.db", sizes)
    html, rows, document = reported(path, anonymous=True)
    assert {group: sum(counts.values()) for group, counts in document["groups"].items()} == told
    assert {row["group"] for row in rows} == set(told or {"": 0})
    assert ("press" in html) == ("press" in told)


def test_without_names_a_session_of_few_is_not_told(tmp_path: Path) -> None:
    path = crowd(tmp_path / "event.ledger.db", {"": 6}, session="Opening")
    with open_for_run(path) as ledger:
        facts = {"title": "Pathways", "start": "2027-05-06T13:00:00+00:00", "session": "Dinner for two"}
        guests = [planned(number, uid=f"other{number}@department.example", facts=facts) for number in (1, 2)]
        run(ledger, guests, ["accepted"] * 2)
    assert "Dinner for two" in reported(path)[0]
    html, rows, document = reported(path, anonymous=True)
    assert "Dinner" not in html + str(rows) + json.dumps(document) + written(path, anonymous=True).decode()
    assert "Opening" in html


def test_anonymous_evidence_still_agrees_after_more_was_sent(path: Path) -> None:
    evidence = written(path, anonymous=True)
    with open_for_run(path) as ledger:
        run(ledger, [planned(number) for number in (3, 5, 11, 12)], ["accepted"] * 4)
        run(ledger, [], [], decisions=Decisions(cancelled=(("guest2@example.org", "", 0),)))
    verdict = judge(evidence, path)
    assert (verdict.flaw, verdict.ledger) == (None, "agrees")
    assert verdict.notes == (
        "The ledger has gone on since this was written: 2 runs, 2 messages, 4 attempts, 1 decision more.",
    )


@pytest.mark.parametrize(
    ("kind", "name", "value", "said"),
    [
        ("message", "outcome", "accepted", "The outcome is"),
        ("message", "digest", "0" * 64, "The digest is"),
        ("decision", "person", 1, "does not know"),
        ("run", "command", "cancel", "The command is"),
        ("evidence", "until", {"run": 3, "message": 6, "attempt": 6}, "in the ledger"),
    ],
)
def test_anonymous_evidence_that_was_made_anew_is_found_by_the_ledger(
    path: Path, kind: str, name: str, value: object, said: str
) -> None:
    found = bodies(written(path, anonymous=True))
    changed = [
        {**body, name: value} if body["kind"] == kind and (name != "outcome" or body[name] == "refused") else body
        for body in found
    ]
    tally = Tally()
    for body in changed[:-1]:
        tally.add(body)
    verdict = judge(forged([*changed[:-1], {**changed[-1], "counts": tally.counts}]), path)
    assert verdict.ledger == "differs" and said in flaw(verdict)[1]


def came_back(number: int, response: Response, at: datetime) -> Answer:
    address, uid = f"guest{number}@example.org", f"{number:040x}@department.example"
    return Answer(address, uid, address, address, response, 0, at, at, comment="Ana cannot come", is_verified=True)


def answered(path: Path) -> Path:
    """The ledger of `path`, to which answers came back over three days, and a bounce."""
    whose: tuple[tuple[int, Response, int], ...] = ((3, "declined", 0), (4, "accepted", 1), (5, "tentative", 2))
    with open_for_run(path) as ledger:
        run(ledger, [planned(number) for number in (3, 5, 6)], ["accepted"] * 3)
        messages = {sent.key: sent.id for one in ledger.people().values() for sent in one.messages}
        taken = [
            Taken(f"mail {number}", (came_back(number, response, datetime(2027, 4, 1 + day, 9, 30, tzinfo=UTC)),))
            for number, response, day in whose
        ]
        lost = f"guest{6}@example.org"
        bounce = Bounce(lost, messages[lost], lost, "failed", f"550 5.1.1 <{lost}>", datetime(2027, 4, 2, tzinfo=UTC))
        ledger.take_in([*taken, Taken("bounce", (), (bounce,))])
    return path


@pytest.mark.parametrize("anonymous", [False, True], ids=["named", "anonymous"])
def test_answers_are_counted_over_time_and_no_reply_is_not_a_no(path: Path, anonymous: bool) -> None:
    html, rows, document = reported(answered(path), anonymous=anonymous)
    # Guest 1 was cancelled, what guest 9 has is another program's, and nothing has reached guest 2.
    assert document["responses"] == {"accepted": 1, "tentative": 1, "declined": 1, "bounced": 1, "none": 0}
    assert "no reply seen" in html or not document["responses"]["none"]
    days = re.findall(r'<th scope="row" class="time">(2027-04-0\d)</th>', html)
    assert days == ["2027-04-01", "2027-04-02", "2027-04-03"]
    assert "Answers from 2027-04-01 to 2027-04-03: 1 accepted, 1 tentative, 1 declined." in html
    assert "Ana cannot come" not in html + str(rows) + json.dumps(document)
    bounced = [row["bounced"] for row in rows if row["bounced"]]
    assert bounced == ["550 5.1.1" if anonymous else "550 5.1.1 <guest6@example.org>"]


# --- of who was forgotten ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("anonymous", [False, True], ids=["named", "anonymous"])
def test_evidence_from_before_agrees_after_people_were_forgotten(path: Path, anonymous: bool) -> None:
    evidence = written(path, anonymous=anonymous)
    with open_for_run(path) as ledger:
        ledger.forget([f"guest{number}@example.org" for number in (1, 2, 9)])
    verdict = judge(evidence, path)
    assert (verdict.flaw, verdict.ledger) == (None, "agrees")
    # Lines 2 to 4 are the runs.
    told = ("Lines 5, 6, 7, 11 are about people who were forgotten since: of these the ledger has no names any more.",)
    assert verdict.notes == (() if anonymous else told)
    assert written(path, anonymous=True) == (evidence if anonymous else written(path, anonymous=True))


@pytest.mark.parametrize(
    ("name", "value"), [("outcome", "unknown"), ("digest", "0" * 64), ("action", "cancel"), ("stamp", "2026-04-01")]
)
def test_an_edit_of_somebody_who_was_forgotten_is_found_all_the_same(path: Path, name: str, value: str) -> None:
    found = bodies(written(path))
    at = next(at for at, body in enumerate(found) if body.get("recipient") == "guest2@example.org")
    with open_for_run(path) as ledger:
        ledger.forget(["guest2@example.org"])
    found[at] |= {name: value}
    tally = Tally()
    for body in found[:-1]:
        tally.add(body)
    assert flaw(judge(forged([*found[:-1], {**found[-1], "counts": tally.counts}]), path))[0] == at + 1


def test_evidence_from_afterwards_says_nothing_of_the_forgotten_and_holds(path: Path) -> None:
    before = bodies(written(path))
    with open_for_run(path) as ledger:
        ledger.forget(["guest2@example.org"])
    evidence = written(path)
    assert judge(evidence, path).ledger == "agrees" and not judge(evidence, path).notes
    after = bodies(evidence)
    assert after[-1]["counts"] == before[-1]["counts"]
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [old["recipient"] for old, _ in changed] == ["guest2@example.org"]
    assert (changed[0][1]["recipient"], changed[0][1]["attempts"][0]["reply"]) == (None, "550 5.1.1")


@settings(max_examples=20, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["send", "cancel", "forget", "evidence"]), st.sets(st.integers(1, 6), min_size=1)),
        min_size=2,
        max_size=8,
    )
)
def test_whatever_happens_afterwards_evidence_of_every_moment_agrees(
    steps: Sequence[tuple[str, set[int]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, anew = Path(folder) / "event.ledger.db", dict.fromkeys(range(1, 7), 0)
        kept: list[bytes] = []
        outcomes: list[Outcome] = ["refused", "deferred", "unknown", "accepted"]
        for at, (step, numbers) in enumerate([("send", {1, 2, 3}), *steps]):
            with open_for_run(path) as ledger:
                there = ledger.people()
                known = [number for number in sorted(numbers) if f"guest{number}@example.org" in there]
                if step == "send":
                    fresh = [
                        planned(number, generation=anew[number], round=at, uid=f"{number}-{anew[number]}@x")
                        for number in sorted(numbers)
                    ]
                    run(ledger, fresh, outcomes[: len(fresh)])
                elif step == "cancel":
                    by_name = Decisions(cancelled=tuple((f"guest{number}@example.org", "", at) for number in known))
                    run(ledger, [], [], decisions=by_name)
                elif step == "forget":
                    ledger.forget([f"guest{number}@example.org" for number in known])
                    anew |= {number: anew[number] + 1 for number in known}
            kept += [written(path), written(path, anonymous=True)]
        for evidence in kept:
            assert judge(evidence, path).flaw is None


def test_a_report_shows_that_somebody_was_forgotten_and_nothing_of_them(path: Path) -> None:
    with open_for_run(path) as ledger:
        ledger.forget(["guest2@example.org"])
    html, rows, document = reported(path)
    assert "guest2" not in html + str(rows) + json.dumps(document) and "Guest 2" not in html
    assert "Person 3, forgotten" in html and document["counts"]["refused"] == 1
    assert [guest["forgotten"] for guest in document["attendees"]] == [False, False, True, False, False, False]


def test_no_value_is_markup_in_the_page_and_none_is_a_formula_in_the_table(tmp_path: Path) -> None:
    path = tmp_path / "event.ledger.db"
    hostile = planned(
        1,
        name=HOSTILE,
        group="=cmd|' /C calc'!A0",
        facts={"title": HOSTILE, "start": HOSTILE, "session": "@SUM(1)\n;=1+1"},
    )
    with open_for_run(path) as ledger:
        (message,) = ledger.begin(HOSTILE, HOSTILE, HOSTILE, [hostile], None, [HOSTILE])
        ledger.settle(ledger.sending(message, HOSTILE), "refused", f"-1+1{HOSTILE}")
    html, (row,), _ = reported(path)
    body = html.partition("</style>")[2]
    assert "<script" not in body and "alert(1)</script" not in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    assert not set(html) & set("\u202e\x1b")
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row.values())
    assert row["group"] == "'=cmd|' /C calc'!A0"
    assert all(character.isprintable() for cell in row.values() for character in cell)


def test_the_page_is_one_file_that_loads_and_runs_nothing(path: Path) -> None:
    html, _, _ = reported(path)
    assert "default-src 'none'" in html
    assert "://" not in html and "src=" not in html and "url(" not in html and "@import" not in html
    assert "<script" not in html and "<link" not in html


# --- where they are written -------------------------------------------------------------------------------------------


def test_a_report_replaces_its_like_and_nothing_else(tmp_path: Path, path: Path) -> None:
    html, evidence = reported(path)[0].encode(), written(path)
    target = tmp_path / "report"
    for kind, content in (("html", html), ("evidence", evidence), ("csv", None)):
        write(target, [content or b"Name,Email\r\nAna,ana@example.org\r\n"])
        for other in ("html", "csv", "evidence"):
            if content and other == kind:
                must_be_writable(target, other, path)
            else:
                with pytest.raises(InputError, match="nothing was written"):
                    must_be_writable(target, other, path)
    for name in ("", "-wal", "-lock"):
        with pytest.raises(InputError, match="ledger"):
            must_be_writable(path.with_name(f"{path.name}{name}"), "html", path)


def test_a_link_to_an_attendee_file_is_no_way_around(tmp_path: Path, path: Path) -> None:
    list_ = tmp_path / "attendees.csv"
    list_.write_text("Name,Email\nAna,ana@example.org\n")
    try:
        (tmp_path / "link.csv").symlink_to(list_)
    except OSError:  # Windows lets few make one
        return
    with pytest.raises(InputError, match="nothing was written"):
        must_be_writable(tmp_path / "link.csv", "csv", path)


def test_what_cannot_be_written_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_bytes(b"before")

    def failing() -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        write(target, failing())
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_written_is_its_owners_alone(tmp_path: Path) -> None:
    write(tmp_path / "report.html", [b"x"])
    mode = (tmp_path / "report.html").stat().st_mode & 0o777
    assert mode == (0o600 if os.name == "posix" else mode)
