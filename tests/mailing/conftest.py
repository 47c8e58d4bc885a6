from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.recording import RecordingServer
from tui.ledger import Ledger, open_for_run


@pytest.fixture
def server(start_smtp: Callable[..., RecordingServer]) -> RecordingServer:
    """Without TLS and a login, which are `tests/delivery`'s affair and take most of the time."""
    return start_smtp(security="none", login=None)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_for_run(tmp_path / "event.ledger.db") as opened:
        yield opened
