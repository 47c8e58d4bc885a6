"""A run that ends before its end, or before its beginning: what it says, and what the next one does."""

from collections.abc import Callable

from tests.cli.conftest import Desk
from tests.servers.recording import RecordingServer


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
