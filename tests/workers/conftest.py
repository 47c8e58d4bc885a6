from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers.authority import Authority
from tests.servers.postgresql import Postgres
from tests.servers.recording import RecordingServer
from tests.workers.office import Office, account
from tui.delivery import AccountStore


@pytest.fixture
def office(tmp_path: Path, postgres: Postgres, authority: Authority) -> Iterator[Office]:
    with ExitStack() as running:
        server = running.enter_context(RecordingServer(authority, security="none", login=None))
        yield Office(tmp_path, postgres, server, running)


@pytest.fixture
def two_relays(office: Office, authority: Authority) -> Iterator[dict[str, RecordingServer]]:
    """Two accounts, `north` and `south`, each with a mail server of its own."""
    del office.environment["INVITE_TUI_SMTP_HOST"]
    with ExitStack() as running:
        servers = {
            name: running.enter_context(RecordingServer(authority, security="none", login=None))
            for name in ("north", "south")
        }
        store = AccountStore(office.path / "config")
        for name, server in servers.items():
            store.add(account(name, server), None)
        yield servers
