"""A run with several connections that holds and asks, after the first few or where it brakes; a day's quota."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.delivery.helpers import connect_to
from tests.mailing.test_mailing import FAST, a_mailing
from tests.servers.recording import RecordingServer
from tui import mailing
from tui.delivery.pacing import DAY, Quota
from tui.ledger import Ledger
from tui.mailing import BrakeError, Control, Pacing, PausedError, Question, Settled

FOUR = replace(FAST, connections=4)


class Organiser:
    """Hears a run and answers its questions, one after the other; "stop" stops it instead. Before an answer the server
    is mended."""

    def __init__(self, *answers: bool | str) -> None:
        self.control = Control(can_ask=bool(answers))
        self.asked: list[tuple[int, int]] = []
        """How many were settled when it was asked, and how many were left."""
        self.counts: Counter[str] = Counter()
        self._answers = list(answers)

    def hears(self, count: int, ledger: Ledger, server: RecordingServer, pacing: Pacing, quota: Quota | None) -> None:
        run = mailing.send(
            a_mailing(count),
            ledger,
            lambda: connect_to(server),
            command="send",
            account="work",
            pacing=pacing,
            control=self.control,
            quota=quota,
        )
        for step in run:
            if isinstance(step, Settled):
                self.counts[step.outcome] += 1
            elif isinstance(step, Question):
                self.asked.append((sum(self.counts.values()), step.left))
                server.behave()
                if not self._answers:
                    continue
                answer = self._answers.pop(0)
                if answer == "stop":
                    self.control.stop()
                else:
                    self.control.answer(go_on=bool(answer))

    def send(
        self, count: int, ledger: Ledger, server: RecordingServer, pacing: Pacing = FOUR, quota: Quota | None = None
    ) -> None:
        self.hears(count, ledger, server, pacing, quota)
        assert recorded(ledger) == self.counts and sum(self.counts.values()) == count


def recorded(ledger: Ledger) -> Counter[str]:
    return Counter(person.outcome for person in ledger.people().values())


@pytest.mark.parametrize(
    ("answers", "counts"),
    [
        ((True,), {"accepted": 20}),
        ((False,), {"accepted": 6, "unsent": 14}),
        (("stop",), {"accepted": 6, "unsent": 14}),
        ((), {"accepted": 6, "unsent": 14}),
    ],
)
def test_after_the_first_few_it_goes_on_only_when_it_is_told_to(
    ledger: Ledger, server: RecordingServer, answers: tuple[bool | str, ...], counts: dict[str, int]
) -> None:
    organiser = Organiser(*answers)
    organiser.send(20, ledger, server, replace(FOUR, canary=6))
    assert organiser.counts == counts and organiser.asked == [(6, 14)]
    assert len(server.messages) == counts["accepted"]


def test_one_of_the_first_few_that_is_put_off_is_tried_again_before_it_asks(
    ledger: Ledger, server: RecordingServer
) -> None:
    server.say("RCPT", "450 4.2.0 Greylisted", to="guest1@example.org", times=2)
    organiser = Organiser(True)
    organiser.send(8, ledger, server, replace(FOUR, canary=3))
    assert organiser.asked == [(3, 5)] and organiser.counts == {"accepted": 8}


def test_a_run_that_brakes_asks_once_for_all_its_connections_and_goes_on(
    ledger: Ledger, server: RecordingServer
) -> None:
    server.say("DATA", "554 5.7.1 spam")
    organiser = Organiser(True)
    organiser.send(30, ledger, server, replace(FAST, connections=3))
    # Of each connection what was in hand when it braked may have been refused as well.
    assert len(organiser.asked) == 1 and 3 <= organiser.counts["refused"] <= 6
    assert organiser.counts["refused"] + organiser.counts["accepted"] == 30


def test_who_says_no_to_a_run_that_brakes_ends_it_with_the_reason(ledger: Ledger, server: RecordingServer) -> None:
    server.say("DATA", "554 5.7.1 spam")
    organiser = Organiser(False)
    with pytest.raises(BrakeError, match="spam") as ended:
        organiser.send(30, ledger, server)
    assert ended.value.exit_code == 3 and recorded(ledger) == organiser.counts
    assert 3 <= organiser.counts["refused"] <= 3 + FOUR.connections
    assert organiser.counts["unsent"] >= 30 - 3 - FOUR.connections


def test_nobody_is_asked_about_a_rest_that_there_is_not(ledger: Ledger, server: RecordingServer) -> None:
    server.say("DATA", "554 5.7.1 spam")
    organiser = Organiser(True)
    with pytest.raises(BrakeError):
        organiser.send(3, ledger, server, replace(FAST, canary=0))
    assert organiser.asked == []


def test_the_quota_of_a_day_is_kept_to_the_message_whatever_is_refused(ledger: Ledger, server: RecordingServer) -> None:
    for number in range(0, 12, 2):
        server.say("RCPT", "550 5.1.1 No such user", to=f"guest{number}@example.org")
    organiser = Organiser()
    quota = Quota(20, [60.0] * 5, whose="Gmail")
    with pytest.raises(PausedError, match="Gmail allows 20 messages"):
        organiser.send(40, ledger, server, replace(FOUR, connections=8), quota)
    assert len(server.messages) == 15 and recorded(ledger) == {"accepted": 15, "refused": 6, "unsent": 19}


def test_a_quota_that_has_room_again_soon_is_waited_for(ledger: Ledger, server: RecordingServer) -> None:
    organiser = Organiser()
    # The first of them left almost a day and a minute ago.
    quota = Quota(3, [DAY + 59.0] * 3, whose="Gmail")
    organiser.send(3, ledger, server, replace(FOUR, patience=60.0), quota)
    assert organiser.counts == {"accepted": 3}
