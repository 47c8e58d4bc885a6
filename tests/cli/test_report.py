"""Reports and evidence of real sends, as a user asks for them."""

import csv
import json
import os
import shutil
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Desk
from tests.cli.test_repair import FIVE, leaked, repaired
from tests.servers.authority import Authority
from tests.servers.recording import Message, RecordingServer
from tui import data
from tui.guard.checks import CHECKS


@dataclass(frozen=True)
class Done:
    """An event folder from which three people were sent something, and what the server took."""

    folder: Path
    taken: tuple[Message, ...]


@pytest.fixture(scope="module")
def done(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """The second of the three was refused; the first was cancelled afterwards."""
    folder = tmp_path_factory.mktemp("done") / "event"
    shutil.copytree(data.samples(), folder, ignore=shutil.ignore_patterns("outbox", "*.ledger*"))
    # The surroundings of a single test are not here yet.
    home = dict.fromkeys(("HOME", "XDG_CONFIG_HOME"), str(folder.parent))
    desk = Desk(folder, {"INVITE_TUI_ACCOUNT": "env"} | home)
    with RecordingServer(authority) as server:
        desk.use(server)
        people = [action["address"] for action in desk.json("plan", "attendees.csv")["actions"]][:3]
        server.say("RCPT", "550 5.1.1 <bad> No such user", to=people[1])
        only = [word for address in people for word in ("--only", address)]
        desk.json("send", "attendees.csv", *only, "--confirm", "3", code=3)
        desk.json("cancel", people[0], "--confirm", "1")
        return Done(folder, tuple(server.messages))


@pytest.fixture
def sent(done: Done, tmp_path: Path) -> Desk:
    """A desk with a copy of that folder."""
    folder = tmp_path / "sent"
    shutil.copytree(done.folder, folder)
    return Desk(folder)


def evidence_of(desk: Desk, *words: str) -> tuple[list[dict[str, Any]], str]:
    """The lines of the evidence, and the seal that was printed."""
    document = desk.json("report", "--evidence", "evidence.jsonl", *words)
    text = (desk.path / "evidence.jsonl").read_text(encoding="ascii")
    return [json.loads(line) for line in text.splitlines()], document["seal"]


def test_evidence_has_the_digest_of_the_very_bytes_that_the_server_took(sent: Desk, done: Done) -> None:
    desk = sent
    lines, seal = evidence_of(desk)
    messages = [line for line in lines if line["kind"] == "message"]
    assert [(line["action"], line["outcome"]) for line in messages] == [
        ("invite", "accepted"),
        ("invite", "refused"),
        ("invite", "accepted"),
        ("cancel", "accepted"),
    ]
    digests = {message.rcpt_tos: sha256(message.data).hexdigest() for message in done.taken[:2]}
    told = {(line["recipient"],): line["digest"] for line in messages[:3] if line["outcome"] == "accepted"}
    assert told == digests
    assert all(line["cleared_by"] == list(CHECKS) for line in messages)
    assert messages[1]["attempts"][0]["reply"] == "550 5.1.1 <bad> No such user"
    assert lines[-1]["hash"] == seal


def test_the_seal_is_printed_and_verified_with_and_without_the_ledger(sent: Desk, tmp_path: Path) -> None:
    desk = sent
    said = desk.run("report", "--evidence", "evidence.jsonl")
    seal = said.stdout.partition("Seal of the evidence: ")[2].split()[0]
    assert "agrees with the ledger" in desk.run("report", "--verify", "evidence.jsonl", "--seal", seal.upper()).stdout
    elsewhere = Desk(tmp_path / "elsewhere")
    elsewhere.path.mkdir()
    shutil.copy(desk.path / "evidence.jsonl", elsewhere.path)
    alone = elsewhere.run("report", "--verify", "evidence.jsonl", "--seal", seal)
    assert "There is no ledger here" in alone.stdout
    assert elsewhere.json("report", "--verify", "evidence.jsonl")["ledger"] == "none"
    assert [path.name for path in elsewhere.path.iterdir()] == ["evidence.jsonl"]
    other = "0" * 64
    assert "made anew" in elsewhere.run("report", "--verify", "evidence.jsonl", "--seal", other, code=1).stdout


def test_an_edited_line_is_named_with_the_reason(sent: Desk) -> None:
    desk = sent
    evidence_of(desk)
    desk.change("evidence.jsonl", "550 5.1.1", "250 2.1.5")
    assert "Line 5: It was edited" in desk.run("report", "--verify", "evidence.jsonl", code=1).stdout
    found = desk.json("report", "--verify", "evidence.jsonl", code=1)
    assert (found["holds"], found["line"], found["ledger"]) == (False, 5, "none")


def test_evidence_holds_after_further_sends_and_says_that_there_were(sent: Desk, smtp_server: RecordingServer) -> None:
    desk = sent
    desk.use(smtp_server)
    evidence_of(desk)
    person = desk.json("plan", "attendees.csv")["actions"][-1]["address"]
    desk.json("send", "attendees.csv", "--only", person, "--confirm", "1")
    found = desk.json("report", "--verify", "evidence.jsonl")
    assert found["ledger"] == "agrees"
    assert found["notes"] == ["The ledger has gone on since this was written: 1 run, 1 message, 1 attempt more."]


def test_a_report_says_the_figures_and_as_json_the_same(sent: Desk) -> None:
    desk = sent
    said = desk.run("report").stdout
    assert "3 people, 4 messages in 2 runs:\n  2 accepted, 1 refused\n" in said
    document = desk.json("report")
    assert document["counts"]["accepted"] == 2 and document["counts"]["refused"] == 1
    assert [person["state"] for person in document["attendees"]] == ["accepted", "refused", "accepted"]
    assert [message["action"] for message in document["attendees"][0]["messages"]] == ["invite", "cancel"]
    assert document["files"] == {} and document["seal"] is None
    assert [person["response"] for person in document["attendees"]] == [None, None, "none"]


def test_all_reports_at_once_and_again_over_the_old_ones(sent: Desk) -> None:
    desk = sent
    words = ("report", "--html", "r.html", "--csv", "r.csv", "--evidence", "r.jsonl")
    assert "Wrote r.html.\nWrote r.csv.\nWrote r.jsonl.\n" in desk.run(*words).stdout
    first = {name: (desk.path / name).read_bytes() for name in ("r.html", "r.csv", "r.jsonl")}
    desk.run(*words)
    assert {name: (desk.path / name).read_bytes() for name in first} == first
    rows = list(csv.DictReader((desk.path / "r.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [row["outcome"] for row in rows] == ["accepted", "refused", "accepted", "accepted"]
    assert first["r.csv"].startswith(b"\xef\xbb\xbf")
    if os.name == "posix":
        assert all((desk.path / name).stat().st_mode & 0o077 == 0 for name in first)


def test_that_forget_cannot_be_told_where_a_report_lies_is_said_and_it_is_written(sent: Desk) -> None:
    (sent.path / "event.ledger.reports").mkdir()
    assert "`forget` will not ask for it" in sent.run("report", "--csv", "report.csv").stderr
    assert (sent.path / "report.csv").exists()
    assert sent.run("report", "--csv", "nameless.csv", "--anonymous").stderr == ""


def test_without_names_nobody_is_in_any_of_them(sent: Desk) -> None:
    desk = sent
    people = desk.json("report")["attendees"]
    words = ("--html", "r.html", "--csv", "r.csv", "--evidence", "r.jsonl", "--anonymous")
    everything = desk.run("report", *words, "--json").stdout
    everything += "".join((desk.path / name).read_text(encoding="utf-8-sig") for name in ("r.html", "r.csv", "r.jsonl"))
    for person in people:
        assert person["address"] not in everything
        assert person["name"] not in everything
        assert b64encode(person["address"].encode()).decode() not in everything
    assert "@example" not in everything
    assert desk.json("report", "--verify", "r.jsonl")["ledger"] == "agrees"


def test_what_another_program_sent_is_kept_apart_and_the_promise_stays_open(desk: Desk) -> None:
    repaired(desk, leaked(FIVE))
    there = ("--event", "replacement/event.toml")
    said = desk.run("report", *there, "--html", "r.html").stdout
    assert "owed to 5 people: 0 sent, 5 still to send" in said
    assert "5 by another program" in said
    assert "owed to 5 people" in (desk.path / "r.html").read_text(encoding="utf-8")
    document = desk.json("report", *there, "--evidence", "r.jsonl")
    assert document["promise"]["open"] == 5 and document["counts"]["accepted"] == 0
    messages = [line for line in map(json.loads, (desk.path / "r.jsonl").read_text().splitlines()) if "message" in line]
    assert {(line["sent_by"], line["digest"], tuple(line["cleared_by"])) for line in messages} == {
        ("another program", None, ())
    }


@pytest.mark.parametrize(
    ("kind", "name"),
    [("--html", "event.toml"), ("--csv", "attendees.csv"), ("--evidence", "event.ledger.db"), ("--csv", "outbox.csv")],
)
def test_no_report_is_written_over_anything_else(sent: Desk, kind: str, name: str) -> None:
    sent.write("outbox.csv", "person,name\n")
    before = {path.name: path.read_bytes() for path in sent.path.iterdir() if path.is_file()}
    refused = sent.run("report", kind, name, code=1)
    assert "nothing was written" in refused.stderr and refused.stdout == ""
    assert {path.name: path.read_bytes() for path in sent.path.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("path", ["no/such/folder/r.html", ".", "x" * 300])
def test_a_path_that_cannot_be_written_is_one_sentence(desk: Desk, path: str) -> None:
    refused = desk.run("report", "--html", path, code=1)
    assert refused.stderr.startswith(f"invite-tui: {path}") and "cannot be written" in refused.stderr
    assert refused.stdout == ""


def test_a_device_is_no_place_for_a_report(desk: Desk) -> None:
    if Path("/dev/full").exists():
        assert "device" in desk.run("report", "--csv", "/dev/full", code=1).stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--verify", "e.jsonl", "--html", "r.html"),
        ("--verify", "e.jsonl", "--seal", "abc"),
        ("--seal", "0" * 64),
        ("--html", "r", "--csv", "./r"),
    ],
    ids=" ".join,
)
def test_words_that_do_not_fit_together_are_wrong_usage(desk: Desk, words: tuple[str, ...]) -> None:
    desk.run("report", *words, code=2)
    assert not (desk.path / "r").exists()


def test_evidence_or_a_ledger_that_is_not_there_is_one_sentence(desk: Desk) -> None:
    assert "There is no file e.jsonl" in desk.run("report", "--verify", "e.jsonl", code=1).stderr
    desk.write("e.jsonl", "")
    assert "no ledger x.db" in desk.run("report", "--verify", "e.jsonl", "--ledger", "x.db", code=1).stderr
    assert "closing line is missing" in desk.run("report", "--verify", "e.jsonl", code=1).stdout
    assert "folder" in desk.run("report", "--verify", ".", code=1).stderr
    assert "no line of evidence" in desk.run("report", "--verify", "attendees.csv", code=1).stdout


def test_before_anything_was_sent_a_report_says_so_and_its_evidence_holds(desk: Desk) -> None:
    assert "Nothing has been sent yet." in desk.run("report", "--html", "r.html", "--evidence", "e.jsonl").stdout
    assert "Nothing has been sent yet." in (desk.path / "r.html").read_text(encoding="utf-8")
    assert desk.json("report", "--verify", "e.jsonl")["holds"] is True
    assert not (desk.path / "event.ledger.db").exists()
