"""What a send waits for: its hour, second thoughts, the organiser's word; and what is told before it."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta, tzinfo
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.cli.conftest import Desk, on_a_terminal, wait_for
from tests.servers.recording import RecordingServer
from tui.cli import holding
from tui.mailing import Control
from tui.mailing.holding import Undone

Live = tuple[Desk, RecordingServer]


class Clock(Control):
    """Time passes by waiting alone; the run is stopped when `stop_at` seconds have passed."""

    def __init__(self, stop_at: float = 1e9) -> None:
        super().__init__()
        self.passed, self.stop_at = 0.0, stop_at

    def wait(self, seconds: float) -> bool:
        self.passed += seconds
        if self.passed >= self.stop_at:
            self.stop()
        return self.stopped

    def seconds(self) -> float:
        return self.passed

    def now(self) -> datetime:
        return datetime(2027, 4, 29, 8, 0, tzinfo=UTC) + timedelta(seconds=self.passed)


# --- with a clock that the test turns ---------------------------------------------------------------------------------


def test_the_first_message_is_held_back_as_long_as_was_asked() -> None:
    clock = Clock()
    holding.hold(30, clock, clock.seconds)
    assert 30 <= clock.passed < 31


def test_who_thinks_again_in_time_is_told_that_nothing_was_sent() -> None:
    clock = Clock(stop_at=12)
    with pytest.raises(Undone, match="nothing was sent") as undone:
        holding.hold(30, clock, clock.seconds)
    assert undone.value.exit_code == 130 and clock.passed < 14


def test_it_waits_for_its_hour_by_the_clock_on_the_wall(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    holding.wait_for(datetime(2027, 4, 29, 9, 0, tzinfo=UTC), clock, clock.now)
    assert 3600 <= clock.passed < 3601
    told = capsys.readouterr().err
    assert "Thursday 29 April 2027, 09:00 UTC (UTC+00:00)" in told
    assert "later than that" not in told


def test_without_a_terminal_it_says_a_line_now_and_then_and_more_often_towards_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock()
    holding.wait_for(datetime(2027, 4, 30, 9, 0, tzinfo=UTC), clock, clock.now)
    lines = [line for line in capsys.readouterr().err.splitlines() if "begins in" in line]
    assert 40 < len(lines) < 80
    assert lines[0].endswith("1 d 1 h") and lines[-1].endswith(" s")


def test_a_machine_that_slept_through_its_hour_says_that_it_is_late(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    asleep = iter([0.0, 3000.0, 9000.0, 9000.0])
    holding.wait_for(
        datetime(2027, 4, 29, 9, 0, tzinfo=UTC),
        clock,
        lambda: datetime(2027, 4, 29, 8, 0, tzinfo=UTC) + timedelta(seconds=next(asleep)),
    )
    assert "1 h 30 min later" in capsys.readouterr().err


def test_a_stop_at_the_last_moment_still_sends_nothing() -> None:
    clock = Clock()
    clock.stop()
    with pytest.raises(Undone):
        holding.hold(0, clock, clock.seconds)


# --- the command ------------------------------------------------------------------------------------------------------


def _soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _start(desk: Desk, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tui", "send", "attendees.csv", *words],
        cwd=desk.path,
        env=os.environ | desk.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def test_a_send_with_undo_sends_when_nobody_thinks_again(live: Live) -> None:
    desk, server = live
    done = desk.run("send", "attendees.csv", "--confirm", "55", "--undo", "1")
    assert "first message leaves in 1 s" in done.stderr
    assert len(server.messages) == 55


@pytest.mark.parametrize(("words", "number"), [(("--undo", "600"), signal.SIGTERM), (("--at", ""), signal.SIGINT)])
def test_a_signal_while_it_waits_sends_and_records_nothing(live: Live, words: tuple[str, ...], number: int) -> None:
    desk, server = live
    process = _start(desk, "--confirm", "55", "--json", *(word or _soon(3600) for word in words))
    assert process.stderr is not None
    told = ""
    while "Ctrl+C" not in told:
        told = process.stderr.readline()
        assert told
    process.send_signal(number)
    said, told = process.communicate(timeout=60)
    assert process.returncode == 130 and "nothing was sent" in told and "Traceback" not in told
    assert json.loads(said)["error"]["code"] == "undone"
    assert not server.messages and server.connections == 0
    assert desk.json("status")["attendees"] == []
    assert not (desk.path / "event.ledger.sent").exists()


def test_an_hour_after_the_event_is_refused(live: Live) -> None:
    desk, server = live
    refused = desk.json("send", "attendees.csv", "--confirm", "55", "--at", "2099-01-01 09:00", code=2)
    assert "the event is over" in refused["error"]["message"] and not server.messages


def test_a_send_at_its_hour_waits_and_then_sends(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Later":
            return super().now(tz) + timedelta(hours=1)

    desk, server = live
    monkeypatch.setattr(holding, "datetime", Later)  # the hour comes in a second, however long the command takes
    done = desk.run("send", "attendees.csv", "--confirm", "55", "--at", _soon(3601))
    assert "Waiting until" in done.stderr and "London time (UTC+" in done.stderr
    assert len(server.messages) == 55


def test_files_that_change_during_the_wait_stop_the_send(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, server = live

    def wait_until(*_: object) -> float:
        desk.change("event.toml", "Pathways", "Other ways")
        return 0.0

    monkeypatch.setattr(holding, "wait_until", wait_until)
    done = desk.run("send", "attendees.csv", "--confirm", "55", "--at", _soon(3600), code=1)
    assert "Waiting until" in done.stderr and "no longer the one that was confirmed" in done.stderr
    assert not server.messages
    assert desk.json("status")["attendees"] == []


@pytest.mark.parametrize(
    ("at", "saying"), [("2020-01-01 09:00", "is over"), ("tomorrow", "no date"), ("2027-02-30 09:00", "there is no")]
)
def test_a_moment_that_cannot_be_waited_for_is_wrong_usage(live: Live, at: str, saying: str) -> None:
    desk, server = live
    assert saying in desk.run("send", "attendees.csv", "--confirm", "55", "--at", at, code=2).stderr
    assert server.connections == 0


# --- canary -----------------------------------------------------------------------------------------------------------


def test_without_a_terminal_the_first_ones_go_and_the_same_command_sends_the_rest(live: Live) -> None:
    desk, server = live
    done = desk.run("send", "attendees.csv", "--confirm", "55", "--canary", "3", "--json", code=3)
    counts = json.loads(done.stdout)["counts"]
    assert (counts["accepted"], counts["unsent"], len(server.messages)) == (3, 52, 3)
    assert "--confirm 52" in done.stderr
    # Everybody is in exactly one state, and what has to wait has cost the server nothing.
    assert desk.json("status")["counts"] == counts
    assert server.connections == 1
    assert desk.json("plan", "attendees.csv")["counts"]["invite"] == 52
    done = desk.run("send", "attendees.csv", "--confirm", "52", "--canary", "3", "--json")
    assert json.loads(done.stdout)["counts"]["accepted"] == 52
    assert len({message.rcpt_tos[0] for message in server.messages}) == len(server.messages) == 55


def test_the_number_that_is_confirmed_is_that_of_all(live: Live) -> None:
    desk, server = live
    desk.run("send", "attendees.csv", "--confirm", "3", "--canary", "3", code=1)
    assert not server.messages


def test_a_canary_as_large_as_the_list_is_the_whole_send(live: Live) -> None:
    desk, _ = live
    assert desk.json("send", "attendees.csv", "--confirm", "55", "--canary", "55")["counts"]["accepted"] == 55


def test_a_canary_that_is_refused_leaves_the_others_unsent(live: Live) -> None:
    desk, server = live
    server.say("DATA", "554 5.7.1 spam")
    counts = desk.json("send", "attendees.csv", "--confirm", "55", "--canary", "2", code=3)["counts"]
    assert (counts["refused"], counts["unsent"]) == (2, 53)
    assert desk.json("status")["counts"]["unsent"] == 53


def test_a_canary_before_which_the_account_fails_is_recorded_whole(live: Live) -> None:
    desk, server = live
    desk.environment["INVITE_TUI_SMTP_PASSWORD"] = "wrong horse"
    assert desk.json("send", "attendees.csv", "--confirm", "55", "--canary", "2", code=4)["counts"]["unsent"] == 55
    assert desk.json("status")["counts"]["unsent"] == 55
    assert server.verbs().count("AUTH") == 1
    # They were left by an earlier run, but nobody has seen any of it yet.
    desk.environment["INVITE_TUI_SMTP_PASSWORD"] = server.password
    assert desk.json("send", "attendees.csv", "--confirm", "55", "--canary", "2", code=3)["counts"]["accepted"] == 2


def test_on_a_terminal_the_organiser_gives_their_word(live: Live) -> None:
    desk, server = live
    with on_a_terminal(desk, "send", "attendees.csv", "--confirm", "55", "--canary", "3") as terminal:
        wait_for(lambda: terminal.shows("Type 52 to send the others"))
        assert terminal.shows("3 accepted") and len(server.messages) == 3
        terminal.type("52\n")
        assert terminal.process.wait(60) == 0
    assert len(server.messages) == len(desk.json("status")["attendees"]) == 55


@pytest.mark.parametrize("answer", ["53\n", "\n", ""])
def test_another_word_leaves_the_others_for_later(live: Live, answer: str) -> None:
    desk, server = live
    words = ("send", "attendees.csv", "--confirm", "55", "--canary", "3")
    assert "Type 52" in desk.run(*words, code=3, typed=answer, on_terminal=True).stderr
    assert len(server.messages) == 3 and len(desk.json("status")["attendees"]) == 55


@pytest.mark.parametrize(
    ("words", "counts"),
    [(("--undo", "3000"), rb"first message leaves in (\d\d:\d\d)"), (("--at", ""), rb"sending begins in (\d\d:\d\d)")],
)
def test_on_a_terminal_a_countdown_counts_and_ctrl_c_sends_nothing(
    live: Live, words: tuple[str, ...], counts: bytes
) -> None:
    desk, server = live
    said = [word or _soon(3600) for word in words]
    with on_a_terminal(desk, "send", "attendees.csv", "--confirm", "55", *said) as terminal:
        wait_for(lambda: len(set(re.findall(counts, terminal.shown))) > 1)
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait(60) == 130
    assert server.connections == 0 and desk.json("status")["attendees"] == []


# --- what is told before ----------------------------------------------------------------------------------------------


def test_the_plan_says_how_long_it_takes_and_what_is_over_the_quota(live: Live) -> None:
    desk, _ = live
    desk.environment |= {"INVITE_TUI_SMTP_PER_MINUTE": "27", "INVITE_TUI_SMTP_PER_DAY": "50"}
    forecast = desk.json("plan", "attendees.csv")["forecast"]
    assert (forecast["over_quota_by"], forecast["per_day"], forecast["per_minute"]) == (5, 50, 27)
    assert forecast["seconds"] > 86_400 and forecast["passes_midnight"]
    said = desk.run("plan", "attendees.csv").stdout
    assert "5 of them are over the daily quota: what was set allows 50 messages in 24 hours" in said
    desk.environment["INVITE_TUI_SMTP_PER_DAY"] = "0"
    said = desk.run("plan", "attendees.csv").stdout
    assert "It takes about 2 min at 27 a minute and ends at about" in said and "quota" not in said


def test_the_plan_counts_what_went_out_in_the_last_day(live: Live) -> None:
    desk, _ = live
    desk.run("send", "attendees.csv", "--confirm", "55")
    desk.change("event.toml", "Pathways", "Other ways")
    desk.environment["INVITE_TUI_SMTP_PER_DAY"] = "100"
    forecast = desk.json("plan", "attendees.csv")["forecast"]
    assert (forecast["sent_lately"], forecast["over_quota_by"]) == (55, 10)


def test_the_numbers_of_the_provider_are_the_defaults_and_the_event_file_wins(desk: Desk) -> None:
    desk.environment |= {"INVITE_TUI_SMTP_HOST": "smtp.office365.com"}
    forecast = desk.json("plan", "attendees.csv")["forecast"]
    assert (forecast["provider"], forecast["per_minute"], forecast["per_day"]) == ("Microsoft 365", 27, 10_000)
    event = desk.path / "event.toml"
    event.write_text(event.read_text("utf-8") + "\n[sending]\nper_minute = 5\nper_day = 20\nconnections = 8\n", "utf-8")
    plan = desk.json("plan", "attendees.csv")
    assert (plan["forecast"]["per_minute"], plan["forecast"]["per_day"]) == (5, 20)
    [caution] = plan["cautions"]
    assert "8 connections are set, and Microsoft 365 allows 3" in caution


def test_without_an_account_there_is_nothing_to_foretell(desk: Desk) -> None:
    plan = desk.json("plan", "attendees.csv")
    assert "forecast" not in plan and "cautions" not in plan


# --- the ledger -------------------------------------------------------------------------------------------------------


def test_a_ledger_that_is_missing_although_messages_went_out_stops_everything(live: Live) -> None:
    desk, server = live
    desk.run("send", "attendees.csv", "--confirm", "55")
    for left in desk.path.glob("event.ledger.db*"):
        left.rename(desk.path.parent / left.name)
    for words in (
        ("plan", "attendees.csv"),
        ("send", "attendees.csv", "--confirm", "55"),
        ("resend", "ana@example.org", "--confirm", "1"),
        ("cancel", "--all", "--confirm", "0"),
        ("status",),
    ):
        done = desk.run(*words, code=6)
        assert "missing" in done.stderr and "Restore" in done.stderr and "--ledger" in done.stderr
    assert desk.json("plan", "attendees.csv", code=6)["error"]["code"] == "ledger-missing"
    assert len(server.messages) == 55
    moved = str(desk.path.parent / "event.ledger.db")
    assert desk.json("plan", "attendees.csv", "--ledger", moved)["counts"]["invite"] == 0
    (desk.path / "event.ledger.sent").unlink()
    assert desk.json("plan", "attendees.csv")["counts"]["invite"] == 55


def test_a_clock_that_was_set_back_is_told_and_later_messages_are_still_later(
    live: Live,
) -> None:
    desk, server = live
    desk.run("send", "attendees.csv", "--confirm", "55")
    _into_the_future(desk.path / "event.ledger.db")
    desk.change("event.toml", "Pathways", "Other ways")
    [caution] = desk.json("plan", "attendees.csv")["cautions"]
    assert "clock" in caution and "2098" in caution
    done = desk.run("send", "attendees.csv", "--confirm", "55")
    assert "clock" in done.stderr
    stamps = [_dtstamp(message.data) for message in server.messages[55:]]
    assert len(stamps) == 55 and all(stamp > "DTSTAMP:20980101T000000Z" for stamp in stamps)


def _dtstamp(raw: bytes) -> str:
    [calendar] = [part for part in message_from_bytes(raw).walk() if part.get_content_type() == "text/calendar"]
    lines = bytes(calendar.get_payload(decode=True)).decode().splitlines()
    return next(line for line in lines if line.startswith("DTSTAMP:"))


def _into_the_future(path: Path) -> None:
    """As if all of it had been recorded by a clock that was 70 years ahead."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript("DROP TRIGGER attempt_settles_once;")
        db.execute("UPDATE attempt SET started_at = '2098-01-01T00:00:00.000+00:00', settled_at = NULL")
        db.execute("UPDATE version SET stamp = '2098-01-01T00:00:00+00:00'")
        db.commit()
