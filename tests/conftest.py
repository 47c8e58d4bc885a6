"""The servers and the surroundings that tests ask for by name. Nothing here talks to anything but loopback."""

import gc
import os
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers import dovecot as real_dovecot
from tests.servers import postfix as real_postfix
from tests.servers import postgresql as real_postgresql
from tests.servers import secret_service as real_secret_service
from tests.servers.authority import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.issuer import Issuer
from tests.servers.postfix import Postfix
from tests.servers.postgresql import Postgres
from tests.servers.recording import RecordingServer
from tests.servers.secret_service import SecretService

# Whether the tests pass is a matter of the code alone; `--hypothesis-profile=search` draws what no run has drawn yet.
settings.register_profile("suite", derandomize=True)
settings.register_profile("search", derandomize=False)
settings.load_profile("suite")

_NOT_RUN = pytest.StashKey[dict[str, str]]()


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """New folders, one after the other; `mktemp` would look through all that are there for each."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, _homes: Iterator[Path]) -> None:
    """No test sees the settings, the accounts or the keyring of whoever runs it, or of another test."""
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    for name in [name for name in os.environ if name.startswith("INVITE_TUI_")]:
        monkeypatch.delenv(name)
    for name in ("COLUMNS", "LINES"):  # nor the size of their terminal
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={home}/no-bus")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("INVITE_TUI_LOOKUPS", "off")


@pytest.fixture
def quick_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """An encrypted file of secrets takes no time to open: only for what is done in this process."""
    from tui.delivery.accounts.encrypted import EncryptedFile  # only now: few tests have one

    monkeypatch.setattr(EncryptedFile, "time_cost", 1)
    monkeypatch.setattr(EncryptedFile, "memory_cost", 64)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who vouches for the test servers; `authority.pem` is what a client must be told to trust."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def start_smtp(authority: Authority) -> Iterator[Callable[..., RecordingServer]]:
    """Starts recording servers: `start_smtp(security="tls", pipelining=False)` takes what RecordingServer takes."""
    with ExitStack() as running:
        yield lambda **options: running.enter_context(RecordingServer(authority, **options))


@pytest.fixture
def smtp_server(start_smtp: Callable[..., RecordingServer]) -> RecordingServer:
    """A fresh recording server with STARTTLS and a login, as an organiser's has."""
    return start_smtp()


@pytest.fixture(scope="session")
def _postfix(authority: Authority) -> Iterator[Postfix]:
    need(real_postfix.missing())
    with Postfix(authority) as server:
        yield server


@pytest.fixture
def postfix(_postfix: Postfix) -> Postfix:
    """A real Postfix with empty mailboxes, started once for all tests."""
    _postfix.clear()
    return _postfix


@pytest.fixture(scope="session")
def _issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(_issuer: Issuer) -> Issuer:
    """An OAuth 2.0 issuer to whom nobody has agreed to anything yet, started once for all tests."""
    _issuer.reset()
    return _issuer


@pytest.fixture(scope="session")
def _dovecot(authority: Authority, _issuer: Issuer) -> Iterator[Dovecot]:
    need(real_dovecot.missing())
    with Dovecot(authority, _issuer) as server:
        yield server


@pytest.fixture
def dovecot(_dovecot: Dovecot, issuer: Issuer) -> Dovecot:
    """A real Dovecot with empty mailboxes, started once for all tests. It asks `issuer` about tokens."""
    _dovecot.clear()
    return _dovecot


@pytest.fixture(scope="session")
def _submission(authority: Authority, _dovecot: Dovecot) -> Iterator[Postfix]:
    need(real_postfix.missing())
    with Postfix(authority, sasl=_dovecot.sasl) as server:
        yield server


@pytest.fixture
def submission(_submission: Postfix, dovecot: Dovecot) -> Postfix:
    """A real Postfix with empty mailboxes that lets in whom `dovecot` lets in: the same users, passwords and tokens."""
    _submission.clear()
    return _submission


@pytest.fixture(scope="session")
def postgres(authority: Authority) -> Iterator[Postgres]:
    """A real PostgreSQL, started once for all tests: each asks for a database of its own."""
    need(real_postgresql.missing())
    with Postgres(authority, in_memory=True) as server:
        yield server


@pytest.fixture
def secret_service(surroundings: None) -> Iterator[SecretService]:
    """A real, empty, unlocked Secret Service for processes started in its `environment`."""
    need(real_secret_service.missing())
    with SecretService() as service:
        yield service


def need(missing: str | None) -> None:
    """Go on, or do not run the test: with CI=true what is missing is a failure."""
    if missing is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI=true, and a server is missing: {missing}", pytrace=False)
    pytest.skip(missing)


def pytest_configure() -> None:
    """A shell that runs the tests in the background has Ctrl+C ignored, and `nohup` a terminal that is closed, by every
    process that they start as well."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGHUP", "SIGTERM"):
        if (number := getattr(signal, name, None)) is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)  # what is heard is inherited by nobody


def pytest_collection_finish() -> None:
    """Thousands of tests are there for as long as the process lives: no collection of garbage needs to look at them."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple):
        item.config.stash.setdefault(_NOT_RUN, {})[item.nodeid] = report.longrepr[2].removeprefix("Skipped: ")
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name every test that did not run: a skipped test is a promise not checked."""
    not_run = config.stash.get(_NOT_RUN, {})
    if not_run:
        terminalreporter.section(f"{len(not_run)} tests did not run")
        for name, reason in not_run.items():
            terminalreporter.line(f"{name}: {reason}")
