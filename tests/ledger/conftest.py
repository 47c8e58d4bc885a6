"""Where a ledger is, in each database that it may be in."""

import itertools
from pathlib import Path

import pytest

from tests.servers.postgresql import Postgres
from tui.ledger.servers import Server
from tui.ledger.store import Where

_EVENTS = itertools.count(1)


@pytest.fixture(scope="session")
def shared_database(postgres: Postgres) -> str:
    """The address of one in which every test has events of its own."""
    return postgres.database()


@pytest.fixture
def server(shared_database: str) -> Server:
    """The place of a new event in PostgreSQL."""
    return Server.parse(shared_database).for_event(f"{next(_EVENTS):032x}")


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    """Where no ledger is yet."""
    if request.param == "sqlite":
        return tmp_path / "event.ledger.db"
    place: Server = request.getfixturevalue("server")
    return place
