"""The database fails in mid-run, and another takes its place."""

from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from tests.servers.authority import Authority
from tests.servers.postgresql import Postgres
from tests.servers.recording import RecordingServer
from tests.workers.office import Office, must_hold
from tui.ledger import Server


class Cluster:
    """A database with a standby, and an office that knows the addresses of both."""

    def __init__(self, path: Path, authority: Authority, running: ExitStack) -> None:
        self.leader = running.enter_context(Postgres(authority, in_memory=True))
        self.follower = running.enter_context(Postgres(authority, in_memory=True, follows=self.leader))
        server = running.enter_context(RecordingServer(authority, security="none", login=None))
        self.office = office = Office(path, self.leader, server, running)
        login = f"postgres:{quote(self.leader.password, safe='')}"
        hosts = f"{self.leader.host}:{self.leader.port},{self.follower.host}:{self.follower.port}"
        office.address = f"postgresql://{login}@{hosts}/{Server.parse(office.address).database}"
        office.environment["INVITE_TUI_LEDGER"] = office.address

    def fail_over(self) -> None:
        self.leader.die()
        self.follower.promote()


def test_a_standby_that_takes_the_place_of_the_database_goes_on_with_the_run(
    tmp_path: Path, authority: Authority
) -> None:
    with ExitStack() as running:
        cluster = Cluster(tmp_path, authority, running)
        cluster.leader.wait_for_followers()
        office = cluster.office
        office.invites(24, more="per_minute = 1200")
        office.hand_over()
        office.start()
        office.until(lambda: len(office.mailed) > 5)
        cluster.fail_over()
        must_hold(office, 24, most_unknown=2)


def test_a_standby_that_was_behind_is_found_out_and_nobody_is_sent_anything_twice(
    tmp_path: Path, authority: Authority
) -> None:
    """A commit is not waited for there: what the last few were is lost with the leader."""
    with ExitStack() as running:
        cluster = Cluster(tmp_path, authority, running)
        office = cluster.office
        office.invites(400, more="per_minute = 1200")
        office.hand_over()
        worker = office.start()
        office.until(lambda: len(office.mailed) > 5)
        cluster.follower.fall_behind()
        before = len(office.mailed)
        office.until(lambda: len(office.mailed) > before + 5)
        cluster.fail_over()
        office.until(lambda: office.standing().handover.state == "braked")
        assert "has forgotten what it had recorded" in office.standing().handover.said
        known = sum(outcome != "unsent" for outcome in office.outcomes().values())
        assert known < len(office.mailed) < 400
        worker.terminate()
        worker.wait(300)
        assert set(office.mailed.values()) == {1}
