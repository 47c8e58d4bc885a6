"""What scripts and odd surroundings do to the commands."""

import csv
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Desk, wait_for
from tests.servers.recording import RecordingServer

Live = tuple[Desk, RecordingServer]


def test_whatever_would_send_beside_a_run_is_told_that_the_ledger_is_held_and_whoever_looks_sees(live: Live) -> None:
    desk, server = live
    desk.environment["INVITE_TUI_SMTP_PER_MINUTE"] = "60"
    desk.start("send", "attendees.csv", "--confirm", "55")
    wait_for(lambda: len(server.messages) >= 1)
    digest = desk.json("plan", "attendees.csv")["digest"]
    for words in (("--confirm", "55"), ("--approve", digest), ()):
        assert desk.json("send", "attendees.csv", *words, code=5)["error"]["code"] == "busy"
    assert desk.json("resend", "ana@example.org", "--confirm", "1", code=5)["error"]["code"] == "busy"
    assert desk.json("check", "attendees.csv")["attendees"] == len(desk.json("status")["attendees"]) == 55


def test_the_password_may_be_in_the_environment_and_the_rest_in_the_folder(live: Live) -> None:
    desk, server = live
    password = desk.environment.pop("INVITE_TUI_SMTP_PASSWORD")
    desk.write(".env", "".join(f"{name}={value}\n" for name, value in desk.environment.items()))
    desk.environment = {"INVITE_TUI_SMTP_PASSWORD": password}
    assert desk.json("send", "attendees.csv", "--confirm", "55")["counts"]["accepted"] == 55
    assert {message.user for message in server.messages} == {server.username}


def test_rows_that_are_left_out_are_named_and_keep_their_cells(live: Live) -> None:
    desk, _ = live
    desk.change("attendees.csv", "bo.li@example.com", "bo.li@@example.com")
    (desk.path / "problems.csv").write_text("mine", encoding="utf-8")
    desk.run("send", "attendees.csv", "--skip-errors", "--confirm", "55", code=1)
    assert (desk.path / "problems.csv").read_text(encoding="utf-8") == "mine", "nothing was sent, nothing is written"
    done = desk.run("send", "attendees.csv", "--skip-errors", "--confirm", "54")
    assert "line 3" in done.stderr and "bo.li@@example.com" in done.stderr
    with (desk.path / "problems.csv").open(encoding="utf-8-sig", newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["line"], row["code"], row["Audience"], row["Email"]) == (
        "3",
        "bad-address",
        "public",
        "bo.li@@example.com",
    )


def test_a_column_that_is_there_twice_is_one_error_once_the_wording_uses_it(desk: Desk) -> None:
    event = (desk.path / "event.toml").read_text("utf-8")
    desk.write("event.toml", event.partition("[columns]")[0])
    desk.write("two.csv", "Name,Email,Town,town\nAna,ana@example.org,Leeds,York\n")
    [warning] = desk.json("check", "two.csv")["problems"]
    assert (warning["code"], warning["severity"]) == ("duplicate-column", "warning")
    desk.write("templates/invitation.md", "subject: Come\n\nDear {{ name }} of {{ town }}.\n")
    [error] = desk.json("check", "two.csv", code=1)["problems"]
    assert (error["code"], error["severity"], error["file"]) == ("duplicate-column", "error", "two.csv")


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("attendees.csv <&-", 2),
        ("send attendees.csv <&-", 0),
        ("plan attendees.csv >/dev/full", 1),
        ("--help >/dev/full", 1),
        ("plan attendees.csv >&-", 0),
        ("check nothing.csv --json 2>&-", 1),
        ("check nothing.csv --json >/dev/full", 1),
    ],
)
def test_whatever_surrounds_it_there_is_no_traceback(desk: Desk, words: str, code: int) -> None:
    done = subprocess.run(
        f"{sys.executable} -m tui {words}",
        shell=True,
        cwd=desk.path,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert done.returncode == code, done.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("check " + "x" * 300 + ".csv", 1),
        ("check attendees.csv --event " + "x" * 300, 1),
        ("check attendees.csv --template " + "x" * 300 + ".md", 1),
        ("init " + "x" * 300, 1),
        ("send attendees.csv --confirm " + "9" * 5000, 2),
        ("account add env --host localhost", 4),
    ],
)
def test_words_of_any_length_are_answered_in_a_sentence(desk: Desk, words: str, code: int) -> None:
    assert desk.run(*words.split(), code=code).stderr.startswith("invite-tui")


def test_a_file_that_fails_in_the_midst_of_it_is_named(desk: Desk) -> None:
    assert desk.json("check", "/proc/self/mem", code=1)["error"]["message"].startswith(
        ("/proc/self/mem", "There is no")
    )


def test_links_in_a_circle_are_no_ledger(live: Live) -> None:
    desk, _ = live
    (desk.path / "circle.db").symlink_to("circle.db")
    done = desk.run("send", "attendees.csv", "--confirm", "55", "--ledger", "circle.db", code=6)
    assert "circle.db cannot be used" in done.stderr


def test_a_folder_that_is_gone_is_told_as_that(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Path:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(Path, "cwd", gone)
    assert desk.json("account", "test", "env", code=1)["error"]["code"] == "missing-folder"


def test_a_finished_event_can_be_looked_at_where_nothing_may_be_written(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, _ = live
    desk.run("send", "attendees.csv", "--confirm", "55")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        for path in (*desk.path.iterdir(), desk.path):
            path.chmod(path.stat().st_mode & ~0o222)
        assert desk.json("status")["counts"]["accepted"] == 55
        desk.path.chmod(0o700)
        return
    # Root may write everywhere: somebody else looks.
    # The first look is root's: Python itself may be where nobody else may read.
    reader = "import os, sys; from tui.cli import main; look = ['status', '--json']; main(look); print('---'); "
    reader += "os.setuid(65534); sys.exit(main(look))"
    for folder in (desk.path, *desk.path.parents):
        folder.chmod(folder.stat().st_mode | 0o055)
    for path in desk.path.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = subprocess.run(
        [sys.executable, "-c", reader],
        cwd=desk.path,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"accepted": 55' in done.stdout.partition("---")[2]
