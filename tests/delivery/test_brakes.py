"""When a run must not go on by itself."""

import random

import pytest

from tui.delivery.brakes import ALIKE, LOST, PUT_OFF, REFUSED, WINDOW, Brakes, Stop
from tui.delivery.faults import Fault, Receipt, Reply, Stage, judge

TAKEN = Receipt("250 Ok")


def fault(stage: Stage, words: str) -> Fault:
    found = judge(stage, Reply(int(words[:3]), (words[4:],)))
    assert found
    return found


DEAD = fault("rcpt", "550 5.1.1 No such user")
SPAM = fault("dot", "554 5.7.1 Looks like spam")
LATER = fault("rcpt", "450 4.2.0 Greylisted")
UNKNOWN = Fault("unknown", "connection", "the connection was lost", "dot")
LOST_BEFORE = Fault("unsent", "connection", "the connection was lost", "data")


def feel(brakes: Brakes, *results: Receipt | Fault, attempt: int = 1) -> list[Stop | None]:
    return [brakes.judge(one, attempt, is_final=True) for one in results]


def stopped_after(brakes: Brakes, result: Fault) -> int:
    """How many of these it takes."""
    return next(number for number in range(1, 1_000) if brakes.judge(result, 1, is_final=True))


@pytest.mark.parametrize(
    ("result", "limit"), [(SPAM, ALIKE), (DEAD, REFUSED), (LATER, PUT_OFF), (UNKNOWN, LOST), (LOST_BEFORE, LOST)]
)
def test_it_takes_so_many_of_a_kind(result: Fault, limit: int) -> None:
    assert stopped_after(Brakes(), result) == limit


@pytest.mark.parametrize("result", [UNKNOWN, LOST_BEFORE])
def test_a_network_that_fails_once_loses_a_message_on_each_connection(result: Fault) -> None:
    assert stopped_after(Brakes(20), result) > 20


@pytest.mark.parametrize(("result", "limit"), [(SPAM, ALIKE), (UNKNOWN, LOST), (LOST_BEFORE, LOST), (LATER, PUT_OFF)])
def test_a_message_that_is_taken_takes_the_reason_away(result: Fault, limit: int) -> None:
    brakes = Brakes()
    for _ in range(4):
        assert not any(feel(brakes, *[result] * (limit - 1)))
        assert not any(feel(brakes, *[TAKEN] * 20))


def test_dead_addresses_are_counted_by_their_share_of_the_last_messages() -> None:
    brakes = Brakes()
    assert not any(feel(brakes, *[TAKEN] * 1_000)), "what is long past excuses nothing"
    assert stopped_after(brakes, DEAD) == 0.4 * WINDOW
    assert not any(feel(Brakes(), *(DEAD if number % 3 == 2 else TAKEN for number in range(600))))


def test_a_list_with_five_dead_addresses_in_a_hundred_is_never_stopped() -> None:
    for seed in range(40):
        chance, brakes = random.Random(seed), Brakes()
        assert not any(feel(brakes, *(DEAD if chance.random() < 0.05 else TAKEN for _ in range(5_000))))


def test_the_words_say_whether_it_is_the_addresses() -> None:
    brakes = Brakes()
    (stop,) = filter(None, feel(brakes, *[DEAD] * REFUSED))
    assert stop.code == "refused-often" and "10 of the last 10" in stop.message and "No such user" in stop.message
    other = Fault("refused", "message", "554 No", "dot")
    (stop,) = filter(None, feel(Brakes(), *[other] * REFUSED))
    assert stop.code == "refused-often" and "address" not in stop.message


def test_a_quota_is_not_everything_being_put_off() -> None:
    throttled = fault("mail", "421 4.7.0 Too many messages")
    assert throttled.pause
    brakes = Brakes()
    assert not any(feel(brakes, *[throttled] * 50)) and not brakes.is_probing


def test_new_messages_wait_while_what_was_put_off_is_tried_again() -> None:
    brakes = Brakes()
    for _ in range(PUT_OFF):
        assert not brakes.is_probing
        assert brakes.judge(LATER, 1, is_final=False) is None
    assert brakes.is_probing
    assert brakes.judge(LATER, 2, is_final=False) is None
    stop = brakes.judge(LATER, 3, is_final=True)
    assert stop and stop.code == "deferred-alike"


def test_greylisting_is_found_out_once() -> None:
    brakes = Brakes()
    for _ in range(PUT_OFF):
        brakes.judge(LATER, 1, is_final=False)
    brakes.judge(TAKEN, 2, is_final=True)
    for _ in range(100):
        assert brakes.judge(LATER, 1, is_final=False) is None
    assert not brakes.is_probing, "everybody's first try is put off there"
    for _ in range(PUT_OFF):
        brakes.judge(LATER, 2, is_final=False)
    assert brakes.is_probing, "and what is put off a second time is another matter"
