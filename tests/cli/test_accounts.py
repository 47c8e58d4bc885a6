"""Accounts from the command line, against real servers: added, tried, sent with, and nothing secret on disk."""

import configparser
import json
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from keyrings.cryptfile.escape import escape

from tests.cli.conftest import Desk, wait_for
from tests.replies import mails
from tests.servers.dovecot import Dovecot
from tests.servers.issuer import Issuer
from tests.servers.postfix import Postfix
from tui.cli import main
from tui.delivery.accounts import SERVICE

PASSPHRASE = "a long enough passphrase"


@pytest.fixture
def office(desk: Desk, submission: Postfix, dovecot: Dovecot, quick_secrets: None) -> Desk:
    """A desk without a keyring, as a server is one, that keeps its secrets in an encrypted file.

    It is quick to open: only for commands that run in this process.
    """
    desk.environment |= {
        "INVITE_TUI_CONFIG_DIR": str(desk.path / "config"),
        "INVITE_TUI_KEYRING_PASSPHRASE": PASSPHRASE,
        "BROWSER": "true",
    }
    return desk


def words_to_send(submission: Postfix, dovecot: Dovecot, *more: str) -> list[str]:
    return [
        *("account", "add", "work", "--host", submission.host, "--port", str(submission.port)),
        *("--username", dovecot.username, "--ca", str(submission.ca), *more),
    ]


def words_to_read(dovecot: Dovecot) -> list[str]:
    return ["--imap-host", dovecot.host, "--imap-port", str(dovecot.tls_port)]


def words_for(submission: Postfix, dovecot: Dovecot, *more: str) -> list[str]:
    return words_to_send(submission, dovecot, *words_to_read(dovecot), *more)


def sign_in(desk: Desk, words: list[str], act: Callable[[str], object], code: int = 0) -> str:
    """Runs a command, with a person who reads what it shows and does `act` with the first line that fits."""
    done = desk.run(*words, code=code, hear=act)
    return done.stderr + done.stdout


def comes_back(issuer: Issuer) -> Callable[[str], object]:
    """Somebody with a browser on this machine, who agrees."""

    def act(line: str) -> None:
        if line.startswith("http"):
            issuer.browse(line.strip())

    return act


def enters_code(issuer: Issuer) -> Callable[[str], None]:
    def act(line: str) -> None:
        if found := re.search(r"enter the code (\d{8})", line):
            issuer.answer_device(found[1])

    return act


def files_of(desk: Desk) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in desk.path.rglob("*") if path.is_file()}


def test_an_account_that_signs_in_is_added_tried_and_sends(
    office: Desk, submission: Postfix, dovecot: Dovecot, issuer: Issuer
) -> None:
    words = words_for(submission, dovecot, "--oauth", issuer.url, "--client-id", issuer.client_id)
    issuer.behaviour.refresh_length = 1800
    del office.environment["BROWSER"]
    said = sign_in(office, words, enters_code(issuer))
    assert "Added work" in said
    assert "by XOAUTH2: 235" in said
    assert f"answers: {dovecot.username} can read them" in said
    [account] = office.json("account", "list")["accounts"]
    assert account["login"] == "oauth"

    tried = office.run("account", "test", "work").stdout
    assert "> AUTH XOAUTH2 ***" in tried
    assert "< 235 2.7.0 Authentication successful" in tried
    assert "> ehlo [127.0.0.1]" in tried
    assert "> QUIT" in tried

    done = office.json("send", "attendees.csv", "--only", "ana@example.org", "--confirm", "1")
    assert done["counts"]["accepted"] == 1
    assert list(submission.mailboxes()) == ["ana@example.org"]

    secrets = [*issuer._refresh, *issuer._access]
    assert len(secrets) >= 4
    for path, content in files_of(office).items():
        assert not any(secret.encode() in content for secret in secrets), path
    assert not any(secret in said + tried for secret in secrets)


def test_a_sign_in_that_was_taken_back_is_one_sentence_and_exit_4(
    office: Desk, submission: Postfix, dovecot: Dovecot, issuer: Issuer
) -> None:
    words = words_for(submission, dovecot, "--oauth", issuer.url, "--client-id", issuer.client_id)
    sign_in(office, words, comes_back(issuer))
    issuer.revoke()
    done = office.run("send", "attendees.csv", "--only", "ana@example.org", "--confirm", "1", code=4)
    [sentence] = [line for line in done.stderr.splitlines() if "no longer valid" in line]
    assert dovecot.username in sentence
    assert "Sign in again: `invite-tui account login work`." in done.stderr
    assert submission.mailboxes() == {}
    assert "no longer valid" in office.run("account", "test", "work", code=4).stderr

    issuer.behaviour.username = "mallory@department.example"
    assert "refused the sign-in" in sign_in(office, ["account", "login", "work"], comes_back(issuer), code=4)
    issuer.behaviour.username = dovecot.username
    before = (office.path / "config" / "accounts.json").read_bytes()
    assert "work works again" in sign_in(office, ["account", "login", "work"], comes_back(issuer))
    assert (office.path / "config" / "accounts.json").read_bytes() == before
    office.run("send", "attendees.csv", "--only", "ana@example.org", "--confirm", "1")
    assert list(submission.mailboxes()) == ["ana@example.org"]


def test_signing_in_again_sends_the_client_secret_along_that_was_kept(
    office: Desk, submission: Postfix, dovecot: Dovecot, issuer: Issuer
) -> None:
    issuer.behaviour.secret = "not-much-of-a-secret"  # as Google wants one
    issuer.behaviour.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    words = words_for(submission, dovecot, "--oauth", issuer.url, "--client-id", issuer.client_id)
    office.environment["INVITE_TUI_OAUTH_CLIENT_SECRET"] = issuer.behaviour.secret
    sign_in(office, words, comes_back(issuer))
    del office.environment["INVITE_TUI_OAUTH_CLIENT_SECRET"]
    issuer.revoke()
    sign_in(office, ["account", "login", "work"], comes_back(issuer))
    assert "works: it could send now" in office.run("account", "test", "work").stdout


def test_another_password_is_kept_once_the_server_has_taken_it(
    office: Desk, submission: Postfix, dovecot: Dovecot
) -> None:
    right, wrong = f"{dovecot.password}\n", "was-right-until-yesterday\n"
    office.run(*words_for(submission, dovecot, "--password-stdin"), typed=right)
    login = ("account", "login", "work", "--password-stdin")
    assert "refused the login" in office.run(*login, typed=wrong, code=4).stderr
    office.run("account", "test", "work")
    assert office.json(*login[:3], "--password-stdin", code=2)["error"]["message"] == "The password is empty."
    assert "work works again" in office.run(*login, typed=right).stdout
    office.run("account", "test", "work")


def test_a_sign_in_that_is_taken_back_in_mid_run_stops_it_and_the_rest_is_still_to_send(
    office: Desk, submission: Postfix, dovecot: Dovecot, issuer: Issuer
) -> None:
    issuer.behaviour.lifetime = 2
    words = words_for(submission, dovecot, "--oauth", issuer.url, "--client-id", issuer.client_id)
    sign_in(office, words, comes_back(issuer))
    office.environment["INVITE_TUI_SMTP_PER_MINUTE"] = "60"

    def take_back() -> None:
        wait_for(lambda: bool(submission.mailboxes()))
        issuer.revoke()

    somebody = threading.Thread(target=take_back)
    somebody.start()
    stopped = office.run("send", "attendees.csv", "--confirm", "55", code=4)
    somebody.join()
    [sentence] = [line for line in stopped.stderr.splitlines() if line.startswith("invite-tui: ")]
    assert f"The sign-in of {dovecot.username}" in sentence and "no longer valid" in sentence
    assert "`invite-tui account login work`" in stopped.stderr
    counts = office.json("status")["counts"]
    assert counts["accepted"] == len(submission.mailboxes())
    assert 1 <= counts["accepted"] < 55
    assert counts["accepted"] + counts["unsent"] == 55


def test_a_browser_on_this_machine_comes_back_by_itself(
    office: Desk, submission: Postfix, dovecot: Dovecot, issuer: Issuer
) -> None:
    words = words_for(submission, dovecot, "--oauth", issuer.url, "--client-id", issuer.client_id)
    assert "Added work" in sign_in(office, words, comes_back(issuer))


def test_nothing_is_kept_of_an_account_that_the_server_does_not_take(
    office: Desk, submission: Postfix, dovecot: Dovecot, issuer: Issuer
) -> None:
    issuer.behaviour.username = "mallory@department.example"
    words = words_for(submission, dovecot, "--oauth", issuer.url, "--client-id", issuer.client_id)
    said = sign_in(office, words, comes_back(issuer), code=4)
    assert "refused the sign-in" in said
    assert office.json("account", "list") == {"accounts": []}
    assert not (office.path / "config" / "secrets.cfg").exists()


def test_a_password_account_reads_answers_too_and_its_test_hides_the_password(
    office: Desk, submission: Postfix, dovecot: Dovecot
) -> None:
    done = office.run(*words_for(submission, dovecot, "--password-stdin"), typed=dovecot.password + "\n")
    assert "can read them" in done.stderr
    tried = office.run("account", "test", "work", "--json").stdout
    heard = json.loads(tried)["conversation"]
    mailbox = heard[heard.index("> QUIT") + 1 :]
    assert "> AUTH PLAIN ***" in heard and "> AUTH PLAIN ***" not in mailbox
    # Without the tags, which are made at random.
    assert [line if line == "> ***" else line.split(" ", 2)[2] for line in mailbox if line.startswith("> ")] == [
        "CAPABILITY",
        "AUTHENTICATE PLAIN",
        "> ***",
        'EXAMINE "INBOX"',
        "LOGOUT",
    ]
    assert any(line.startswith("< * OK [CAPABILITY IMAP4rev1") for line in mailbox)
    assert dovecot.password not in tried
    assert dovecot.password.encode() not in b"".join(files_of(office).values())
    office.run("account", "remove", "work")
    assert office.json("account", "list") == {"accounts": []}


def test_answers_are_read_at_another_host_once_it_has_taken_a_password_that_was_given_for_it(
    office: Desk, submission: Postfix, dovecot: Dovecot
) -> None:
    typed = f"{dovecot.password}\n"
    office.run(*words_to_send(submission, dovecot, "--password-stdin"), typed=typed)
    profile = office.path / "config" / "accounts.json"
    before = profile.read_bytes()
    login = ("account", "login", "work", "--password-stdin")
    wrong = office.run(*login, "--imap-host", dovecot.host, "--imap-port", "1", typed=typed, code=4)
    assert f"{dovecot.host} port 1" in wrong.stderr
    assert "go with --imap-host" in office.run(*login, "--imap-port", "1", typed=typed, code=2).stderr
    # Without a password that is given for it, the stored one is not tried there.
    assert "--password-stdin" in office.run("account", "login", "work", *words_to_read(dovecot), code=2).stderr
    assert profile.read_bytes() == before

    done = office.run(*login, *words_to_read(dovecot), typed=typed)
    assert f"{dovecot.host}:{dovecot.tls_port} (tls). The one that is stored is not offered there." in done.stderr
    assert f"Its answers are read at {dovecot.host}:{dovecot.tls_port} (tls)." in done.stdout
    assert "can read them" in office.run("account", "test", "work").stdout
    office.run(*login, "--imap-security", "starttls", "--imap-port", str(dovecot.port), typed=typed)
    assert f"answers: {dovecot.host}:{dovecot.port}" in office.run("account", "list").stdout
    kept = configparser.RawConfigParser()
    kept.read(office.path / "config" / "secrets.cfg")
    assert len(kept.options(escape(SERVICE))) == 1, "the password is no longer kept for those for whom it was before"

    nowhere = ("account", "login", "work", "--no-imap")
    assert "not both" in office.run(*nowhere, *words_to_read(dovecot), code=2).stderr
    assert "reads no answers any more" in office.run(*nowhere).stdout  # without a password, which it has
    assert "answers:" not in office.run("account", "test", "work").stdout + office.run("account", "list").stdout


def test_who_signs_in_agrees_anew_to_have_answers_read(
    office: Desk, submission: Postfix, dovecot: Dovecot, issuer: Issuer
) -> None:
    issuer.behaviour.secret = "not-much-of-a-secret"
    issuer.behaviour.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    office.environment["INVITE_TUI_OAUTH_CLIENT_SECRET"] = issuer.behaviour.secret
    signs_in = ("--oauth", issuer.url, "--client-id", issuer.client_id)
    sign_in(office, words_to_send(submission, dovecot, *signs_in), comes_back(issuer))
    del office.environment["INVITE_TUI_OAUTH_CLIENT_SECRET"]
    said = sign_in(office, ["account", "login", "work", *words_to_read(dovecot)], comes_back(issuer))
    assert "The sign-in that you give now is for" in said
    assert f"answers: {dovecot.username} can read them" in said
    assert "can read them" in office.run("account", "test", "work").stdout


def test_a_message_to_oneself_is_sent_from_a_script_that_asks_for_it_and_its_outcome_told(
    office: Desk, submission: Postfix, dovecot: Dovecot
) -> None:
    office.environment["INVITE_TUI_LEDGER"] = "postgresql://nobody.invalid/ledgers"  # a team's is none of its business
    office.run(*words_for(submission, dovecot, "--password-stdin"), typed=dovecot.password + "\n")
    assert "message" not in office.json("account", "test", "work")
    assert submission.mailboxes() == {}
    told = office.json("account", "test", "work", "--message")["message"]
    assert (told["address"], told["outcome"]) == (dovecot.username, "accepted")
    assert told["reply"].startswith("250 ")
    [message] = submission.mailboxes()[dovecot.username]
    assert b"Subject: Test of the account work" in message


def test_a_message_to_oneself_that_is_not_taken_is_exit_4_and_says_what_became_of_it(
    office: Desk, submission: Postfix, dovecot: Dovecot
) -> None:
    words = words_for(submission, dovecot, "--password-stdin", "--from", "nobody@department.example")
    office.run(*words, typed=dovecot.password + "\n")
    failed = office.json("account", "test", "work", "--message", code=4)
    told = failed["message"]
    assert (told["address"], told["outcome"]) == ("nobody@department.example", "refused")
    assert told["reply"].startswith("550 5.1.1")
    assert told["reply"] in failed["error"]["message"]
    assert "works" not in office.run("account", "test", "work", "--message", code=4).stdout


def test_an_account_without_an_address_has_nobody_to_send_a_message_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INVITE_TUI_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("INVITE_TUI_SMTP_PORT", "1")
    assert main(["account", "test", "env", "--message"]) == 4
    assert "no address of its own" in capsys.readouterr().err


def test_who_signs_in_where_nothing_could_be_kept_is_told_so_before(
    desk: Desk, submission: Postfix, dovecot: Dovecot, issuer: Issuer
) -> None:
    words = words_for(submission, dovecot, "--oauth", issuer.url, "--client-id", issuer.client_id)
    assert "no keyring that keeps a password safe" in desk.run(*words, code=4).stderr
    assert issuer.requests == []


def test_a_mailbox_that_does_not_open_is_exit_4_and_adds_nothing(
    office: Desk, submission: Postfix, dovecot: Dovecot
) -> None:
    words = words_to_send(submission, dovecot, "--password-stdin", "--imap-host", dovecot.host, "--imap-port", "1")
    done = office.run(*words, code=4, typed=dovecot.password + "\n")
    assert f"{dovecot.host} port 1" in done.stderr
    assert office.json("account", "list") == {"accounts": []}


def test_the_account_of_the_environment_reads_answers_where_the_environment_says(
    desk: Desk, submission: Postfix, dovecot: Dovecot
) -> None:
    desk.environment = {
        "INVITE_TUI_SMTP_HOST": submission.host,
        "INVITE_TUI_SMTP_PORT": str(submission.port),
        "INVITE_TUI_SMTP_USERNAME": dovecot.username,
        "INVITE_TUI_SMTP_PASSWORD": dovecot.password,
        "INVITE_TUI_SMTP_CA": str(submission.ca),
    }
    [sent] = desk.json("send", "attendees.csv", "--only", "ana@example.org", "--confirm", "1")["messages"]
    dovecot.put(mails.on_the_wire(mails.by_google(sent["uid"], "ana@example.org")))
    assert "INVITE_TUI_IMAP_HOST" in desk.json("replies", code=4)["error"]["hint"]
    desk.environment |= {"INVITE_TUI_IMAP_HOST": dovecot.host, "INVITE_TUI_IMAP_PORT": str(dovecot.tls_port)}
    found = desk.json("replies")
    assert (found["read"], [one["response"] for one in found["responses"]]) == (1, ["accepted"])
    desk.environment |= {"INVITE_TUI_IMAP_PORT": str(dovecot.port), "INVITE_TUI_IMAP_SECURITY": "starttls"}
    tried = desk.run("account", "test", "env").stdout
    assert "can read them" in tried and "env works" in tried and dovecot.password not in tried
    desk.environment["INVITE_TUI_SMTP_PASSWORD"] = "was-right-until-yesterday"
    failed = desk.json("account", "test", "env", code=4)
    assert "refused the login" in failed["error"]["message"] and "> AUTH PLAIN ***" in failed["conversation"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--oauth google --username a@b.example", "--oauth needs --client-id"),
        ("--oauth google --client-id x", "--oauth needs --username"),
        ("--oauth google --client-id x --username a@b.example --password-stdin", "not both"),
        ("--client-id x --host h.example", "--oauth microsoft"),
        ("--host h.example --imap-port 1", "--imap-host"),
        ("--host h.example --imap-port 0", "--imap-host"),
        ("--host h.example --imap-host i.example", "--username"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    words: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["account", "add", "work", *words.split()]) == 2
    assert sentence in capsys.readouterr().err


def test_a_port_of_zero_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", "add", "work", "--host", "127.0.0.1", "--port", "0", "--security", "none"]) == 4
    assert "0 is no port" in capsys.readouterr().err


def test_an_issuer_that_is_not_https_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    words = "--oauth http://login.example.org --client-id x --username a@b.example --host h.example"
    assert main(["account", "add", "work", *words.split()]) == 4
    assert "nobody to sign in with" in capsys.readouterr().err
