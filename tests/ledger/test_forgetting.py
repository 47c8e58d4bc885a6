"""Forgetting people: nothing of them is left in any byte of the ledger's files, and all that is not theirs stays."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Collection
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.homes import INTEGRITY, ask, raw
from tui.errors import BusyError, LedgerError
from tui.ledger import (
    Answer,
    Answers,
    Bounce,
    Correction,
    Decisions,
    Ledger,
    Outcome,
    Planned,
    Request,
    Response,
    Taken,
    open_for_run,
    open_to_read,
)
from tui.ledger.databases import postgresql
from tui.ledger.store import Where

NOON = datetime(2027, 4, 2, 12, tzinfo=UTC)
LATER_FIRST: tuple[tuple[Response, int], ...] = (("declined", 9), ("accepted", 3))
OUTCOMES: tuple[Outcome, ...] = ("accepted", "refused", "deferred", "unknown", "unsent")


def guest(number: int, action: str = "invite", **more: object) -> Planned:
    """Somebody each of whose values can be told from everybody else's."""
    address = f"guest{number}q@people{number}q.example"
    planned = Planned(
        key=address,
        address=address,
        name=f"Zoë Łucka{number}q",
        group=f"circle{number}q",
        line=number + 1000,
        fields={"Name": f"Zoë Łucka{number}q", "Diet": f"halloumi{number}q", "Link": f"https://meet.example/{number}q"},
        action=action,
        uid=f"{number:03}qabcdef0123456789@department.example",
        sequence=1 if action == "cancel" else 0,
        generation=0,
        round=0,
        facts={
            "title": "Pathways",
            "start": "2027-05-06T13:00:00+00:00",
            "join_url": f"https://meet.example/{number}q",
        },
        message_id=f"<{number:03}qmessage@department.example>",
        stamp=datetime(2027, 4, 1, 9, 30, 17, tzinfo=UTC),
        digest=f"{number:064x}",
    )
    return replace(planned, **more)  # type: ignore[arg-type]  # a test's own values


def personal(number: int) -> tuple[bytes, ...]:
    """Every value of this guest that could tell who they are."""
    one = guest(number)
    texts = (
        *(one.address, one.name, one.group, f"halloumi{number}q", f"meet.example/{number}q", one.uid, one.message_id),
        *(f"new{number}q@people.example", f"before{number}q", f"after{number}q", f"reply{number}q", f"body{number}q"),
    )
    return tuple(spelled for text in texts for spelled in (text.encode(), json.dumps(text)[1:-1].encode()))


def fill(ledger: Ledger, numbers: Collection[int]) -> None:
    """A run to each of these, every outcome in turn; corrections, cancellations, promises, kept bytes and all that can
    come back for each."""
    guests = [guest(number) for number in numbers]
    ids = ledger.begin("send", "work", "plan", guests)
    for number, one, id_ in zip(numbers, guests, ids, strict=True):
        outcome = OUTCOMES[number % len(OUTCOMES)]
        if outcome != "unsent":
            attempt = ledger.sending(id_, one.digest, kept=os.urandom(40) + f"body{number}q".encode())
            ledger.settle(attempt, outcome, f"550 5.1.1 <{one.address}>: reply{number}q")
        decisions = Decisions(
            corrections=(
                Correction(one.key, "", one.address, f"new{number}q@people.example"),
                Correction(one.key, "Diet", f"before{number}q", f"after{number}q"),
            ),
            cancelled=((one.key, "", 0),),
        )
        ledger.begin("resend", "work", "plan", [], decisions)
    ledger.adopt(
        [replace(guest(number, "invite"), uid="old@elsewhere", facts={"foreign": "1"}) for number in numbers],
        "sent by another program",
        [one.key for one in guests],
        [],
    )

    ledger.take_in([came_back(*each) for each in zip(guests, numbers, ids, strict=True)])


def came_back(one: Planned, number: int, message: int) -> Taken:
    """Two answers, the later one read first; a bounce, and a request."""
    said = f"reply{number}q"
    answers = [
        Answer(
            *(one.key, one.uid, one.address, f"before{number}q@x", response, 0, NOON + timedelta(seconds=late), NOON),
            comment=said,
            proposed=(said, said),
            delegated_to=f"new{number}q@people.example",
            is_verified=True,
        )
        for response, late in LATER_FIRST
    ]
    bounce = Bounce(one.key, message, one.address, "failed", f"550 5.1.1 {said}", NOON)
    words = Request(one.key, one.address, one.address, "other", said, f"new{number}q@people.example", NOON)
    return Taken(f"mail {number}", tuple(answers), (bounce,), (words,))


def found(folder: Path, number: int) -> list[str]:
    """The files that still have a value of this guest anywhere in their bytes, or in their names."""
    return [
        f"{path.name}: {value.decode(errors='replace')}"
        for path in sorted(folder.iterdir())
        for content in [path.read_bytes() + os.fsencode(path.name)]
        for value in personal(number)
        if value in content
    ]


@pytest.fixture
def known(where: Where, monkeypatch: pytest.MonkeyPatch) -> Where:
    """Seven people in any database."""
    # What is left on a server's disk is looked into in test_postgresql.py; it takes its time.
    monkeypatch.setattr(postgresql.Shared, "overwrite", lambda shared: None)
    with open_for_run(where) as ledger:
        fill(ledger, range(1, 8))
    return where


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "event.ledger.db"
    with open_for_run(path) as ledger:
        ledger.belongs_to("f" * 32)
        fill(ledger, range(1, 8))
    return path


def test_no_byte_of_the_forgotten_is_left_and_every_one_of_the_others(path: Path) -> None:
    before = {number: found(path.parent, number) for number in (2, 3, 4)}
    assert all(before.values())
    with open_for_run(path) as ledger:
        ledger.forget([guest(2).key, guest(3).key])
        # While the journal is still there.
        assert found(path.parent, 2) == found(path.parent, 3) == []
    assert found(path.parent, 2) == found(path.parent, 3) == []
    assert found(path.parent, 4) == before[4]


def test_what_stays_of_the_forgotten_are_totals(known: Where) -> None:
    with open_for_run(known) as ledger:
        everybody = ledger.people()
        ledger.forget([guest(number).key for number in (1, 2, 5)])
    with open_to_read(known) as ledger:
        assert ledger.people() == {guest(number).key: everybody[guest(number).key] for number in (3, 4, 6, 7)}
        gone = ledger.forgotten()
    assert [person.outcome for person in gone] == [everybody[guest(number).key].outcome for number in (1, 2, 5)]
    assert {(person.address, person.name, person.group, *person.fields) for person in gone} == {("", "", "")}


def test_of_their_answers_the_one_that_holds_stays_without_a_word(known: Where) -> None:
    with open_for_run(known) as ledger:
        before = ledger.people()[guest(5).key]
        ledger.forget([guest(5).key])
        (gone,) = ledger.forgotten()
        assert [one.response for one in before.answers] == ["declined", "accepted"]
        assert [one.response for one in gone.answers] == ["declined"]
        assert gone.answers[0].uid == gone.messages[0].uid
        assert [sent.bounced for sent in gone.messages] == [sent.bounced and "550 5.1.1" for sent in before.messages]
        assert {one.key for kind in vars_of(ledger.answers()) for one in kind} == {
            guest(n).key for n in (1, 2, 3, 4, 6, 7)
        }


def vars_of(answers: Answers) -> tuple[tuple[Answer | Bounce | Request, ...], ...]:
    return answers.answers, answers.bounces, answers.requests


def test_who_answered_in_somebody_elses_place_is_forgotten_there_too(path: Path) -> None:
    ana, bo = guest(1), guest(2)
    given = Answer(
        ana.key, ana.uid, ana.address, ana.address, "delegated", 7, NOON, NOON, delegated_to=bo.address.upper()
    )
    instead = Answer(ana.key, ana.uid, bo.address, bo.address, "accepted", 8, NOON, NOON, is_forwarded=True)
    words = [
        Request(ana.key, ana.address, ana.address, "address", "please write there", bo.address, NOON),
        Request(ana.key, ana.address, bo.address, "other", "I come in her place", None, NOON),
    ]
    with open_for_run(path) as ledger:
        ledger.take_in([Taken("instead", (given, instead), (), tuple(words))])
        before = ledger.answers()
        ledger.forget([bo.key])
        after = ledger.answers()
    assert [one.sequence for one in after.answers if one.key == ana.key] == [0, 0, 7]
    assert len([one for one in before.requests if one.key == ana.key]) == 3
    assert [one.text for one in after.requests if one.key == ana.key] == ["reply1q"]
    assert found(path.parent, 2) == [] and bo.address.upper().encode() not in path.read_bytes()
    assert found(path.parent, 1)


def test_the_forgotten_are_known_again_only_by_who_names_them(path: Path) -> None:
    with open_for_run(path) as ledger:
        ledger.forget([guest(2).key])
    with open_to_read(path) as ledger:
        out = ledger.left_out()
        assert out.generation(guest(2).key, "") == 0
        assert out.generation("id-7", guest(2).address.upper()) == 0
        assert out.generation("id-7", "new2q@people.example") == 0
        assert out.generation(guest(3).key, guest(3).address) is None
    with open_for_run(path.with_name("other.db")) as other:
        fill(other, [2])
        other.forget([guest(2).key])
        assert other.left_out().mark(guest(2).key) != out.mark(guest(2).key), "the key is each ledger's own"


def test_who_was_forgotten_is_sent_to_anew_as_somebody_new(path: Path) -> None:
    again = guest(2, generation=1, uid="new@department.example")
    with open_for_run(path) as ledger:
        ledger.forget([again.key])
        (message,) = ledger.begin("resend", "work", "plan", [again])
        ledger.settle(ledger.sending(message, again.digest), "accepted", "250 ok")
        assert [sent.uid for sent in ledger.people()[again.key].messages] == [again.uid]
        assert len(ledger.forgotten()) == 1
        ledger.forget([again.key])
        assert ledger.left_out().generation(again.key, "") == 1
        assert len(ledger.forgotten()) == 2
    assert found(path.parent, 2) == []


def test_the_history_of_the_forgotten_is_not_rewritten_either(known: Where) -> None:
    with open_for_run(known) as ledger:
        ledger.forget([guest(5).key])  # which was not tried
    with raw(known) as db:
        (key,) = db.execute("SELECT key FROM forgotten").fetchone()
        (message,) = ask(db, "SELECT min(id) FROM message WHERE key = :key", key=key).fetchone()
        for statement in (
            "DELETE FROM forgotten",
            "UPDATE forgotten SET at = ''",
            "DELETE FROM version WHERE key = :key",
            "UPDATE version SET sequence = 7 WHERE key = :key",
            "UPDATE version SET uid = 'other' WHERE key = :key",
            "INSERT INTO attempt (message, digest, outcome, started_at) VALUES (:message, '', 'sending', '')",
            "UPDATE attempt SET outcome = 'refused' WHERE message IN (SELECT id FROM message WHERE key = :key)",
            "UPDATE attempt SET reply = 'invented' WHERE message IN (SELECT id FROM message WHERE key = :key)",
            "UPDATE attempt SET started_at = '2001' WHERE message IN (SELECT id FROM message WHERE key = :key)",
        ):
            with pytest.raises(INTEGRITY):
                ask(db, statement, key=key, message=message)


def test_nobody_but_the_forgotten_can_be_renamed_or_shortened(known: Where) -> None:
    with open_for_run(known) as ledger:
        ledger.forget([guest(2).key])
    with raw(known) as db:
        key = guest(1).key
        with pytest.raises(INTEGRITY, match="settled once"):
            ask(
                db,
                "UPDATE attempt SET reply = '' WHERE message = (SELECT min(id) FROM message WHERE key = :key)",
                key=key,
            )
        with pytest.raises(INTEGRITY, match="one version to one person"):
            ask(db, "UPDATE version SET key = 'somebody else' WHERE key = :key", key=key)


def test_a_run_in_progress_keeps_it_from_being_opened(path: Path) -> None:
    with open_for_run(path), pytest.raises(BusyError):
        open_for_run(path)


def test_while_another_program_reads_the_journal_it_is_said_and_done_when_asked_again(path: Path) -> None:
    with open_for_run(path) as ledger:
        ledger._db.execute("PRAGMA busy_timeout = 1")
        with open_to_read(path) as reader, reader.chronicle() as chronicle:
            assert len(list(chronicle.messages())) == 14
            with pytest.raises(BusyError, match="another program is reading"):
                ledger.forget([guest(2).key])
        assert ledger.is_unfinished()
        ledger.forget([])
        assert not ledger.is_unfinished()
        assert found(path.parent, 2) == []


_DYING = """
import os, sys
from pathlib import Path
from tui.ledger import forgetting, open_for_run
at = sys.argv[2]
def die(*_):
    os._exit(9)
ledger = open_for_run(Path(sys.argv[1]))
if at == "within":
    forgetting._leave_out = die
elif at == "after":
    type(ledger._db).overwrite = die
ledger.forget([sys.argv[3]])
"""


@pytest.mark.parametrize(("at", "is_forgotten"), [("within", False), ("after", True)])
def test_killed_in_the_middle_all_of_it_is_done_or_nothing_and_a_second_time_finishes(
    at: str, is_forgotten: bool, path: Path
) -> None:
    done = subprocess.run([sys.executable, "-c", _DYING, str(path), at, guest(2).key], check=False)
    assert done.returncode == 9
    with open_to_read(path) as ledger:
        assert (guest(2).key not in ledger.people()) == is_forgotten
        assert ledger.is_unfinished() == is_forgotten
    with open_for_run(path) as ledger:
        ledger.forget([] if is_forgotten else [guest(2).key])
    assert found(path.parent, 2) == []
    with open_to_read(path) as ledger:
        assert len(ledger.forgotten()) == 1 and not ledger.is_unfinished()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sets(st.integers(1, 7), max_size=3), max_size=3))
def test_whoever_is_forgotten_in_whatever_order_totals_stay_and_nothing_else_does(
    tmp_path_factory: pytest.TempPathFactory, batches: list[set[int]]
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "event.ledger.db"
    left = set(range(1, 8))
    with open_for_run(path) as ledger:
        fill(ledger, range(1, 8))
        totals = sorted(person.outcome for person in ledger.people().values())
        for batch in batches:
            ledger.forget([guest(number).key for number in batch & left])
            left -= batch
            people = ledger.people()
            assert set(people) == {guest(number).key for number in left}
            assert sorted(one.outcome for one in (*people.values(), *ledger.forgotten())) == totals
        with ledger.chronicle() as chronicle:
            assert len(list(chronicle.messages())) == 14 and len(list(chronicle.decisions())) == 28
    for number in range(1, 8):
        assert (found(path.parent, number) == []) == (number not in left)


def test_a_column_that_is_added_has_to_be_thought_of(path: Path) -> None:
    """Each column of each table is known here: a new one has to be forgotten, or be said to hold nothing personal."""
    harmless = {
        *("person.number", "cancellation.number", "promise.number"),
        *(f"holder.{name}" for name in ("what", "who", "place", "since")),  # the organiser's own
        *(
            "fact.name",
            "fact.value",
            "run.id",
            "run.command",
            "run.account",
            "run.digest",
            "run.started_at",
            "run.checks",
        ),
        # Of those who invite, not of those who are invited.
        *("run.confirmed_by", "run.proposed_by"),
        *(f"proposal.{name}" for name in ("id", "digest", "command", "messages", "name", "at")),
        *(f"handover.{name}" for name in ("run", "account", "who", "place", "since", "state", "said")),
        *(f"share.{name}" for name in ("id", "run", "messages", "state", "holder", "reserved")),
        # There while workers carry out a run, and so long nobody can be forgotten.
        *("content.digest", "content.bytes", "handover.made_of", "letter.message", "letter.name", "letter.fields"),
        "letter.told",
        *("version.id", "version.run", "version.action", "version.sequence", "version.generation", "version.round"),
        *("version.told", "version.digest", "told.id"),
        *("attempt.id", "attempt.message", "attempt.digest", "attempt.outcome", "attempt.account"),
        *("correction.id", "correction.header", "cancellation.session", "cancellation.generation", "dead_link.link"),
        *("mail.id", "mail.identity", "mail.read_at"),
        *("mailbox.account", "mailbox.folder", "mailbox.validity", "mailbox.uid"),
        *("answer.id", "answer.mail", "answer.response", "answer.sequence", "answer.leaning", "answer.occurrence"),
        *("answer.is_verified", "answer.is_forwarded", "bounce.id", "bounce.mail", "bounce.message", "bounce.kind"),
        *("forgotten.key", "forgotten.at", "left_out.mark", "left_out.generation"),
    }
    taken_out = {
        *("person.key", "person.address", "person.name", "person.grouped", "person.fields"),
        *("version.key", "version.address", "version.uid", "version.line", "version.message_id", "version.stamp"),
        "told.facts",
        *("attempt.reply", "attempt.started_at", "attempt.settled_at", "kept.attempt", "kept.message"),
        *("correction.key", "correction.before", "correction.after", "correction.at"),
        *("answer.key", "answer.uid", "answer.address", "answer.sender", "answer.stamp", "answer.at", "answer.comment"),
        *("answer.proposed", "answer.delegated_to", "answer.accepted_at"),
        *("bounce.key", "bounce.address", "bounce.reply", "bounce.at"),
        *(f"request.{name}" for name in ("id", "mail", "key", "address", "sender", "kind", "text", "suggested")),
        *("request.at", "request.settled_at"),
        *("cancellation.key", "cancellation.at", "promise.key", "promise.at"),
    }
    with closing(sqlite3.connect(path)) as db:
        columns = {
            f"{table}.{row[1]}"
            for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for row in db.execute(f"PRAGMA table_info({table})")
        }
    assert columns == harmless | taken_out


def test_an_entry_that_cannot_be_read_ends_in_words_and_changes_nothing(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("INSERT INTO told VALUES (99, 'damaged')")
        db.execute("UPDATE version SET told = 99 WHERE id = 2")
    with open_for_run(path) as ledger:
        with pytest.raises(LedgerError):
            ledger.forget([guest(2).key])
        assert not ledger.is_unfinished()
