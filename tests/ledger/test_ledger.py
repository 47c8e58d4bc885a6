"""The ledger, on a real disk: what its constraints refuse, what survives a crash, what is said when it fails."""

import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.ledger.homes import INTEGRITY, name_of, raw, spelled
from tui.errors import BusyError, InputError, LedgerError
from tui.ledger import (
    NOT_CALLED_OFF,
    OUTCOMES,
    CalledOff,
    Decisions,
    Ledger,
    Outcome,
    Planned,
    open_for_run,
    open_to_read,
)
from tui.ledger.desks import Desk, since_in_words
from tui.ledger.servers import Server
from tui.ledger.store import Where

ANA = Planned(
    key="ana@example.org",
    address="ana@example.org",
    name="Ana Ruiz",
    group="public",
    line=2,
    fields={"Name": "Ana Ruiz", "Email": "ana@example.org"},
    action="invite",
    uid="0f@department.example",
    sequence=0,
    generation=0,
    round=0,
    facts={"title": "Pathways", "start": "2027-05-06T13:00:00+00:00"},
    message_id="<1@department.example>",
    stamp=datetime(2027, 4, 1, 9, 30, tzinfo=UTC),
    digest="d" * 64,
)


def someone(number: int) -> Planned:
    address = f"guest{number}@example.org"
    return replace(ANA, key=address, address=address, uid=f"{number}@department.example", message_id=f"<{number}@x>")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "event.ledger.db"


@pytest.fixture
def ledger(where: Where) -> Iterator[Ledger]:
    with open_for_run(where) as opened:
        yield opened


def begin(ledger: Ledger, *planned: Planned) -> list[int]:
    return list(ledger.begin("send", "work", "plan", planned or (ANA,)))


def send(ledger: Ledger, planned: Planned, outcome: Outcome, reply: str = "") -> None:
    (message,) = begin(ledger, planned)
    ledger.settle(ledger.sending(message, planned.digest), outcome, reply)


# --- what is recorded -------------------------------------------------------------------------------------------------


def test_what_was_recorded_is_read_back(where: Where) -> None:
    with open_for_run(where) as ledger:
        send(ledger, ANA, "accepted", "250 2.0.0 Ok")
    with open_to_read(where) as reading:
        person = reading.people(history=True)[ANA.key]
    (message,) = person.messages
    assert (person.key, person.address, person.name, person.group, person.fields) == (
        *(ANA.key, ANA.address, ANA.name, ANA.group),
        ANA.fields,
    )
    assert (message.uid, message.sequence, message.facts, message.stamp) == (ANA.uid, 0, ANA.facts, ANA.stamp)
    assert (message.outcome, message.reply, message.attempts) == ("accepted", "250 2.0.0 Ok", 1)
    assert person.sent_at == message.settled_at and datetime.fromisoformat(person.sent_at or "").tzinfo
    assert [(entry.outcome, entry.reply, entry.digest) for entry in person.history] == [
        ("accepted", "250 2.0.0 Ok", ANA.digest)
    ]


def test_whoever_a_run_was_going_to_send_to_is_there_before_anything_is_tried(ledger: Ledger) -> None:
    begin(ledger, ANA, someone(2))
    assert {key: person.outcome for key, person in ledger.people().items()} == {
        ANA.key: "unsent",
        "guest2@example.org": "unsent",
    }


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_can_be_recorded(ledger: Ledger, outcome: Outcome) -> None:
    send(ledger, ANA, outcome, "reply")
    assert (ledger.people()[ANA.key].outcome, ledger.people()[ANA.key].latest.reply) == (outcome, "reply")
    assert (ledger.people()[ANA.key].sent_at is not None) == (outcome == "accepted")


@pytest.mark.parametrize("outcome", ["deferred", "unsent"])
def test_what_was_left_is_taken_over_by_the_next_run_and_not_doubled(ledger: Ledger, outcome: Outcome) -> None:
    send(ledger, ANA, outcome, "450 later")
    send(ledger, replace(ANA, message_id="<2@x>", digest="e" * 64), "accepted", "250 Ok")
    person = ledger.people(history=True)[ANA.key]
    (message,) = person.messages
    assert (message.message_id, message.digest, message.attempts) == ("<2@x>", "e" * 64, 2)
    assert [entry.outcome for entry in person.history] == [outcome, "accepted"]


@pytest.mark.parametrize("outcome", ["accepted", "unknown", "refused"])
def test_a_plan_that_another_run_has_overtaken_records_nothing(ledger: Ledger, outcome: Outcome) -> None:
    send(ledger, ANA, outcome)
    before = ledger.position()
    with pytest.raises(InputError, match="meanwhile"):
        begin(ledger, someone(2), ANA)
    assert ledger.position() == before and set(ledger.people()) == {ANA.key}


def test_a_new_round_a_new_sequence_and_a_new_uid_are_new_messages(ledger: Ledger) -> None:
    for planned in (
        ANA,
        replace(ANA, round=1),
        replace(ANA, sequence=1, action="update"),
        replace(ANA, uid="1@department.example", generation=1),
    ):
        send(ledger, planned, "accepted")
    assert len(ledger.people()[ANA.key].messages) == 4
    assert ledger.people()[ANA.key].held == ledger.people()[ANA.key].latest


def test_the_position_changes_with_everything_that_is_recorded(ledger: Ledger) -> None:
    seen = [ledger.position()]
    (message,) = begin(ledger)
    seen.append(ledger.position())
    attempt = ledger.sending(message, "d")
    seen.append(ledger.position())
    ledger.settle(attempt, "deferred", "")
    seen.append(ledger.position())
    begin(ledger)
    seen.append(ledger.position())
    assert len(set(seen)) == len(seen)
    assert ledger.position() == seen[-1]


def test_an_event_stays_cancelled_for_everybody_until_somebody_is_invited_to_a_changed_one(ledger: Ledger) -> None:
    ledger.begin("cancel", "work", "plan", [], Decisions(called_off="as it was"))
    ledger.begin("resend", "work", "plan", [someone(1)])
    ledger.begin("send", "work", "plan", [someone(2)], Decisions())
    ledger.begin("send", "work", "plan", [replace(someone(3), action="cancel")], Decisions(resumed=True))
    assert ledger.called_off().mark == "as it was"
    ledger.begin("send", "work", "plan", [someone(4)], Decisions(resumed=True))
    assert ledger.called_off() == NOT_CALLED_OFF


def test_who_was_asked_for_by_name_after_the_event_was_cancelled_is_told_from_who_was_put_off_before(
    ledger: Ledger,
) -> None:
    ledger.begin("send", "work", "plan", [before := someone(1), again := someone(2)])
    ledger.begin("cancel", "work", "plan", [replace(someone(3), action="cancel")], Decisions(called_off="as it was"))
    assert ledger.called_off() == CalledOff("as it was")
    ledger.begin("resend", "work", "plan", [again])
    assert ledger.called_off().anew == {again.uid} and before.uid != again.uid
    ledger.begin("cancel", "work", "plan", [], Decisions(called_off="as it was"))
    assert not ledger.called_off().anew, "who is cancelled with all the others once more"


def test_people_come_in_the_order_in_which_they_were_first_planned(ledger: Ledger) -> None:
    begin(ledger, someone(2), ANA)
    begin(ledger, ANA, someone(1), someone(2))
    assert list(ledger.people()) == ["guest2@example.org", ANA.key, "guest1@example.org"]


HOSTILE = [
    "'); DROP TABLE message; --",
    '" OR 1=1 --',
    "\x00\x1b]52;c;x\x07",
    "{{ 7*7 }}",
    "Robert'); DELETE FROM attempt;--",
    "%s %d ? :name $1",
    "\U0001f600\u202e",
    "x" * 100_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_stands_in_a_text_is_only_text(where: Where, ledger: Ledger, text: str) -> None:
    planned = replace(
        *(ANA,), key=text, address=text, name=text, group=text, uid=text, message_id=text, digest=text,
        fields={text: text}, facts={text: text},
    )  # fmt: skip
    (message,) = ledger.begin(text, text, text, [planned])
    ledger.settle(ledger.sending(message, text), "refused", text)
    facts = {text: text}
    if isinstance(where, Server):
        text = text.replace("\0", "\u2400")  # which it cannot store, but in JSON
    person = ledger.people(history=True)[text]
    assert (person.name, person.fields, person.latest.facts, person.latest.reply) == (
        text,
        facts,
        facts,
        text,
    )
    assert person.history[0].reply == text


# --- what is refused --------------------------------------------------------------------------------------------------


def test_there_is_no_second_attempt_while_one_is_under_way(ledger: Ledger) -> None:
    (message,) = begin(ledger)
    ledger.sending(message, "d")
    with pytest.raises(LedgerError):
        ledger.sending(message, "d")


@pytest.mark.parametrize("outcome", ["accepted", "unknown", "refused"])
def test_there_is_no_second_attempt_at_what_is_settled_for_good(ledger: Ledger, outcome: Outcome) -> None:
    (message,) = begin(ledger)
    ledger.settle(ledger.sending(message, "d"), outcome, "")
    with pytest.raises(LedgerError):
        ledger.sending(message, "d")
    assert ledger.people()[ANA.key].latest.attempts == 1


def test_an_attempt_is_settled_once_and_only_with_an_outcome(ledger: Ledger) -> None:
    (message,) = begin(ledger)
    attempt = ledger.sending(message, "d")
    for wrong in ("sending", "sent", "", "ACCEPTED", None):
        with pytest.raises(LedgerError):
            ledger.settle(attempt, wrong, "")  # type: ignore[arg-type]  # what must not be
    ledger.settle(attempt, "accepted", "")
    with pytest.raises(LedgerError):
        ledger.settle(attempt, "unsent", "")
    with pytest.raises(LedgerError):
        ledger.settle(attempt + 1, "accepted", "")
    assert ledger.people()[ANA.key].outcome == "accepted"


def test_an_attempt_needs_a_message_and_a_message_an_action(ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        ledger.sending(99, "d")
    with pytest.raises(LedgerError):
        begin(ledger, replace(ANA, action="none"))
    assert ledger.people() == {}


COLUMNS = "run, key, address, action, uid, sequence, generation, round, line, told, message_id, stamp, digest"
FORBIDDEN = [
    "DELETE FROM attempt",
    "DELETE FROM version",
    "UPDATE attempt SET outcome = 'unsent'",
    "UPDATE attempt SET outcome = 'sending'",
    "UPDATE attempt SET reply = 'nothing happened'",
    "UPDATE attempt SET digest = 'x'",
    "UPDATE attempt SET settled_at = NULL",
    "UPDATE version SET sequence = 7",
    "UPDATE version SET uid = 'x'",
    "UPDATE version SET round = 1",
    "UPDATE version SET key = 'x'",
    "INSERT INTO attempt (message, digest, outcome, started_at) VALUES (1, 'd', 'sending', '')",
    "INSERT INTO attempt (message, digest, outcome, started_at) VALUES (1, 'd', 'accepted', '')",
    "INSERT INTO attempt (message, digest, outcome, started_at) VALUES (2, 'd', 'accepted', '')",
    f"INSERT INTO version (id, {COLUMNS}) SELECT 9, {COLUMNS} FROM version WHERE id = 2",
    "DELETE FROM told",
    "DELETE FROM person",
    "DELETE FROM run",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_file_itself_refuses_to_rewrite_history_whoever_asks(where: Where, statement: str) -> None:
    with open_for_run(where) as ledger:
        first, _ = begin(ledger, ANA, someone(2))
        ledger.settle(ledger.sending(first, ANA.digest), "accepted", "250 Ok")
    with raw(where) as db, pytest.raises(INTEGRITY):
        db.execute(statement)


def test_what_became_of_a_message_is_only_in_its_attempts(where: Where) -> None:
    with open_for_run(where) as ledger:
        send(ledger, ANA, "refused", "550 no")
    with raw(where) as db:
        for statement in ("UPDATE message SET outcome = 'accepted'", "DELETE FROM message"):
            with pytest.raises((sqlite3.Error, psycopg.Error), match="view"):
                db.execute(statement)
        assert db.execute("SELECT outcome, reply, attempts FROM message").fetchone() == ("refused", "550 no", 1)


def test_what_all_are_told_is_there_once(where: Where) -> None:
    with open_for_run(where) as ledger:
        begin(ledger, ANA, someone(2), replace(someone(3), facts={"title": "Another"}), someone(4))
        told = [person.latest.facts for person in ledger.people().values()]
    assert told == [ANA.facts, ANA.facts, {"title": "Another"}, ANA.facts]
    with raw(where) as db:
        assert db.execute("SELECT count(*) FROM told").fetchone() == (2,)


def test_the_ledger_of_another_event_is_refused(where: Where) -> None:
    with open_for_run(where) as ledger:
        ledger.belongs_to("one")
        ledger.belongs_to("one")
        with pytest.raises(InputError, match="another event"):
            ledger.belongs_to("two")
    with open_to_read(where) as ledger:
        ledger.belongs_to("one")
        with pytest.raises(InputError):
            ledger.belongs_to("two")


def test_an_empty_ledger_belongs_to_nobody_and_reading_does_not_claim_it(where: Where) -> None:
    open_for_run(where).close()
    for event in ("one", "two"):
        with open_to_read(where) as ledger:
            ledger.belongs_to(event)


# --- crashes ----------------------------------------------------------------------------------------------------------

CHILD = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
from tests.ledger.homes import where_of
from tests.ledger.test_ledger import ANA, begin, someone
from tui.ledger import open_for_run
ledger = open_for_run(where_of(sys.argv[1]))
first, second, third = begin(ledger, ANA, someone(2), someone(3))
ledger.settle(ledger.sending(first, "d"), "accepted", "250 Ok")
ledger.sending(second, "d")
print("ready", flush=True)
if sys.argv[2] == "die":
    os.kill(os.getpid(), signal.SIGKILL)
sys.stdin.read()
"""


def child(where: Where, how: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, spelled(where), how],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def finish(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_what_was_in_flight_when_the_process_died_is_unknown(where: Where) -> None:
    finish(child(where, "die"))
    with open_to_read(where) as reading:
        assert [person.outcome for person in reading.people().values()] == ["accepted", "unknown", "unsent"]
    with open_for_run(where) as ledger:
        people = ledger.people(history=True)
        assert [person.outcome for person in people.values()] == ["accepted", "unknown", "unsent"]
        assert "interrupted" in people["guest2@example.org"].latest.reply
        with pytest.raises(InputError):
            begin(ledger, someone(2))


def test_a_reader_beside_a_run_sees_what_is_in_flight_as_unknown_and_changes_nothing(where: Where) -> None:
    process = child(where, "wait")
    try:
        with open_to_read(where) as reading:
            assert [person.outcome for person in reading.people().values()] == ["accepted", "unknown", "unsent"]
        with raw(where) as db:
            assert db.execute("SELECT count(*) FROM attempt WHERE outcome = 'sending'").fetchone() == (1,)
    finally:
        finish(process)


def test_only_one_run_holds_a_ledger_and_its_death_lets_go(where: Where) -> None:
    process = child(where, "wait")
    try:
        with pytest.raises(BusyError) as refused:
            open_for_run(where)
        assert refused.value.exit_code == 5 and name_of(where) in refused.value.message
    finally:
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        finish(process)
    open_for_run(where).close()


def test_a_second_run_in_the_same_process_is_turned_away_too(where: Where) -> None:
    with open_for_run(where), pytest.raises(BusyError):
        open_for_run(where)
    open_for_run(where).close()


def test_who_is_turned_away_is_told_by_whom(where: Where) -> None:
    open_for_run(where, Desk("Bo", "desk-1")).close()
    with open_for_run(where, Desk("Anna", "desk-3")), pytest.raises(BusyError) as refused:
        open_for_run(where)
    assert re.fullmatch(
        re.escape(f"Another run is using {name_of(where)}") + r": Anna on desk-3 since \d\d:\d\d\.",
        refused.value.message,
    )


def test_since_when_somebody_holds_it_is_told_with_the_day_if_that_is_over() -> None:
    now = datetime(2027, 4, 2, 12, tzinfo=UTC)
    assert re.fullmatch(r"Bo on x since \d\d:\d\d", since_in_words(Desk("Bo", "x"), now.isoformat(), now))
    week = since_in_words(Desk("Bo", "x"), (now - timedelta(days=7)).isoformat(), now)
    assert week.endswith(" on 2027-03-26")


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_link_to_the_ledger_is_the_same_ledger(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "other.db"
    link.symlink_to(path)
    with open_for_run(path), pytest.raises(BusyError):
        open_for_run(link)
    with open_for_run(link), pytest.raises(BusyError):
        open_for_run(path)


def test_a_run_that_cannot_begin_lets_go_of_the_ledger(path: Path) -> None:
    path.write_bytes(b"this is no database, and longer than a header has to be" * 40)
    for _ in range(2):
        with pytest.raises(LedgerError):
            open_for_run(path)


def test_readers_go_on_beside_a_writer(where: Where) -> None:
    counts: list[int] = []
    with open_for_run(where) as ledger, open_to_read(where) as reading:
        for number in range(20):
            send(ledger, someone(number), "accepted")
            counts.append(len(reading.people()))
    assert counts == list(range(1, 21))


def test_several_threads_record_at_once(ledger: Ledger) -> None:
    messages = begin(ledger, *map(someone, range(48)))
    faults: list[Exception] = []

    def work(mine: list[int]) -> None:
        try:
            for message in mine:
                ledger.settle(ledger.sending(message, "d"), "accepted", str(message))
                ledger.position()
        except Exception as error:  # noqa: BLE001  # looked at below
            faults.append(error)

    threads = [threading.Thread(target=work, args=(messages[at::6],)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert {(person.outcome, person.latest.reply) for person in ledger.people().values()} == {
        ("accepted", str(message)) for message in messages
    }


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_the_ledger_is_for_its_owner_alone_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        with open_for_run(path) as ledger:
            send(ledger, ANA, "accepted")
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert {path.name, f"{path.name}-wal", f"{path.name}-lock"} <= modes.keys() and set(modes.values()) == {0o600}
    path.chmod(0o644)
    open_for_run(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_reading_a_ledger_that_is_not_there_creates_nothing(path: Path) -> None:
    with open_to_read(path) as ledger:
        assert ledger.people(history=True) == {} and ledger.position()
        ledger.belongs_to("anything")
    with open_to_read(path.parent / "no" / "such" / "folder.db") as ledger:
        assert ledger.people() == {}
    assert list(path.parent.iterdir()) == []


def test_reading_changes_nothing(path: Path) -> None:
    with open_for_run(path) as ledger:
        send(ledger, ANA, "accepted")
    before = path.read_bytes()
    with open_to_read(path) as reading:
        reading.people(history=True)
        with pytest.raises(LedgerError):
            begin(reading, someone(2))
    assert path.read_bytes() == before


def test_a_ledger_that_is_being_made_reads_as_empty(path: Path) -> None:
    path.touch()
    with open_to_read(path) as reading:
        assert reading.people() == {}
    with raw(path) as db:
        db.execute("PRAGMA journal_mode = WAL")
        with open_to_read(path) as reading:
            assert reading.people() == {}


def unusable(path: Path) -> LedgerError:
    """The one sentence with which both ways of opening refuse."""
    said = []
    for opening in (open_for_run, open_to_read):
        with pytest.raises(LedgerError) as refused, opening(path) as ledger:
            ledger.people()
        assert (refused.value.exit_code, refused.value.code) == (6, "ledger")
        assert path.name in refused.value.message and refused.value.message.endswith(".") and refused.value.hint
        said.append(refused.value)
    return said[0]


def test_a_folder_is_no_ledger_and_keeps_its_permissions(tmp_path: Path) -> None:
    folder = tmp_path / "event.ledger.db"
    folder.mkdir(mode=0o755)
    mode = folder.stat().st_mode
    assert "not a file" in unusable(folder).message
    assert folder.stat().st_mode == mode


@pytest.mark.parametrize(
    "content", [b"Name,Email\nAna,ana@example.org\n", b"\0" * 5000, b"SQLite format 3\0" + b"\1" * 5000]
)
def test_a_file_that_is_no_ledger_is_left_as_it_was(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o644)
    unusable(path)
    assert path.read_bytes() == content and (os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o644)


@pytest.mark.parametrize("version", [0, 1, 5])
def test_another_programs_database_is_left_as_it_was(path: Path, version: int) -> None:
    with raw(path) as db:
        db.executescript(f"CREATE TABLE moz_places (id INTEGER); PRAGMA user_version = {version};")
    before = path.read_bytes()
    assert "another program" in unusable(path).message
    assert path.read_bytes() == before


def test_a_ledger_of_a_later_version_is_left_as_it_was(path: Path) -> None:
    open_for_run(path).close()
    with raw(path) as db:
        db.execute("PRAGMA user_version = 999")
    assert "another version" in unusable(path).message


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE told SET facts = 'no json'",
        "UPDATE person SET fields = '[1'",
        "UPDATE version SET stamp = 'yesterday'",
        "UPDATE person SET fields = CAST(x'ff' AS TEXT)",
    ],
)
def test_a_damaged_entry_is_said_in_words(path: Path, damage: str) -> None:
    with open_for_run(path) as ledger:
        send(ledger, ANA, "accepted")
    with raw(path) as db:
        db.execute(damage)
    unusable(path)


def test_a_damaged_file_is_said_in_words(path: Path) -> None:
    with open_for_run(path) as ledger:
        for number in range(200):
            begin(ledger, someone(number))
    content = bytearray(path.read_bytes())
    for at in range(4096, len(content), 512):
        content[at : at + 256] = b"\xaa" * 256
    path.write_bytes(content)
    for opening in (open_for_run, open_to_read):
        with pytest.raises(LedgerError), opening(path) as ledger:
            ledger.people(history=True)


def test_a_full_disk_is_said_in_words_and_what_was_recorded_stays(path: Path) -> None:
    with open_for_run(path) as ledger:
        send(ledger, ANA, "accepted", "250 Ok")
        pages = ledger._db.execute("PRAGMA page_count").fetchone()[0]
        ledger._db.execute(f"PRAGMA max_page_count = {pages + 4}")  # the size of the disk, as SQLite sees it
        with pytest.raises(LedgerError, match="the disk is full") as refused:
            begin(ledger, *map(someone, range(500)))
        assert refused.value.exit_code == 6
        assert set(ledger.people()) == {ANA.key}
        ledger._db.execute("PRAGMA max_page_count = 100000")
        send(ledger, someone(1), "accepted")
    with open_to_read(path) as reading:
        assert [person.outcome for person in reading.people().values()] == ["accepted", "accepted"]


READ_ONLY = """
import os, sys
from pathlib import Path
from tui.errors import LedgerError
from tui.ledger import open_for_run, open_to_read
open_to_read(Path("nowhere.db")).close()
if os.geteuid() == 0:
    os.seteuid(65534)  # nothing is read-only to root
try:
    open_for_run(Path(sys.argv[1]))
except LedgerError as error:
    print(error.exit_code, error.message)
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("what", ["file", "folder", "no folder"])
def test_a_place_that_may_not_be_written_to_is_said_in_words(what: str) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        folder = Path(name)
        place = folder / "event.ledger.db"
        with open_for_run(place) as ledger:
            send(ledger, ANA, "accepted")
        if os.geteuid() == 0:
            for thing in (folder, *folder.iterdir()):
                os.chown(thing, 65534, -1)
        if what == "folder":
            (folder / f"{place.name}-lock").unlink()
        (place if what == "file" else folder).chmod(0o400 if what == "file" else 0o500)
        place = folder / "none" / place.name if what == "no folder" else place
        done = subprocess.run(
            [sys.executable, "-B", "-c", READ_ONLY, str(place)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        folder.chmod(0o700)
        assert done.stdout.startswith("6 The ledger event.ledger.db cannot be used: "), done.stdout + done.stderr


def test_a_closed_ledger_is_said_in_words(where: Where) -> None:
    ledger = open_for_run(where)
    ledger.close()
    ledger.close()
    for call in (ledger.people, ledger.position, lambda: begin(ledger), lambda: ledger.sending(1, "d")):
        with pytest.raises(LedgerError):
            call()
    open_for_run(where).close()  # and nothing of it was opened again


def test_no_error_of_a_database_gets_out(where: Where) -> None:
    with open_for_run(where) as ledger:
        (message,) = begin(ledger)
        with raw(where) as db:
            db.execute("DROP TABLE kept")
            db.execute("DROP VIEW message")
            db.execute("DROP TABLE attempt")
        for call in (
            lambda: ledger.people(history=True),
            lambda: ledger.sending(message, "d"),
            lambda: ledger.settle(1, "accepted", ""),
            ledger.position,
        ):
            with pytest.raises(LedgerError) as refused:
                call()
            assert name_of(where) in refused.value.message


def test_the_fields_are_kept_as_they_are_given_and_nothing_else(where: Where) -> None:
    with open_for_run(where) as ledger:
        begin(ledger)
    with raw(where) as db:
        (fields,) = db.execute("SELECT fields FROM person").fetchone()
    assert json.loads(fields) == ANA.fields
