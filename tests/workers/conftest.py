from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers.authority import Authority
from tests.servers.postgresql import Postgres
from tests.servers.recording import RecordingServer
from tests.workers.office import Office


@pytest.fixture
def office(tmp_path: Path, postgres: Postgres, authority: Authority) -> Iterator[Office]:
    with ExitStack() as running:
        server = running.enter_context(RecordingServer(authority, security="none", login=None))
        yield Office(tmp_path, postgres, server, running)
