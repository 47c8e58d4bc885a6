"""What the delivery tests share: messages as the guard would clear them, and accounts on the test servers."""

import hashlib
from pathlib import Path

from tests.servers.postfix import Postfix
from tests.servers.recording import RecordingServer
from tests.servers.scripted import ScriptedServer
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
    server: RecordingServer, *, password: str | None = None, timeout: float = 5, sender: str = SENDER
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
    timeout: float = 5,
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
