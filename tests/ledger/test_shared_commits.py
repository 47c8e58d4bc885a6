"""What several threads want recorded at the same time is one commit, and one of them fails alone."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from tui.errors import LedgerError
from tui.ledger import Ledger, Planned, open_for_run


def planned(number: int) -> Planned:
    who = f"p{number}@example.org"
    return Planned(
        key=who, address=who, name="", group="", line=None, fields={}, action="invite", uid=f"u{number}", sequence=0,
        generation=0, round=0, facts={}, message_id=f"<{number}@x>", stamp=datetime(2027, 1, 1, tzinfo=UTC), digest="d",
    )  # fmt: skip


def while_the_disk_is_busy(ledger: Ledger, calls: list[Callable[[], object]]) -> tuple[list[Future[object]], int]:
    """The calls, made by a thread each while something else is being recorded, and how many commits they took."""
    commits: list[str] = []
    with ThreadPoolExecutor(len(calls)) as pool:
        with ledger._turn:
            futures = [pool.submit(call) for call in calls]
            while len(ledger._jobs) < len(calls):
                time.sleep(0.001)
            ledger._db.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        for future in futures:
            future.exception(30)
    ledger._db.set_trace_callback(None)
    return futures, len(commits)


def test_they_share_one_commit_and_each_gets_its_own_answer(tmp_path: Path) -> None:
    with open_for_run(tmp_path / "event.ledger.db") as ledger:
        ids = ledger.begin("send", "a", "d", [planned(number) for number in range(6)])
        futures, commits = while_the_disk_is_busy(ledger, [partial(ledger.sending, message, "d") for message in ids])
        attempts = [future.result() for future in futures]
        assert commits == 1 and len(set(attempts)) == 6
        for attempt in attempts:
            ledger.settle(int(str(attempt)), "accepted", "250 ok")
        assert {person.outcome for person in ledger.people().values()} == {"accepted"}


def test_what_contradicts_the_ledger_is_refused_alone(tmp_path: Path) -> None:
    with open_for_run(tmp_path / "event.ledger.db") as ledger:
        first, second, third = ledger.begin("send", "a", "d", [planned(number) for number in range(3)])
        attempt = ledger.sending(first, "d")
        futures, _ = while_the_disk_is_busy(
            ledger,
            [
                lambda: ledger.sending(second, "d"),
                lambda: ledger.sending(first, "d"),
                lambda: ledger.sending(third, "d", (attempt, "accepted", "250 ok")),
            ],
        )
        assert futures[0].exception() is None and futures[2].exception() is None
        with pytest.raises(LedgerError, match="contradicts"):
            futures[1].result()
        assert [person.outcome for person in ledger.people().values()] == ["accepted", "unknown", "unknown"]
        with pytest.raises(LedgerError):
            ledger.sending(first, "d", (int(str(futures[2].result())), "accepted", "250 ok"))
        outcomes = [person.outcome for person in ledger.people().values()]
        assert outcomes == ["accepted", "unknown", "unknown"], "both or none"
