"""A whole mailing: prepared, rehearsed, sent. With a real SMTP server and a real ledger, but where it says why not."""

import random
import re
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tui
from tests.delivery.helpers import connect_to, once_silent
from tests.servers.recording import RecordingServer
from tests.unit.making import a_wording, an_attendee, an_event, columns
from tests.unit.people import listed
from tui import mailing
from tui.attendees import Attendee
from tui.delivery import Connection, Fault, Receipt
from tui.delivery.steps import Steps
from tui.errors import AccountError, InputError, InviteError, LeakError, LedgerError
from tui.event import Event, MessageSettings
from tui.guard import Cleared, Roll
from tui.invitation import Composer
from tui.ledger import Ledger, Outcome, Person, open_for_run, open_to_read
from tui.mailing import (
    BrakeError,
    Control,
    Mailing,
    Pacing,
    PausedError,
    Question,
    Settled,
    StoppedError,
    Waiting,
    prepare,
    rehearse,
    running,
)
from tui.mailing.letters import Fresh, Imprint
from tui.plan import Plan, make, make_resend

Body = Callable[[], Steps[Cleared | None]]
"""What is asked when the server has agreed, before a message leaves: see `Connection.delivering`."""


class Around:
    """A connection over which every message is delivered by `deliver`, which is given the connection itself."""

    def __init__(
        self, connection: Connection, deliver: Callable[[Connection, Cleared, Body], Steps[Receipt | Fault]]
    ) -> None:
        self._connection, self._deliver = connection, deliver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def delivering(self, message: Cleared, *, on_body: Body) -> Steps[Receipt | Fault]:
        return self._deliver(self._connection, message, on_body)


WORDING = a_wording(
    "Dear {{ name }},\n\nPlease come: {{ event.join_url }}\n{% if note is defined and note %}{{ note }}{% endif %}"
)
PUBLIC = ["consultations@department.example"]
FAST = Pacing(backoff=0.0)


def guests(count: int) -> list[Attendee]:
    return [listed(f"guest{number}@example.org", line=number + 2, name=f"Guest {number}") for number in range(count)]


def composer(event: Event | None = None) -> Composer:
    return Composer(event or an_event(), {"invite": WORDING, "update": WORDING, "cancel": WORDING})


def roll_of(people: Sequence[Attendee], internal: Sequence[str] = ()) -> Roll:
    return Roll([person.address for person in people], internal, PUBLIC, "Dear Please come Guest Pathways to Work")


def a_mailing(people: Sequence[Attendee] | int = 3, held: dict[str, Person] | None = None) -> Mailing:
    people = guests(people) if isinstance(people, int) else people
    return prepare(make(an_event(), people, held or {}), composer(), roll_of(people))


def sending(
    made: Mailing,
    ledger: Ledger,
    server: RecordingServer,
    *,
    pacing: Pacing = FAST,
    control: Control | None = None,
    connect: Callable[[], Any] | None = None,
) -> Iterator[Settled | Waiting | Question]:
    return mailing.send(
        made,
        ledger,
        connect or (lambda: connect_to(server)),
        command="send",
        account="work",
        pacing=pacing,
        control=control or Control(),
    )


def outcomes(happenings: Iterator[Settled | Waiting | Question]) -> list[str]:
    return [step.outcome for step in happenings if isinstance(step, Settled)]


def until_it_fails(happenings: Iterator[Settled | Waiting | Question]) -> tuple[list[Settled], InviteError]:
    settled: list[Settled] = []
    with pytest.raises(InviteError) as raised:
        settled.extend(step for step in happenings if isinstance(step, Settled))
    return settled, raised.value


def recorded(ledger: Ledger) -> Counter[str]:
    return Counter(person.outcome for person in ledger.people().values())


def recipients(server: RecordingServer) -> list[str]:
    return [address for message in server.messages for address in message.rcpt_tos]


# --- preparing --------------------------------------------------------------------------------------------------------


def test_everybody_is_prepared_in_the_order_of_the_plan() -> None:
    made = a_mailing(5)
    assert [letter.action.attendee.address for letter in made.letters] == [f"guest{n}@example.org" for n in range(5)]
    assert (
        len({letter.digest for letter in made.letters})
        == len({letter.revision.message_id for letter in made.letters})
        == 5
    )
    assert all(isinstance(made.clear(letter), Cleared) for letter in made.letters)


def noted(address: str, note: str) -> Attendee:
    row = an_attendee({"Note": note}, address=address)
    return replace(row, columns=columns("Name", "Email", "Note"), line=7)


def test_one_leak_is_enough_and_all_of_them_are_named() -> None:
    people = [
        noted("ana@example.org", "hello"),
        noted("bo@example.org", "ask ana@example.org"),
        noted("cy@example.org", "BO@example.org"),
    ]
    with pytest.raises(LeakError) as refused:
        prepare(make(an_event(), people, {}), composer(), roll_of(people))
    assert "2 message(s)" in refused.value.message and refused.value.exit_code == 1
    assert {(problem.code, problem.value) for problem in refused.value.problems} == {
        ("leak", "ana@example.org"),
        ("leak", "bo@example.org"),
    }
    assert all(problem.line == 7 and problem.hint for problem in refused.value.problems)


def test_what_cannot_be_composed_and_what_leaks_is_said_together() -> None:
    people = [listed("ana@example.org", name=""), noted("bo@example.org", "ask ana@example.org")]
    with pytest.raises(LeakError) as refused:
        prepare(make(an_event(), people, {}), composer(), roll_of(people))
    assert {problem.code for problem in refused.value.problems} == {"missing-value", "leak"}
    with pytest.raises(InputError) as refused_too:
        prepare(make(an_event(), people[:1], {}), composer(), roll_of(people))
    assert not isinstance(refused_too.value, LeakError) and refused_too.value.problems


def test_an_internal_value_stops_the_mailing_and_one_that_is_also_the_persons_own_does_not() -> None:
    people = [noted("ana@example.org", "You come from Lower Hutt")]
    with pytest.raises(LeakError):
        prepare(
            make(an_event(join_url="https://x.example/Lower-Hutt"), people, {}),
            composer(an_event(description="Upper Hutt Lower")),
            roll_of(people, ["come from Wellington", "Upper Hutt"]),
        )
    assert prepare(make(an_event(), people, {}), composer(), roll_of(people, ["Lower Hutt"])).letters


def test_an_update_and_a_resend_are_stamped_after_what_they_follow(ledger: Ledger, server: RecordingServer) -> None:
    made = a_mailing(1)
    outcomes(sending(made, ledger, server))
    first = made.letters[0].revision
    again = prepare(
        make_resend(an_event(), {}, ledger.people(), ["guest0@example.org"]),
        composer(),
        roll_of(guests(1)),
        imprint=Imprint(first.stamp),
    )
    assert again.letters[0].revision.stamp > first.stamp


def test_a_stop_is_felt_while_the_messages_are_being_made() -> None:
    control, told = Control(), []

    def tell(done: int, count: int) -> None:
        told.append((done, count))
        if done == 200:
            control.stop()

    people = guests(1_000)
    with pytest.raises(StoppedError) as stopped:
        prepare(make(an_event(), people, {}), composer(), roll_of(people), control=control, tell=tell)
    assert stopped.value.exit_code == 130 and "nothing was sent" in stopped.value.message
    assert told == [(100, 1_000), (200, 1_000)]


def test_it_is_told_how_far_the_making_is() -> None:
    told: list[tuple[int, int]] = []
    people = guests(250)
    prepare(make(an_event(), people, {}), composer(), roll_of(people), tell=lambda *far: told.append(far))
    assert told == [(100, 250), (200, 250), (250, 250)]


def test_a_run_that_was_stopped_before_it_is_recorded_as_not_sent(ledger: Ledger, server: RecordingServer) -> None:
    control, people = Control(), guests(3)
    control.stop()
    made = prepare(make(an_event(), people, {}), composer(), roll_of(people), control=control)
    assert outcomes(sending(made, ledger, server, control=control)) == ["unsent"] * 3
    assert recorded(ledger) == {"unsent": 3} and server.connections == 0


def test_a_letter_is_the_same_whenever_it_is_asked_for() -> None:
    made = a_mailing(5)
    assert list(made.letters) == [made.letters[number] for number in range(5)] == list(made.letters[-5:])
    with pytest.raises(IndexError):
        made.letters[5]


# --- rehearsing -------------------------------------------------------------------------------------------------------


def test_a_rehearsal_writes_the_cleared_bytes_and_opens_no_connection(tmp_path: Path) -> None:
    made = a_mailing(3)
    settled = list(rehearse(made, tmp_path / "outbox"))
    assert [Path(step.reply).read_bytes() for step in settled] == [made.clear(step.letter).raw for step in settled]
    assert {step.outcome for step in settled} == {"unsent"}


def test_a_rehearsal_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file", "utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        list(rehearse(a_mailing(1), tmp_path / "outbox"))


def test_a_rehearsal_can_be_stopped(tmp_path: Path) -> None:
    control = Control()
    steps = rehearse(a_mailing(3), tmp_path / "outbox", control)
    next(steps)
    control.stop()
    assert list(steps) == []


# --- sending ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connections", [1, 4])
def test_everybody_gets_their_own_message_once(ledger: Ledger, server: RecordingServer, connections: int) -> None:
    made = a_mailing(20)
    assert outcomes(sending(made, ledger, server, pacing=replace(FAST, connections=connections))) == ["accepted"] * 20
    assert sorted(recipients(server)) == sorted(person.address for person in guests(20))
    cleared = {letter.action.attendee.address: made.clear(letter).raw for letter in made.letters}
    assert all(message.data == cleared[message.rcpt_tos[0]] for message in server.messages)
    assert server.connections == connections and recorded(ledger) == {"accepted": 20}


def test_a_mailing_to_nobody_opens_no_connection(ledger: Ledger, server: RecordingServer) -> None:
    assert outcomes(sending(a_mailing(0), ledger, server)) == []
    assert server.connections == 0


def test_everybody_is_in_the_ledger_before_a_connection_is_opened(ledger: Ledger, server: RecordingServer) -> None:
    server.say("CONNECT", "554 5.3.2 Not today", close=True)
    settled, error = until_it_fails(sending(a_mailing(3), ledger, server))
    assert error.exit_code == 4 and [step.outcome for step in settled] == ["unsent"] * 3
    assert recorded(ledger) == {"unsent": 3}


def test_the_ledger_knows_of_a_message_before_the_server_does(ledger: Ledger, server: RecordingServer) -> None:
    seen = []

    # Only the sender's side can say when it is asked.
    def looking(connection: Connection, message: Cleared, on_body: Body) -> Steps[Receipt | Fault]:
        def look(when: str) -> None:
            (person,) = [one for one in ledger.people(history=True).values() if one.address == message.recipient]
            seen.append((when, person.latest.attempts, person.outcome, person.latest.digest == message.digest))

        def watched() -> Steps[Cleared | None]:
            look("the server has agreed")
            ahead = yield from on_body()
            look("the message leaves")
            return ahead

        return (yield from connection.delivering(message, on_body=watched))

    outcomes(sending(a_mailing(3), ledger, server, connect=lambda: Around(connect_to(server), looking)))
    assert seen == [("the server has agreed", 0, "unsent", True), ("the message leaves", 1, "unknown", True)] * 3


def test_a_refusal_is_that_persons_alone(ledger: Ledger, server: RecordingServer) -> None:
    server.say("RCPT", "550 5.1.1 No such user", to="guest1@example.org")
    settled = [step for step in sending(a_mailing(3), ledger, server) if isinstance(step, Settled)]
    assert [step.outcome for step in settled] == ["accepted", "refused", "accepted"]
    assert "No such user" in settled[1].reply and recorded(ledger) == {"accepted": 2, "refused": 1}


def test_messages_that_are_refused_for_what_they_are_end_the_run_before_all_are(
    ledger: Ledger, server: RecordingServer
) -> None:
    server.say("DOT", "554 5.7.1 Looks like spam")
    settled, error = until_it_fails(sending(a_mailing(9), ledger, server))
    assert isinstance(error, BrakeError) and error.exit_code == 3 and "spam" in error.message
    assert Counter(step.outcome for step in settled) == {"refused": 3, "unsent": 6}
    assert recorded(ledger) == {"refused": 3, "unsent": 6}


def test_one_message_that_is_too_large_among_others_does_not_end_the_run(
    ledger: Ledger, server: RecordingServer
) -> None:
    for number in (2, 5):
        server.say("DOT", "552 5.3.4 Too large", to=f"guest{number}@example.org")
    assert Counter(outcomes(sending(a_mailing(9), ledger, server))) == {"accepted": 7, "refused": 2}


@pytest.mark.parametrize("connections", [1, 4])
def test_a_list_of_dead_addresses_ends_the_run_and_the_same_command_goes_on_with_the_rest(
    ledger: Ledger, server: RecordingServer, connections: int
) -> None:
    people = guests(40)
    for number in range(5, 25):
        server.say("RCPT", "550 5.1.1 No such user", to=f"guest{number}@example.org")
    pacing = replace(FAST, connections=connections)
    settled, error = until_it_fails(sending(a_mailing(people), ledger, server, pacing=pacing))
    assert (error.code, error.exit_code) == ("refused-often", 3)
    assert "dead addresses" in error.message and "No such user" in error.message and "same command" in str(error.hint)
    counts = Counter(step.outcome for step in settled)
    # At most what was on its way on each connection, and behind it, when the tenth was told.
    assert 10 <= counts["refused"] <= 10 + 2 * connections and recorded(ledger) == counts
    for _ in range(2):
        rest = prepare(make(an_event(), people, ledger.people()), composer(), roll_of(people))
        try:
            outcomes(sending(rest, ledger, server, pacing=pacing))
        except BrakeError:
            continue
        break
    assert recorded(ledger) == {"accepted": 20, "refused": 20}
    assert Counter(recipients(server)) == {f"guest{n}@example.org": 1 for n in (*range(5), *range(25, 40))}


def test_a_list_with_some_dead_addresses_is_sent_to_its_end(ledger: Ledger, server: RecordingServer) -> None:
    for number in range(0, 60, 3):
        server.say("RCPT", "550 5.1.1 No such user", to=f"guest{number}@example.org")
    assert Counter(outcomes(sending(a_mailing(60), ledger, server))) == {"accepted": 40, "refused": 20}


@pytest.mark.parametrize(("connections", "retries"), [(1, 2), (4, 2), (1, 0)])
def test_a_server_that_puts_everything_off_is_asked_again_by_those_alone_and_then_no_more(
    ledger: Ledger, server: RecordingServer, connections: int, retries: int
) -> None:
    server.say("MAIL", "451 4.3.0 Local error", after=3)
    pacing = replace(FAST, connections=connections, retries=retries, backoff=0.05)
    settled, error = until_it_fails(sending(a_mailing(100), ledger, server, pacing=pacing))
    assert (error.code, error.exit_code) == ("deferred-alike", 3) and "Local error" in error.message
    counts = Counter(step.outcome for step in settled)
    # A connection may tell of the message it had taken late, when others have been put off already: that counts anew.
    assert counts["accepted"] == 3 and 10 // (retries + 1) <= counts["deferred"] <= 20 + 2 * connections
    assert recorded(ledger) == counts
    tries = max(person.latest.attempts for person in ledger.people().values())
    assert tries == retries + 1
    server.behave()
    people = guests(100)
    rest = prepare(make(an_event(), people, ledger.people()), composer(), roll_of(people))
    assert outcomes(sending(rest, ledger, server)) == ["accepted"] * 97


def test_a_server_that_takes_nobody_at_the_first_try_gets_everybody_in_a_few_rounds(
    ledger: Ledger, server: RecordingServer
) -> None:
    for number in range(60):
        server.say("RCPT", "450 4.2.0 Greylisted", to=f"guest{number}@example.org", times=1)
    found = outcomes(sending(a_mailing(60), ledger, server, pacing=replace(FAST, backoff=2.0)))
    assert Counter(found) == {"accepted": 60} == recorded(ledger)
    # Ten first, at most, and when one of those is taken all the others at once: not ten at a time.
    tries = [line for _, line in server.transcript if line.startswith("RCPT")]
    again = next(at for at, line in enumerate(tries) if line in tries[:at])
    assert again <= 10
    assert len(set(tries[:90])) == 60


@pytest.mark.parametrize("connections", [1, 4])
def test_a_network_that_loses_every_answer_leaves_few_unknown(
    ledger: Ledger, server: RecordingServer, connections: int
) -> None:
    server.drop("STORED", after=2)
    pacing = replace(FAST, connections=connections)
    settled, error = until_it_fails(sending(a_mailing(60), ledger, server, pacing=pacing))
    assert (error.code, error.exit_code) == ("unknown-alike", 3) and "resend" in str(error.hint)
    counts = Counter(step.outcome for step in settled)
    assert 5 <= counts["unknown"] <= 10 + 3 * connections and recorded(ledger) == counts
    assert Counter(recipients(server)) == dict.fromkeys(recipients(server), 1)


def test_a_network_that_loses_every_conversation_ends_the_run(ledger: Ledger, server: RecordingServer) -> None:
    server.drop("DATA", after=2)
    settled, error = until_it_fails(sending(a_mailing(60), ledger, server, pacing=replace(FAST, retries=1)))
    assert (error.code, error.exit_code) == ("lost-alike", 3)
    counts = Counter(step.outcome for step in settled)
    assert counts == {"accepted": 2, "unsent": 58} and len(server.messages) == 2
    assert sum(person.latest.attempts for person in ledger.people().values()) <= 2 + 5 * 2


def test_what_is_put_off_is_tried_again_so_often_and_the_others_do_not_wait_for_it(
    ledger: Ledger, server: RecordingServer
) -> None:
    server.say("RCPT", "450 4.2.1 Try later", to="guest0@example.org", times=2)
    settled = [
        step
        for step in sending(a_mailing(3), ledger, server, pacing=replace(FAST, backoff=0.15))
        if isinstance(step, Settled)
    ]
    assert [(step.action.attendee.address[5], step.outcome, step.attempts) for step in settled] == [
        *(("1", "accepted", 1), ("2", "accepted", 1), ("0", "accepted", 3)),
    ]
    assert ledger.people()["guest0@example.org"].latest.attempts == 3


@pytest.mark.parametrize("retries", [0, 2])
def test_after_so_many_tries_it_stays_deferred(ledger: Ledger, server: RecordingServer, retries: int) -> None:
    server.say("RCPT", "450 4.2.1 Try later", to="guest0@example.org")
    settled = [
        step
        for step in sending(a_mailing(1), ledger, server, pacing=replace(FAST, retries=retries))
        if isinstance(step, Settled)
    ]
    assert [(step.outcome, step.attempts) for step in settled] == [("deferred", retries + 1)]


def test_the_waits_double_and_are_told(ledger: Ledger, server: RecordingServer) -> None:
    server.say("RCPT", "450 4.2.1 Try later", times=3)
    began = time.monotonic()
    steps = list(sending(a_mailing(1), ledger, server, pacing=replace(FAST, backoff=0.05)))
    assert time.monotonic() - began >= 0.05 + 0.1 + 0.2
    assert sum(isinstance(step, Waiting) for step in steps) >= 3


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_a_connection_lost_before_the_message_was_out_is_made_again(
    ledger: Ledger, server: RecordingServer, stage: Any
) -> None:
    server.drop(stage, after=1, times=2)
    assert Counter(outcomes(sending(a_mailing(4), ledger, server))) == {"accepted": 4} == recorded(ledger)
    assert sorted(recipients(server)) == sorted(set(recipients(server)))


def test_a_connection_lost_after_the_message_was_out_leaves_it_unknown_and_is_not_tried_again(
    ledger: Ledger, server: RecordingServer
) -> None:
    server.drop("STORED", after=1, times=1)
    assert outcomes(sending(a_mailing(3), ledger, server)) == ["accepted", "unknown", "accepted"]
    assert len(server.messages) == 3 and recorded(ledger) == {"accepted": 2, "unknown": 1}


def test_a_server_that_goes_away_ends_the_run_after_a_few_tries_for_all_and_not_for_each(
    ledger: Ledger, server: RecordingServer
) -> None:
    connections = []

    def connect() -> Connection:
        connections.append(1)
        return connect_to(server)

    server.drop("MAIL", after=3)
    server.say("CONNECT", "421 4.3.2 Shutting down", close=True, after=1)
    settled, error = until_it_fails(sending(a_mailing(30), ledger, server, connect=connect))
    assert isinstance(error, AccountError)
    counts = Counter(step.outcome for step in settled)
    assert counts["accepted"] == 3 and sum(counts.values()) == 30
    assert sum(person.latest.attempts for person in ledger.people().values()) <= 3 + 8
    assert recorded(ledger) == counts


def test_a_fault_of_the_account_in_mid_run_ends_it_and_the_rest_is_still_to_send(
    ledger: Ledger, server: RecordingServer
) -> None:
    server.say("MAIL", "535 5.7.8 Login withdrawn", after=2)
    settled, error = until_it_fails(sending(a_mailing(5), ledger, server))
    assert error.exit_code == 4 and "Login withdrawn" in error.message
    assert [step.outcome for step in settled] == ["accepted", "accepted", "unsent", "unsent", "unsent"]
    assert recorded(ledger) == {"accepted": 2, "unsent": 3}
    server.behave()
    people = guests(5)
    rest = prepare(make(an_event(), people, ledger.people()), composer(), roll_of(people))
    assert outcomes(sending(rest, ledger, server)) == ["accepted"] * 3
    assert sorted(recipients(server)) == sorted(person.address for person in people)


def test_more_connections_than_the_server_allows_are_no_reason_to_stop(ledger: Ledger, server: RecordingServer) -> None:
    server.say("CONNECT", "421 4.7.0 Too many connections", close=True, after=1)
    assert Counter(outcomes(sending(a_mailing(8), ledger, server, pacing=replace(FAST, connections=3)))) == {
        "accepted": 8
    }


def test_a_quota_stops_the_run_at_once_where_it_may_not_wait(ledger: Ledger, server: RecordingServer) -> None:
    server.say("MAIL", "550 5.4.5 Daily sending quota exceeded", after=2)
    settled, error = until_it_fails(sending(a_mailing(5), ledger, server))
    assert isinstance(error, PausedError) and error.exit_code == 3 and "in about 1 d" in error.message
    assert Counter(step.outcome for step in settled) == {"accepted": 2, "deferred": 1, "unsent": 2} == recorded(ledger)


def test_a_throttle_is_waited_for_with_a_countdown_where_the_run_may(ledger: Ledger, server: RecordingServer) -> None:
    server.say("MAIL", "454 4.7.0 Throttling failure: retry in 2 seconds", after=1, times=1)
    began = time.monotonic()
    steps = list(sending(a_mailing(3), ledger, server, pacing=replace(FAST, patience=60)))
    assert time.monotonic() - began >= 2 and recorded(ledger) == {"accepted": 3}
    waits = [step.seconds for step in steps if isinstance(step, Waiting)]
    assert len(waits) >= 2 and waits == sorted(waits, reverse=True), "it is said again as the seconds pass"


def test_the_pace_is_kept(ledger: Ledger, server: RecordingServer) -> None:
    began = time.monotonic()
    outcomes(sending(a_mailing(6), ledger, server, pacing=replace(FAST, per_minute=1200, connections=2)))
    assert time.monotonic() - began >= 5 * 0.05


@pytest.mark.parametrize("connections", [1, 3])
def test_envelopes_go_ahead_and_each_message_reaches_its_own_recipient_whatever_becomes_of_the_others(
    ledger: Ledger, server: RecordingServer, connections: int
) -> None:
    server.say("RCPT", "550 5.1.1 No such user", to="guest4@example.org")
    server.say("RCPT", "450 4.2.1 Later", to="guest7@example.org", times=1)
    server.say("DOT", "451 4.3.0 Later", to="guest9@example.org", times=1)
    server.say("DOT", "554 5.6.0 No", to="guest12@example.org")
    server.drop("STORED", to="guest15@example.org")
    server.drop("DATA", to="guest18@example.org", times=1)
    server.say("MAIL", "421 4.4.2 Enough for one session", close=True, after=22, times=1)
    made = a_mailing(30)
    counts = Counter(outcomes(sending(made, ledger, server, pacing=replace(FAST, connections=connections))))
    assert counts == {"accepted": 27, "refused": 2, "unknown": 1} == recorded(ledger)
    cleared = {letter.action.attendee.address: made.clear(letter).raw for letter in made.letters}
    assert all(message.data == cleared[message.rcpt_tos[0]] for message in server.messages)
    assert Counter(recipients(server)) == dict.fromkeys(set(recipients(server)), 1) and len(server.messages) == 28
    assert not any(re.search(r"guest\d+", line) and line.count("@") > 1 for _, line in server.transcript)


def test_a_message_whose_envelope_alone_was_said_was_not_tried(ledger: Ledger, server: RecordingServer) -> None:
    # The server agrees to the second one, and the run is stopped before a byte of it has left.
    control = Control()
    server.hang("STORED", after=1, times=1)
    steps = sending(a_mailing(4), ledger, server, control=control)
    assert next(steps).outcome == "accepted"  # type: ignore[union-attr]  # it waits for nothing
    while len(server.messages) < 2:
        time.sleep(0.01)
    control.abort()
    assert outcomes(steps) == ["unknown", "unsent", "unsent"]
    assert [person.latest.attempts for person in ledger.people().values()] == [1, 1, 0, 0]


def test_an_address_beyond_ascii_is_sent_where_the_server_takes_it(ledger: Ledger, server: RecordingServer) -> None:
    people = [*guests(2), listed("zoë@example.org", line=9)]
    assert outcomes(sending(a_mailing(people), ledger, server)) == ["accepted"] * 3
    assert recipients(server)[-1] == "zoë@example.org" and server.connections == 1


def test_an_address_beyond_ascii_that_the_server_does_not_take_is_an_error_before_anything_is_begun(
    ledger: Ledger, start_smtp: Callable[..., RecordingServer]
) -> None:
    server = start_smtp(security="none", login=None, smtputf8=False)
    people = [*guests(2), listed("zoë@example.org", line=9), listed("josé@example.org", line=12)]
    with pytest.raises(InputError) as refused:
        outcomes(sending(a_mailing(people), ledger, server))
    found = [(one.severity, one.code, one.line, one.column, one.value) for one in refused.value.problems]
    assert found == [
        ("error", "non-ascii-address", 9, "Email", "zoë@example.org"),
        ("error", "non-ascii-address", 12, "Email", "josé@example.org"),
    ]
    assert refused.value.exit_code == 1 and all(one.file and one.hint for one in refused.value.problems)
    assert ledger.people() == {} and server.verbs() == ["EHLO", "QUIT"]
    assert outcomes(sending(a_mailing(people[:2]), ledger, server)) == ["accepted"] * 2


def test_a_server_that_cannot_be_asked_what_it_takes_ends_the_run_as_ever(
    ledger: Ledger, server: RecordingServer
) -> None:
    server.say("CONNECT", "554 5.3.2 Not today", close=True)
    settled, error = until_it_fails(sending(a_mailing([listed("zoë@example.org")]), ledger, server))
    assert error.exit_code == 4 and [step.outcome for step in settled] == ["unsent"]
    assert recorded(ledger) == {"unsent": 1}


# --- the organiser's hand ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connections", [1, 3])
def test_a_stop_settles_what_is_in_flight_and_leaves_the_rest(
    ledger: Ledger, server: RecordingServer, connections: int
) -> None:
    control = Control()
    settled = []
    for step in sending(a_mailing(120), ledger, server, control=control, pacing=replace(FAST, connections=connections)):
        assert isinstance(step, Settled)
        settled.append(step.outcome)
        if len(settled) == 5:
            control.stop()
    counts = Counter(settled)
    assert counts["accepted"] == len(server.messages) >= 5 and counts["unsent"] == 120 - counts["accepted"] > 0
    assert recorded(ledger) == counts


def test_a_stop_is_felt_while_the_run_waits(ledger: Ledger, server: RecordingServer) -> None:
    control = Control()
    server.say("RCPT", "450 4.2.1 Try later")
    began, counts = time.monotonic(), []
    for step in sending(a_mailing(2), ledger, server, control=control, pacing=replace(FAST, backoff=300)):
        if isinstance(step, Waiting):
            control.stop()
        elif isinstance(step, Settled):
            counts.append(step.outcome)
    assert time.monotonic() - began < 60 and counts == ["deferred", "deferred"]
    assert recorded(ledger) == {"deferred": 2}, "what is reported is what is recorded"


def test_nothing_goes_out_while_the_run_is_paused(ledger: Ledger, server: RecordingServer) -> None:
    control = Control()
    steps = sending(a_mailing(100), ledger, server, control=control, pacing=replace(FAST, per_minute=600))
    for _ in range(3):
        next(steps)
    control.pause()
    most = len(server.messages) + 1  # one may be in flight
    time.sleep(0.5)
    assert len(server.messages) <= most and control.paused
    control.resume()
    for _ in steps:
        if len(server.messages) > most:
            control.stop()
    assert recorded(ledger) == {"accepted": len(server.messages), "unsent": 100 - len(server.messages)}


def test_a_run_can_be_aborted_while_the_server_is_silent(ledger: Ledger, server: RecordingServer) -> None:
    control = Control()
    server.hang("DOT", after=1)
    steps = sending(a_mailing(3), ledger, server, control=control, connect=lambda: connect_to(server, timeout=90))
    with once_silent(server.is_silent, control.abort):
        began = time.monotonic()
        settled = outcomes(steps)
    assert time.monotonic() - began < 60
    assert settled == ["accepted", "unknown", "unsent"] and recorded(ledger) == Counter(settled)


def test_a_stop_waits_for_a_silent_server_so_long_and_says_so(
    ledger: Ledger, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "GRACE", 1.2)
    control = Control()
    server.hang("DOT", after=1)
    steps = sending(a_mailing(3), ledger, server, control=control, connect=lambda: connect_to(server, timeout=30))
    happened = [next(steps)]
    assert server.is_silent.wait(60)
    control.stop()
    began = time.monotonic()
    happened += list(steps)
    assert 1 < time.monotonic() - began < 25
    assert [step.outcome for step in happened if isinstance(step, Settled)] == ["accepted", "unknown", "unsent"]
    assert any(isinstance(step, Waiting) and "answer" in step.reason for step in happened)
    assert "broken off" in ledger.people()["guest1@example.org"].latest.reply


def test_an_abort_before_a_connection_is_there_opens_none(ledger: Ledger, server: RecordingServer) -> None:
    control = Control()
    control.abort()
    assert outcomes(sending(a_mailing(2), ledger, server, control=control)) == ["unsent", "unsent"]
    assert server.connections == 0 and recorded(ledger) == {"unsent": 2}


def test_who_stops_listening_still_gets_everything_in_flight_recorded(ledger: Ledger, server: RecordingServer) -> None:
    # Only where everything takes its time can somebody leave in the middle.
    def slowly(connection: Connection, message: Cleared, on_body: Body) -> Steps[Receipt | Fault]:
        result = yield from connection.delivering(message, on_body=on_body)
        time.sleep(0.1)
        return result

    pacing = replace(FAST, connections=3)
    steps = sending(a_mailing(30), ledger, server, pacing=pacing, connect=lambda: Around(connect_to(server), slowly))
    next(steps)
    time.sleep(0.05)
    steps.close()  # type: ignore[attr-defined]  # it is a generator
    assert recorded(ledger)["unknown"] == 0 and recorded(ledger)["accepted"] == len(server.messages) < 30


# --- the guard, once more ---------------------------------------------------------------------------------------------


def test_a_message_that_has_changed_since_it_was_cleared_ends_the_run(
    ledger: Ledger, server: RecordingServer, tmp_path: Path
) -> None:
    attachment = tmp_path / "agenda.txt"
    attachment.write_text("Tea at three", "utf-8")
    event = an_event(tmp_path, message=MessageSettings(attachments=(attachment,)))
    people = guests(6)
    made = prepare(make(event, people, {}), composer(event), roll_of(people))
    settled: list[Settled] = []
    steps = sending(made, ledger, server)
    attachment.write_text("Tea at four, says guest5@example.org", "utf-8")
    settled.extend(step for step in steps if isinstance(step, Settled))
    assert all(
        b64decode(b"VGVhIGF0IHRocmVl") == b"Tea at three" and b"VGVhIGF0IHRocmVl" in m.data for m in server.messages
    )
    # A composer that reads the file anew stands for any way in which the bytes may have become others.
    (tmp_path / "other").mkdir()
    changed = replace(made, composer=composer(event))
    with open_for_run(tmp_path / "other" / "event.ledger.db") as other:
        settled, error = until_it_fails(sending(changed, other, server))
        assert isinstance(error, LeakError) and "no longer" in error.message
        assert {step.outcome for step in settled} == {"unsent"} and recorded(other) == {"unsent": 6}
    assert len(server.messages) == 6


def test_in_the_middle_of_a_run_nothing_more_goes_out_after_a_message_that_has_changed(
    ledger: Ledger, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = a_mailing(6)
    clear = Mailing.clear

    def tampered(self: Mailing, letter: mailing.Letter) -> Cleared:
        if letter.action.attendee.address == "guest3@example.org":
            letter = replace(letter, digest="0" * 64)
        return clear(self, letter)

    monkeypatch.setattr(Mailing, "clear", tampered)
    settled, error = until_it_fails(sending(made, ledger, server))
    assert isinstance(error, LeakError)
    assert recipients(server) == [f"guest{number}@example.org" for number in range(3)]
    assert [step.outcome for step in settled] == ["accepted"] * 3 + ["unsent"] * 3


def test_a_few_are_cleared_at_a_time_and_again_where_they_have_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    made, cleared, clear = a_mailing(6), [], Mailing.clear

    def counted(self: Mailing, letter: mailing.Letter) -> Cleared:
        cleared.append(letter.action.attendee.address)
        return clear(self, letter)

    monkeypatch.setattr(Mailing, "clear", counted)
    fresh = Fresh(made)
    for number in range(2):
        letter, message = fresh.take(number)
        assert letter == made.letters[number] and message and message.digest == letter.digest
    assert len(cleared) == 6
    monkeypatch.setattr("tui.mailing.letters._FRESH", -1.0)  # seconds
    fresh.take(2)
    assert cleared[6:] == [f"guest{number}@example.org" for number in range(2, 6)]
    monkeypatch.setattr("tui.mailing.letters._FEW_BYTES", 1)
    fresh.take(3)
    assert cleared[10:] == ["guest3@example.org"], "large ones are not kept in memory together"


def test_a_rehearsal_shows_only_what_was_cleared(tmp_path: Path) -> None:
    made = replace(a_mailing(2), composer=composer(an_event(title="Another title")))
    with pytest.raises(LeakError):
        list(rehearse(made, tmp_path / "outbox"))


def test_only_a_mailing_delivers() -> None:
    package = Path(tui.__file__).parent
    call = re.compile(r"\.(?:(?:deliver|delivering|_deliver|_transact|sendmail|send_message)\(|_body\(client)")
    callers = {str(path.relative_to(package)) for path in package.rglob("*.py") if call.search(path.read_text("utf-8"))}
    assert callers == {str(Path("mailing", "line.py")), str(Path("delivery", "connection.py"))}
    source = (package / "mailing" / "line.py").read_text("utf-8")
    assert len(re.findall(r"connection\.delivering\(", source)) == 1
    before = source[: source.index("connection.delivering(")]
    assert before.rindex("cleared = task.cleared or self._run.mailing.clear(task.letter)") > 0


# --- the ledger fails -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_all", [False, True])
def test_a_ledger_that_fails_in_mid_run_ends_it_and_nobody_is_called_unsent_who_may_have_it(
    ledger: Ledger, server: RecordingServer, monkeypatch: pytest.MonkeyPatch, is_all: bool
) -> None:
    leaving = []

    def failing(name: str) -> Callable[..., Any]:
        real = getattr(ledger, name)

        def call(*args: Any) -> Any:
            leaving.extend([args] if name == "sending" else [])
            if len(leaving) > 2 and (is_all or name == "sending"):
                raise LedgerError("The ledger cannot be used: the disk is full.")
            return real(*args)

        return call

    monkeypatch.setattr(Connection, "is_answered", lambda _: True)  # however fast the server is
    for name in ("sending", "settle", "tried"):  # a disk that fills up at this very moment cannot be had
        monkeypatch.setattr(ledger, name, failing(name))
    settled, error = until_it_fails(sending(a_mailing(5), ledger, server))
    assert error.exit_code == 6 and len(server.messages) == 2
    # The second had arrived when the disk was full, and was to be recorded together with the third's departure.
    second: Outcome = "unknown" if is_all else "accepted"
    assert [step.outcome for step in settled] == ["accepted", second, "unsent", "unsent", "unsent"]
    assert recorded(ledger) == Counter(step.outcome for step in settled)


# --- at most once -----------------------------------------------------------------------------------------------------


class KilledError(Exception):
    """Stands for the end of the process."""


class World:
    """A server, a network and a process that can each fail at any moment, by a seeded chance.

    Made up, because a real process cannot be killed between two chosen instructions; the ledger is the real one, and
    `tests/cli` kills real processes against a real server.
    """

    def __init__(self, seed: int, path: Path) -> None:
        self.chance = random.Random(seed)
        self.path = path
        self.stored: Counter[tuple[str, tuple[str, int]]] = Counter()
        self.lost_words = 0
        self.dead = False

    def run(self, event: Event, people: Sequence[Attendee], *, deadly: bool, connections: int) -> None:
        with open_to_read(self.path) as reading:
            made = prepare(make(event, people, reading.people()), composer(event), roll_of(people))
        self.dead = False
        with open_for_run(self.path) as ledger:
            if deadly:
                for name in ("begin", "sending", "settle", "tried"):
                    setattr(ledger, name, self._mortal(getattr(ledger, name)))
            try:
                pacing = Pacing(connections=connections, backoff=0.0, retries=2)
                for _ in mailing.send(
                    *(made, ledger, lambda: World._Line(self)),  # type: ignore[arg-type]  # all a run asks of one
                    command="send", account="work", pacing=pacing, control=Control(),
                ):  # fmt: skip
                    pass
            except (InviteError, KilledError):
                pass

    def _mortal(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self._live()
            if self.chance.random() < 0.04:
                self.dead = True
                self._live()
            result = method(*args)
            if self.chance.random() < 0.04:
                self.dead = True
            self._live()
            return result

        return call

    def _live(self) -> None:
        if self.dead:
            raise KilledError

    class _Line:
        """What `mailing` needs of a connection."""

        def open(self) -> None: ...
        def close(self) -> None: ...
        def abort(self) -> None: ...

        def __init__(self, world: "World") -> None:
            self._world = world
            self._ahead: Cleared | None = None

        def is_answered(self) -> bool:
            return self._ahead is not None and self._world.chance.random() < 0.8

        def leave(self) -> None:
            self._ahead = None

        def delivering(
            self, message: Cleared, *, on_body: Callable[[], Steps[Cleared | None]]
        ) -> Steps[Receipt | Fault]:
            world = self._world
            world._live()
            dice = world.chance.random()
            if dice < 0.05:
                return Fault("unsent", "connection", "lost before", "data")
            if dice < 0.15:
                return Fault("deferred", "message", "450 later", "rcpt")
            if dice < 0.2:
                return Fault("refused", "message", "550 no", "rcpt")
            self._ahead = yield from on_body()
            world._live()
            if dice < 0.25:
                return Fault("unsent", "connection", "lost before", "body")
            if dice < 0.3:
                world.lost_words += 1
                return Fault("unknown", "connection", "lost after, not stored", "dot")
            world.stored[message.recipient, _version(message.raw)] += 1
            if dice < 0.35:
                world.lost_words += 1
                return Fault("unknown", "connection", "lost after", "dot")
            if dice < 0.4:
                world.dead = True  # stored, and the process dies before it hears so
            world._live()
            return Receipt("250 Ok")


def _version(raw: bytes) -> tuple[str, int]:
    """The UID and SEQUENCE of a message's calendar object."""
    found = re.search(rb"text/calendar[^\r]*\r\n[^\r]*\r\n\r\n(.*?)\r\n--", raw, re.DOTALL)
    assert found
    lines = dict(line.split(":", 1) for line in b64decode(found[1]).decode().split("\r\n") if ":" in line)
    return lines["UID"], int(lines["SEQUENCE"])


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_nobody_is_sent_the_same_version_twice_and_nobody_is_lost(seed: int, tmp_path: Path) -> None:
    world, people, event = World(seed, tmp_path / "event.ledger.db"), guests(8), an_event()
    connections = seed % 3 + 1
    deaths = 0
    for turn in range(6):
        if turn == 3:
            event = an_event(location="Room 4")
        world.run(event, people, deadly=turn not in (2, 5), connections=connections)
        deaths += world.dead
        assert not [version for version, count in world.stored.items() if count > 1]
    open_for_run(world.path).close()
    with open_to_read(world.path) as reading:
        held = reading.people()
    assert set(held) == {person.address for person in people}
    for person in held.values():
        for version in {(message.uid, message.sequence) for message in person.messages}:
            said = Counter(one.outcome for one in person.messages if (one.uid, one.sequence) == version)
            count = world.stored[person.address, version]
            assert said["accepted"] <= count <= said["accepted"] + said["unknown"], (person.address, version, said)
    unknown = sum(message.outcome == "unknown" for person in held.values() for message in person.messages)
    assert unknown <= world.lost_words + deaths * connections


def test_internal_columns_are_never_stored(ledger: Ledger, server: RecordingServer, tmp_path: Path) -> None:
    own = columns("Name", "Email", "Role", "Town", internal=["Role"])
    person = replace(
        an_attendee({"Role": "Whistle-blower", "Town": "Leeds"}),
        columns=own,
        cells=("Ana Ruiz", "ana@example.org", "Whistle-blower", "Leeds"),
    )
    outcomes(sending(a_mailing([person]), ledger, server))
    assert ledger.people()["ana@example.org"].fields == {
        "Name": "Ana Ruiz",
        "Email": "ana@example.org",
        "Town": "Leeds",
    }
    ledger.close()
    assert b"histle" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_a_plan_that_was_overtaken_by_another_run_sends_nothing(ledger: Ledger, server: RecordingServer) -> None:
    stale = a_mailing(3)
    outcomes(sending(a_mailing(guests(3)[:1]), ledger, server))
    with pytest.raises(InputError, match="meanwhile"):
        outcomes(sending(stale, ledger, server))
    assert recipients(server) == ["guest0@example.org"]


def test_a_retry_in_the_next_run_is_the_same_message_to_the_byte(ledger: Ledger, server: RecordingServer) -> None:
    server.say("DOT", "451 4.3.0 Later")
    first = a_mailing(1)
    outcomes(sending(first, ledger, server, pacing=replace(FAST, retries=0)))
    server.behave()
    second = a_mailing(1, dict(ledger.people()))
    assert second.letters[0].digest == first.letters[0].digest
    outcomes(sending(second, ledger, server))
    assert server.messages[0].data == first.clear(first.letters[0]).raw


def test_a_plan_of_nothing_is_a_mailing_of_nothing() -> None:
    assert not prepare(Plan((), "d"), composer(), roll_of([])).letters
