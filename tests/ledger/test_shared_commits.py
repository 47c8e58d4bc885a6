"""What several lines want recorded at the same time is one commit, and one of them fails alone."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest

from tui.errors import LedgerError
from tui.ledger import Ledger, Planned, Where, open_for_run


def planned(number: int) -> Planned:
    who = f"p{number}@example.org"
    return Planned(
        key=who, address=who, name="", group="", line=None, fields={}, action="invite", uid=f"u{number}", sequence=0,
        generation=0, round=0, facts={}, message_id=f"<{number}@x>", stamp=datetime(2027, 1, 1, tzinfo=UTC), digest="d",
    )  # fmt: skip


def commits(ledger: Ledger, do: Callable[[], object]) -> int:
    """How many commits it takes."""
    before = ledger.commits
    do()
    return ledger.commits - before


def test_they_share_one_commit_and_each_gets_its_own_answer(where: Where) -> None:
    with open_for_run(where) as ledger:
        ids = ledger.begin("send", "a", "d", [planned(number) for number in range(6)])
        attempts: list[int] = []
        calls = [partial(ledger.sending, message, "d") for message in ids]
        assert commits(ledger, lambda: attempts.extend(ledger.in_one_commit(calls))) == 1
        assert len(set(attempts)) == 6
        settled = [partial(ledger.settle, attempt, "accepted", f"250 {attempt}") for attempt in attempts]
        assert commits(ledger, lambda: ledger.in_one_commit(settled)) == 1
        assert [person.latest.reply for person in ledger.people().values()] == [
            f"250 {attempt}" for attempt in attempts
        ]


def test_what_contradicts_the_ledger_is_refused_alone(where: Where) -> None:
    with open_for_run(where) as ledger:
        first, second, third = ledger.begin("send", "a", "d", [planned(number) for number in range(3)])
        attempt = ledger.sending(first, "d")
        two, one, three = ledger.in_one_commit(
            [
                lambda: ledger.sending(second, "d"),
                lambda: ledger.sending(first, "d"),
                lambda: ledger.sending(third, "d", (attempt, "accepted", "250 ok")),
            ],
        )
        assert isinstance(one, LedgerError) and "contradicts" in one.message
        assert isinstance(two, int) and isinstance(three, int) and two != three
        assert [person.outcome for person in ledger.people().values()] == ["accepted", "unknown", "unknown"]
        with pytest.raises(LedgerError):
            ledger.sending(first, "d", (three, "accepted", "250 ok"))
        outcomes = [person.outcome for person in ledger.people().values()]
        assert outcomes == ["accepted", "unknown", "unknown"], "both or none"


def test_what_another_program_sent_is_put_down_whole_or_not_at_all(where: Where) -> None:
    with open_for_run(where) as ledger:
        some = [planned(number) for number in range(5)]
        with pytest.raises(LedgerError):
            ledger.adopt([*some, some[0]], "sent by another program", ["p1@example.org"], [])
        assert not ledger.people() and not ledger.promised()
        assert commits(ledger, lambda: ledger.adopt(some, "sent by another program", ["p1@example.org"], [])) == 1
        assert {person.outcome for person in ledger.people().values()} == {"accepted"}
        assert set(ledger.promised()) == {"p1@example.org"}
