"""A second pair of eyes: one proposes a plan, another sends it; both names stay with what was sent."""

import json
import re
from typing import Any

import pytest

from tests.cli.conftest import Desk
from tests.servers.recording import RecordingServer
from tui.cli import main


class Organisers:
    """Ana and Bo, who take turns at one desk. Commands run in this process: there are many of them."""

    def __init__(self, desk: Desk, server: RecordingServer, capsys: pytest.CaptureFixture[str]) -> None:
        self.path, self.desk, self.server, self._capsys = desk.path, desk, server, capsys

    def said(self, *words: str, code: int = 0) -> str:
        self._capsys.readouterr()
        assert main([*words]) == code, self._capsys.readouterr()
        return self._capsys.readouterr().out

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.said(*words, "--json", code=code))

    def refused(self, *words: str) -> dict[str, str]:
        found: dict[str, str] = self.json(*words, code=1)["error"]
        assert self.server.connections == 0 or "cancel" in words
        return found


@pytest.fixture
def two(
    live: tuple[Desk, RecordingServer], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Organisers:
    """A desk whose event asks for two people, and Ana at it; few are invited, so that each send is quick."""
    desk, server = live
    rows = (desk.path / "attendees.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    desk.write("attendees.csv", "".join(rows[:4]))
    desk.change("event.toml", "[columns]", "[sending]\ntwo_people = true\n\n[columns]")
    monkeypatch.chdir(desk.path)
    for name, value in desk.environment.items():
        monkeypatch.setenv(name, value)
    is_ana(monkeypatch)
    return Organisers(desk, server, capsys)


def is_ana(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVITE_TUI_NAME", "Ana Ruiz")


def is_bo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVITE_TUI_NAME", "Bo\x1b[31m Li")


BO = "Bo[31m Li"
"""As it is kept: a name draws nothing on anybody's terminal."""


def test_one_proposes_and_another_approves(two: Organisers, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = two.json("plan", "attendees.csv", "--propose")["digest"]
    waiting = two.json("status")["proposals"]
    assert [(one["digest"], one["messages"], one["proposed_by"]) for one in waiting] == [(digest, 3, "Ana Ruiz")]
    is_bo(monkeypatch)
    assert two.json("send", "attendees.csv", "--approve", digest)["counts"]["accepted"] == 3
    assert len(two.server.messages) == 3
    status = two.json("status")
    (run,) = status["runs"]
    assert (run["proposed_by"], run["confirmed_by"], status["proposals"]) == ("Ana Ruiz", BO, [])
    assert f"proposed by Ana Ruiz, approved by {BO}." in two.said("status")


def test_both_names_are_in_the_evidence_and_in_none_without_names(
    two: Organisers, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = two.json("plan", "attendees.csv", "--propose")["digest"]
    is_bo(monkeypatch)
    two.json("send", "attendees.csv", "--approve", digest)
    two.said("report", "--evidence", "evidence.jsonl", "--html", "report.html")
    run = json.loads((two.path / "evidence.jsonl").read_text(encoding="ascii").splitlines()[1])
    assert (run["proposed_by"], run["confirmed_by"]) == ("Ana Ruiz", BO)
    assert f"{BO}, proposed by Ana Ruiz" in (two.path / "report.html").read_text(encoding="utf-8")
    two.said("report", "--verify", "evidence.jsonl")
    two.said("report", "--anonymous", "--evidence", "nobody.jsonl", "--html", "nobody.html", "--csv", "nobody.csv")
    two.said("report", "--verify", "nobody.jsonl")
    for name in ("nobody.jsonl", "nobody.html", "nobody.csv"):
        assert not re.search(r"Ana Ruiz|Bo\[", (two.path / name).read_text(encoding="utf-8")), name


def test_a_number_ones_own_proposal_and_nobodys_are_not_enough(
    two: Organisers, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = two.refused("send", "attendees.csv", "--confirm", "3")
    assert refused["code"] == "two-people" and "nobody else has proposed" in refused["message"]
    digest = two.json("plan", "attendees.csv")["digest"]
    assert two.refused("send", "attendees.csv", "--approve", digest)["code"] == "two-people"
    two.json("plan", "attendees.csv", "--propose")
    own = two.refused("send", "attendees.csv", "--approve", digest)
    assert "yourself" in own["message"]
    monkeypatch.setenv("INVITE_TUI_NAME", " ANA  ruiz")
    assert "yourself" in two.refused("send", "attendees.csv", "--approve", digest)["message"]
    is_bo(monkeypatch)
    counted = two.refused("send", "attendees.csv", "--confirm", "3")
    assert "a number is not enough" in counted["message"] and digest in counted["hint"]


def test_what_has_changed_since_is_not_what_was_proposed(two: Organisers, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = two.json("plan", "attendees.csv", "--propose")["digest"]
    two.desk.change("event.toml", "virtual", "actual")
    is_bo(monkeypatch)
    assert two.refused("send", "attendees.csv", "--approve", digest)["code"] == "confirmation"


def test_a_plan_alone_writes_nothing(two: Organisers, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name for path in two.path.iterdir()}
    two.json("plan", "attendees.csv")
    assert {path.name for path in two.path.iterdir()} == before


def test_resends_and_cancellations_take_two_as_well_and_the_note_is_a_part_of_it(
    two: Organisers, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = two.json("plan", "attendees.csv", "--propose")["digest"]
    is_bo(monkeypatch)
    two.json("send", "attendees.csv", "--approve", digest)
    words = ("cancel", "ana@example.org", "--note", "The hall is closed.")
    assert two.json(*words, "--confirm", "1", code=1)["error"]["code"] == "two-people"
    digest = two.json(*words, "--propose")["digest"]
    is_ana(monkeypatch)
    other = (*words[:-1], "The hall is open.")
    assert two.json(*other, "--approve", digest, code=1)["error"]["code"] == "confirmation"
    assert two.json(*words, "--approve", digest)["counts"]["accepted"] == 1
    assert len(two.server.messages) == 4
    assert [run["proposed_by"] for run in two.json("status")["runs"]] == ["Ana Ruiz", BO]


def test_where_one_is_enough_a_proposal_is_still_remembered(two: Organisers, monkeypatch: pytest.MonkeyPatch) -> None:
    two.desk.change("event.toml", "two_people = true", "two_people = false")
    digest = two.json("plan", "attendees.csv", "--propose")["digest"]
    is_bo(monkeypatch)
    two.json("send", "attendees.csv", "--confirm", "3")
    (run,) = two.json("status")["runs"]
    assert (run["digest"], run["proposed_by"], run["confirmed_by"]) == (digest, "Ana Ruiz", BO)


def test_a_name_of_a_folder_that_somebody_sent_is_nobodys(two: Organisers, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event folder's .env is everybody's who works there; who one is stands in one's own."""
    monkeypatch.delenv("INVITE_TUI_NAME")
    monkeypatch.chdir(two.path.parent)
    two.desk.write(".env", "INVITE_TUI_NAME=Somebody Else\n")
    (name,) = two.json("plan", "event/attendees.csv", "--propose")["proposed_by"]
    assert name != "Somebody Else"


@pytest.mark.parametrize("words", [("--confirm", "3", "--approve", "x"), ("--propose", "--confirm", "3")])
def test_two_ways_at_once_are_none(two: Organisers, words: tuple[str, ...]) -> None:
    assert "exclude each other" in two.json("resend", "ana@example.org", *words, code=2)["error"]["message"]
