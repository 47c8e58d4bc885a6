"""What an account may send holds over all events, desks and workers of one database; several accounts share a run."""

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from tests.servers.recording import RecordingServer
from tests.workers.office import Office, account
from tui import ledger, workers
from tui.cli import main
from tui.delivery import AccountStore
from tui.errors import AccountError
from tui.folder import Folder
from tui.ledger import Desk, Server
from tui.mailing import Control, PausedError
from tui.workers import Working

Opens = Callable[..., Office]


@pytest.fixture
def another(office: Office, tmp_path: Path) -> Opens:
    """Opens another event in the same database; to as many people, with what its event file says more."""
    numbers = iter("123456789")

    def opens(count: int, *, more: str = "", connections: int = 2) -> Office:
        number = next(numbers)
        (tmp_path / number).mkdir()
        event = Office(tmp_path / number, office.postgres, office.server, ExitStack())
        event.address, event.environment = office.address, office.environment
        event.invites(count, connections=connections, more=more)
        file = event.path / "event.toml"
        said, is_its_own = re.subn('(?m)^uid = ".{8}', f'uid = "{int(number):08}', file.read_text(encoding="utf-8"))
        assert is_its_own
        file.write_text(said, encoding="utf-8")
        return event

    return opens


def mailed(server: RecordingServer) -> list[str]:
    return [address for message in server.messages for address in message.rcpt_tos]


def folder_with(office: Office, *accounts: str) -> Folder:
    """The event folder of an organiser who has named these accounts."""
    folder = office.folder()
    return Folder(replace(folder.choices, account=accounts[0], also=accounts[1:]), office.environment)


def hand_over(office: Office, *accounts: str) -> None:
    folder = folder_with(office, *accounts)
    workers.hand_over(folder, folder.plan(), control=Control())


def test_a_daily_quota_holds_over_all_events_of_a_database_and_its_desks_and_workers(
    office: Office, another: Opens
) -> None:
    office.invites(4, more="per_day = 9")
    office.hand_over()
    office.work()
    assert len(office.mailed) == 4
    at_a_desk = another(3, more="per_day = 9")
    folder = at_a_desk.folder()
    assert len([*folder.send(folder.plan(), control=Control())]) == 3
    assert folder.forecast(6).over_quota_by == 4
    handed_over = another(6, more="per_day = 9")
    handed_over.hand_over()
    handed_over.work()
    assert len(office.server.messages) == 9
    assert "for all events together" in handed_over.standing().handover.said
    last = another(3, more="per_day = 9")
    with pytest.raises(PausedError, match="daily quota"):
        list(last.folder().send(last.folder().plan(), control=Control()))
    assert len(office.server.messages) == 9


def test_what_left_before_an_event_was_moved_to_a_server_counts_there(office: Office) -> None:
    office.invites(5, more="per_day = 7")
    environment = {name: value for name, value in office.environment.items() if name != "INVITE_TUI_LEDGER"}
    laptop = office.folder(environment)
    list(laptop.send(laptop.plan(only=[f"guest{at}@example.org" for at in range(3)]), control=Control()))
    ledger.move(laptop.ledger_path, office.folder().ledger_path)
    (office.path / "event.toml").write_text(
        (office.path / "event.toml").read_text(encoding="utf-8").replace("per_day = 7", "per_day = 4"), encoding="utf-8"
    )
    office.hand_over()
    office.work()
    assert len(office.mailed) == 4


def test_several_accounts_share_a_run_and_nobody_is_sent_it_by_two(
    office: Office, two_relays: dict[str, RecordingServer]
) -> None:
    office.invites(60, connections=2)
    hand_over(office, "north", "south")
    office.work("north", "south")
    north, south = map(mailed, two_relays.values())
    assert north and south and sorted(north + south) == sorted(office.outcomes())
    assert {message.mail_from for server in two_relays.values() for message in server.messages} == {
        "consultations@department.example"
    }
    standing = office.standing()
    assert (standing.handover.state, standing.handover.account) == ("done", "north, south")


def test_which_account_sent_whose_message_is_told_and_proved(
    office: Office,
    two_relays: dict[str, RecordingServer],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    office.invites(45, connections=1)
    hand_over(office, "north", "south")
    office.work("north", "south")
    monkeypatch.chdir(office.path)
    for name, value in office.environment.items():
        monkeypatch.setenv(name, value)
    sent = {address: name for name, server in two_relays.items() for address in mailed(server)}
    assert main(["status", "--json"]) == 0
    people = json.loads(capsys.readouterr().out)["attendees"]
    assert {one["address"]: one["history"][0]["account"] for one in people} == sent
    assert main(["report", "--evidence", "evidence.jsonl"]) == main(["report", "--verify", "evidence.jsonl"]) == 0
    lines = [*map(json.loads, Path("evidence.jsonl").read_text(encoding="utf-8").splitlines())]
    told = {one["recipient"]: one["attempts"][0]["account"] for one in lines if one["kind"] == "message"}
    assert told == sent
    nameless = ["report", "--anonymous", "--evidence", "nameless.jsonl"]
    assert main(nameless) == main(["report", "--verify", "nameless.jsonl"]) == 0
    assert "north" not in Path("nameless.jsonl").read_text(encoding="utf-8")
    ledger.move(office.folder().ledger_path, office.path / "moved.ledger.db")
    with ledger.open_to_read(office.path / "moved.ledger.db") as moved:
        assert {one.address: one.history[0].account for one in moved.people(history=True).values()} == sent


def test_an_account_that_has_nothing_left_to_do_helps_one_that_has(
    office: Office, two_relays: dict[str, RecordingServer]
) -> None:
    """Nobody sends through the other one, which is as slow as it gets."""
    office.invites(100, connections=1)
    hand_over(office, "north", "south")
    office.work("south")
    assert office.standing().handover.state == "done"
    assert len(set(mailed(two_relays["south"]))) == len(two_relays["south"].messages) == 100
    assert office.rows("SELECT count(*) FROM procrastinate_jobs") == [(0,)]


def test_what_one_account_may_not_send_today_another_of_the_run_sends(
    office: Office, another: Opens, two_relays: dict[str, RecordingServer]
) -> None:
    before = another(50, more="per_day = 50")
    hand_over(before, "north")
    before.work("north")
    office.invites(50, more="per_day = 50")
    hand_over(office, "north", "south")
    office.work("north", "south")
    assert (len(two_relays["north"].messages), len(two_relays["south"].messages)) == (50, 50)
    assert office.standing().handover.state == "done"


def test_the_accounts_of_a_run_have_one_sender_on_every_machine(
    office: Office, two_relays: dict[str, RecordingServer]
) -> None:
    office.invites(3)
    there, south = AccountStore(office.path / "there"), two_relays["south"]
    there.add(account("south", south, sender="bulk@relay.example"), None)
    hand_over(office, "south")
    how = Working(["south"], until_empty=True)
    elsewhere = office.environment | {"INVITE_TUI_CONFIG_DIR": str(office.path / "there")}
    workers.work(Server.parse(office.address), Desk("Bo", "there"), how, lambda _: None, elsewhere)
    assert south.messages == [] and "sends as bulk@relay.example" in office.standing().handover.said
    workers.steer(office.folder(), "stop")
    office.environment = elsewhere
    there.add(account("north", south), None)
    with pytest.raises(AccountError, match=r"sends as bulk@relay\.example"):
        hand_over(office, "north", "south")


def test_one_desk_alone_sends_with_one_account(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.invites(1)
    words = ["send", str(office.path / "list.csv"), "--account", "north", "--account", "south", "--confirm", "1"]
    assert main(words) == 2
    assert "Only workers divide a run" in capsys.readouterr().err
