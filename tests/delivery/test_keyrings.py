"""Where secrets are kept: in parts where a keyring takes little, in an encrypted file where there is none."""

import configparser
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from keyrings.cryptfile.escape import escape

from tests.delivery.other_keyrings import KWallet, MacOS, SystemKeyring, Windows
from tests.servers.secret_service import SecretService
from tui.delivery.accounts import SERVICE, Account, AccountStore, Imap, OAuth, Secret
from tui.delivery.accounts.encrypted import EncryptedFile
from tui.errors import AccountError

PASSPHRASE = "a long enough passphrase"
OAUTH = Account(
    "work",
    "smtp.example.org",
    587,
    "starttls",
    "ana@example.org",
    login="oauth",
    oauth=OAuth("https://login.example.org", "client-1"),
    imap=Imap("imap.example.org"),
)
PASSWORD_ACCOUNT = Account("home", "smtp.example.org", 587, "starttls", "ana@example.org")


class SmallKeyring(keyring.backend.KeyringBackend):
    """Takes what Windows takes: 2,560 bytes of UTF-16. After `writes` more it fails."""

    priority = 1.0

    def __init__(self) -> None:
        self.entries: dict[str, str] = {}
        self.writes = 10_000

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password.encode("utf-16-le")) > 2560:
            raise keyring.errors.PasswordSetError("The stub received bad data")
        if self.writes <= 0:
            raise keyring.errors.PasswordSetError("the machine went down")
        self.writes -= 1
        self.entries[username] = password

    def delete_password(self, service: str, username: str) -> None:
        if username not in self.entries:
            raise keyring.errors.PasswordDeleteError("not found")
        del self.entries[username]


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.fixture
def small() -> SmallKeyring:
    backend = SmallKeyring()
    keyring.set_keyring(backend)
    return backend


def in_a_process(folder: Path, environment: Mapping[str, str], what: str) -> str:
    """What another process prints that does this with the `store` of the folder."""
    code = (
        "import sys; from pathlib import Path; from tests.delivery.test_keyrings import OAUTH, PASSWORD_ACCOUNT; "
        "from tui.delivery import AccountStore, Secret; from tui.delivery.accounts.encrypted import EncryptedFile; "
        "EncryptedFile.time_cost, EncryptedFile.memory_cost = 1, 64; "
        f"store = AccountStore(Path(sys.argv[1])); {what}"
    )
    words = [sys.executable, "-c", code, str(folder)]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def read(store: AccountStore, account: Account) -> str | None:
    secret = store.secret(account)
    return None if secret is None else secret.reveal()


class TestLongSecrets:
    @pytest.mark.parametrize("length", [1, 1200, 1201, 4000, 20_000])
    def test_come_back_whole_from_a_keyring_that_takes_little(
        self, tmp_path: Path, small: SmallKeyring, length: int
    ) -> None:
        token = ("0123456789abcdef" * (length // 16 + 1))[:length]
        store = AccountStore(tmp_path)
        store.add(OAUTH, Secret(token))
        assert read(store, store.get("work")) == token
        store.remove("work")
        assert small.entries == {}

    def test_leave_nothing_of_the_one_before_behind(self, tmp_path: Path, small: SmallKeyring) -> None:
        store = AccountStore(tmp_path)
        store.add(OAUTH, Secret("a" * 5000))
        store.add(OAUTH, Secret("b" * 1500), replace=True)
        assert read(store, OAUTH) == "b" * 1500
        assert len(small.entries) == 3
        assert not any("a" * 100 in text for text in small.entries.values())

    @pytest.mark.parametrize("writes", range(7))
    def test_are_the_old_or_the_new_one_wherever_writing_ends(
        self, tmp_path: Path, small: SmallKeyring, writes: int
    ) -> None:
        store = AccountStore(tmp_path)
        store.add(OAUTH, Secret("a" * 5000))
        small.writes = writes
        new = "b" * 5000  # five parts and a head
        if writes < 6:
            with pytest.raises(AccountError) as caught:
                store.add(OAUTH, Secret(new), replace=True)
            assert new not in f"{caught.value!r} {caught.value.__context__!r}"
            assert read(store, OAUTH) == "a" * 5000
        else:
            store.add(OAUTH, Secret(new), replace=True)
            assert read(store, OAUTH) == new

    def test_of_which_a_part_is_missing_are_none(self, tmp_path: Path, small: SmallKeyring) -> None:
        store = AccountStore(tmp_path)
        store.add(OAUTH, Secret("a" * 5000))
        del small.entries[next(name for name in small.entries if "part=" in name)]
        assert read(store, OAUTH) is None

    @pytest.mark.parametrize(
        "changed",
        [
            replace(OAUTH, host="smtp.evil.example"),
            replace(OAUTH, imap=Imap("imap.evil.example")),
            replace(OAUTH, imap=None),
            replace(OAUTH, oauth=OAuth("https://evil.example", "client-1")),
            replace(OAUTH, oauth=OAuth("https://login.example.org", "client-2")),
            replace(OAUTH, username="bob@example.org"),
        ],
    )
    def test_are_for_nobody_but_whom_they_were_stored_for(
        self, tmp_path: Path, small: SmallKeyring, changed: Account
    ) -> None:
        store = AccountStore(tmp_path)
        store.add(OAUTH, Secret("token"))
        assert store.secret(changed) is None

    def test_go_through_a_real_desktops_keyring(self, secret_service: SecretService, tmp_path: Path) -> None:
        run = partial(in_a_process, tmp_path, secret_service.environment)
        run("store.add(OAUTH, Secret('ab' * 2000))")
        said = run("print(store.secret(store.get('work')).reveal()); store.remove('work'); print(store.secret(OAUTH))")
        assert said == f"{'ab' * 2000}\nNone"


class TestOfOtherSystems:
    """The very backends that keyring chooses on Windows, macOS and KDE: what they ask of the system is ours."""

    @pytest.fixture(params=[Windows, MacOS, KWallet])
    def system(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> SystemKeyring:
        found: SystemKeyring = request.param(monkeypatch)
        keyring.set_keyring(found.backend)
        return found

    def test_passwords_and_long_sign_ins_come_back_whole_and_leave_nothing_behind(
        self, tmp_path: Path, system: SystemKeyring
    ) -> None:
        store = AccountStore(tmp_path)
        store.add(OAUTH, Secret("0123456789abcdef" * 300))
        store.add(PASSWORD_ACCOUNT, Secret("grün ✓"))
        assert read(store, OAUTH) == "0123456789abcdef" * 300
        store.add(OAUTH, Secret("b" * 1_500), replace=True)
        store.add(PASSWORD_ACCOUNT, Secret("blau"), replace=True)
        assert (read(store, OAUTH), read(store, PASSWORD_ACCOUNT)) == ("b" * 1_500, "blau")
        other = store.stop_reading("work")
        assert (read(store, other), store.secret(OAUTH)) == ("b" * 1_500, None)
        store.remove("work")
        assert read(store, PASSWORD_ACCOUNT) == "blau"
        store.remove("home")
        assert system.entries == {}

    def test_one_that_does_not_take_a_secret_is_a_sentence_and_nothing_is_added(
        self, tmp_path: Path, system: SystemKeyring
    ) -> None:
        system.is_locked = True
        store = AccountStore(tmp_path)
        with pytest.raises(AccountError, match="keyring cannot be used") as caught:
            store.add(PASSWORD_ACCOUNT, Secret("geheim und lang"))
        assert "geheim" not in f"{caught.value!r} {caught.value.__context__!r}"
        assert store.list() == ()


class TestEncryptedFile:
    """On a machine without a keyring, as the tests' surroundings are one."""

    @pytest.fixture(autouse=True)
    def _quick_to_open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(EncryptedFile, "time_cost", 1)
        monkeypatch.setattr(EncryptedFile, "memory_cost", 64)

    def test_keeps_secrets_from_one_process_to_the_next(self, tmp_path: Path) -> None:
        run = partial(in_a_process, tmp_path, os.environ | {"INVITE_TUI_KEYRING_PASSPHRASE": PASSPHRASE})
        run("store.add(OAUTH, Secret('token ' * 500)); store.add(PASSWORD_ACCOUNT, Secret('grün ✓'))")
        stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.name != "accounts.json")
        for secret in ("token", "grün", PASSPHRASE, "ana", "example"):
            assert secret.encode() not in stored
        found = "store.secret(PASSWORD_ACCOUNT)"
        said = run(f"print(len(store.secret(OAUTH).reveal()), {found}.reveal()); store.remove('home'); print({found})")
        assert said == "3000 grün ✓\nNone"

    def test_keeps_a_long_secret_whole_and_reads_what_was_kept_in_parts_before(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("INVITE_TUI_KEYRING_PASSPHRASE", PASSPHRASE)
        before, after = "0123456789" * 900, "abcdefghij" * 900

        def entries() -> int:
            config = configparser.RawConfigParser()
            config.read(tmp_path / "secrets.cfg")
            return len(config.options(escape(SERVICE)))

        store = AccountStore(tmp_path)
        with monkeypatch.context() as then:
            then.setattr(EncryptedFile, "longest_entry", 1_200)
            store.add(OAUTH, Secret(before))
            assert entries() == 9  # eight parts and a head
        assert read(store, OAUTH) == before
        store.add(OAUTH, Secret(after), replace=True)
        assert (entries(), read(store, OAUTH)) == (2, after)

    @pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
    @pytest.mark.usefixtures("quick_secrets")
    def test_is_its_owners_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INVITE_TUI_KEYRING_PASSPHRASE", PASSPHRASE)
        store = AccountStore(tmp_path / "config")
        store.add(PASSWORD_ACCOUNT, Secret("geheim"))
        files = sorted((tmp_path / "config").iterdir())
        assert [path.name for path in files] == ["accounts.json", "secrets.cfg"]
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}

    @pytest.mark.usefixtures("quick_secrets")
    def test_does_not_open_with_another_passphrase(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INVITE_TUI_KEYRING_PASSPHRASE", PASSPHRASE)
        AccountStore(tmp_path).add(PASSWORD_ACCOUNT, Secret("geheim"))
        before = (tmp_path / "secrets.cfg").read_bytes()
        keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call] # another process
        monkeypatch.setenv("INVITE_TUI_KEYRING_PASSPHRASE", "another passphrase")
        with pytest.raises(AccountError, match="does not open with this passphrase") as caught:
            AccountStore(tmp_path).secret(PASSWORD_ACCOUNT)
        assert "another passphrase" not in f"{caught.value!r} {caught.value.hint} {caught.value.__context__!r}"
        assert (tmp_path / "secrets.cfg").read_bytes() == before

    @pytest.mark.usefixtures("quick_secrets")
    def test_that_was_tampered_with_gives_nothing_away(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INVITE_TUI_KEYRING_PASSPHRASE", PASSPHRASE)
        store = AccountStore(tmp_path)
        store.add(PASSWORD_ACCOUNT, Secret("geheim"))
        other = replace(PASSWORD_ACCOUNT, host="smtp.evil.example")
        store._vault.keep("x", Secret("y"))
        # The entry of one account under the name of another: what belongs to it is in the seal.
        from tui.delivery.accounts.encrypted import _name
        from tui.delivery.accounts.keyrings import SERVICE
        from tui.delivery.accounts.store import entry_of

        path = tmp_path / "secrets.cfg"
        text = path.read_text()
        mine, theirs = (_name(SERVICE, entry_of(account)) for account in (PASSWORD_ACCOUNT, other))
        assert mine in text
        path.write_text(text.replace(mine, theirs))
        with pytest.raises(AccountError, match="cannot be used"):
            store.secret(other)

    def test_is_not_made_with_a_short_passphrase(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("INVITE_TUI_KEYRING_PASSPHRASE", "short")
        with pytest.raises(AccountError, match="fewer than 8"):
            AccountStore(tmp_path).add(PASSWORD_ACCOUNT, Secret("geheim"))
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.usefixtures("quick_secrets")
    def test_is_opened_by_who_is_asked_once(self, tmp_path: Path) -> None:
        asked: list[bool] = []

        def ask(is_new: bool) -> Secret:
            asked.append(is_new)
            return Secret(PASSPHRASE)

        store = AccountStore(tmp_path)
        store.unlock(ask)
        store.unlock(ask)
        store.add(PASSWORD_ACCOUNT, Secret("geheim"))
        assert asked == [True]
        keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call] # another process
        AccountStore(tmp_path).unlock(ask)
        assert asked == [True, False]
        assert read(store, PASSWORD_ACCOUNT) == "geheim"

    def test_is_not_used_where_there_is_a_keyring(self, tmp_path: Path, small: SmallKeyring) -> None:
        def ask(is_new: bool) -> Secret:
            raise AssertionError("asked")

        store = AccountStore(tmp_path)
        store.unlock(ask)
        store.add(PASSWORD_ACCOUNT, Secret("geheim"))
        assert not (tmp_path / "secrets.cfg").exists()

    def test_that_nobody_opens_is_a_clear_sentence(self, tmp_path: Path) -> None:
        store = AccountStore(tmp_path)
        store.unlock(lambda _: None)
        with pytest.raises(AccountError, match="no keyring") as caught:
            store.add(PASSWORD_ACCOUNT, Secret("geheim"))
        assert "INVITE_TUI_KEYRING_PASSPHRASE" in (caught.value.hint or "")
        assert list(tmp_path.iterdir()) == []
