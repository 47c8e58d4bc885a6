"""The whole job of an organiser, in a real terminal and against a real server."""

import os
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.app.driving import through
from tests.servers.recording import RecordingServer

ENTER, HOME = "\r", "\x1b[H"


@pytest.mark.skipif(os.name != "posix", reason="needs a pty")
def test_a_list_is_opened_mended_rehearsed_sent_and_resent_to_one(
    few: Path, server: RecordingServer, folder: Path
) -> None:
    from tests.app.terminal import Terminal

    with Terminal("few.csv", environment=through(server)) as terminal:
        terminal.until("1 to fix")
        terminal.press("f")
        terminal.until("Problems")
        terminal.press(ENTER)
        terminal.until("more than")
        terminal.press(ENTER)
        terminal.until("esc closes")
        assert "Correct the list" in terminal.seen
        terminal.press(ENTER)
        terminal.until("0 to fix")
        terminal.until("Attendees  4")
        assert few.read_text().splitlines()[3] == "Cid,cid@example.org,staff"
        terminal.press("d")
        terminal.until("Rehearsal finished")
        assert len(list((folder / "outbox").glob("*.eml"))) == 4
        terminal.until("✓ Rehearse")
        terminal.leave("Rehearsal finished")
        terminal.press("s")
        terminal.until("Type the number")
        terminal.press("4" + ENTER)
        terminal.until("Send finished")
        terminal.until("4 sent")
        terminal.leave("Send finished")
        terminal.press(HOME + "r")
        terminal.until("Look at it")
        terminal.press(ENTER)
        terminal.until("Type the number")
        terminal.press("1" + ENTER)
        terminal.until("Resend finished")
        terminal.press("q")
        assert terminal.ended() == 0 and terminal.is_left_as_it_was()
    recipients = [
        message_from_bytes(one.data, policy=policy.default)["To"].addresses[0].addr_spec for one in server.messages
    ]
    assert sorted(recipients) == [
        *("ana@example.org", "ana@example.org", "bo@example.org", "cid@example.org", "dora@example.org")
    ]
