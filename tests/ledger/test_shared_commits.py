"""What several lines want recorded at the same time is one commit, and one of them fails alone."""

from collections.abc import Callable
from dataclasses import replace
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


def test_of_who_is_planned_for_several_times_in_one_run_the_last_holds_and_an_old_address_stays(where: Where) -> None:
    one, other = planned(1), planned(2)
    elsewhere = replace(one, address="new@example.org", name="New", uid="another")
    called_off = replace(one, address="never@example.org", name="Last", action="cancel", sequence=1)
    unknown = replace(planned(3), action="cancel")
    with open_for_run(where) as ledger:
        ids = ledger.begin("send", "a", "d", [one, other, elsewhere, called_off, unknown])
        assert len(set(ids)) == 5
        people = ledger.people()
    assert [(person.address, person.name) for person in people.values()] == [
        ("new@example.org", "Last"),
        (other.address, ""),
        (unknown.address, ""),
    ]
    of_one, of_other, of_unknown = ([sent.id for sent in person.messages] for person in people.values())
    assert (of_one, of_other, of_unknown) == ([ids[0], ids[2], ids[3]], [ids[1]], [ids[4]])


def test_one_version_that_is_planned_twice_in_one_run_is_one_message(where: Where) -> None:
    first, second = planned(1), replace(planned(1), facts={"title": "second"})
    with open_for_run(where) as ledger:
        ids = ledger.begin("send", "a", "d", [first, planned(2), second])
        assert ids[0] == ids[2] != ids[1]
        (message,) = ledger.people()[first.key].messages
    assert message.facts == {"title": "second"}
