"""What came back, in the app: read from files, seen as bars, triaged with a key, and corrected by the usual way."""

from functools import partial
from pathlib import Path

from textual.widgets import Button

from tests.app.driving import Driven, app_of, chosen, driven, pasted, seen, through, until
from tests.app.test_corrections import confirmed, words_of
from tests.replies import mails
from tests.servers.dovecot import Dovecot
from tests.servers.recording import RecordingServer
from tui.app.screens.answers import Answers
from tui.app.screens.form import Form
from tui.app.state import ANSWERS
from tui.delivery import Account, AccountStore, Secret
from tui.delivery.accounts import Imap
from tui.ledger import Person, open_to_read
from tui.replies import Collector

SIZE = (110, 44)


def known(folder: Path) -> dict[str, Person]:
    with open_to_read(folder / "event.ledger.db") as ledger:
        return dict(ledger.people())


def come(folder: Path, *answers: bytes) -> Path:
    """These mails, in a folder of mails."""
    inbox = folder / "inbox"
    inbox.mkdir(exist_ok=True)
    for number, raw in enumerate(answers):
        (inbox / f"{number}.eml").write_bytes(raw)
    return inbox


def accepted_by(folder: Path, address: str) -> bytes:
    return mails.by_google(known(folder)[address].messages[0].uid, address)


def asking(folder: Path, address: str, words: str) -> bytes:
    return mails.a_mail(address, words, in_reply_to=known(folder)[address].messages[0].message_id).as_bytes()


def read_before(folder: Path, *answers: bytes) -> None:
    """These mails were read by the core, before the app is opened."""
    from tui.folder import open_folder

    Collector(open_folder([], event=str(folder))).from_files([str(come(folder, *answers))])


async def listed(pilot: Driven) -> Answers:
    """The list of what came back."""
    if not isinstance(pilot.app.screen, Answers):
        await pilot.press("i")
    await until(pilot, lambda: isinstance(pilot.app.screen, Answers) and "Follow up" in seen(pilot))
    assert isinstance(pilot.app.screen, Answers)
    return pilot.app.screen


async def test_mails_are_read_and_a_request_becomes_a_correction_with_a_key(
    held: Path, server: RecordingServer
) -> None:
    ask = asking(held, "bo@example.org", "Please use bo@home.example.")
    inbox = come(held, accepted_by(held, "ana@example.org"), ask)
    async with driven("few.csv", environment=through(server), size=SIZE) as pilot:
        await listed(pilot)
        await chosen(pilot, "A file or folder")
        await until(pilot, lambda: isinstance(pilot.app.screen, Form))
        await pasted(pilot, str(inbox))
        await pilot.press("enter")
        await until(pilot, lambda: "asks for another address" in seen(pilot))
        assert "accepted" in seen(pilot) and "no reply seen" in seen(pilot) and "█" in seen(pilot)
        assert "→ bo@home.example" in seen(pilot)

        await pilot.press("enter")  # the open request is under the cursor: its words
        await until(pilot, lambda: "Asked in words" in seen(pilot))
        assert "Please use bo@home.example." in words_of(pilot)
        await pilot.press("escape")
        await listed(pilot)
        assert len(server.messages) == 4
        await pilot.press("a")  # accepted: the usual form, and nothing is sent before the number is typed
        await until(pilot, lambda: "Look at it" in seen(pilot))
        assert "bo@home.example" in seen(pilot)
        pilot.app.screen.query_one("#go", Button).press()
        await confirmed(pilot, 2)
    assert [message.rcpt_tos for message in server.messages[4:]] == [("bo@example.org",), ("bo@home.example",)]
    assert known(held)["bo@example.org"].address == "bo@home.example"


async def test_an_answer_in_somebodys_name_counts_when_the_organiser_says_so(
    held: Path, server: RecordingServer
) -> None:
    raw = accepted_by(held, "ana@example.org").replace(b"<ana@example.org>", b"<office@elsewhere.example>")
    read_before(held, raw)
    async with driven("few.csv", environment=through(server), size=SIZE) as pilot:
        await listed(pilot)
        await chosen(pilot, "ana@example.org")
        await until(pilot, lambda: "does not count before you say so" in words_of(pilot))
        assert "office@elsewhere.example" in seen(pilot)
        assert known(held)["ana@example.org"].response == "none"
        pilot.app.screen.query_one("#accept-it", Button).press()
        await until(pilot, lambda: isinstance(pilot.app.screen, Answers) and "Not verified" not in seen(pilot))
    assert known(held)["ana@example.org"].response == "accepted"


async def test_who_answered_what_is_shown_in_the_list_and_asked_of_the_way(held: Path, server: RecordingServer) -> None:
    ask = asking(held, "bo@example.org", "Please take me off your list.")
    read_before(held, accepted_by(held, "ana@example.org"), ask)
    async with driven("few.csv", environment=through(server), size=(140, 44)) as pilot:
        assert "4 sent  1 accepted  1 asking" in seen(pilot)
        await listed(pilot)
        await chosen(pilot, ANSWERS["none"])
        await until(pilot, lambda: "3 of 4  no reply seen" in seen(pilot))
        assert "Ana Ruiz" not in "".join(line.split("││")[0] for line in seen(pilot).splitlines())
        await pilot.press("escape")
        await until(pilot, lambda: "Attendees  4" in seen(pilot))


async def test_a_mailbox_that_cannot_be_read_is_said(held: Path, server: RecordingServer) -> None:
    async with driven("few.csv", environment=through(server), size=SIZE) as pilot:
        await listed(pilot)
        await chosen(pilot, "The account's mailbox")
        await until(pilot, lambda: "says nothing of an IMAP server" in words_of(pilot))
        assert not app_of(pilot).answering.is_watching


async def test_who_has_not_answered_is_reminded_and_nobody_else(held: Path, server: RecordingServer) -> None:
    read_before(held, accepted_by(held, "ana@example.org"))
    async with driven("few.csv", environment=through(server), size=SIZE) as pilot:
        await pilot.press("m")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        assert "Reminder: Pathways" in seen(pilot)
        assert "1 not: has answered: accepted" in words_of(pilot)
        await confirmed(pilot, 3)
        later = sorted(message.rcpt_tos for message in server.messages[4:])
        assert later == [("bo@example.org",), ("cid@example.org",), ("dora@example.org",)]
        await pilot.press("escape", "m")
        await until(pilot, lambda: "Nobody is to be reminded" in words_of(pilot))


async def test_after_the_last_day_to_reply_nobody_is_reminded(held: Path, server: RecordingServer) -> None:
    event = (held / "event.toml").read_text()
    (held / "event.toml").write_text(event.replace("[event]", "[event]\nreply_by = 2020-01-01"))
    async with driven("few.csv", environment=through(server), size=SIZE) as pilot:
        await pilot.press("m")
        await until(pilot, lambda: "Nobody is to be reminded" in words_of(pilot) and "reply_by" in words_of(pilot))
        # What comes after that is offered where the answers are.
        for label, words in (
            ("Write a report", "report.html"),
            ("Forget everybody", "Type the number of people"),
        ):
            await pilot.press("i")
            await until(pilot, lambda: isinstance(pilot.app.screen, Answers))
            await chosen(pilot, label)
            await until(pilot, partial(lambda said: said in words_of(pilot), words))
            await pilot.press("escape")
            await until(pilot, lambda: pilot.app.screen is app_of(pilot).main)


async def test_a_mailbox_that_was_read_stays_live_and_what_comes_is_shown_at_once(
    held: Path, server: RecordingServer, dovecot: Dovecot
) -> None:
    imap = Imap(dovecot.host, dovecot.tls_port)
    account = Account("work", "localhost", server.port, "none", dovecot.username, ca=dovecot.ca, imap=imap)
    import keyring

    before = keyring.get_keyring()
    store = AccountStore(held / "config")
    store.unlock(lambda _: Secret("a long enough passphrase"))
    store.add(account, Secret(dovecot.password))
    keyring.set_keyring(before)
    environment = {"INVITE_TUI_CONFIG_DIR": str(held / "config")}
    try:
        async with driven("few.csv", environment=environment, size=SIZE) as pilot:
            await listed(pilot)
            await chosen(pilot, "The account's mailbox")
            await until(pilot, lambda: "Passphrase" in seen(pilot))
            for passphrase, said in (("wrong", "does not open"), ("a long enough passphrase", "0 new mails read")):
                await pasted(pilot, passphrase)
                await pilot.press("enter")
                await until(pilot, lambda said=said: said in words_of(pilot), 60)  # type: ignore[misc]  # mypy infers no default's type
                if passphrase == "wrong":
                    await pilot.press(*["backspace"] * len(passphrase))
            await listed(pilot)
            await until(pilot, lambda: app_of(pilot).answering.is_watching)
            raw = accepted_by(held, "ana@example.org")
            dovecot.put(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
            await until(pilot, lambda: "1 new mail about the event" in words_of(pilot), 60)
            await until(pilot, lambda: " 1 █" in seen(pilot) and isinstance(pilot.app.screen, Answers))
            assert known(held)["ana@example.org"].response == "accepted"
    finally:
        keyring.set_keyring(before)


async def test_a_long_request_is_read_to_its_end_with_the_keys(held: Path, server: RecordingServer) -> None:
    words = "\n".join(f"Reason {number}." for number in range(40))
    read_before(held, asking(held, "bo@example.org", f"Please take me off.\n{words}"))
    async with driven("few.csv", environment=through(server), size=(60, 20)) as pilot:
        await pilot.press("i")
        await chosen(pilot, "Bo Li")
        await until(pilot, lambda: "Asked in words" in seen(pilot) and "more below" in seen(pilot))
        for _ in range(9):
            await pilot.press("pagedown")
        await until(pilot, lambda: "Reason 39." in seen(pilot) and "more below" not in seen(pilot))
