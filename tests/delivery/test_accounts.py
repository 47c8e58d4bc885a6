"""Accounts: a file without secrets, secrets that only their own server is offered, clear words where there are none."""

import json
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import keyring
import keyring.backend
import keyring.errors
import pytest

from tests.servers.secret_service import SecretService
from tui.delivery.accounts import SERVICE, Account, AccountStore, Imap, OAuth, Secret, account_from_settings
from tui.errors import AccountError

PASSWORD = "correct horse battery staple"
WORK = Account("work", "smtp.example.org", 587, "starttls", "ana@example.org")


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring that forgets with the test; `broken` is what it raises instead of working."""

    priority = 1.0

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.broken: Exception | None = None

    def _work(self) -> None:
        if self.broken is not None:
            raise self.broken

    def get_password(self, service: str, username: str) -> str | None:
        self._work()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._work()
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._work()
        if (service, username) not in self.entries:
            raise keyring.errors.PasswordDeleteError("not found")
        del self.entries[service, username]


@pytest.fixture
def use_keyring() -> Iterator[Callable[[keyring.backend.KeyringBackend], None]]:
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


@pytest.fixture
def memory(use_keyring: Callable[[keyring.backend.KeyringBackend], None]) -> MemoryKeyring:
    backend = MemoryKeyring()
    use_keyring(backend)
    return backend


@pytest.fixture
def store(tmp_path: Path, memory: MemoryKeyring) -> AccountStore:
    return AccountStore(tmp_path / "config")


class TestSecret:
    def test_is_shown_by_nothing(self) -> None:
        secret = Secret(PASSWORD)
        for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", f"{[secret]}", "%s" % secret):  # noqa: UP031  # too
            assert PASSWORD not in shown
        assert secret.reveal() == PASSWORD

    def test_is_not_in_a_traceback_with_locals(self) -> None:
        try:
            self._fail(Secret(PASSWORD))
        except ZeroDivisionError as error:
            shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
            assert "secret = Secret(...)" in shown
            assert PASSWORD not in shown

    @staticmethod
    def _fail(secret: Secret) -> None:
        _ = 1 / 0

    def test_is_not_pickled(self) -> None:
        with pytest.raises(TypeError):
            pickle.dumps(Secret(PASSWORD))

    def test_has_no_dictionary_to_look_into(self) -> None:
        with pytest.raises(TypeError):
            vars(Secret(PASSWORD))


class TestAccount:
    @pytest.mark.parametrize("name", ["work", "Work.2", "a", "team_1-x", "0"])
    def test_takes_plain_names(self, name: str) -> None:
        assert replace(WORK, name=name).name == name

    @pytest.mark.parametrize("name", ["", "a b", "../x", ".x", "-x", "ü", "a\n", "x" * 65, "a/b", "a:b"])
    def test_refuses_other_names(self, name: str) -> None:
        with pytest.raises(AccountError, match="name of an account"):
            replace(WORK, name=name)

    @pytest.mark.parametrize(
        "host", ["a b", "host\r\nEHLO x", "http://example.org", "ex@mple", "-x", "x" * 300, "host:25"]
    )
    def test_refuses_what_is_no_host(self, host: str) -> None:
        with pytest.raises(AccountError, match="no host name"):
            replace(WORK, host=host)

    @pytest.mark.parametrize("host", ["", " "])
    def test_a_host_that_is_not_said_is_asked_for(self, host: str) -> None:
        with pytest.raises(AccountError, match=r"^Account work: its host is not said\.$"):
            replace(WORK, host=host)

    @pytest.mark.parametrize("port", [0, -1, 65_536])
    def test_refuses_what_is_no_port(self, port: int) -> None:
        with pytest.raises(AccountError, match="no port"):
            replace(WORK, port=port)

    @pytest.mark.parametrize("host", ["smtp.example.org", "10.0.0.1", "0.0.0.0", "localhost.evil.example", "127.1"])
    def test_refuses_an_open_channel_to_another_machine(self, host: str) -> None:
        with pytest.raises(AccountError, match="unencrypted"):
            replace(WORK, host=host, security="none")

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
    def test_takes_an_open_channel_to_this_one(self, host: str) -> None:
        assert replace(WORK, host=host, security="none").security == "none"

    @pytest.mark.parametrize(
        "changes",
        [
            {"username": "ana\r\nQUIT"},
            {"username": ""},
            {"username": "a\0b"},
            {"username": None},
            {"login": "none"},
            {"login": "magic"},
            {"security": "ssl"},
            {"sender": "not an address"},
            {"sender": "a@b>\r\nRCPT TO:<c@d"},
        ],
    )
    def test_refuses_what_does_not_fit(self, changes: dict[str, Any]) -> None:
        with pytest.raises(AccountError) as caught:
            replace(WORK, **changes)
        assert caught.value.exit_code == 4
        assert "\n" not in caught.value.message
        assert "\0" not in caught.value.message


class TestStore:
    def test_is_empty_at_first(self, store: AccountStore) -> None:
        assert store.list() == ()
        with pytest.raises(AccountError, match="no account named 'work'"):
            store.get("work")

    def test_keeps_all_of_a_profile(self, store: AccountStore, tmp_path: Path) -> None:
        full = replace(WORK, sender="events@example.org", ca=tmp_path / "cä.pem")
        plain = Account("home", "127.0.0.1", 25, "none", login="none")
        store.add(full, Secret(PASSWORD))
        store.add(plain, None)
        assert AccountStore(tmp_path / "config").list() == (plain, full)
        assert store.get("work") == full
        with pytest.raises(AccountError) as caught:
            store.get("wrok")
        assert caught.value.hint == "Known: home, work."

    def test_keeps_the_secret_in_the_keyring_alone(
        self, store: AccountStore, memory: MemoryKeyring, tmp_path: Path
    ) -> None:
        store.add(WORK, Secret(PASSWORD))
        assert list(memory.entries.values()) == [PASSWORD]
        assert {service for service, _ in memory.entries} == {SERVICE}
        for path in tmp_path.rglob("*"):
            assert path.is_dir() or PASSWORD not in path.read_text()
        secret = store.secret(WORK)
        assert secret is not None
        assert secret.reveal() == PASSWORD

    @pytest.mark.parametrize(
        "changes",
        [{"host": "smtp.evil.example"}, {"port": 2525}, {"username": "bob@example.org"}, {"name": "other"}],
    )
    def test_offers_a_secret_to_nobody_but_whom_it_was_stored_for(
        self, store: AccountStore, changes: dict[str, Any]
    ) -> None:
        store.add(WORK, Secret(PASSWORD))
        assert store.secret(replace(WORK, **changes)) is None

    def test_offers_no_secret_after_the_file_was_edited(self, store: AccountStore) -> None:
        store.add(WORK, Secret(PASSWORD))
        store.path.write_text(store.path.read_text().replace("smtp.example.org", "smtp.evil.example"))
        edited = store.get("work")
        assert edited.host == "smtp.evil.example"
        assert store.secret(edited) is None

    def test_cannot_be_talked_into_another_entry_by_an_odd_user_name(self, store: AccountStore) -> None:
        store.add(WORK, Secret(PASSWORD))
        odd = Account("x", "smtp.evil.example", 587, "starttls", "ana@example.org@smtp.example.org:587 (work)")
        assert store.secret(odd) is None

    def test_does_not_overwrite_unasked(self, store: AccountStore, memory: MemoryKeyring) -> None:
        store.add(WORK, Secret(PASSWORD))
        moved = replace(WORK, host="smtp2.example.org")
        with pytest.raises(AccountError, match="already"):
            store.add(moved, Secret("other"))
        store.add(moved, Secret("other"), replace=True)
        assert store.get("work") == moved
        assert list(memory.entries.values()) == ["other"]

    def test_replaces_a_password_in_place(self, store: AccountStore, memory: MemoryKeyring) -> None:
        store.add(WORK, Secret("old"))
        store.add(WORK, Secret("new"), replace=True)
        assert list(memory.entries.values()) == ["new"]

    @pytest.mark.parametrize("login", ["password", "oauth"])
    def test_reads_no_answers_any_more_and_keeps_the_secret_for_the_mail_server_alone(
        self, store: AccountStore, memory: MemoryKeyring, login: str
    ) -> None:
        before = replace(WORK, imap=Imap("imap.example.org"))
        if login == "oauth":
            before = replace(before, login="oauth", oauth=OAuth("https://login.example.org", "client-1"))
        store.add(before, Secret(PASSWORD))
        after = store.stop_reading("work")
        assert after == store.get("work") == replace(before, imap=None)
        secret = store.secret(after)
        assert secret is not None and secret.reveal() == PASSWORD
        assert store.secret(before) is None
        assert not any("imap.example.org" in name for _, name in memory.entries)
        assert store.stop_reading("work") == after

    def test_goes_on_reading_where_there_is_no_secret_to_be_kept(
        self, store: AccountStore, memory: MemoryKeyring
    ) -> None:
        store.add(replace(WORK, imap=Imap("imap.example.org")), Secret(PASSWORD))
        memory.entries.clear()
        with pytest.raises(AccountError, match="needs a password"):
            store.stop_reading("work")
        assert store.get("work").imap is not None

    def test_forgets_profile_and_secret(self, store: AccountStore, memory: MemoryKeyring) -> None:
        store.add(WORK, Secret(PASSWORD))
        store.remove("work")
        assert (store.list(), memory.entries) == ((), {})
        with pytest.raises(AccountError, match="no account"):
            store.remove("work")

    def test_forgets_a_profile_whose_secret_is_gone_already(self, store: AccountStore, memory: MemoryKeyring) -> None:
        store.add(WORK, Secret(PASSWORD))
        memory.entries.clear()
        store.remove("work")
        assert store.list() == ()

    def test_says_when_a_secret_stays_behind(self, store: AccountStore, memory: MemoryKeyring) -> None:
        store.add(WORK, Secret(PASSWORD))
        memory.broken = keyring.errors.KeyringLocked("locked")
        with pytest.raises(AccountError, match="still in the keyring") as caught:
            store.remove("work")
        assert caught.value.hint is not None
        assert "ana@example.org@smtp.example.org:587 (work)" in caught.value.hint
        assert store.list() == ()

    def test_reserves_the_name_of_the_environments_account(self, store: AccountStore) -> None:
        with pytest.raises(AccountError, match="environment"):
            store.add(replace(WORK, name="env"), Secret(PASSWORD))

    @pytest.mark.parametrize("secret", [None, Secret(""), Secret("a\nb"), Secret("a\0b")])
    def test_wants_a_password_that_can_be_one(
        self, store: AccountStore, memory: MemoryKeyring, secret: Secret | None
    ) -> None:
        with pytest.raises(AccountError, match="password"):
            store.add(WORK, secret)
        assert (store.list(), memory.entries) == ((), {})

    def test_never_asks_the_keyring_for_an_account_without_login(
        self, store: AccountStore, memory: MemoryKeyring
    ) -> None:
        memory.broken = RuntimeError("asked")
        plain = Account("home", "127.0.0.1", 25, "none", login="none")
        store.add(plain, None)
        assert store.secret(plain) is None
        store.remove("home")

    @pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
    def test_writes_a_file_for_its_owner_alone(self, store: AccountStore) -> None:
        store.add(WORK, Secret(PASSWORD))
        assert store.path.stat().st_mode & 0o777 == 0o600
        assert store.path.parent.stat().st_mode & 0o777 == 0o700
        assert [path.name for path in store.path.parent.iterdir()] == ["accounts.json"]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{}",
            "[]",
            "null",
            "not json",
            '{"version": 1}',
            '{"version": 2, "accounts": []}',
            '{"version": 1, "accounts": [1]}',
            '{"version": 1, "accounts": [{"name": "a"}]}',
            '{"version": 1, "accounts": [{"name": 1, "host": "h", "port": 1, "security": "tls", "login": "none"}]}',
            '{"version": 1, "accounts": [{"name": "a", "host": "h", "port": "1", "security": "tls", "login": "none"}]}',
            '{"version": 1, "accounts": [{"name": "a", "host": "h", "port": 1, "security": "none", "login": "none"}]}',
            "\ufeff\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass"),
        ],
    )
    def test_says_what_is_wrong_with_an_edited_file(self, store: AccountStore, text: str) -> None:
        store.path.parent.mkdir(parents=True)
        store.path.write_bytes(text.encode("utf-8", "surrogatepass"))
        with pytest.raises(AccountError) as caught:
            store.list()
        assert "\n" not in caught.value.message

    def test_survives_a_disk_that_cannot_be_written(
        self, store: AccountStore, memory: MemoryKeyring, tmp_path: Path
    ) -> None:
        (tmp_path / "config").write_text("a file where the folder should be")
        with pytest.raises(AccountError):
            store.add(WORK, Secret(PASSWORD))
        assert memory.entries == {}

    def test_lives_where_the_system_keeps_settings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("platformdirs.user_config_dir", lambda *_, **__: str(tmp_path / "x"))
        assert AccountStore().path == tmp_path / "x" / "accounts.json"

    def test_writes_what_the_command_line_calls_it(self, store: AccountStore) -> None:
        store.add(replace(WORK, sender="events@example.org"), Secret(PASSWORD))
        assert json.loads(store.path.read_text())["accounts"] == [
            {
                "name": "work",
                "host": "smtp.example.org",
                "port": 587,
                "security": "starttls",
                "username": "ana@example.org",
                "from": "events@example.org",
                "ca": None,
                "login": "password",
            }
        ]


class TestKeyring:
    @pytest.mark.parametrize(
        "problem",
        [
            keyring.errors.KeyringLocked("locked"),
            keyring.errors.PasswordSetError(f"cannot store {PASSWORD}"),
            keyring.errors.NoKeyringError("none"),
            RuntimeError("D-Bus went away"),
            OSError(13, "Permission denied"),
        ],
    )
    def test_that_fails_is_one_sentence_with_advice(
        self, store: AccountStore, memory: MemoryKeyring, problem: Exception
    ) -> None:
        memory.broken = problem
        for is_adding in (True, False):
            with pytest.raises(AccountError, match="keyring cannot be used") as caught:
                store.add(WORK, Secret(PASSWORD)) if is_adding else store.secret(WORK)
            error = caught.value
            assert error.hint is not None
            assert "INVITE_TUI_SMTP_PASSWORD" in error.hint
            shown = f"{error!r} {error.__cause__!r} {error.__context__!r} {error.hint}"
            # Whoever cannot read it cannot quote it.
            assert not is_adding or PASSWORD not in shown
        assert store.list() == ()

    @pytest.mark.parametrize(
        "module",
        ["keyring.backends.fail", "keyring.backends.null", "keyrings.alt.file", "keyrings.cryptfile.cryptfile"],
    )
    def test_that_is_none_or_a_file_is_refused(
        self,
        tmp_path: Path,
        use_keyring: Callable[[keyring.backend.KeyringBackend], None],
        monkeypatch: pytest.MonkeyPatch,
        module: str,
    ) -> None:
        class Insecure(MemoryKeyring):
            pass

        monkeypatch.setattr(Insecure, "__module__", module)
        backend = Insecure()
        use_keyring(backend)
        store = AccountStore(tmp_path)
        with pytest.raises(AccountError, match="no keyring that keeps a password safe") as caught:
            store.add(WORK, Secret(PASSWORD))
        assert caught.value.hint is not None
        assert "GNOME Keyring" in caught.value.hint
        assert backend.entries == {}
        with pytest.raises(AccountError):
            store.secret(WORK)

    def test_that_says_by_its_name_that_it_hides_nothing_is_refused(
        self, tmp_path: Path, use_keyring: Callable[[keyring.backend.KeyringBackend], None]
    ) -> None:
        class PlaintextKeyring(MemoryKeyring):
            pass

        backend = PlaintextKeyring()
        use_keyring(backend)
        with pytest.raises(AccountError, match="no keyring that keeps a password safe"):
            AccountStore(tmp_path).add(WORK, Secret(PASSWORD))
        assert backend.entries == {}

    def test_is_not_imported_before_it_is_needed(self) -> None:
        code = (
            "import sys, tui.delivery as d; assert 'keyring' not in sys.modules and 'smtplib' not in sys.modules; "
            "d.Account, d.AccountStore, d.Connection, d.Fault, d.Pace, d.account_from_settings; "
            "assert 'keyring' not in sys.modules and 'platformdirs' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_of_a_real_desktop_keeps_and_forgets(self, secret_service: SecretService, tmp_path: Path) -> None:
        # Another process than the one that kept it, as in life.
        setup = (
            "import sys; from pathlib import Path; from tui.delivery import Account, AccountStore, Secret; "
            "store = AccountStore(Path(sys.argv[1])); "
            "work = Account('work', 'smtp.example.org', 587, 'starttls', 'ana@example.org'); "
        )

        def run(code: str) -> str:
            return subprocess.run(
                [sys.executable, "-c", setup + code, str(tmp_path)],
                env=secret_service.environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout.strip()

        run("store.add(work, Secret('grün ✓ " + PASSWORD + "'))")
        elsewhere = "Account('work', 'smtp.evil.example', 587, 'starttls', 'ana@example.org')"
        said = run(
            f"print(store.secret(store.get('work')).reveal(), store.secret({elsewhere})); "
            "store.remove('work'); print(store.secret(work), store.list())"
        )
        assert said == f"grün ✓ {PASSWORD} None\nNone ()"

    def test_that_is_missing_on_a_real_machine_is_a_clear_sentence(self, tmp_path: Path) -> None:
        # The tests' surroundings have no keyring at all.
        with pytest.raises(AccountError, match="no keyring"):
            AccountStore(tmp_path).add(WORK, Secret(PASSWORD))


class TestFromSettings:
    BASE: ClassVar = {"host": "smtp.example.org", "username": "ana@example.org", "password": PASSWORD}

    def test_is_starttls_on_587_by_default(self) -> None:
        account, secret = account_from_settings(self.BASE)
        assert account == Account("env", "smtp.example.org", 587, "starttls", "ana@example.org")
        assert secret is not None
        assert secret.reveal() == PASSWORD

    @pytest.mark.parametrize(("security", "port"), [("tls", 465), ("starttls", 587), ("TLS", 465), (" tls ", 465)])
    def test_knows_the_usual_ports(self, security: str, port: int) -> None:
        account, _ = account_from_settings({**self.BASE, "security": security})
        assert (account.security, account.port) == (security.strip().lower(), port)

    def test_takes_this_machine_without_login(self) -> None:
        account, secret = account_from_settings(
            {"host": "127.0.0.1", "security": "none", "port": "2525", "username": "", "password": None}
        )
        assert (account.port, account.login, account.username, secret) == (2525, "none", None, None)

    @pytest.mark.parametrize(
        ("changes", "variable"),
        [
            ({"host": ""}, "HOST"),
            ({"host": None}, "HOST"),
            ({"host": "a b"}, "HOST"),
            ({"port": "0"}, "PORT"),
            ({"port": "65536"}, "PORT"),
            ({"port": "x"}, "PORT"),
            ({"port": "-1"}, "PORT"),
            ({"port": "1e3"}, "PORT"),
            ({"port": "٥٨٧"}, "PORT"),
            ({"port": "58700000"}, "PORT"),
            ({"security": "ssl"}, "SECURITY"),
            ({"security": "none"}, "SECURITY"),
            ({"username": None}, "USERNAME"),
            ({"username": "a\r\nb"}, "USERNAME"),
            ({"password": None}, "PASSWORD"),
            ({"password": ""}, "PASSWORD"),
            ({"password": "a\nb"}, "PASSWORD"),
            ({"ca": "/no/such/file.pem"}, "CA"),
            ({"imap_host": "a b"}, "IMAP_HOST"),
            ({"imap_host": "imap.example.org", "imap_port": "x"}, "IMAP_PORT"),
            ({"imap_host": "imap.example.org", "imap_security": "ssl"}, "IMAP_SECURITY"),
            ({"imap_host": "imap.example.org", "imap_security": "none"}, "IMAP_SECURITY"),
            ({"imap_host": "imap.example.org", "username": None, "password": None}, "USERNAME"),
        ],
    )
    def test_names_the_variable_that_is_wrong(self, changes: dict[str, str | None], variable: str) -> None:
        with pytest.raises(AccountError, match=f"INVITE_TUI_(SMTP_)?{variable}") as caught:
            account_from_settings({**self.BASE, **changes})
        assert PASSWORD not in f"{caught.value!r} {caught.value.hint}"

    @pytest.mark.parametrize(
        ("said", "imap"),
        [
            ({}, None),
            ({"imap_host": "imap.example.org"}, Imap("imap.example.org", 993, "tls")),
            ({"imap_host": "imap.example.org", "imap_security": "starttls"}, Imap("imap.example.org", 143, "starttls")),
            ({"imap_host": "::1", "imap_security": "none", "imap_port": "1143"}, Imap("::1", 1143, "none")),
            ({"imap_port": "1143"}, None),
        ],
    )
    def test_reads_answers_with_the_same_login(self, said: dict[str, str], imap: Imap | None) -> None:
        assert account_from_settings(self.BASE | said)[0].imap == imap

    def test_takes_a_ca_file(self, tmp_path: Path) -> None:
        pem = tmp_path / "ca.pem"
        pem.touch()
        assert account_from_settings({**self.BASE, "ca": str(pem)})[0].ca == pem
