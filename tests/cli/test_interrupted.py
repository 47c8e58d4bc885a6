"""A send that is interrupted: what was in flight is settled and recorded, and the next send finishes the rest."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Desk, wait_for
from tests.servers.recording import RecordingServer

Live = tuple[Desk, RecordingServer]
SEND = ("send", "attendees.csv", "--confirm", "55", "--json")


def started(desk: Desk, output: int = subprocess.PIPE, **more: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tui", *SEND],
        cwd=desk.path,
        env=os.environ | desk.environment,
        stdin=more.pop("stdin", subprocess.DEVNULL),
        stdout=output,
        stderr=more.pop("stderr", subprocess.PIPE),
        encoding="utf-8",
        **more,
    )


def assert_the_rest_is_sent_by_the_next_one(desk: Desk, server: RecordingServer, unknown: int = 0) -> None:
    server.behave()
    desk.environment["INVITE_TUI_SMTP_PER_MINUTE"] = "0"
    left = desk.json("plan", "attendees.csv")["counts"]["invite"]
    assert desk.json("send", "attendees.csv", "--confirm", str(left))["counts"]["accepted"] == left
    arrived = Counter(message.rcpt_tos[0] for message in server.messages)
    assert set(arrived.values()) == {1} and 55 - unknown <= len(arrived) <= 55
    assert desk.json("status")["counts"]["unknown"] == unknown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_settles_what_is_in_flight_and_says_what_became_of_everybody(live: Live, number: int) -> None:
    desk, server = live
    desk.environment["INVITE_TUI_SMTP_PER_MINUTE"] = "120"
    process = started(desk)
    wait_for(lambda: len(server.messages) > 3)
    process.send_signal(number)
    said, told = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in told and "Stopping" in told
    counts = json.loads(said)["counts"]
    assert counts["accepted"] == len(server.messages) and counts["unknown"] == 0
    assert counts["accepted"] + counts["unsent"] == 55
    assert desk.json("status")["counts"] == counts


def test_a_second_one_leaves_at_once_though_the_server_is_silent(live: Live, tmp_path: Path) -> None:
    desk, server = live
    server.hang("STORED", after=5)
    told = tmp_path / "told"
    with told.open("wb") as file:
        process = started(desk, stderr=file)
    wait_for(lambda: len(server.messages) == 6)
    process.send_signal(signal.SIGINT)
    wait_for(lambda: "Stopping" in told.read_text(encoding="utf-8"))
    wait_for(lambda: "the server's answer to what is in flight" in told.read_text(encoding="utf-8"))
    assert process.poll() is None  # the server is given some time
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in told.read_text(encoding="utf-8")
    counts = json.loads(said)["counts"]
    assert (counts["accepted"], counts["unknown"], counts["unsent"]) == (5, 1, 49)
    assert_the_rest_is_sent_by_the_next_one(desk, server, unknown=1)


def test_a_terminal_that_is_closed_settles_what_is_in_flight(live: Live, tmp_path: Path) -> None:
    desk, server = live
    desk.environment["INVITE_TUI_SMTP_PER_MINUTE"] = "120"
    screen, terminal = pty.openpty()
    ready = "import os, sys, fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", ready, sys.executable, "-m", "tui", *SEND],
        cwd=desk.path,
        env=os.environ | desk.environment,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    wait_for(lambda: len(server.messages) > 3)
    os.close(screen)
    assert process.wait(60) == 130
    assert desk.json("status")["counts"]["accepted"] == len(server.messages) < 55
    assert_the_rest_is_sent_by_the_next_one(desk, server)


def test_who_stops_listening_to_the_progress_stops_nothing(live: Live) -> None:
    desk, server = live
    desk.environment["INVITE_TUI_SMTP_PER_MINUTE"] = "6000"
    process = started(desk)
    wait_for(lambda: len(server.messages) > 3)
    assert process.stderr and process.stdout
    process.stderr.close()
    assert json.loads(process.stdout.read())["counts"]["accepted"] == 55
    process.stdout.close()
    assert process.wait(60) == 0 and len(server.messages) == 55
