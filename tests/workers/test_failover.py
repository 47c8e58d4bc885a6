"""The database fails in mid-run, and another takes its place."""

from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from tests.servers.authority import Authority
from tests.servers.postgresql import Postgres
from tests.servers.recording import RecordingServer
from tests.workers.office import Office, must_hold
from tui.ledger import Server


def test_a_standby_that_takes_the_place_of_the_database_goes_on_with_the_run(
    tmp_path: Path, authority: Authority
) -> None:
    with ExitStack() as running:
        leader = running.enter_context(Postgres(authority, in_memory=True))
        follower = running.enter_context(Postgres(authority, in_memory=True, follows=leader))
        leader.wait_for_followers()
        server = running.enter_context(RecordingServer(authority, security="none", login=None))
        office = Office(tmp_path, leader, server, running)
        login = f"postgres:{quote(leader.password, safe='')}"
        hosts = f"{leader.host}:{leader.port},{follower.host}:{follower.port}"
        office.address = f"postgresql://{login}@{hosts}/{Server.parse(office.address).database}"
        office.environment["INVITE_TUI_LEDGER"] = office.address
        office.invites(24, more="per_minute = 1200")
        office.hand_over()
        office.start()
        office.until(lambda: len(office.mailed) > 5)
        leader.die()
        follower.promote()
        must_hold(office, 24, most_unknown=2)
