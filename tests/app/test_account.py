"""An account is added in the app: the address, what follows from it, and nothing is kept before it has worked."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import keyring
import pytest
from textual.events import Key
from textual.widgets import OptionList

from tests.app.driving import Driven, app_of, by_name, chosen, driven, pasted, seen, typed, until
from tests.app.test_answers import accepted_by
from tests.servers.dovecot import Dovecot
from tests.servers.issuer import Issuer
from tests.servers.postfix import Postfix
from tests.servers.recording import RecordingServer
from tui.app.screens.account import deeds_of
from tui.app.screens.form import Cycle, Form
from tui.app.screens.pick import Pick
from tui.delivery import Account, AccountStore, Secret, discovery
from tui.delivery.accounts import Imap
from tui.delivery.discovery import Proposal

PASSPHRASE = "a long enough passphrase"


@pytest.fixture(autouse=True)
def _keyring_restored() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.fixture
def environment(tmp_path: Path, quick_secrets: None) -> dict[str, str]:
    return {"INVITE_TUI_CONFIG_DIR": str(tmp_path / "config"), "INVITE_TUI_LOOKUPS": "off"}


async def begun(pilot: Driven, address: str) -> Form:
    """The second form is open."""
    await by_name(pilot, "Add an account")
    await until(pilot, lambda: "Your address" in seen(pilot))
    await pasted(pilot, address)
    await pilot.press("enter", "enter")
    await until(pilot, lambda: "Account work" in seen(pilot) and "Looking up" not in seen(pilot))
    form = pilot.app.screen
    assert isinstance(form, Form)
    return form


async def fill(pilot: Driven, form: Form, **values: str) -> None:
    for name, value in values.items():
        widget = form.line(name)
        if isinstance(widget, Cycle):
            while widget.value != value:
                widget.action_turn(1)
        else:
            widget.value = value
    await pilot.pause()


def stored(environment: dict[str, str]) -> tuple[Account, ...]:
    return AccountStore(Path(environment["INVITE_TUI_CONFIG_DIR"])).list()


def words_of(pilot: Driven) -> str:
    return " ".join(seen(pilot).replace("│", " ").split())


async def test_a_password_account_is_tried_and_kept(
    few: Path, environment: dict[str, str], submission: Postfix, dovecot: Dovecot
) -> None:
    async with driven(few, environment=environment) as pilot:
        form = await begun(pilot, dovecot.username)
        assert "your provider's help does" in seen(pilot)
        await fill(pilot, form, host=submission.host, port=str(submission.port), ca=str(submission.ca))
        await fill(pilot, form, imap=f"{dovecot.host}:{dovecot.tls_port}", passphrase=PASSPHRASE, password="wrong")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "refused the login" in seen(pilot), 60)
        assert stored(environment) == ()
        await fill(pilot, form, password=dovecot.password)
        assert dovecot.password not in seen(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "The account work works and is kept" in seen(pilot), 60)
        assert f"△ The account's address is {dovecot.username}" in words_of(pilot)  # which is not the organizer's
    [account] = stored(environment)
    assert account.imap == Imap(dovecot.host, dovecot.tls_port, "tls")
    assert account.ca == submission.ca


async def test_what_is_typed_at_once_reaches_the_form_before_the_mail_and_the_keyring_were_looked_up(
    few: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    proposal = Proposal("smtp.host.example", 465, "tls", "ana", None, None, "The host says so")
    monkeypatch.setattr(discovery, "propose", lambda *_: answered.wait(60) and proposal)
    monkeypatch.setattr(AccountStore, "wants_passphrase", lambda _: answered.wait(60))
    async with driven(few, environment=environment) as pilot:
        app_of(pilot).accounts.add()
        for key in "ana":
            pilot.app.post_message(Key(key, key))
        await until(pilot, lambda: isinstance(pilot.app.screen, Form) and "Your address" in seen(pilot))
        await until(pilot, lambda: of_form(pilot)["address"] == "ana")
        await pasted(pilot, "@host.example")
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "Looking up how the mail" in seen(pilot))
        await typed(pilot, "secret")
        form = pilot.app.screen
        assert isinstance(form, Form)
        await fill(pilot, form, port="2525")
        answered.set()
        await until(pilot, lambda: "The host says so" in seen(pilot) and "Passphrase" in seen(pilot))
        said = of_form(pilot)
    assert (said["host"], said["username"], said["security"]) == ("smtp.host.example", "ana", "tls")
    assert (said["password"], said["port"]) == ("secret", "2525")  # what a person typed stays


def of_form(pilot: Driven) -> Mapping[str, str]:
    assert isinstance(pilot.app.screen, Form)
    return pilot.app.screen.values


async def test_a_person_signs_in_with_the_code_that_is_shown_and_again_when_it_was_taken_back(
    people: Path, environment: dict[str, str], submission: Postfix, dovecot: Dovecot, issuer: Issuer
) -> None:
    async with driven("few.csv", environment=environment, size=(110, 40)) as pilot:
        form = await begun(pilot, dovecot.username)
        await fill(pilot, form, host=submission.host, port=str(submission.port), ca=str(submission.ca))
        await fill(pilot, form, login="issuer", issuer=issuer.url, client_id=issuer.client_id, passphrase=PASSPHRASE)
        await pilot.press("ctrl+s")
        await agreed(pilot, issuer)
        await until(pilot, lambda: "The account work works and is kept" in seen(pilot), 60)
        await pilot.press("enter")
        await until(pilot, lambda: "LIVE" in seen(pilot))
        assert [one.login for one in stored(environment)] == ["oauth"]

        issuer.revoke()
        await pilot.press("s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await typed(pilot, "4")
        await pilot.press("enter")
        await until(pilot, lambda: "Sign in again…" in seen(pilot), 60)
        assert "is no longer valid" in words_of(pilot) and "account login" not in seen(pilot)
        await by_name(pilot, "Sign in again")
        await agreed(pilot, issuer)
        await until(pilot, lambda: "Signed in to work again" in seen(pilot), 60)

        # Answers that are read at another host take a sign-in that is given for it; then its mails are read.
        await pilot.press("s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await typed(pilot, "4")
        await pilot.press("enter")
        await until(pilot, lambda: "4 sent" in seen(pilot), 60)
        dovecot.put(accepted_by(people, "ana@example.org").replace(b"\n", b"\r\n"))
        await done(pilot, "Answers")
        await until(pilot, lambda: "read answers nowhere" in words_of(pilot))
        answers = pilot.app.screen
        assert isinstance(answers, Form)
        await fill(pilot, answers, imap=f"{dovecot.host}:{dovecot.tls_port}")
        await pilot.press("ctrl+s")
        await agreed(pilot, issuer)
        place = Imap(dovecot.host, dovecot.tls_port)
        await until(pilot, lambda: app_of(pilot).state.checked and reads_at(pilot) == place, 60)
        assert [one.imap for one in stored(environment)] == [place]
        await pilot.press("i")
        await chosen(pilot, "The account's mailbox")
        await until(pilot, lambda: app_of(pilot).state.survey.people["ana@example.org"].response == "accepted", 60)


def reads_at(pilot: Driven) -> Imap | None:
    """Where the app reads answers now."""
    account = app_of(pilot).state.account
    return account.imap if account is not None else None


async def agreed(pilot: Driven, issuer: Issuer) -> None:
    """The code is on the screen, and a person enters it in a browser."""
    await until(pilot, lambda: "enter the code" in seen(pilot), 60)
    device = list(issuer._devices.values())[-1]
    assert device.user_code in seen(pilot)
    assert f"{issuer.url}/device" in seen(pilot)
    issuer.answer_device(device.user_code)
    await until(pilot, lambda: "enter the code" not in seen(pilot), 60)


async def test_an_account_is_tested_sends_a_message_to_oneself_and_is_removed(
    people: Path, environment: dict[str, str], server: RecordingServer
) -> None:
    account = Account("work", server.host, server.port, "none", sender="me@elsewhere.example", login="none")
    AccountStore(Path(environment["INVITE_TUI_CONFIG_DIR"])).add(account, None)
    async with driven("few.csv", environment=environment, size=(110, 40)) as pilot:
        await done(pilot, "Test it")
        await until(pilot, lambda: "work works: it could send now" in seen(pilot))
        assert "The account's address is me@elsewhere.example, the event's organizer" in words_of(pilot)
        assert "< 220" in seen(pilot) and server.messages == []
        await pilot.press("escape")

        await done(pilot, "A message to yourself")
        await until(pilot, lambda: "me@elsewhere.example" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Sent to me@elsewhere.example" in words_of(pilot))
        assert [one.rcpt_tos for one in server.messages] == [("me@elsewhere.example",)]
        await pilot.press("escape")

        await done(pilot, "Remove it")
        await until(pilot, lambda: "Keep it" in seen(pilot))
        await pilot.click("#remove")
        await until(pilot, lambda: "REHEARSAL" in seen(pilot))
    assert stored(environment) == ()


async def test_another_password_is_tried_before_it_is_kept(
    people: Path, environment: dict[str, str], submission: Postfix, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVITE_TUI_KEYRING_PASSPHRASE", PASSPHRASE)
    said = {"username": dovecot.username, "ca": submission.ca}
    account = Account("work", submission.host, submission.port, **said)  # type: ignore[arg-type]  # each of its own type
    store = AccountStore(Path(environment["INVITE_TUI_CONFIG_DIR"]))
    store.add(account, Secret("an old one"))
    async with driven("few.csv", environment=environment, size=(110, 40)) as pilot:
        await done(pilot, "Another password")
        await until(pilot, lambda: "The old one is kept until" in words_of(pilot))
        for password, words, kept in (
            ("wrong", "refused the login", "an old one"),
            (dovecot.password, "works again", dovecot.password),
        ):
            form = pilot.app.screen
            assert isinstance(form, Form)
            await fill(pilot, form, password=password)
            await pilot.press("ctrl+s")
            await until(pilot, lambda words=words: words in words_of(pilot), 60)  # type: ignore[misc]  # mypy infers no default's type
            assert (secret := store.secret(account)) is not None and secret.reveal() == kept

        # Where answers are read is changed in the same way; for nowhere nobody is asked for anything.
        place = Imap(dovecot.host, dovecot.tls_port)
        there = {"imap": f"{place.host}:{place.port}", "password": dovecot.password}
        for values, words, imap in ((there, "answers are read at", place), ({"imap": ""}, "nowhere any more", None)):
            await done(pilot, "Answers")
            await until(pilot, lambda: "read answers nowhere" in words_of(pilot))
            form = pilot.app.screen
            assert isinstance(form, Form)
            await fill(pilot, form, **values)
            await pilot.press("ctrl+s")
            await until(pilot, lambda words=words: words in words_of(pilot), 60)  # type: ignore[misc]  # mypy infers no default's type
            assert store.get("work").imap == imap


async def done(pilot: Driven, deed: str) -> None:
    """This, chosen of what can be done with the account `work`."""
    await by_name(pilot, "Accounts")
    for label in ("work", deed):
        await until(pilot, lambda label=label: isinstance(pilot.app.screen, Pick) and label in seen(pilot))  # type: ignore[misc]  # mypy infers no default's type
        options = pilot.app.screen.query_one(OptionList)
        labels = [str(options.get_option_at_index(at).prompt) for at in range(options.option_count)]
        options.highlighted = next(at for at, words in enumerate(labels) if label in words)
        await pilot.press("enter")


async def test_escape_breaks_a_sign_in_off_and_nothing_is_kept(
    few: Path, environment: dict[str, str], issuer: Issuer
) -> None:
    async with driven(few, environment=environment) as pilot:
        form = await begun(pilot, "ana@department.example")
        await fill(pilot, form, host="127.0.0.1", port="1", login="issuer", issuer=issuer.url)
        await fill(pilot, form, client_id=issuer.client_id)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "enter the code" in seen(pilot), 60)
        await pilot.press("escape")
        await until(pilot, lambda: "broken off" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "Account work" not in seen(pilot))
    assert stored(environment) == ()


async def test_what_cannot_be_is_said_in_the_form(few: Path, environment: dict[str, str]) -> None:
    async with driven(few, environment=environment) as pilot:
        form = await begun(pilot, "ana@department.example")
        for changes, words in (
            ({"host": ""}, "The mail server is missing"),
            ({"host": "smtp.department.example", "port": "x"}, "no port"),
            ({"port": "587"}, "password is missing"),
            ({"imap": "a b", "password": "x"}, "no host name"),
            ({"imap": "", "ca": "no-such.pem"}, "no file no-such.pem"),
            ({"ca": "", "login": "issuer", "issuer": "http://elsewhere.example"}, "nobody to sign in with"),
        ):
            await fill(pilot, form, **changes)
            await pilot.press("ctrl+s")
            await until(pilot, lambda words=words: words in seen(pilot))  # type: ignore[misc]  # mypy infers no default's type
        assert "Client id" in seen(pilot) and "Password" not in seen(pilot)  # what does not matter is not asked


async def test_a_sender_who_is_not_the_organizer_is_told_of_while_it_is_typed_and_whole_on_a_small_screen(
    few: Path, environment: dict[str, str]
) -> None:
    async with driven(few, environment=environment, size=(60, 20)) as pilot:
        form = await begun(pilot, "ana@elsewhere.example")
        await fill(pilot, form, sender="ana@elsewhere.example")
        await until(pilot, lambda: "domain that another one sends." in words_of(pilot))
        await fill(pilot, form, sender="consultations@department.example")
        await until(pilot, lambda: "distrust" not in words_of(pilot))


async def test_a_note_that_its_line_has_no_room_for_is_read_below(few: Path) -> None:
    async with driven(few, size=(60, 20)) as pilot:
        pilot.app.push_screen(deeds_of(Account("work", "smtp.department.example", 587, username="ana"), is_used=False))
        await until(pilot, lambda: "Send through it" in seen(pilot))
        await until(pilot, lambda: "from here, until you leave" in seen(pilot))
        await pilot.press("down")  # whose note is short
        await until(pilot, lambda: "from here, until you leave" not in seen(pilot))
