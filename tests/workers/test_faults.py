"""Whatever happens to a worker, the database or the way to the mail server: nobody is sent a message twice, nobody is
forgotten, and at most one message for each lost connection is unknown."""

import signal
from contextlib import ExitStack, closing
from functools import partial

import pytest

from tests.servers.wire import Wire
from tests.workers.office import Office, must_hold
from tui.ledger import Desk, Fenced, Server, open_for_work
from tui.ledger.databases.postgresql import open_for_run
from tui.ledger.relay import Hold

_LEFT_BY_A_FENCED_WORKER = 6
_DIED = 9
_DIES_BEFORE_THE_BODIES = f"""
import os, sys, time
from tui.cli import main
from tui.ledger import Ledger

commit = Ledger.in_one_commit

def dies(ledger, calls):
    time.sleep(0.2 * (len(calls) == 1)) # so that the others gather
    found = commit(ledger, calls)
    if len(calls) > 1:
        os._exit({_DIED})
    return found

Ledger.in_one_commit = dies
sys.exit(main())
"""


def test_the_messages_of_a_worker_that_was_killed_are_sent_by_another(office: Office) -> None:
    office.invites(30)
    office.server.hang("STORED", to="guest5@example.org", times=1)
    office.hand_over()
    killed = office.start()
    office.until(lambda: office.mailed["guest5@example.org"])
    killed.kill()
    office.start()
    must_hold(office, 30, most_unknown=2)
    assert office.outcomes()["guest5@example.org"] == "unknown"


def test_what_is_recorded_of_several_connections_at_once_is_sent_by_nobody_where_the_worker_dies_then(
    office: Office,
) -> None:
    office.invites(40, connections=4)
    office.hand_over()
    assert office.start(program=("-c", _DIES_BEFORE_THE_BODIES)).wait(300) == _DIED
    office.start()
    must_hold(office, 40, most_unknown=4)
    unknown = {address for address, outcome in office.outcomes().items() if outcome == "unknown"}
    assert unknown - set(office.mailed), "recorded before the body left"


def test_of_one_commit_only_what_was_given_to_another_is_not_recorded(office: Office) -> None:
    office.invites(40, connections=2)
    assert office.hand_over() == 2
    place = office.folder().ledger_path
    assert isinstance(place, Server)
    with open_for_work(place, Desk("A", "here")) as ledger, open_for_work(place, Desk("B", "there")) as other:
        holds = [ledger.relay.take(share, "env", None) for share in (1, 2)]
        lost, kept = (hold for hold in holds if isinstance(hold, Hold))
        one, two = (ledger.behind(hold.fence) for hold in (lost, kept))
        first, second = (hold.due[0].sent for hold in (lost, kept))
        begun = ledger.in_one_commit(
            [partial(one.sending, first.id, first.digest), partial(two.sending, second.id, second.digest)]
        )
        again = other.relay.take(1, "env", None)
        assert isinstance(again, Hold) and len(again.due) == len(lost.due) - 1
        before = ledger.commits
        late = ledger.in_one_commit(
            [
                partial(one.sending, lost.due[1].sent.id, "d", (begun[0], "accepted", "250 late")),
                partial(two.sending, kept.due[1].sent.id, kept.due[1].sent.digest, (begun[1], "accepted", "250 ok")),
                partial(one.tried, lost.due[2].sent.id, "d", "refused", "550 late"),
                partial(two.tried, kept.due[2].sent.id, "d", "refused", "550 no"),
            ]
        )
        assert [type(one) for one in late] == [Fenced, int, Fenced, type(None)] and ledger.commits == before + 1
        with pytest.raises(Fenced):
            one.settle(begun[0], "accepted", "250 late")
    outcomes = office.outcomes()
    assert [outcomes[hold.due[at].sent.address] for hold in (lost, kept) for at in range(3)] == [
        *("unknown", "unsent", "unsent"),
        *("accepted", "unknown", "refused"),
    ]


def test_a_frozen_worker_that_comes_back_sends_nothing_of_what_was_given_to_another(office: Office) -> None:
    office.invites(24, connections=1, more="per_minute = 1200")
    with Wire(office.server.port) as wire:
        office.hand_over()
        frozen = office.start(INVITE_TUI_SMTP_PORT=str(wire.port))
        office.until(lambda: len(office.mailed) > 3)
        wire.cut()
        frozen.send_signal(signal.SIGSTOP)
        office.start()
        must_hold(office, 24, most_unknown=1)
        wire.mend()
        frozen.send_signal(signal.SIGCONT)
        assert frozen.wait(300) == _LEFT_BY_A_FENCED_WORKER
    assert "given to others" in office.said
    must_hold(office, 24, most_unknown=1)


def test_a_worker_that_was_cut_off_from_the_database_keeps_nothing_from_others(office: Office) -> None:
    office.invites(24, connections=1, more="per_minute = 1200")
    with Wire(office.postgres.port) as wire:
        office.hand_over()
        away = office.start(INVITE_TUI_LEDGER=office.way_to_database(wire))
        office.until(lambda: len(office.mailed) > 3)
        wire.cut()
        office.start()
        must_hold(office, 24, most_unknown=1)
        wire.mend()
        # It finds out by the ledger that its share is another's, or by the queue that it was away.
        office.until(lambda: away.poll() == _LEFT_BY_A_FENCED_WORKER or "cannot be reached" in office.said)
    must_hold(office, 24, most_unknown=1)


def test_a_transaction_that_nobody_goes_on_with_is_ended_by_the_server(office: Office) -> None:
    """Whatever it records, and whatever the driver says last: a worker that was frozen in it keeps no lock."""
    office.invites(1)
    office.hand_over()
    place = office.folder().ledger_path
    assert isinstance(place, Server)
    with ExitStack() as opened:
        settling, asking = (
            opened.enter_context(closing(open_for_run(place, Desk(who, "frozen"), shared=True, idle=0.5)))
            for who in ("A", "B")
        )
        for one in (settling, asking):
            one.begin(reading=False)
        settling.settle_and_begin([], [(1, "0" * 64, "2027-01-01T00:00:00+00:00")])
        asking.all_of([("SELECT id FROM share FOR SHARE", ()), ("SELECT 1", ())])
        sessions = "SELECT state FROM pg_stat_activity WHERE application_name LIKE 'invite-tui: % on frozen'"
        assert len(office.rows(sessions)) == 2
        office.until(lambda: not office.rows(sessions))


def test_one_that_cannot_reach_the_mail_server_leaves_its_share_to_others(office: Office) -> None:
    patient = 300  # seconds: on a slow machine neither takes the other for lost
    office.invites(24, connections=1, more="per_minute = 1200")
    with Wire(office.server.port) as wire:
        office.hand_over()
        here = {"PORT": str(wire.port), "TIMEOUT": "1", "RETRIES": "1"}
        office.start(lost_after=patient, **{f"INVITE_TUI_SMTP_{name}": value for name, value in here.items()})
        office.until(lambda: len(office.mailed) > 3)
        wire.cut()
        office.start(lost_after=patient)
        must_hold(office, 24, most_unknown=1)


def test_a_database_that_is_restarted_in_the_midst_of_a_run_ends_nothing(office: Office) -> None:
    office.invites(24, more="per_minute = 1200")
    office.hand_over()
    office.start()
    office.until(lambda: len(office.mailed) > 5)
    office.postgres.restart()
    must_hold(office, 24, most_unknown=2)
