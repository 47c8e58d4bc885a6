"""A run that stops before its end, or before its beginning: what it says and asks, and what the next one does."""

import re
import signal
from collections.abc import Callable

import pytest

from tests.cli.conftest import Desk, on_a_terminal, wait_for
from tests.servers.recording import RecordingServer, Stage

QUESTION = "to send the rest all the same; anything else ends the run here"


def test_a_list_of_dead_addresses_is_not_sent_to_its_end_and_the_same_command_goes_on(
    desk: Desk, start_smtp: Callable[..., RecordingServer]
) -> None:
    server = start_smtp(security="none", login=None)
    desk.use(server)
    server.say("RCPT", "550 5.1.1 No such user", times=10)
    done = desk.run("send", "attendees.csv", "--confirm", "55", code=3)
    assert done.stdout.startswith("10 refused, 45 unsent, in ")
    assert "dead addresses" in done.stderr and "5.1.1 No such user" in done.stderr
    assert desk.json("status")["counts"]["unsent"] == 45 and server.messages == []
    assert desk.json("send", "attendees.csv", "--confirm", "45")["counts"]["accepted"] == 45
    counts = desk.json("status")["counts"]
    assert (counts["accepted"], counts["refused"]) == (45, 10) and len(server.messages) == 45


def test_a_server_that_puts_everything_off_is_left_in_peace(
    desk: Desk, start_smtp: Callable[..., RecordingServer]
) -> None:
    server = start_smtp(security="none", login=None)
    desk.use(server, retries="0")
    server.say("MAIL", "451 4.3.0 Out of order")
    told = desk.json("send", "attendees.csv", "--confirm", "55", code=3)
    assert told["error"]["code"] == "deferred-alike" and "Out of order" in told["error"]["message"]
    assert (told["counts"]["deferred"], told["counts"]["unsent"]) == (10, 45)


def test_who_could_not_begin_is_not_told_that_there_was_nothing_to_send(
    desk: Desk, start_smtp: Callable[..., RecordingServer]
) -> None:
    server = start_smtp(security="none", login=None, smtputf8=False)
    desk.use(server)
    desk.write("one.csv", "Name,Email\nZoë Ruiz,zoë@example.org\n")
    done = desk.run("send", "one.csv", "--confirm", "1", code=1)
    assert done.stdout == "" and "SMTPUTF8" in done.stderr


# --- asked on a terminal ----------------------------------------------------------------------------------------------


def test_on_a_terminal_the_organiser_decides_whether_the_rest_goes_out(
    desk: Desk, start_smtp: Callable[..., RecordingServer]
) -> None:
    server = start_smtp(security="none", login=None)
    desk.use(server)
    server.say("RCPT", "550 5.1.1 No such user", times=10)
    with on_a_terminal(desk, "send", "attendees.csv", "--confirm", "55") as terminal:
        wait_for(lambda: terminal.shows(QUESTION))
        assert terminal.shows("dead addresses") and terminal.shows("So far: 10 refused. Left: 45.")
        assert not server.messages
        terminal.type("go on\n")
        assert terminal.process.wait(60) == 3
    assert len(server.messages) == 45
    counts = desk.json("status")["counts"]
    assert (counts["accepted"], counts["refused"], counts["unsent"]) == (45, 10, 0)


@pytest.mark.parametrize("answer", ["yes\n", "\n", ""])
def test_any_other_answer_ends_the_run_there(
    desk: Desk, start_smtp: Callable[..., RecordingServer], answer: str
) -> None:
    server = start_smtp(security="none", login=None)
    desk.use(server)
    server.say("RCPT", "550 5.1.1 No such user", times=10)
    done = desk.run("send", "attendees.csv", "--confirm", "55", code=3, typed=answer, on_terminal=True)
    assert QUESTION in done.stderr and not server.messages
    counts = desk.json("status")["counts"]
    assert (counts["accepted"], counts["refused"], counts["unsent"]) == (0, 10, 45)


def test_a_run_that_went_on_asks_again_when_it_meets_the_same_again(
    desk: Desk, start_smtp: Callable[..., RecordingServer]
) -> None:
    server = start_smtp(security="none", login=None)
    desk.use(server)
    server.say("DATA", "554 5.7.1 spam", times=6)
    typed = "go on\n" * 2
    said = desk.run("send", "attendees.csv", "--confirm", "55", code=3, typed=typed, on_terminal=True).stderr
    first, second = said.index("So far: 3 refused. Left: 52."), said.index("So far: 6 refused. Left: 49.")
    assert first < second and len(server.messages) == 49


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_the_question_ends_the_run_and_leaves_the_rest(
    desk: Desk, start_smtp: Callable[..., RecordingServer], number: int
) -> None:
    server = start_smtp(security="none", login=None)
    desk.use(server)
    server.say("DATA", "554 5.7.1 spam")
    with on_a_terminal(desk, "send", "attendees.csv", "--confirm", "55") as terminal:
        wait_for(lambda: terminal.shows(QUESTION))
        terminal.process.send_signal(number)
        assert terminal.process.wait(60) == 130
    counts = desk.json("status")["counts"]
    assert (counts["refused"], counts["unsent"]) == (3, 52) and not server.messages


# --- the quota of a day -----------------------------------------------------------------------------------------------


def test_a_run_stops_before_the_quota_that_earlier_runs_have_used(
    desk: Desk, start_smtp: Callable[..., RecordingServer]
) -> None:
    server = start_smtp(security="none", login=None)
    desk.use(server, per_day="60", connections="3")
    assert desk.json("send", "attendees.csv", "--confirm", "55")["counts"]["accepted"] == 55
    desk.change("event.toml", "Pathways", "Other ways")
    told = desk.json("send", "attendees.csv", "--confirm", "55", code=3)
    assert (told["counts"]["accepted"], told["counts"]["unsent"], told["error"]["code"]) == (5, 50, "paused")
    assert "60 messages in 24 hours" in told["error"]["message"] and "in about 1 d" in told["error"]["message"]
    # Nothing more today, and nothing is asked of the server for it.
    connections = server.connections
    assert desk.json("send", "attendees.csv", "--confirm", "50", code=3)["counts"]["accepted"] == 0
    assert len(server.messages) == 60 and server.connections == connections + 1


def test_who_was_refused_has_used_nothing_of_the_quota(desk: Desk, start_smtp: Callable[..., RecordingServer]) -> None:
    server = start_smtp(security="none", login=None)
    desk.use(server, per_day="50")
    server.say("RCPT", "550 5.1.1 No such user", times=5)
    counts = desk.json("send", "attendees.csv", "--confirm", "55", code=3)["counts"]
    assert (counts["accepted"], counts["refused"], counts["unsent"]) == (50, 5, 0)


def test_on_a_terminal_the_run_waits_for_the_quota_and_counts(
    desk: Desk, start_smtp: Callable[..., RecordingServer]
) -> None:
    server = start_smtp(security="none", login=None)
    desk.use(server, per_day="50")
    with on_a_terminal(desk, "send", "attendees.csv", "--confirm", "55") as terminal:
        wait_for(lambda: len(set(re.findall(rb"waiting (2[34]:..:..): The daily quota", terminal.shown))) > 1)
        assert len(server.messages) == 50
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait(60) == 130
    assert desk.json("status")["counts"]["unsent"] == 5
    desk.run("send", "attendees.csv", "--confirm", "5", "--wait", "60", code=3, on_terminal=True)


# --- the first connection ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "reply"),
    [("CONNECT", "421 4.3.2 Too busy"), ("EHLO", "451 4.3.0 Not now"), ("AUTH", "454 4.7.0 Not now")],
)
def test_a_server_that_cannot_now_is_asked_again(
    desk: Desk, start_smtp: Callable[..., RecordingServer], stage: Stage, reply: str
) -> None:
    server = start_smtp()
    desk.use(server)
    server.say(stage, reply, close=True, times=2)
    assert desk.json("send", "attendees.csv", "--confirm", "55")["counts"]["accepted"] == 55
    assert server.connections == 3


def test_a_connection_that_is_dropped_before_the_greeting_is_made_again_and_not_for_ever(
    desk: Desk, start_smtp: Callable[..., RecordingServer]
) -> None:
    server = start_smtp()
    desk.use(server, retries="2")
    server.drop("CONNECT")
    told = desk.json("send", "attendees.csv", "--confirm", "55", code=4)
    assert told["counts"]["unsent"] == 55 and server.connections == 3


def test_a_refused_login_is_tried_once(desk: Desk, start_smtp: Callable[..., RecordingServer]) -> None:
    server = start_smtp()
    desk.use(server, retries="5")
    server.say("AUTH", "535 5.7.8 Authentication failed")
    desk.run("send", "attendees.csv", "--confirm", "55", code=4)
    assert (server.connections, server.verbs().count("AUTH")) == (1, 1)
