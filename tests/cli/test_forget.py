"""Forgetting people, as a user asks for it: what goes, what stays, what is said, and what stands in its way."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Desk, on_a_terminal, wait_for
from tests.cli.test_repair import FIVE, leaked, repaired
from tests.servers.authority import Authority
from tests.servers.recording import RecordingServer
from tui import data
from tui.cli import main
from tui.folder import open_folder
from tui.forgetting import forget, whom
from tui.ledger import Ledger, open_for_run
from tui.ledger.databases.sqlite import File

Live = tuple[Desk, RecordingServer]
Sent = tuple[Desk, list[dict[str, str]]]


@pytest.fixture(scope="module")
def done(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, str]]]:
    """Three people were sent something, of whom the second was refused; there is an outbox, and there are reports."""
    folder = tmp_path_factory.mktemp("done") / "event"
    folder.mkdir()
    # The surroundings of a single test are not here yet.
    desk = Desk(folder, {"INVITE_TUI_ACCOUNT": "env"} | dict.fromkeys(("HOME", "XDG_CONFIG_HOME"), str(folder.parent)))
    event = (data.samples() / "event.toml").read_text(encoding="utf-8")
    desk.write("event.toml", f"{event}\n[sending]\nkeep = true\n")
    rows = (data.samples() / "attendees.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    desk.write("attendees.csv", "".join(rows[:6]))
    with RecordingServer(authority) as server:
        desk.use(server)
        people = desk.json("plan", "attendees.csv")["actions"][:3]
        second = people[1]["address"]
        server.say("RCPT", f"550 5.1.1 <{second}> No such user", to=second)
        desk.run("send", "attendees.csv", "--dry-run")
        only = [word for person in people for word in ("--only", person["address"])]
        desk.json("send", "attendees.csv", *only, "--confirm", "3", code=3)
    desk.run("report", "--html", "report.html", "--csv", "report.csv", "--evidence", "evidence.jsonl")
    desk.run("status", "--save", "kept")
    (folder / "event.ledger.reports").unlink()  # the reports of this folder are not those of its copies
    return folder, people


@pytest.fixture
def sent(done: tuple[Path, list[dict[str, str]]], tmp_path: Path) -> Sent:
    """A desk with a copy of that folder, and the three."""
    shutil.copytree(done[0], tmp_path / "sent")
    return Desk(tmp_path / "sent"), done[1]


def named_in(desk: Desk, *values: str) -> set[str]:
    """The files of the folder that have one of these values in their bytes or in their names."""
    spellings = {form for value in values for form in (value, json.dumps(value)[1:-1])}
    return {
        path.relative_to(desk.path).as_posix()
        for path in desk.path.rglob("*")
        if path.is_file()
        if any(form in path.name or form.encode() in path.read_bytes() for form in spellings)
    }


def test_nothing_of_the_forgotten_is_left_but_in_what_is_the_organisers(sent: Sent) -> None:
    desk, people = sent
    values = (people[0]["address"], people[0]["name"])
    assert {"event.ledger.db", "report.html", "report.csv", "kept/0001-" + values[0] + ".eml"} <= named_in(
        desk, *values
    )
    shutil.copy(desk.path / "event.ledger.db", desk.path / "event.ledger.db.v2.bak")
    done = desk.json("forget", values[0].upper(), "--confirm", "1")
    assert named_in(desk, *values) == {"attendees.csv", "evidence.jsonl"}
    assert (done["forgotten"], done["removed"]) == (1, {"messages": 2, "rows": 0, "backups": 1})
    assert sorted(done["written_anew"]) == ["report.csv", "report.html"]
    assert sorted(done["still_in"]) == ["attendees.csv", "evidence.jsonl"]
    assert all(named_in(desk, person["address"]) >= {"event.ledger.db", "report.html"} for person in people[1:])


def test_the_totals_stay_and_nobody_has_a_name(sent: Sent) -> None:
    desk, people = sent
    before = desk.json("status")["counts"]
    told = desk.run("forget", people[0]["address"], people[1]["address"], "--confirm", "2")
    assert "caution: 1 person may hold an invitation to an event that is not over." in told.stderr
    said = told.stdout
    assert "Forgot 2 people." in said and "report.html anew" in said and "attendees.csv" in said
    after = desk.json("status")
    assert (after["counts"], after["forgotten"]) == (before, 2)
    assert [person["address"] for person in after["attendees"]] == [people[2]["address"]]
    assert "2 accepted, 1 refused. 2 of them were forgotten." in desk.run("status").stdout
    report = desk.json("report")
    assert [person["address"] for person in report["attendees"]] == [None, None, people[2]["address"]]
    assert report["counts"]["refused"] == 1


def test_the_forgotten_are_left_out_of_every_send_until_they_are_asked_for_by_name(
    sent: Sent, smtp_server: RecordingServer
) -> None:
    (desk, people), server = sent, smtp_server
    desk.use(server)
    gone = people[0]["address"]
    first = desk.json("status")["attendees"][0]["history"][0]["uid"]
    desk.run("forget", gone, "--confirm", "1")
    action = next(one for one in desk.json("plan", "attendees.csv")["actions"] if one["address"] == gone)
    assert action["action"] == "none" and "was forgotten, and is left out" in action["reason"]
    before = len(server.messages)
    said = desk.run("send", "attendees.csv", "--only", gone, "--confirm", "0")
    assert f"left as it is: {gone}: was forgotten" in said.stderr and len(server.messages) == before
    refused = desk.json("resend", gone, "--confirm", "1", code=1)["error"]
    assert refused["code"] == "forgotten" and "--attendees" in refused["hint"]
    (message,) = desk.json("resend", gone, "--attendees", "attendees.csv", "--confirm", "1")["messages"]
    assert (message["action"], message["outcome"], message["sequence"]) == ("invite", "accepted", 0)
    assert message["uid"] != first, "what they hold is another entry"
    assert [one["action"] for one in desk.json("plan", "attendees.csv")["actions"] if one["address"] == gone] == [
        "none"
    ]
    assert gone in {person["address"] for person in desk.json("status")["attendees"]}


def test_evidence_from_before_holds_and_says_who_was_forgotten(sent: Sent) -> None:
    desk, people = sent
    desk.run("forget", people[1]["address"], "--confirm", "1")
    found = desk.json("report", "--verify", "evidence.jsonl")
    assert (found["holds"], found["ledger"]) == (True, "agrees")
    assert found["notes"] == [
        "Line 4 is about somebody who was forgotten since: of it the ledger has no names any more."
    ]
    desk.change("evidence.jsonl", "550 5.1.1", "250 2.1.5")
    assert desk.json("report", "--verify", "evidence.jsonl", code=1)["line"] == 4


def test_a_report_that_was_written_elsewhere_is_told_wherever_it_is_and_when_it_is_gone(
    sent: Sent, tmp_path: Path
) -> None:
    desk, people = sent
    proof, table, moved = (tmp_path / name for name in ("proof.of-sending", "for-the-minister.csv", "lost.jsonl"))
    desk.run("report", "--evidence", str(proof), "--csv", str(table))
    desk.run("report", "--evidence", str(moved))
    desk.run("report", "--html", str(tmp_path / "nameless.html"), "--anonymous")
    moved.rename(tmp_path / "elsewhere.jsonl")
    other, gone = people[2]["address"], people[0]["address"]
    register = (desk.path / "event.ledger.reports").read_text()
    strange = [str(tmp_path), "//server/share/x.html", "\\\\server\\share\\x.html", "relative.html", 5, None]
    odd = [json.dumps({"path": path, "kind": "html", "at": "2027-01-01T00:00:00+00:00"}) for path in strange]
    desk.write("event.ledger.reports", "\n".join([register, *odd, "{", "[]", '{"path": "/x"}']))
    done = desk.json("forget", gone, "--confirm", "1")
    assert sorted(done["still_in"]) == sorted(["attendees.csv", "evidence.jsonl", str(proof), str(table)])
    [lost] = [one for one in done["not_found"] if one["kind"] == "evidence"]
    assert lost["file"] == str(moved)
    assert not {"//server/share/x.html", "relative.html"} & {one["file"] for one in done["not_found"]}
    said = desk.run("forget", other, "--confirm", "1").stdout
    assert f"{proof}: evidence, which cannot be changed and hold." in said
    assert f"{table}: a report; `invite-tui report --csv PATH` writes it anew" in said
    assert f"{moved}, evidence of " in said and "wherever it is now, it still names them" in said
    desk.run("report", "--csv", str(table))
    assert other not in table.read_text() and people[1]["address"] in table.read_text()


def test_evidence_names_somebody_however_json_spells_the_address(sent: Sent) -> None:
    desk, people = sent
    line = (desk.path / "evidence.jsonl").read_text().splitlines()[2]
    spelled = "".join(f"\\u{ord(letter):04x}" for letter in people[0]["address"])
    desk.change("evidence.jsonl", line, line.replace(people[0]["address"], spelled))
    assert "evidence.jsonl" in desk.json("forget", people[0]["address"], "--confirm", "1")["still_in"]


def test_everybody_is_forgotten_with_the_outbox_and_the_list_of_problems(sent: Sent) -> None:
    desk, people = sent
    desk.write("bad.csv", "Name,Email\nZed,zed@nowhere\n")
    desk.run("send", "bad.csv", "--skip-errors", "--confirm", "0")
    assert (desk.path / "problems.csv").exists()
    done = desk.json("forget", "--all", "--confirm", "3")
    assert not (desk.path / "problems.csv").exists() and not list((desk.path / "outbox").iterdir())
    assert done["removed"]["rows"] == 1
    for person in people:
        assert named_in(desk, person["address"], person["name"]) == {"attendees.csv", "evidence.jsonl"}
    assert desk.json("status")["forgotten"] == 3
    assert desk.json("plan", "attendees.csv")["counts"]["none"] == 3
    desk.run("forget", "--all", "--confirm", "0")


def test_of_the_list_of_problems_only_their_rows_go(sent: Sent) -> None:
    desk, people = sent
    gone = people[0]["address"]
    rows = f"Name,Email,Other\nZed,zed@nowhere,see {gone}\nYan,yan@nowhere,=1+1\n"
    desk.write("bad.csv", rows)
    desk.run("send", "bad.csv", "--skip-errors", "--confirm", "0")
    assert desk.json("forget", gone, "--confirm", "1")["removed"]["rows"] == 1
    with (desk.path / "problems.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["Name"], row["Other"]) == ("Yan", "'=1+1")


def test_who_was_only_rehearsed_is_forgotten_from_the_outbox(sent: Sent) -> None:
    desk, people = sent
    others = [one["address"] for one in desk.json("plan", "attendees.csv")["actions"]]
    never = next(address for address in others if address not in {person["address"] for person in people})
    assert desk.json("forget", never, "--confirm", "1")["removed"]["messages"] == 1
    assert named_in(desk, never) == {"attendees.csv"}
    assert "Nothing was ever sent to" in desk.run("forget", never, "--confirm", "1", code=1).stderr


def test_forgetting_somebody_again_finds_what_came_back(sent: Sent) -> None:
    desk, people = sent
    gone = people[0]["address"]
    desk.run("forget", gone, "--confirm", "1")
    (desk.path / "outbox" / f"0099-{gone}.eml").write_text(f"To: {gone}\n\nhello\n")
    assert desk.json("forget", gone, "--confirm", "1")["removed"]["messages"] == 1
    assert desk.json("status")["forgotten"] == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--confirm", "1"), 2, "Who is to be forgotten?"),
        (("--all", "ana@example.org", "--confirm", "1"), 2, "Who is to be forgotten?"),
        (("--all",), 2, "3 people would be forgotten. Say so: --confirm 3"),
        (("--all", "--confirm", "2"), 1, "This would forget 3 people, not 2; nobody was forgotten."),
        (("nobody@example.org", "--confirm", "1"), 1, "Nothing was ever sent to nobody@example.org"),
        (("--due", "--confirm", "3"), 1, "does not say until when"),
    ],
    ids=str,
)
def test_a_word_too_few_or_too_many_changes_nothing(
    sent: Sent,
    words: tuple[str, ...],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    desk, _ = sent
    monkeypatch.chdir(desk.path)
    before = {path: path.read_bytes() for path in desk.path.rglob("*") if path.is_file()}
    assert main(["forget", *words]) == code
    assert said in " ".join(capsys.readouterr().err.split())
    assert {path: path.read_bytes() for path in desk.path.rglob("*") if path.is_file()} == before


def test_without_a_ledger_there_is_nobody_to_forget(desk: Desk) -> None:
    assert "There is no ledger event.ledger.db" in desk.run("forget", "--all", "--confirm", "0", code=6).stderr
    assert not (desk.path / "event.ledger.db").exists()


def test_while_a_run_is_on_nobody_is_forgotten(sent: Sent) -> None:
    desk, people = sent
    with open_for_run(desk.path / "event.ledger.db"):
        assert "Another run is using" in desk.run("forget", "--all", "--confirm", "3", code=5).stderr
    assert len(desk.json("status")["attendees"]) == len(people)


def test_on_a_terminal_who_it_is_and_what_it_means_is_said_and_the_number_typed(sent: Sent) -> None:
    desk, people = sent
    for typed, code, left in (("2", 1, 3), ("1", 0, 2)):
        with on_a_terminal(desk, "forget", people[0]["address"]) as terminal:
            wait_for(lambda: terminal.shows("Type the number of people, 1"))
            assert terminal.shows(f"Ana Ruiz <{people[0]['address']}>: invite, accepted")
            assert terminal.shows("cannot be undone") and terminal.shows("1 person may hold an invitation")
            terminal.type(f"{typed}\n")
            assert terminal.process.wait(60) == code
        assert len(desk.json("status")["attendees"]) == left


def breaks_off(desk: Desk, gone: str, monkeypatch: pytest.MonkeyPatch, at: tuple[type, str]) -> None:
    """Forgetting somebody is broken off as it comes to this method."""
    folder = open_folder([], event=str(desk.path / "event.toml"))
    with monkeypatch.context() as patched:
        patched.setattr(*at, raising(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            forget(folder, whom(folder, [gone]))


def test_broken_off_before_the_ledger_forgets_the_same_command_finishes(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, people = sent
    gone = people[0]["address"]
    breaks_off(desk, gone, monkeypatch, (Ledger, "forget"))
    assert gone in {person["address"] for person in desk.json("status")["attendees"]}
    assert desk.json("forget", gone, "--confirm", "1")["forgotten"] == 1
    assert named_in(desk, gone, people[0]["name"]) == {"attendees.csv", "evidence.jsonl"}


def test_broken_off_after_the_ledger_forgot_status_says_so_and_the_same_command_finishes(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, people = sent
    gone = people[0]["address"]
    breaks_off(desk, gone, monkeypatch, (File, "overwrite"))
    assert "Forgetting was broken off: give the same `forget` command again." in desk.run("status").stdout
    desk.run("forget", gone, "--confirm", "1")
    assert "broken off" not in desk.run("status").stdout
    assert named_in(desk, gone, people[0]["name"]) == {"attendees.csv", "evidence.jsonl"}


def raising(error: type[BaseException]) -> Callable[..., None]:
    def raise_it(*_: object) -> None:
        raise error

    return raise_it


def test_after_the_day_that_the_event_file_names_status_says_who_is_due(sent: Sent) -> None:
    desk, people = sent
    desk.change("event.toml", "\ntimezone", "\nkeep_until = 2999-12-31\ntimezone")
    assert "Kept until Tuesday 31 December 2999." in desk.run("status").stdout
    assert "nobody is due yet" in desk.run("forget", "--due", "--confirm", "3", code=1).stderr
    assert desk.json("status")["event"]["keep_until"] == "2999-12-31"
    text = (desk.path / "event.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(("start", "end", "duration", "keep_until"))]
    past = "start = 2024-05-06T14:00:00\nend = 2024-05-06T15:30:00\nkeep_until = 2024-08-31\ntimezone"
    desk.write("event.toml", "\n".join(lines).replace("\ntimezone", f"\n{past}", 1))
    said = desk.run("status").stdout
    assert "3 people were to be kept until Saturday 31 August 2024, which has passed" in said
    assert "forget --due --confirm 3" in said and desk.json("status")["due_to_forget"] == 3
    assert desk.json("forget", "--due", "--confirm", "3")["forgotten"] == 3
    assert "due_to_forget" not in desk.json("status")
    assert people[0]["address"] not in desk.run("status").stdout


def test_in_a_repaired_folder_the_forgotten_and_the_released_are_told_apart_from_those_who_are_owed(
    live: Live,
) -> None:
    desk, _ = live
    repaired(desk, leaked(FIVE))
    there = ("--event", "replacement/event.toml")
    first, second, *_ = FIVE
    desk.run("cancel", first, *there, "--confirm", "1")
    said = desk.run("status", *there).stdout
    assert "owed to 5 people: 0 sent, 4 still to send, 1 released because they were cancelled by name." in said
    desk.run("forget", second, *there, "--confirm", "1")
    promise = desk.json("status", *there)["promise"]
    assert (promise["owed"], promise["open"], promise["released"], promise["forgotten"]) == (5, 3, 1, 1)
    assert "1 forgotten" in desk.run("status", *there).stdout
    assert Path(desk.path / "replacement" / "breach-record.csv").exists()
