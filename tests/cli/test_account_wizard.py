"""`account add` on a terminal: an address is enough where somebody says the rest, and all can be said otherwise."""

import argparse
import io
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Desk, on_a_terminal, wait_for
from tests.delivery.test_discovery import World
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tui.cli import wizard
from tui.delivery.accounts import Account, Imap, OAuth
from tui.delivery.discovery.lookups import Service
from tui.errors import UsageError


def options(**given: object) -> argparse.Namespace:
    nothing = dict.fromkeys(("host", "port", "security", "username", "sender", "ca", "oauth", "client_id"))
    imap = dict.fromkeys(("imap_host", "imap_port", "imap_security"))
    return argparse.Namespace(**({"name": "work", "scope": []} | nothing | imap | given))


def asked(monkeypatch: pytest.MonkeyPatch, *answers: str, look: World | None = None, **given: object) -> Account:
    """The account that comes of these answers; every one of them is used."""
    typed = io.StringIO("".join(f"{answer}\n" for answer in answers))
    monkeypatch.setattr(sys, "stdin", typed)
    account = wizard.ask_for(options(**given), look or World())
    assert typed.read() == ""
    return account


def test_an_address_and_three_times_enter_are_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    look = World(exchangers={"department.example": ("department-example.mail.protection.outlook.com",)})
    account = asked(monkeypatch, "ana@department.example", "", "", "client-1", "", look=look)
    assert account == Account(
        "work",
        "smtp.office365.com",
        587,
        "starttls",
        "ana@department.example",
        login="oauth",
        oauth=OAuth("microsoft", "client-1"),
        imap=Imap("outlook.office365.com"),
    )
    shown = capsys.readouterr().err
    assert "Microsoft 365 takes the mail of department.example" in shown
    assert "docs/accounts.md" in shown


def test_a_password_can_be_chosen_instead_and_what_kind_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account = asked(monkeypatch, "ana@gmail.com", "y", "n", "n")
    assert (account.login, account.oauth, account.imap) == ("password", None, None)
    assert "password for programs" in capsys.readouterr().err


def test_what_nobody_says_is_asked_and_asked_again_where_it_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ("ana@department.example", "mail.department.example", "ssl", "tls", "70000", "", "ana", "n")
    account = asked(monkeypatch, *answers)
    assert account == Account("work", "mail.department.example", 465, "tls", "ana", sender="ana@department.example")


def test_a_proposal_can_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    look = World(services={"_submission._tcp.department.example": (Service(0, 0, 587, "smtp.evil.example"),)})
    answers = ("ana@department.example", "n", "smtp.department.example", "", "", "", "n")
    assert asked(monkeypatch, *answers, look=look).host == "smtp.department.example"


def test_servers_outside_the_domain_are_pointed_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    look = World(services={"_submission._tcp.department.example": (Service(0, 0, 587, "smtp.evil.example"),)})
    asked(monkeypatch, "ana@department.example", "", "n", look=look)
    assert "lie outside department.example" in capsys.readouterr().err


def test_what_the_options_say_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    account = asked(
        monkeypatch, "", username="ana@gmail.com", oauth="google", client_id="c", imap_host="imap.example.org"
    )
    assert (account.oauth, account.imap) == (OAuth("google", "c"), Imap("imap.example.org"))


def test_an_end_of_the_answers_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="not answered"):
        asked(monkeypatch, "ana@gmail.com")


def test_whether_the_mail_will_be_believed_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], desk: Desk
) -> None:
    monkeypatch.chdir(desk.path)
    look = World(exchangers={"department.example": ("mx.example",)}, texts={"department.example": ("v=spf1 -all",)})
    account = Account("work", "smtp.gmail.com", 587, "starttls", "ana@example.com")
    wizard.tell_vouching(account, look)
    shown = capsys.readouterr().err
    assert "answers go to the organizer" in shown
    assert "caution: SPF: department.example does not name Google" in shown
    assert "caution: DMARC" in shown


def test_on_a_real_terminal_an_account_is_added_and_tried_with_a_message_to_oneself(
    desk: Desk, submission: Postfix, dovecot: Dovecot, tmp_path: Path
) -> None:
    desk.environment["INVITE_TUI_CONFIG_DIR"] = str(tmp_path / "config")
    answers = {
        "Your e-mail address": dovecot.username,
        "The server that takes mail": submission.host,
        "Security": "starttls",
        "Port [587]": str(submission.port),
        "User name": "",
        "read the answers": "y",
        "The server on which mail is read": dovecot.host,
        "Security: starttls, tls, or none (this machine only) [tls]": "tls",
        "Port [993]": str(dovecot.tls_port),
        "New passphrase": "a long enough passphrase",
        "The same once more": "a long enough passphrase",
        "Try another password?": "y",
        "Send a test message": "y",
    }
    passwords = iter(("wrong-password", dovecot.password))
    with on_a_terminal(desk, "account", "add", "work", "--ca", str(submission.ca)) as terminal:
        seen = 0
        while terminal.process.poll() is None:
            shown = terminal.shown.decode(errors="replace")[seen:]
            question = next((one for one in answers if one in shown), None)
            if question is not None:
                seen += shown.index(question) + len(question)
                terminal.type(f"{answers.pop(question)}\n")
            elif "Password of" in shown:
                seen += shown.index("Password of") + len("Password of")
                terminal.type(f"{next(passwords)}\n")
            time.sleep(0.02)
        assert terminal.process.wait(60) == 0, terminal.shown.decode()
        shown = terminal.shown.decode()
    assert "refused the login" in shown
    assert "can read them" in shown
    assert dovecot.password not in shown
    [message] = submission.mailboxes()[dovecot.username]
    assert b"Subject: Test of the account work" in message
    assert b"text/calendar" in message
    assert (tmp_path / "config" / "secrets.cfg").exists()


def test_the_end_of_the_input_at_a_password_is_a_sentence(desk: Desk) -> None:
    words = ("account", "add", "work", "--host", "127.0.0.1", "--port", "1", "--username", "ana")
    with on_a_terminal(desk, *words) as terminal:
        wait_for(lambda: terminal.shows("Password of ana"))
        terminal.type("\x04")
        assert terminal.process.wait(60) == 2
        wait_for(lambda: terminal.shows("not answered"))
        assert not terminal.shows("Traceback")
