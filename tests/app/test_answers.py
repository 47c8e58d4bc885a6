"""What came back, in the app: read from files, seen as bars, triaged with a key, and corrected by the usual way."""

from pathlib import Path

import pytest
from textual.widgets import Button, OptionList

from tests.app.driving import Driven, app_of, driven, seen, through, typed, until
from tests.app.test_corrections import confirmed, invited, people, words_of
from tests.replies import mails
from tests.servers.dovecot import Dovecot
from tests.servers.recording import RecordingServer
from tui.app.screens.form import Form
from tui.app.screens.pick import Pick
from tui.delivery import Account, AccountStore, Secret
from tui.delivery.accounts import Imap
from tui.ledger import open_to_read

__all__ = ["people"]  # a fixture


async def answers(pilot: Driven) -> OptionList:
    """The list of what came back."""
    await pilot.press("i")
    return await listed(pilot)


async def listed(pilot: Driven) -> OptionList:
    await until(pilot, lambda: isinstance(pilot.app.screen, Pick) and "Read" in seen(pilot))
    return pilot.app.screen.query_one(OptionList)


async def chosen(pilot: Driven, label: str) -> None:
    options = pilot.app.screen.query_one(OptionList)
    labels = [str(options.get_option_at_index(at).prompt) for at in range(options.option_count)]
    options.highlighted = next(at for at, words in enumerate(labels) if label in words)
    await pilot.press("enter")


async def read(pilot: Driven, path: Path) -> None:
    """The mails there are read, and the list is there again."""
    await answers(pilot)
    await chosen(pilot, "A file or folder")
    await until(pilot, lambda: isinstance(pilot.app.screen, Form))
    await typed(pilot, str(path))
    await pilot.press("enter")
    await listed(pilot)


@pytest.fixture
def inbox(people: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


async def test_a_request_is_accepted_with_a_key_and_becomes_a_correction(
    people: Path, inbox: Path, server: RecordingServer
) -> None:
    environment = through(server)
    async with driven(people / "few.csv", environment=environment, size=(110, 44)) as pilot:
        await invited(pilot)
        with open_to_read(app_of(pilot).state.folder.ledger_path) as ledger:  # type: ignore[union-attr]
            held = {key: person.messages[0] for key, person in ledger.people().items()}
        ana, bo = held["ana@example.org"], held["bo@example.org"]
        (inbox / "1.eml").write_bytes(mails.by_google(ana.uid, "ana@example.org"))
        ask = mails.a_mail("bo@example.org", "Please use bo@home.example.", in_reply_to=bo.message_id)
        (inbox / "2.eml").write_bytes(ask.as_bytes())
        await read(pilot, inbox)
        assert "accepted" in seen(pilot) and "no reply seen" in seen(pilot) and "█" in seen(pilot)
        assert "asks for another address" in seen(pilot) and "→ bo@home.example" in seen(pilot)
        before = len(server.messages)

        await pilot.press("enter")  # the open request is under the cursor
        await until(pilot, lambda: "Asked in words" in seen(pilot))
        assert "Please use bo@home.example." in words_of(pilot)
        assert len(server.messages) == before
        await pilot.press("enter")
        await until(pilot, lambda: "Look at it" in seen(pilot))
        assert "bo@home.example" in seen(pilot)
        form = pilot.app.screen
        form.query_one("#go", Button).press()
        await confirmed(pilot, 2)
        assert [message.rcpt_tos for message in server.messages[before:]] == [("bo@example.org",), ("bo@home.example",)]
        await pilot.press("escape")
        await answers(pilot)
        assert "corrected to bo@home.example" in seen(pilot)


async def test_an_answer_in_somebodys_name_counts_when_the_organiser_says_so(
    people: Path, inbox: Path, server: RecordingServer
) -> None:
    async with driven(people / "few.csv", environment=through(server), size=(110, 44)) as pilot:
        await invited(pilot)
        path = app_of(pilot).state.folder.ledger_path  # type: ignore[union-attr]
        with open_to_read(path) as ledger:
            uid = ledger.people()["ana@example.org"].messages[0].uid
        raw = mails.by_google(uid, "ana@example.org").replace(b"<ana@example.org>", b"<office@elsewhere.example>")
        (inbox / "1.eml").write_bytes(raw)
        await read(pilot, inbox)
        await chosen(pilot, "ana@example.org")
        await until(pilot, lambda: "does not count before you say so" in words_of(pilot))
        assert "office@elsewhere.example" in seen(pilot)
        pilot.app.screen.query_one("#accept-it", Button).press()
        await until(pilot, lambda: isinstance(pilot.app.screen, Pick) and "Not verified" not in seen(pilot))
        with open_to_read(path) as ledger:
            assert ledger.people()["ana@example.org"].response == "accepted"


async def test_a_mailbox_that_cannot_be_read_is_said(people: Path, server: RecordingServer) -> None:
    async with driven(people / "few.csv", environment=through(server), size=(110, 44)) as pilot:
        await invited(pilot)
        await answers(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "no account whose mailbox could be read" in words_of(pilot))


async def test_who_has_not_answered_is_reminded_and_nobody_else(
    people: Path, inbox: Path, server: RecordingServer
) -> None:
    async with driven(people / "few.csv", environment=through(server), size=(110, 44)) as pilot:
        await invited(pilot)
        path = app_of(pilot).state.folder.ledger_path  # type: ignore[union-attr]
        with open_to_read(path) as ledger:
            uid = ledger.people()["ana@example.org"].messages[0].uid
        (inbox / "1.eml").write_bytes(mails.by_google(uid, "ana@example.org"))
        await read(pilot, inbox)
        await chosen(pilot, "Remind …")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        assert "Reminder: Pathways" in seen(pilot)
        await confirmed(pilot, 3)
        later = sorted(message.rcpt_tos for message in server.messages[4:])
        assert later == [("bo@example.org",), ("cid@example.org",), ("dora@example.org",)]
        await pilot.press("escape")
        await answers(pilot)
        await chosen(pilot, "Remind …")
        await until(pilot, lambda: "Nobody is to be reminded" in words_of(pilot))


async def test_a_mailbox_that_is_watched_tells_what_comes(
    people: Path, server: RecordingServer, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVITE_TUI_KEYRING_PASSPHRASE", "a long enough passphrase")
    imap = Imap(dovecot.host, dovecot.tls_port)
    account = Account("work", "localhost", server.port, "none", dovecot.username, ca=dovecot.ca, imap=imap)
    AccountStore(people / "config").add(account, Secret(dovecot.password))
    async with driven(people / "few.csv", environment=through(server), size=(110, 44)) as pilot:
        await invited(pilot)
        path = app_of(pilot).state.folder.ledger_path  # type: ignore[union-attr]
    with open_to_read(path) as ledger:
        uid = ledger.people()["ana@example.org"].messages[0].uid
    environment = {"INVITE_TUI_CONFIG_DIR": str(people / "config")}
    async with driven(people / "few.csv", environment=environment, size=(110, 44)) as pilot:
        await answers(pilot)
        await chosen(pilot, "Watch it")
        await until(pilot, lambda: app_of(pilot).answering.is_watching)
        dovecot.put(mails.by_google(uid, "ana@example.org").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        await until(pilot, lambda: "1 new mail about the event" in words_of(pilot), 60)
        with open_to_read(path) as ledger:
            assert ledger.people()["ana@example.org"].response == "accepted"
