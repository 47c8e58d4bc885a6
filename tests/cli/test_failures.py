"""What can go wrong: one clear sentence, the contract's exit code, and nothing sent."""

import errno
import json
import os
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Desk, wait_for
from tests.conftest import need
from tests.servers.recording import RecordingServer
from tests.servers.scripted import ScriptedServer, Step
from tui.trial import PATIENCE

Live = tuple[Desk, RecordingServer]


def _refused(desk: Desk, *words: str, code: int, saying: str) -> None:
    """The command ends with `code`, and one or two sentences that hold `saying`."""
    done = desk.run(*words, code=code)
    assert saying.casefold() in done.stderr.casefold(), done.stderr
    own = [line for line in done.stderr.splitlines() if line.startswith("invite-tui: ")]
    assert len(own) == 1, done.stderr


def test_a_wrong_password_is_tried_once(live: Live) -> None:
    desk, server = live
    desk.environment["INVITE_TUI_SMTP_PASSWORD"] = "wrong horse"
    _refused(desk, "send", "attendees.csv", "--confirm", "55", code=4, saying="login")
    assert server.verbs().count("AUTH") == 1
    assert "wrong horse" not in desk.run("send", "attendees.csv", "--confirm", "55", code=4).stderr
    assert not server.messages


def test_a_server_that_is_not_there(live: Live) -> None:
    desk, _ = live
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    desk.environment["INVITE_TUI_SMTP_PORT"] = str(port)
    _refused(desk, "send", "attendees.csv", "--confirm", "55", code=4, saying=f"localhost port {port}")


def test_a_server_without_starttls_is_not_sent_to(desk: Desk, start_smtp: Callable[..., RecordingServer]) -> None:
    server = start_smtp(security="none")
    desk.use(server)
    desk.environment["INVITE_TUI_SMTP_SECURITY"] = "starttls"
    _refused(desk, "send", "attendees.csv", "--confirm", "55", code=4, saying="STARTTLS")
    assert "AUTH" not in server.verbs()
    assert "MAIL" not in server.verbs()


def test_a_server_that_nobody_vouches_for(live: Live) -> None:
    desk, server = live
    del desk.environment["INVITE_TUI_SMTP_CA"]
    _refused(desk, "send", "attendees.csv", "--confirm", "55", code=4, saying="certificate")
    assert "AUTH" not in server.verbs()


def test_no_security_is_for_loopback_alone(live: Live) -> None:
    desk, _ = live
    desk.environment |= {"INVITE_TUI_SMTP_HOST": "smtp.example.org", "INVITE_TUI_SMTP_SECURITY": "none"}
    _refused(desk, "send", "attendees.csv", "--confirm", "55", code=4, saying="unencrypted")


def test_an_account_that_nobody_has_added(desk: Desk) -> None:
    _refused(desk, "send", "attendees.csv", "--account", "work", "--confirm", "55", code=4, saying="work")


def test_an_empty_file(live: Live) -> None:
    desk, server = live
    desk.write("empty.csv", "")
    _refused(desk, "send", "empty.csv", "--confirm", "0", code=1, saying="empty")
    assert desk.json("check", "empty.csv", code=1)["problems"][0]["code"] == "empty-file"
    assert server.connections == 0


def test_a_file_with_a_header_and_nobody_in_it(live: Live) -> None:
    desk, _ = live
    desk.write("none.csv", "Name,Email\n")
    assert desk.json("check", "none.csv", code=1)["problems"][0]["code"] == "no-attendees"


def test_a_file_without_an_address_column(live: Live) -> None:
    desk, server = live
    desk.write("names.csv", "Name,Town\nAna,Leeds\n")
    _refused(desk, "send", "names.csv", "--confirm", "1", code=1, saying="names.csv")
    assert "no-address-column" in {p["code"] for p in desk.json("check", "names.csv", code=1)["problems"]}
    assert server.connections == 0


def test_an_unknown_placeholder(live: Live) -> None:
    desk, server = live
    desk.write("templates/invitation.md", "subject: Come\n\nDear {{ nme }}, come.\n")
    _refused(desk, "send", "attendees.csv", "--confirm", "55", code=1, saying="nme")
    [problem] = desk.json("check", "attendees.csv", code=1)["problems"]
    assert (problem["code"], problem["line"], problem["value"]) == ("unknown-placeholder", 3, "nme")
    assert "name" in problem["hint"]
    assert server.connections == 0


def test_a_blank_placeholder_names_the_row_and_the_column(live: Live) -> None:
    desk, server = live
    desk.write("templates/invitation.md", "subject: Come\n\nDear {{ name }}, we know: {{ access_needs }}.\n")
    problems = desk.json("check", "attendees.csv", code=1)["problems"]
    assert {problem["code"] for problem in problems} == {"missing-value"}
    assert {problem["column"] for problem in problems} == {"Access needs"}
    assert all(problem["line"] >= 2 for problem in problems)
    assert server.connections == 0


def test_an_internal_column_in_the_wording(live: Live) -> None:
    desk, server = live
    desk.write("templates/invitation.md", 'subject: Come\n\nDear {{ name }}, {{ attendee["Role"] }}.\n')
    [problem] = desk.json("check", "attendees.csv", code=1)["problems"]
    assert (problem["code"], problem["column"]) == ("internal-column", "Role")
    assert server.connections == 0


def test_somebody_elses_address_in_the_wording_stops_everything(live: Live) -> None:
    desk, server = live
    desk.write("templates/invitation.md", "subject: Come\n\nDear {{ name }}, ask Ana: ana@example.org.\n")
    problems = desk.json("check", "attendees.csv", code=1)["problems"]
    assert {problem["code"] for problem in problems} == {"leak"}
    assert len(problems) >= 54
    refused = desk.json("send", "attendees.csv", "--confirm", "55", code=1)
    assert refused["problems"]
    assert server.connections == 0


@pytest.mark.parametrize(
    ("words", "saying"),
    [
        (("check", "nowhere.csv"), "nowhere.csv"),
        (("check", "."), "folder"),
        (("nowhere.csv",), "nowhere.csv"),
        (("check", "attendees.csv", "--event", "other.toml"), "other.toml"),
        (("status", "--event", "nowhere/event.toml"), "event.toml"),
        (("check", "attendees.csv", "--template", "invitatoin"), "invitatoin"),
        (("init", "."), "already"),
    ],
)
def test_what_is_not_there_is_named(desk: Desk, words: tuple[str, ...], saying: str) -> None:
    done = desk.run(*words, code=1)
    assert saying in done.stderr + done.stdout


@pytest.mark.parametrize(
    "words", [("send",), ("send", "attendees.csv", "--confirm", "many"), ("plan", "attendees.csv", "--nonsense"), ()]
)
def test_words_that_do_not_fit_are_wrong_usage(desk: Desk, words: tuple[str, ...]) -> None:
    assert desk.run(*words, code=2).stderr


@pytest.mark.parametrize(
    ("words", "saying"),
    [
        (("check", ""), "ATTENDEES.csv: it is empty"),
        (("plan", "attendees.csv", "--ledger", " "), "--ledger: it is empty"),
        (("send", "attendees.csv", "--account", "", "--confirm", "55"), "--account: it is empty"),
        (("account", "add", "work", "--host", ""), "--host: it is empty"),
        (("plan", "attendees.csv", "--event", "a", "--event", "b"), "--event: it is said twice"),
        (("send", "attendees.csv", "--canary", "0", "--confirm", "55"), "--canary: it is at least 1"),
        (("worker", "--connections", "0"), "--connections: it is at least 1"),
        (("worker", "--lost-after", "0"), "--lost-after: it is at least 1 second"),
        (("help",), "Did you mean `--help`?"),
        (("resend", "ana@example.org", "--note", "J\udce9", "--dry-run"), "--note: it is not UTF-8 text"),
        (("ledger", "copy", "event.ledger.db", "J\udce9.db"), "TO: it is not UTF-8 text"),
    ],
)
def test_what_nobody_can_mean_is_wrong_usage(desk: Desk, words: tuple[str, ...], saying: str) -> None:
    assert saying in desk.run(*words, code=2).stderr


def test_a_rehearsal_that_cannot_be_written_says_that_and_nothing_else(desk: Desk) -> None:
    words = ("send", "attendees.csv", "--dry-run", "--outbox", "attendees.csv")
    done = desk.run(*words, code=1)
    assert "cannot be written to attendees.csv" in done.stderr and not done.stdout
    assert desk.json(*words, code=1)["error"]["code"] == "outbox"


def test_a_plan_whose_uid_cannot_be_saved_has_no_digest_to_approve(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    uid = next(line for line in (desk.path / "event.toml").read_text("utf-8").splitlines() if line.startswith("uid"))
    desk.change("event.toml", uid, "")
    monkeypatch.setattr("tui.event.saving.replace_file", read_only)
    done = desk.run("plan", "attendees.csv")
    assert "Digest" not in done.stdout and "To send: 55" in done.stdout
    assert "caution: The event's uid cannot be saved to event.toml: Read-only file system." in done.stderr
    assert desk.json("plan", "attendees.csv")["digest"] is None


@pytest.mark.parametrize("while_", ["tui.cli.commands.open_folder", "tui.cli.parser.parse"])
def test_an_interrupted_command_still_writes_its_document(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, while_: str
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(while_, interrupted)
    done = desk.run("plan", "attendees.csv", "--json", code=130)
    assert json.loads(done.stdout)["error"]["code"] == "interrupted" and done.stderr == "invite-tui: Interrupted.\n"


@pytest.mark.parametrize("words", ["send attendees.csv", "account add work --host localhost --username ana"])
def test_what_is_typed_and_is_no_text_is_told(live: Live, words: str) -> None:
    desk, server = live
    done = desk.run(
        *words.split(), *["--password-stdin"] * ("account" in words), typed="\udcff\n", on_terminal=True, code=2
    )
    assert "What was typed is not UTF-8 text." in done.stderr and not server.messages


def test_a_setting_that_is_misspelt_is_told_beside_the_document(desk: Desk) -> None:
    desk.environment["INVITE_TUI_SMTP_HOTS"] = "secret.example"
    done = desk.run("plan", "attendees.csv", "--json")
    assert json.loads(done.stdout)["counts"]["invite"] == 55
    assert "Did you mean INVITE_TUI_SMTP_HOST?" in done.stderr and "secret.example" not in done.stderr


def test_a_trial_is_as_impatient_as_the_organiser_says(desk: Desk) -> None:
    desk.environment["INVITE_TUI_SMTP_TIMEOUT"] = "0.2"
    with ScriptedServer([Step.HANG]) as server:
        where = ("--host", server.host, "--port", str(server.port), "--security", "none")
        began = time.monotonic()
        desk.run("account", "add", "work", *where, code=4)
        assert time.monotonic() - began < PATIENCE / 2


def test_without_a_terminal_the_app_shows_the_check_and_the_plan(desk: Desk) -> None:
    done = desk.run("attendees.csv", code=2)
    assert "55" in done.stdout
    assert "Digest" in done.stdout
    assert "needs a terminal" in done.stderr


def test_a_broken_event_file_is_told_with_its_line(desk: Desk) -> None:
    desk.change("event.toml", "Europe/London", "Europe/Lundon")
    [problem] = desk.json("check", "attendees.csv", code=1)["problems"]
    assert problem["code"] == "bad-event"
    assert problem["line"]
    assert "Europe/London" in problem["hint"]


def test_a_broken_event_file_still_says_which_columns_are_meant(desk: Desk) -> None:
    columns = '[columns]\nemail = "Contact"\nstatus = "Comes"\n'
    event = (desk.path / "event.toml").read_text("utf-8").partition("[columns]")[0].replace("Europe/London", "nowhere")
    desk.write("event.toml", event + columns)
    desk.write("some.csv", "Contact,Comes\nana@example.org,yes\nbo@@example.org,yes\ncy@example.org,cancelled\n")
    checked = desk.json("check", "some.csv", code=1)
    assert [problem["code"] for problem in checked["problems"]] == ["bad-event", "bad-address", "withdrawn"]
    assert checked["attendees"] == 2
    desk.write("event.toml", event + columns.replace("email", "e-mail"))
    assert {problem["code"] for problem in desk.json("check", "some.csv", code=1)["problems"]} == {"bad-event"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 1 MiB."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    need(None if is_root else "only root may mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", disk], check=False, capture_output=True
    )
    need("this machine lets nobody mount a disk" if mounted.returncode else None)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def _fill(disk: Path) -> None:
    filler = os.open(disk / "filler", os.O_CREAT | os.O_WRONLY)
    try:
        with suppress(OSError):
            while os.write(filler, b"\0" * 4096):
                pass
    finally:
        os.close(filler)


def test_a_full_disk_ends_a_rehearsal_in_a_sentence(desk: Desk, small_disk: Path) -> None:
    _fill(small_disk)
    _refused(desk, "send", "attendees.csv", "--dry-run", "--outbox", str(small_disk / "outbox"), code=1, saying="space")


_MAIL = "From: a@example.org\nTo: b@example.org, c@example.org\nSubject: Come\n\nHello\n"


def test_a_repair_writes_over_nothing(desk: Desk) -> None:
    desk.write("mail.eml", _MAIL)
    desk.write("new/attendees.csv", "mine")
    _refused(desk, "repair", "mail.eml", "new", code=1, saying="exists")
    assert [path.name for path in (desk.path / "new").iterdir()] == ["attendees.csv"]
    assert (desk.path / "new" / "attendees.csv").read_text() == "mine"


@pytest.mark.parametrize("words", [("init",), ("repair", "mail.eml")])
def test_a_folder_for_which_there_is_no_room_is_not_half_made(
    desk: Desk, small_disk: Path, words: tuple[str, ...]
) -> None:
    desk.write("mail.eml", _MAIL)
    _fill(small_disk)
    folder = small_disk / "new"
    _refused(desk, *words, str(folder), code=1, saying="space")
    assert not folder.exists()
    (small_disk / "filler").unlink()
    desk.run(*words, str(folder))


def test_a_full_disk_under_the_ledger_sends_nothing(live: Live, small_disk: Path) -> None:
    desk, server = live
    _fill(small_disk)
    ledger = str(small_disk / "event.ledger.db")
    _refused(desk, "send", "attendees.csv", "--confirm", "55", "--ledger", ledger, code=6, saying="full")
    assert not server.messages


def test_a_disk_that_fills_up_half_way_forgets_nothing(live: Live, small_disk: Path) -> None:
    desk, server = live
    ledger = str(small_disk / "event.ledger.db")
    server.say("RCPT", "550 5.1.1 " + "No such user here. " * 20)
    desk.environment["INVITE_TUI_SMTP_PER_MINUTE"] = "120"
    process = desk.start("send", "attendees.csv", "--confirm", "55", "--ledger", ledger)
    wait_for(lambda: server.verbs().count("RCPT") >= 5)
    _fill(small_disk)
    assert process.wait(60) == 6
    (small_disk / "filler").unlink()
    status = desk.json("status", "--ledger", ledger)
    assert len(status["attendees"]) == 55
    # The one whose outcome could not be written down any more may have arrived.
    assert status["counts"]["refused"] >= 4
    assert status["counts"]["unknown"] <= 1
    assert status["counts"]["unsent"] > 0


def test_a_ledger_that_is_none_is_not_written_over(live: Live) -> None:
    desk, server = live
    desk.write("event.ledger.db", "this is not a ledger at all, but somebody's text\n" * 50)
    for words in (("status",), ("plan", "attendees.csv"), ("send", "attendees.csv", "--confirm", "55")):
        _refused(desk, *words, code=6, saying="not a ledger")
    assert "somebody's text" in (desk.path / "event.ledger.db").read_text(encoding="utf-8")
    assert not server.messages


def test_a_ledger_of_a_newer_version_is_left_alone(live: Live) -> None:
    desk, server = live
    desk.run("send", "attendees.csv", "--confirm", "55")
    ledger = desk.path / "event.ledger.db"
    with closing(sqlite3.connect(ledger)) as db:
        db.execute("PRAGMA user_version = 99")
    before = ledger.read_bytes()
    for words in (("status",), ("plan", "attendees.csv"), ("send", "attendees.csv", "--confirm", "0")):
        _refused(desk, *words, code=6, saying="another version")
    assert ledger.read_bytes() == before
    assert len(server.messages) == 55


def test_a_ledger_that_is_damaged_where_a_plan_does_not_look_stops_the_send(live: Live) -> None:
    desk, server = live
    server.say("RCPT", "450 4.2.1 later")
    desk.environment["INVITE_TUI_SMTP_RETRIES"] = "0"
    desk.run("send", "attendees.csv", "--confirm", "55", code=3)
    server.behave()
    ledger = desk.path / "event.ledger.db"
    with closing(sqlite3.connect(ledger)) as db:
        # An index that no plan reads, and that the guarantees of an attempt rest on.
        page, size = (
            db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'attempt_by_message'").fetchone()[0],
            db.execute("PRAGMA page_size").fetchone()[0],
        )
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(ledger.read_bytes())
    data[(page - 1) * size : (page - 1) * size + 8] = b"\x0a\0\0\0\0\0\0\0"
    ledger.write_bytes(data)
    left = desk.json("plan", "attendees.csv")["counts"]["invite"]
    _refused(desk, "send", "attendees.csv", "--confirm", str(left), code=6, saying="damaged")
    assert not server.messages
