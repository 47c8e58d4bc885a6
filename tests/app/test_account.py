"""An account is added in the app: the address, what follows from it, and nothing is kept before it has worked."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from textual.widgets import Input

from tests.app.driving import Driven, app_of, driven, seen, typed, until
from tests.servers.dovecot import Dovecot
from tests.servers.issuer import Issuer
from tests.servers.postfix import Postfix
from tui.app.screens.account import add_account
from tui.delivery import Account, AccountStore
from tui.delivery.accounts import Imap, OAuth
from tui.delivery.discovery import Proposal

PASSPHRASE = "a long enough passphrase"


@pytest.fixture(autouse=True)
def _keyring_restored() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"INVITE_TUI_CONFIG_DIR": str(tmp_path / "config"), "INVITE_TUI_LOOKUPS": "off"}


async def begun(pilot: Driven, environment: dict[str, str], address: str) -> list[Account]:
    """The second form is open; the list is of the accounts that were added."""
    added: list[Account] = []
    add_account(app_of(pilot), environment, "", lambda account, _: added.append(account))
    await until(pilot, lambda: "Your address" in seen(pilot))
    await typed(pilot, address)
    await pilot.press("enter", "enter")
    await until(pilot, lambda: "Account work" in seen(pilot))
    return added


async def fill(pilot: Driven, **values: str) -> None:
    form = pilot.app.screen
    for name, value in values.items():
        widget = form._widgets[name]  # type: ignore[attr-defined]
        assert isinstance(widget, Input)
        widget.value = value
    await pilot.pause()


async def test_a_password_account_is_tried_and_kept(
    few: Path, environment: dict[str, str], submission: Postfix, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(submission.ca))
    async with driven(few, environment=environment) as pilot:
        added = await begun(pilot, environment, dovecot.username)
        assert "your provider's help does" in seen(pilot)
        imap = f"{dovecot.host}:{dovecot.tls_port}"
        given = {"host": submission.host, "port": str(submission.port), "imap": imap, "passphrase": PASSPHRASE}
        await fill(pilot, **given, password="wrong")
        pilot.app.screen.action_submit()  # type: ignore[attr-defined]
        await until(pilot, lambda: "refused the login" in seen(pilot))
        assert added == []
        assert not (Path(environment["INVITE_TUI_CONFIG_DIR"]) / "accounts.json").exists()
        await fill(pilot, password=dovecot.password)
        assert dovecot.password not in seen(pilot)
        pilot.app.screen.action_submit()  # type: ignore[attr-defined]
        await until(pilot, lambda: added)
    [account] = AccountStore(Path(environment["INVITE_TUI_CONFIG_DIR"])).list()
    assert account == added[0]
    assert account.imap == Imap(dovecot.host, dovecot.tls_port, "tls")


async def test_a_person_signs_in_with_the_code_that_is_shown(
    few: Path,
    environment: dict[str, str],
    submission: Postfix,
    dovecot: Dovecot,
    issuer: Issuer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(submission.ca))
    # A provider that signs in, at the issuer of the tests.
    proposal = Proposal(submission.host, submission.port, "starttls", dovecot.username, None, "google", "It is known")
    monkeypatch.setattr("tui.delivery.discovery.propose", lambda *_: proposal)
    monkeypatch.setattr("tui.delivery.accounts.OAuth", lambda _, client_id: OAuth(issuer.url, client_id))
    async with driven(few, environment=environment) as pilot:
        added = await begun(pilot, environment, dovecot.username)
        await fill(pilot, client_id=issuer.client_id, passphrase=PASSPHRASE)
        pilot.app.screen.action_submit()  # type: ignore[attr-defined]
        await until(pilot, lambda: "enter the code" in seen(pilot))
        [device] = issuer._devices.values()
        assert device.user_code in seen(pilot)
        assert f"{issuer.url}/device" in seen(pilot)
        issuer.answer_device(device.user_code)
        await until(pilot, lambda: added)
        await until(pilot, lambda: "enter the code" not in seen(pilot))
    assert added[0].login == "oauth"


async def test_escape_breaks_a_sign_in_off_and_nothing_is_kept(
    few: Path, environment: dict[str, str], issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = Proposal("127.0.0.1", 1, "starttls", "ana@department.example", None, "google", "It is known")
    monkeypatch.setattr("tui.delivery.discovery.propose", lambda *_: proposal)
    monkeypatch.setattr("tui.delivery.accounts.OAuth", lambda _, client_id: OAuth(issuer.url, client_id))
    async with driven(few, environment=environment) as pilot:
        added = await begun(pilot, environment, "ana@department.example")
        await fill(pilot, client_id=issuer.client_id)
        pilot.app.screen.action_submit()  # type: ignore[attr-defined]
        await until(pilot, lambda: "enter the code" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "broken off" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "Account work" not in seen(pilot))
    assert added == []
    assert AccountStore(Path(environment["INVITE_TUI_CONFIG_DIR"])).list() == ()


async def test_what_cannot_be_is_said_in_the_form(few: Path, environment: dict[str, str]) -> None:
    async with driven(few, environment=environment) as pilot:
        await begun(pilot, environment, "ana@department.example")
        for changes, words in (
            ({"host": ""}, "no host name"),
            ({"host": "smtp.department.example", "port": "x"}, "no port"),
            ({"port": "587"}, "password is missing"),
            ({"imap": "a b", "password": "x"}, "no host name"),
        ):
            await fill(pilot, **changes)
            pilot.app.screen.action_submit()  # type: ignore[attr-defined]
            await until(pilot, lambda words=words: words in seen(pilot))  # type: ignore[misc]
