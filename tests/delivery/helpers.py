"""What the delivery tests share: messages as the guard would clear them, and accounts on the test servers."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.postfix import Postfix
from tests.servers.recording import RecordingServer
from tests.servers.scripted import ScriptedServer
from tui.delivery import connection, steps
from tui.delivery.accounts import Account, Secret, Security
from tui.delivery.connection import Connection
from tui.guard import cleared as guard

SENDER = "organizer@department.example"


def raw_message(to: str = "ana@example.org", body: bytes = b"Dear Ana\r\n") -> bytes:
    local = to.partition("@")[0].encode("ascii", "ignore")
    head = f"From: {SENDER}\r\nTo: {to}\r\n".encode()
    return head + b"Message-ID: <" + local + b"@department.example>\r\nSubject: hello\r\n\r\n" + body


def cleared(to: str = "ana@example.org", raw: bytes | None = None) -> guard.Cleared:
    """A message as the guard hands it over; what the guard would say of it is tested elsewhere."""
    raw = raw_message(to) if raw is None else raw
    return guard.Cleared(guard._SEAL, raw, to, hashlib.sha256(raw).hexdigest())


def account_of(server: RecordingServer, *, host: str | None = None, ca: Path | None = None) -> Account:
    return Account(
        name="test",
        host=host or server.host,
        port=server.port,
        security=server.security,
        username=server.username or None,
        ca=ca or server.ca,
        login="password" if server.username else "none",
    )


def account_at(postfix: Postfix, security: Security) -> Account:
    port = postfix.tls_port if security == "tls" else postfix.port
    return Account("real", "localhost", port, security, postfix.username, ca=postfix.ca)


def connect_to(
    server: RecordingServer, *, password: str | None = None, timeout: float = 20, sender: str = SENDER
) -> Connection:
    """A connection with the server's own password, not opened yet."""
    secret = Secret(password or server.password) if server.username else None
    return Connection(account_of(server), secret, sender=sender, timeout=timeout)


def connect_to_script(
    server: ScriptedServer,
    *,
    security: Security = "none",
    login: tuple[str, str] | None = None,
    ca: Path | None = None,
    timeout: float = 20,
) -> Connection:
    account = Account(
        name="test",
        host=server.host,
        port=server.port,
        security=security,
        username=login[0] if login else None,
        ca=ca,
        login="password" if login else "none",
    )
    return Connection(account, Secret(login[1]) if login else None, sender=SENDER, timeout=timeout)


def runs_out(monkeypatch: pytest.MonkeyPatch, is_silent: threading.Event) -> None:
    """What is waited for of a server is over once it has fallen silent, and no sooner, however slow everybody is."""

    class Clock:
        passed = 0.0

        @classmethod
        def monotonic(cls) -> float:
            return time.monotonic() + cls.passed

    class Poller(steps.Poller):
        def ready(self, seconds: float) -> list[int]:
            found = super().ready(min(seconds, 0.01))
            if not found and is_silent.is_set():
                is_silent.clear()
                Clock.passed += 3600.0
            return found

    for module in (connection, steps):
        monkeypatch.setattr(module, "time", Clock)
    monkeypatch.setattr(steps, "Poller", Poller)


@contextmanager
def once_silent(is_silent: threading.Event, do: Callable[[], object]) -> Iterator[None]:
    """Has this done in another thread as soon as a server has fallen silent; what it raises is raised at the end."""

    def wait() -> None:
        assert is_silent.wait(60)
        do()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(wait)
        yield
        done.result()
