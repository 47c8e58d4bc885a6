"""The main job against a real Postfix and a real Secret Service."""

import os
import subprocess
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage

from tests.cli.conftest import SIGKILL, Desk, wait_for
from tests.servers.postfix import Postfix
from tests.servers.secret_service import SecretService


def test_postfix_puts_one_message_into_each_of_fifty_five_mailboxes(desk: Desk, postfix: Postfix) -> None:
    desk.use(postfix)
    done = desk.json("send", "attendees.csv", "--confirm", "55")
    assert done["counts"]["accepted"] == 55
    boxes = postfix.mailboxes()
    assert set(boxes) == {message["address"] for message in done["messages"]}
    assert all(len(messages) == 1 for messages in boxes.values())
    for address, [raw] in boxes.items():
        message = message_from_bytes(raw, policy=policy.SMTP)
        assert isinstance(message, EmailMessage)
        assert [to.addr_spec for to in message["To"].addresses] == [address]
        others = (other for other in boxes if other != address)
        assert not any(other.encode() in raw for other in others)
    assert desk.json("send", "attendees.csv", "--confirm", "0")["messages"] == []
    assert sum(map(len, postfix.mailboxes().values())) == 55


def test_killed_half_way_through_postfix_everybody_has_one_in_the_end(desk: Desk, postfix: Postfix) -> None:
    desk.use(postfix)
    process = desk.start("send", "attendees.csv", "--confirm", "55")
    wait_for(lambda: desk.json("status")["counts"]["accepted"] >= 10)
    process.send_signal(SIGKILL)
    process.wait()
    plan = desk.json("plan", "attendees.csv")
    desk.json("send", "attendees.csv", "--confirm", str(plan["counts"]["invite"]))
    boxes = postfix.mailboxes()
    assert all(len(messages) == 1 for messages in boxes.values())
    outcomes = {person["address"]: person["outcome"] for person in desk.json("status")["attendees"]}
    assert len(outcomes) == 55
    assert all(
        outcome == "accepted" or address in boxes or outcome == "unknown" for address, outcome in outcomes.items()
    )
    assert {address for address, outcome in outcomes.items() if outcome == "accepted"} <= set(boxes)


def test_refused_and_deferred_by_postfix(desk: Desk, postfix: Postfix) -> None:
    desk.use(postfix, retries="0")
    desk.write("few.csv", "Name,Email\nAna,ana@example.org\nNo,nobody@example.org\nLate,later@example.org\n")
    done = desk.json("send", "few.csv", "--confirm", "3", code=3)
    assert [message["outcome"] for message in done["messages"]] == ["accepted", "refused", "deferred"]


def test_a_stored_account_keeps_its_password_in_the_keyring(
    desk: Desk, postfix: Postfix, secret_service: SecretService
) -> None:
    desk.environment |= secret_service.environment | {"INVITE_TUI_CONFIG_DIR": str(desk.path / "config")}
    words = ("account", "add", "work", "--host", "localhost", "--port", str(postfix.port), "--username", "organiser")
    environment = {
        name: value for name, value in (os.environ | desk.environment).items() if name != "PYTHON_KEYRING_BACKEND"
    }

    def run(*words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "tui", *words],
            cwd=desk.path,
            env=environment,
            input=typed,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    wrong = run(*words, "--ca", str(postfix.ca), "--password-stdin", typed="wrong\n")
    assert wrong.returncode == 4, wrong.stderr
    added = run(*words, "--ca", str(postfix.ca), "--password-stdin", typed=postfix.password + "\n")
    assert added.returncode == 0, added.stderr
    [account] = desk.json("account", "list")["accounts"]
    assert account == {
        "name": "work",
        "host": "localhost",
        "port": postfix.port,
        "security": "starttls",
        "username": "organiser",
        "from": None,
        "login": "password",
    }
    assert run("account", "test", "work").returncode == 0
    sent = run("send", "attendees.csv", "--only", "ana@example.org", "--confirm", "1", "--json")
    assert sent.returncode == 0, sent.stderr
    assert list(postfix.mailboxes()) == ["ana@example.org"]
    for file in desk.path.rglob("*"):
        assert not file.is_file() or postfix.password.encode() not in file.read_bytes(), file
    assert run("account", "remove", "work").returncode == 0
    assert desk.json("account", "list")["accounts"] == []
    assert (
        desk.json("send", "attendees.csv", "--account", "work", "--confirm", "54", code=4)["error"]["code"] == "account"
    )


def test_without_a_keyring_the_way_out_is_told(desk: Desk, postfix: Postfix) -> None:
    done = desk.run(
        *("account", "add", "work", "--host", "localhost", "--port", str(postfix.port), "--username", "organiser"),
        *("--ca", str(postfix.ca), "--password-stdin"),
        code=4,
        typed=postfix.password + "\n",
    )
    assert "keyring" in done.stderr
    assert "INVITE_TUI_SMTP_PASSWORD" in done.stderr
