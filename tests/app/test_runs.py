"""Rehearsing, sending and resending, against a real SMTP server and a real ledger."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from textual.widgets import Button, Input

from tests.app.driving import Driven, app_of, by_name, composed, driven, over, pasted, seen, through, typed, until
from tests.servers.recording import RecordingServer
from tui.app.widgets.nextsteps import NextSteps
from tui.folder import open_folder
from tui.ledger import open_to_read


async def send(pilot: Driven, number: int) -> None:
    await pilot.press("s")
    await until(pilot, lambda: "Type the number" in seen(pilot))
    await typed(pilot, str(number))
    await pilot.press("enter")


async def test_without_an_account_the_banner_says_rehearsal_and_s_explains(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        assert "REHEARSAL" in seen(pilot)
        assert "no account yet" in seen(pilot)
        await pilot.press("s")
        await pilot.pause()
        assert "can only rehearse" in seen(pilot)
        await pilot.press("escape")
        assert app_of(pilot).state.run is None


async def test_rehearsing_writes_every_message_to_the_outbox_and_says_where(folder: Path) -> None:
    async with driven("attendees.csv") as pilot:
        await pilot.press("d")
        await over(pilot)
        assert "55 written to outbox/  nothing was sent" in seen(pilot)
        assert "0 sent" in seen(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert "written to outbox" not in seen(pilot)
    written = sorted((folder / "outbox").glob("*.eml"))
    assert len(written) == 55
    assert message_from_bytes(written[0].read_bytes(), policy=policy.default)["To"] == "Ana Ruiz <ana@example.org>"


async def test_a_rehearsal_leaves_people_with_errors_out_and_says_so(folder: Path, few: Path) -> None:
    async with driven("few.csv") as pilot:
        await pilot.press("d")
        await over(pilot)
        assert "3 written" in seen(pilot)
        assert "1 person left out" in seen(pilot)


async def test_the_banner_says_live_where_sends_reach_people(folder: Path, server: RecordingServer) -> None:
    async with driven("attendees.csv", environment=through(server)) as pilot:
        assert "LIVE" in seen(pilot)
        assert "REHEARSAL" not in seen(pilot)


async def test_the_send_dialog_counts_by_group_and_sends_nothing_for_another_number(
    folder: Path, server: RecordingServer
) -> None:
    async with driven("attendees.csv", environment=through(server)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        screen = seen(pilot)
        for group, number in (("public", 26), ("organisations", 10), ("staff", 19), ("together", 55)):
            assert re.search(rf"{group} +{number}\b", screen)
        assert server.host in screen
        for wrong in ("5", "54", "555", "55x", "-55", "５５"):
            await typed(pilot, wrong)
            assert pilot.app.screen.query_one("#go", Button).disabled, wrong
            assert "nothing will be sent" in seen(pilot)
            await pilot.press("enter")
            assert app_of(pilot).state.run is None, wrong
            await pilot.press(*["backspace"] * len(wrong))
        await typed(pilot, "55")
        assert not pilot.app.screen.query_one("#go", Button).disabled
        await pilot.press("escape")
        await pilot.pause()
    assert server.messages == []


async def test_the_right_number_sends_each_person_one_message(folder: Path, server: RecordingServer) -> None:
    async with driven("attendees.csv", environment=through(server)) as pilot:
        await send(pilot, 55)
        await over(pilot)
        assert "Send finished" in seen(pilot)
        assert "55 sent" in seen(pilot)
        await pilot.press("escape", "s")
        await until(pilot, lambda: "Nothing to send" in seen(pilot))
        await pilot.press("q")
    assert len(server.messages) == 55
    assert len({message.rcpt_tos for message in server.messages}) == 55
    assert all(len(message.rcpt_tos) == 1 for message in server.messages)
    assert app_of(pilot).exit_code == 0


async def test_each_rows_outcome_is_in_the_table_and_the_summary_names_the_next_step(
    folder: Path, server: RecordingServer
) -> None:
    server.say("RCPT", "550 5.1.1 No such user", to="bo.li@example.com")
    async with driven("attendees.csv", environment=through(server)) as pilot:
        await send(pilot, 55)
        await over(pilot)
        screen = seen(pilot)
        assert "54 sent" in screen
        assert "1 refused" in screen
        assert "n Correct and resend…" in screen and "f Show them" in screen
        assert "● Ana Ruiz" in screen
        assert "✗ Bo Li" in screen
        await pilot.press("down", "6")
        await composed(pilot)
        assert "No such user" in seen(pilot)
        await pilot.press("q")
    assert app_of(pilot).exit_code == 3


async def test_errors_block_a_send_until_the_organiser_leaves_those_rows_out(
    folder: Path, few: Path, server: RecordingServer
) -> None:
    async with driven("few.csv", environment=through(server)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "Leave them out" in seen(pilot))
        assert "1 error stops the whole send" in seen(pilot)
        await pilot.click("#leave-out")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        assert "1 person with errors left out" in seen(pilot)
        await typed(pilot, "3")
        await pilot.press("enter")
        await over(pilot)
    assert [message.rcpt_tos[0] for message in server.messages] == [
        "ana@example.org",
        "bo@example.org",
        "dora@example.org",
    ]


async def test_resending_reaches_the_selected_person_alone_once_1_is_typed(held: Path, server: RecordingServer) -> None:
    async with driven("few.csv", environment=through(server)) as pilot:
        await pilot.press("down", "r")
        await until(pilot, lambda: "Look at it" in seen(pilot))
        assert "Bo Li <bo@example.org>" in seen(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        assert "asked for by name" in seen(pilot)
        await typed(pilot, "1")
        await pilot.press("enter")
        await over(pilot)
        assert "Resend finished" in seen(pilot)
    assert [message.rcpt_tos for message in server.messages[4:]] == [("bo@example.org",)]


async def test_a_send_can_be_to_the_marked_alone_and_says_who_else_is_owed_nothing(
    people: Path, server: RecordingServer
) -> None:
    async with driven("few.csv", environment=through(server)) as pilot:
        await pilot.press("space", "space", "s")
        await until(pilot, lambda: "2 people are marked" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        assert "1 of 2: an invitation to Ana Ruiz" in seen(pilot)
        await typed(pilot, "2")
        await pilot.press("enter")
        await over(pilot)
        await pilot.press("escape")
        await by_name(pilot, "Send to these alone")
        await until(pilot, lambda: "Nothing to send: 2 " in _on_one_line(pilot))
    assert [message.rcpt_tos for message in server.messages] == [("ana@example.org",), ("bo@example.org",)]


async def test_who_was_refused_is_corrected_one_after_the_other_from_the_summary(
    people: Path, server: RecordingServer
) -> None:
    server.say("RCPT", "550 5.1.1 No such user", to="bo@example.org")
    server.say("RCPT", "550 5.1.1 No such user", to="dora@example.org")
    async with driven("few.csv", environment=through(server), size=(120, 34)) as pilot:
        await send(pilot, 4)
        await over(pilot)
        steps = pilot.app.screen.query_one(NextSteps)
        await until(pilot, lambda: app_of(pilot).state.survey.troubles)
        lines = seen(pilot).splitlines()
        row = next(at for at, line in enumerate(lines) if "Correct and resend" in line)
        column = lines[row].index("Correct and resend")
        await pilot.click(steps, offset=(column - steps.region.x, row - steps.region.y))
        await until(pilot, lambda: "Bo Li <bo@example.org>" in seen(pilot) and "Look at it" in seen(pilot))
        await pilot.press("escape", "down", "n")
        await until(pilot, lambda: "Dora <dora@example.org>" in seen(pilot) and "Look at it" in seen(pilot))


async def test_the_plan_is_told_with_the_digest_that_seals_it(people: Path, server: RecordingServer) -> None:
    async with driven("few.csv", environment=through(server)) as pilot:
        await by_name(pilot, "Plan")
        await until(pilot, lambda: "A send would send 4 messages." in seen(pilot))
        digest = open_folder(["few.csv"], environment=through(server)).plan(skip_errors=True).digest
        await until(pilot, lambda: digest in "".join(seen(pilot).replace("│", "").split()))


async def test_resending_to_somebody_who_was_never_sent_anything_says_so(folder: Path, server: RecordingServer) -> None:
    async with driven("attendees.csv", environment=through(server)) as pilot:
        await pilot.press("r")
        await until(pilot, lambda: "Nothing was ever sent" in seen(pilot))


async def test_a_run_can_be_paused_resumed_and_stopped(folder: Path, server: RecordingServer) -> None:
    async with driven("attendees.csv", environment=through(server, PER_MINUTE="240")) as pilot:
        await send(pilot, 55)
        await until(pilot, lambda: len(server.messages) >= 2)
        await pilot.press("p")
        await until(pilot, lambda: "paused" in seen(pilot))
        most = len(server.messages) + 1  # one may be in flight
        await pilot.pause(0.7)
        assert len(server.messages) <= most
        await pilot.press("p")
        await until(pilot, lambda: len(server.messages) > most)
        await pilot.press("x")
        await over(pilot)
        assert "Send stopped" in seen(pilot)
        assert "unsent" in seen(pilot)
        sent = len(server.messages)
        assert sent < 55
        assert f"{55 - sent} ready" in seen(pilot)


async def test_quitting_while_a_run_is_on_asks_and_staying_goes_on(folder: Path, server: RecordingServer) -> None:
    async with driven("attendees.csv", environment=through(server, PER_MINUTE="120")) as pilot:
        await send(pilot, 55)
        await until(pilot, lambda: len(server.messages) >= 1)
        await pilot.press("q")
        await until(pilot, lambda: "Stop and quit" in seen(pilot))
        await pilot.press("escape")
        await pilot.pause()
        assert app_of(pilot).state.running
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "^c again: stop and quit" in seen(pilot))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not app_of(pilot).is_running)
    assert 0 < len(server.messages) < 55
    assert app_of(pilot).exit_code == 3


async def test_while_another_run_holds_the_ledger_a_send_says_what_to_do(people: Path, server: RecordingServer) -> None:
    async with driven("few.csv", environment=through(server)) as pilot:
        with open_folder(["few.csv"]).ledger_to_write():
            await send(pilot, 4)
            await until(pilot, lambda: "Another run is using" in seen(pilot))
            assert "then `s` sends what is left" in " ".join(seen(pilot).replace("│", " ").split())
    assert server.messages == []


async def test_a_server_that_is_not_there_is_said_in_words_and_nothing_is_lost(folder: Path) -> None:
    environment = {
        "INVITE_TUI_SMTP_HOST": "127.0.0.1",
        "INVITE_TUI_SMTP_PORT": "1",
        "INVITE_TUI_SMTP_SECURITY": "none",
    }
    async with driven("attendees.csv", environment=environment) as pilot:
        await send(pilot, 55)
        await over(pilot)
        screen = seen(pilot)
        assert "Send failed" in screen
        assert "127.0.0.1" in screen
        assert "55 unsent" in screen
        assert "Accounts…" in screen and "s Send the rest…" in screen
        assert "55 ready" in screen


async def test_who_was_refused_or_is_unknown_stays_in_sight_when_the_summary_is_closed(
    people: Path, server: RecordingServer
) -> None:
    server.say("RCPT", "550 5.1.1 No such user", to="bo@example.org")
    async with driven("few.csv", environment=through(server), size=(160, 40)) as pilot:
        await send(pilot, 4)
        await over(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: "3 sent  1 refused" in seen(pilot))
        await pilot.press("f")
        await until(pilot, lambda: "1 of 4" in seen(pilot))
        assert "✗ Bo Li" in seen(pilot)
        await pilot.press("escape", "slash")
        await typed(pilot, "refu")
        await until(pilot, lambda: "1 of 4" in seen(pilot))
        await pilot.press("escape", "escape", "s")
        await until(pilot, lambda: "3 have it, 1 refused: `r` sends it again to Bo Li." in _on_one_line(pilot))


def _on_one_line(pilot: Driven) -> str:
    toasts = [str(one.message) for one in app_of(pilot)._notifications]
    return " ".join(toasts)


async def test_while_a_run_is_on_the_history_is_what_it_has_done(folder: Path, server: RecordingServer) -> None:
    server.say("RCPT", "550 5.1.1 No such user", to="ana.ruiz@example.com")
    server.say("RCPT", "550 5.1.1 No such user", to="bo.li@example.com")
    async with driven("attendees.csv", environment=through(server, PER_MINUTE="120")) as pilot:
        await pilot.press("down", "6")
        await send(pilot, 55)
        await until(pilot, lambda: "No such user" in seen(pilot))
        assert app_of(pilot).state.running
        assert "refused" in seen(pilot)
        assert "Nothing has been sent" not in seen(pilot)
        assert "it was not tried" not in seen(pilot)
        await pilot.press("p")
        await until(pilot, lambda: "p go on" in seen(pilot).splitlines()[-1])
        assert "to go" not in seen(pilot)
        await pilot.press("x")
        await over(pilot)


async def test_a_server_that_hangs_is_said_to_be_waited_for_and_can_be_left(
    folder: Path, server: RecordingServer
) -> None:
    server.hang("DOT")
    async with driven("attendees.csv", environment=through(server)) as pilot:
        await send(pilot, 55)
        await until(pilot, lambda: "waiting for the server's answer" in seen(pilot))
        await pilot.press("x")
        await until(pilot, lambda: "what is in flight will be unknown" in seen(pilot))
        await pilot.press("q")
        await until(pilot, lambda: "q again leaves now" in seen(pilot))
        await pilot.press("q")
        await until(pilot, lambda: not app_of(pilot).is_running)
    assert app_of(pilot).last_words == "0 sent, 1 unknown, 54 left: `invite-tui attendees.csv` again finishes it."


async def test_the_send_window_says_what_goes_out_and_for_how_long_and_leaving_it_is_quiet(
    folder: Path, server: RecordingServer
) -> None:
    async with driven("attendees.csv", environment=through(server, PER_MINUTE="20"), size=(60, 20)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "more below" in seen(pilot))
        assert "Pathways to Work" in seen(pilot)
        for _ in range(12):
            if "more below" not in seen(pilot):
                break
            await pilot.press("pagedown")
            await pilot.pause()
        assert "Not before" in seen(pilot) and "Type the number" in seen(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert "Nothing was sent" not in _on_one_line(pilot)
    async with driven("attendees.csv", environment=through(server, PER_MINUTE="20"), size=(100, 45)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "It takes about 3 min at 20 a minute" in seen(pilot))
        assert "6 May 2027, 14:00" in seen(pilot)


async def test_on_a_small_screen_who_is_to_be_looked_after_wins_over_what_there_is_none_of(
    folder: Path, server: RecordingServer
) -> None:
    server.say("RCPT", "550 5.1.1 No such user", to="bo.li@example.com")
    server.drop("DOT", to="dora@example.org", times=1)
    (folder / "three.csv").write_text(
        "Name,Email\nAna Ruiz,ana@example.org\nBo Li,bo.li@example.com\nDora,dora@example.org\n"
    )
    async with driven("three.csv", environment=through(server), size=(60, 20)) as pilot:
        await send(pilot, 3)
        await over(pilot)
        await until(pilot, lambda: "▲ Follow up  1 unknown" in seen(pilot))
        assert "✗ 1 refused" in seen(pilot)


# --- before: what was checked, and how it is to go --------------------------------------------------------------------


async def asked(pilot: Driven) -> None:
    """The question is open."""
    await pilot.press("s")
    await until(pilot, lambda: "Type the number" in seen(pilot))


async def put(pilot: Driven, blank: str, text: str) -> None:
    pilot.app.screen.set_focus(pilot.app.screen.query_one(f"#{blank}"))
    await pasted(pilot, text)


def recorded(folder: Path) -> list[str]:
    """What the ledger holds of everybody: their outcomes."""
    with open_to_read(folder / "event.ledger.db") as ledger:
        return [person.outcome for person in ledger.people().values()]


async def test_the_question_says_what_was_checked_and_enter_goes_to_the_cause(
    folder: Path, few: Path, server: RecordingServer
) -> None:
    async with driven("few.csv", environment=through(server, PER_DAY="500"), size=(100, 50)) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "Leave them out" in seen(pilot))
        await pilot.click("#leave-out")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        for said in ("△ List", "✓ Event", "✓ Messages", "○ Rehearsal", "✓ Quota      500 of 500 in 24 hours are left"):
            assert said in seen(pilot), said
        checks = list(pilot.app.screen.query("CheckLine"))
        checks[-1].focus()
        await until(pilot, lambda: "shows the limits" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "500 messages, as was set" in seen(pilot))
        await pilot.press("escape")
        checks[0].focus()
        await pilot.press("enter")
        await until(pilot, lambda: "Problems" in seen(pilot) and "1 of 4" in seen(pilot))
    assert server.messages == [] and app_of(pilot).state.run is None


async def test_the_keys_lead_from_the_number_to_how_it_goes_and_back(folder: Path, server: RecordingServer) -> None:
    async with driven("attendees.csv", environment=through(server)) as pilot:
        await asked(pilot)
        await pilot.press("up", "up", "up")
        await typed(pilot, "3")
        await pilot.press("enter")
        await typed(pilot, "55")
        assert pilot.app.screen.query_one("#canary", Input).value == "3"
        assert "Enter sends the first 3, then asks." in seen(pilot)


async def test_what_cannot_be_meant_keeps_the_button_dark(folder: Path, server: RecordingServer) -> None:
    async with driven("attendees.csv", environment=through(server)) as pilot:
        await asked(pilot)
        await typed(pilot, "55")
        for blank, text, said in (
            ("canary", "55", "Fewer than all 55"),
            ("undo", "-3", "whole number"),
            ("at", "tomorrow", "no date and time"),
            ("at", "2020-01-01 09:00", "is over"),
            ("at", "2099-01-01 09:00", "The event is over by then"),
        ):
            await put(pilot, blank, text)
            assert pilot.app.screen.query_one("#go", Button).disabled, text
            assert said in seen(pilot)
            await pilot.press("enter", "enter")
            assert app_of(pilot).state.run is None
            assert pilot.app.focused is pilot.app.screen.query_one(f"#{blank}"), "it is mended where it stands"
            pilot.app.screen.query_one(f"#{blank}", Input).value = ""
            await pilot.pause()
        assert not pilot.app.screen.query_one("#go", Button).disabled


# --- during: what it waits for, and what it asks ----------------------------------------------------------------------


async def test_what_is_held_back_can_be_taken_back_and_nothing_is_remembered(
    folder: Path, server: RecordingServer
) -> None:
    async with driven("attendees.csv", environment=through(server)) as pilot:
        await asked(pilot)
        await put(pilot, "undo", "600")
        await pilot.press("enter")
        await typed(pilot, "55")
        await pilot.press("enter")
        await until(pilot, lambda: "The first message leaves in 10 min" in seen(pilot))
        assert "x Take back" in seen(pilot)
        await pilot.press("x")
        await over(pilot)
        assert "Send taken back" in seen(pilot) and "Nothing was sent" in seen(pilot)
        await pilot.press("q")
    assert server.connections == 0 and recorded(folder) == []
    assert app_of(pilot).exit_code == 0


async def test_a_send_begins_at_its_hour_unless_a_file_has_changed_meanwhile(
    people: Path, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Later":
            return super().now(tz) + timedelta(hours=2)

    async with driven("few.csv", environment=through(server)) as pilot:
        for change in (True, False):
            await asked(pilot)
            await put(pilot, "at", f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%d %H:%M}Z")
            await pilot.press("enter")
            await typed(pilot, "4")
            await pilot.press("enter")
            await until(pilot, lambda: "It begins in" in seen(pilot))
            if change:
                event = people / "event.toml"
                event.write_text(event.read_text("utf-8").replace("Pathways", "Other ways"), "utf-8")
            with monkeypatch.context() as clock:
                clock.setattr("tui.mailing.holding.datetime", Later)  # the hour has come
                await over(pilot)
            if change:
                assert "no longer the one that was confirmed" in seen(pilot)
                assert server.connections == 0 and recorded(people) == []
                await pilot.press("escape", "f5")
                await until(pilot, lambda: "Other ways" in seen(pilot) and app_of(pilot).state.checked)
    assert len(server.messages) == 4


async def test_after_the_first_few_it_holds_until_the_organiser_decides(folder: Path, server: RecordingServer) -> None:
    async with driven("attendees.csv", environment=through(server)) as pilot:
        await asked(pilot)
        await put(pilot, "canary", "3")
        await pilot.press("enter")
        await typed(pilot, "55")
        await pilot.press("enter")
        await until(pilot, lambda: "The first messages are out" in seen(pilot))
        assert "So far: 3 sent. Left: 52." in seen(pilot)
        await pilot.press("enter")  # not yet
        await until(pilot, lambda: "waiting for your word" in seen(pilot) and " p decide " in seen(pilot))
        assert len(server.messages) == 3 and app_of(pilot).state.running
        await pilot.press("p")
        await until(pilot, lambda: "The first messages are out" in seen(pilot))
        await pilot.press("right", "right", "enter")
        await over(pilot)
        assert "Send finished" in seen(pilot)
    assert len(server.messages) == 55 and set(recorded(folder)) == {"accepted"}


async def test_a_run_that_brakes_asks_and_goes_on_or_ends(folder: Path, server: RecordingServer) -> None:
    server.say("DATA", "554 5.7.1 Message [@click=app.quit]rejected\x1b[31m as spam", times=6)
    async with driven("attendees.csv", environment=through(server)) as pilot:
        await send(pilot, 55)
        await until(pilot, lambda: "So far: 0 sent, 3 refused. Left: 52." in seen(pilot))
        # The server's words are words: no markup, and no control of the terminal.
        assert "[@click=app.quit]rejected␛[31m as spam" in " ".join(re.sub(r"[│\n]", " ", seen(pilot)).split())
        await pilot.click("#go-on")
        await until(pilot, lambda: "So far: 0 sent, 6 refused. Left: 49." in seen(pilot))
        await pilot.click("#end")
        await over(pilot)
        assert "Send stopped" in seen(pilot) and "49 unsent" in seen(pilot)
    assert server.messages == [] and recorded(folder).count("refused") == 6


async def test_quitting_while_it_asks_leaves_the_rest_and_says_so(folder: Path, server: RecordingServer) -> None:
    server.say("DATA", "554 5.7.1 Message rejected as spam")
    async with driven("attendees.csv", environment=through(server)) as pilot:
        await send(pilot, 55)
        await until(pilot, lambda: "Not yet" in seen(pilot))
        await pilot.press("escape", "q")
        await until(pilot, lambda: "Stop and quit" in seen(pilot))
        await pilot.click("#quit")
        await until(pilot, lambda: not app_of(pilot).is_running)
    assert app_of(pilot).last_words.startswith("0 sent, 3 refused, 52 left")
    assert recorded(folder).count("unsent") == 52


async def test_two_people_propose_and_approve_with_the_same_key(folder: Path, server: RecordingServer) -> None:
    event = folder / "event.toml"
    event.write_text(event.read_text(encoding="utf-8") + "\n[sending]\ntwo_people = true\n", encoding="utf-8")
    (folder / "two.csv").write_text("Name,Email\nAna Ruiz,ana@example.org\nBo Li,bo@example.org\n", encoding="utf-8")
    ana, bo = ({**through(server), "INVITE_TUI_NAME": name} for name in ("Ana", "Bo"))
    async with driven("two.csv", environment=ana) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "to propose it" in seen(pilot))
        assert "Propose 2" in seen(pilot)
        await typed(pilot, "2")
        await pilot.press("enter")
        await until(pilot, lambda: "Proposed: 2 messages" in seen(pilot))
        await pilot.press("s")
        await until(pilot, lambda: "You have proposed this" in seen(pilot))
        await typed(pilot, "2")
        assert pilot.app.screen.query_one("#go", Button).disabled
    assert server.connections == 0
    async with driven("two.csv", environment=bo) as pilot:
        await pilot.press("s")
        await until(pilot, lambda: "Ana has proposed this" in seen(pilot))
        await typed(pilot, "2")
        await pilot.press("enter")
        await over(pilot)
    assert len(server.messages) == 2
    with open_to_read(folder / "event.ledger.db") as ledger, ledger.chronicle() as chronicle:
        (run,) = chronicle.runs.values()
        assert (run.proposed_by, run.confirmed_by) == ("Ana", "Bo")
