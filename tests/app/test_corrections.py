"""Resend, correct and cancel by name, against a real SMTP server and a real ledger."""

from email import message_from_bytes, policy
from pathlib import Path

import pytest
from textual.widgets import Button, Input, OptionList

from tests.app.driving import (
    Driven,
    app_of,
    by_name,
    composed,
    driven,
    idle,
    over,
    seen,
    sent_to_everybody,
    through,
    typed,
    until,
)
from tests.servers.recording import RecordingServer
from tui.app.screens.form import Form
from tui.ledger import open_to_read


async def confirmed(pilot: Driven, number: int) -> None:
    """The number is typed into the last question, and the run is over."""
    await until(pilot, lambda: "Type the number" in seen(pilot))
    await typed(pilot, str(number))
    await pilot.press("enter")
    await over(pilot)


async def asked(pilot: Driven, key: str) -> Form:
    """The form that this key opens."""
    await pilot.press(key)
    await until(pilot, lambda: "Look at it" in seen(pilot))
    form = pilot.app.screen
    assert isinstance(form, Form)
    return form


def words_of(pilot: Driven) -> str:
    """What is on the screen, as one line without the frames."""
    return " ".join(seen(pilot).replace("│", " ").split())


def fill(form: Form, **values: str) -> None:
    for name, value in values.items():
        blank = form.line(name.replace("_", " "))
        assert isinstance(blank, Input)
        blank.value = value


def text_of(raw: bytes) -> str:
    body = message_from_bytes(raw, policy=policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_the_marked_people_are_resent_theirs_with_a_note_and_nobody_else(
    held: Path, server: RecordingServer
) -> None:
    async with driven("few.csv", environment=through(server)) as pilot:
        await pilot.press("space", "down", "space")
        await pilot.pause()
        assert "2 marked" in seen(pilot)
        form = await asked(pilot, "r")
        assert "Ana Ruiz <ana@example.org>" in seen(pilot)
        assert "Cid <cid@example.org>" in seen(pilot)
        fill(form, note="The link of yesterday is dead.")
        await pilot.press("enter")
        await confirmed(pilot, 2)
        await pilot.press("escape")
        await pilot.pause()
        assert "marked" not in seen(pilot)
    later = server.messages[4:]
    assert sorted(one.rcpt_tos for one in later) == [("ana@example.org",), ("cid@example.org",)]
    assert all("The link of yesterday is dead." in text_of(one.data) for one in later)


async def test_a_resend_can_have_the_wording_of_a_correction(held: Path, server: RecordingServer) -> None:
    async with driven("few.csv", environment=through(server)) as pilot:
        await asked(pilot, "r")
        await pilot.press("down", "right", "enter")
        await until(pilot, lambda: "Correction: Pathways" in seen(pilot))
        await confirmed(pilot, 1)
    sent = message_from_bytes(server.messages[4].data, policy=policy.default)
    assert sent["Subject"].startswith("Correction: ")


async def test_a_corrected_address_shows_both_messages_and_sends_just_those(
    held: Path, server: RecordingServer
) -> None:
    async with driven("few.csv", environment=through(server), size=(120, 50)) as pilot:
        form = await asked(pilot, "a")
        fill(form, address="ana.ruiz@example.net")
        await pilot.click("#go")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        assert "1 of 2: a cancellation to Ana Ruiz <ana@example.org>" in seen(pilot)
        assert "Cancelled: Pathways" in seen(pilot)
        for _ in range(12):
            if "2 of 2: an invitation to Ana Ruiz <ana.ruiz@example.net>" in seen(pilot):
                break
            await pilot.press("pagedown")
            await pilot.pause()
        else:
            raise AssertionError(seen(pilot))
        await confirmed(pilot, 2)
        await pilot.press("escape", "home")
        await composed(pilot)
        assert "ana.ruiz@example.net" in seen(pilot)
        assert "the list still says ana@example.org" in seen(pilot)
        await pilot.press("6")
        await until(pilot, lambda: "address corrected: ana@example.org → " in seen(pilot))
    assert [one.rcpt_tos for one in server.messages[4:]] == [("ana@example.org",), ("ana.ruiz@example.net",)]
    subjects = [str(message_from_bytes(one.data, policy=policy.default)["Subject"]) for one in server.messages[4:]]
    assert [one.partition(":")[0] for one in subjects] == ["Cancelled", "Invitation"]


async def test_a_corrected_field_is_in_the_message_and_is_remembered(held: Path, server: RecordingServer) -> None:
    async with driven("few.csv", environment=through(server)) as pilot:
        form = await asked(pilot, "a")
        assert "Chair-7731" not in seen(pilot)  # internal: it is in no message, so there is nothing to correct
        fill(form, field_Name="Ana María Ruiz")
        await pilot.click("#go")
        await confirmed(pilot, 1)
    assert "Dear Ana María Ruiz" in text_of(server.messages[4].data)
    with open_to_read(held / "event.ledger.db") as ledger:
        corrections = ledger.people()["ana@example.org"].corrections
    assert [(one.header, one.before, one.after) for one in corrections] == [("Name", "Ana Ruiz", "Ana María Ruiz")]


async def test_a_correction_that_makes_no_sense_is_refused_in_the_form_and_can_be_mended(
    held: Path, server: RecordingServer
) -> None:
    async with driven("few.csv", environment=through(server)) as pilot:
        form = await asked(pilot, "a")
        for address, words in (
            ("bo@example.org", "is another attendee's address"),
            ("ana@@example.net", "is not an address"),
            ("  ", "There is no address"),
            ("ana@example.org", "Nothing is different yet"),
        ):
            fill(form, address=address)
            await pilot.press("ctrl+s")
            await until(pilot, lambda words=words: words in words_of(pilot))  # type: ignore[misc]  # mypy infers no default's type
            assert pilot.app.screen is form
            assert not form.query_one("#go", Button).disabled
    assert len(server.messages) == 4


async def test_leaving_the_last_question_goes_back_to_the_form_with_what_was_typed(
    held: Path, server: RecordingServer
) -> None:
    async with driven("few.csv", environment=through(server)) as pilot:
        form = await asked(pilot, "a")
        fill(form, address="ana@example.net")
        await pilot.click("#go")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is form)
        assert form.values["address"] == "ana@example.net"
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is app_of(pilot).main)
    assert len(server.messages) == 4


async def test_one_person_is_cancelled_once_the_number_is_typed_and_told_that_there_is_no_undo(
    held: Path, server: RecordingServer
) -> None:
    async with driven("few.csv", environment=through(server)) as pilot:
        await pilot.press("down")
        form = await asked(pilot, "t")
        assert "cannot be undone" in words_of(pilot)
        fill(form, note="We are sorry.")
        await pilot.press("enter")
        await until(pilot, lambda: "Type the number" in seen(pilot))
        assert "cannot be undone" in words_of(pilot)
        await confirmed(pilot, 1)
        await pilot.press("escape")
        await until(pilot, lambda: "⊗ Bo Li" in seen(pilot))
        await pilot.press("s")
        await until(pilot, lambda: "Nothing to send" in seen(pilot))
    assert [one.rcpt_tos for one in server.messages[4:]] == [("bo@example.org",)]
    assert "We are sorry." in text_of(server.messages[4].data)


async def test_everybody_can_be_cancelled(held: Path, server: RecordingServer) -> None:
    async with driven("few.csv", environment=through(server)) as pilot:
        await asked(pilot, "T")
        assert "called off" in words_of(pilot)
        await pilot.press("enter")
        await confirmed(pilot, 4)
        assert "Cancellation finished" in seen(pilot)
    assert len(server.messages) == 8


async def test_somebody_who_was_sent_nothing_cannot_be_cancelled_and_is_corrected_in_the_list(
    people: Path, server: RecordingServer
) -> None:
    async with driven("few.csv", environment=through(server)) as pilot:
        for key in ("t", "T"):
            await pilot.press(key)
            await until(pilot, lambda: "Nothing was ever sent" in seen(pilot))
            assert pilot.app.screen is app_of(pilot).main
            pilot.app.clear_notifications()
            await pilot.pause()
        await pilot.press("a")
        await until(pilot, lambda: "Correct the list" in seen(pilot))


async def test_without_an_account_a_resend_is_rehearsed_and_says_so(held: Path, server: RecordingServer) -> None:
    async with driven("few.csv") as pilot:
        await asked(pilot, "r")
        await pilot.press("enter")
        await until(pilot, lambda: "REHEARSAL" in seen(pilot) and "nothing is sent" in seen(pilot))
        assert "Type the number" not in seen(pilot)
        await pilot.press("enter")
        await over(pilot)
        assert "nothing was sent" in seen(pilot)
    assert len(server.messages) == 4
    assert len(list((held / "outbox").glob("*.eml"))) == 1


async def test_who_is_no_longer_on_the_list_can_be_cancelled_from_the_commands(
    held: Path, server: RecordingServer
) -> None:
    rows = (held / "few.csv").read_text().splitlines(keepends=True)
    (held / "few.csv").write_text("".join(rows[:3]))
    async with driven("few.csv", environment=through(server)) as pilot:
        await by_name(pilot, "No longer on the list")
        await until(pilot, lambda: "All of them" in seen(pilot))
        assert "Cid <cid@example.org>" in seen(pilot)
        assert pilot.app.screen.query_one(OptionList).option_count == 3
        await pilot.press("enter")
        await until(pilot, lambda: "2 people" in seen(pilot))
        await pilot.click("#cancel-them")
        await until(pilot, lambda: "Look at it" in seen(pilot))
        await pilot.press("enter")
        await confirmed(pilot, 2)
    assert sorted(one.rcpt_tos[0] for one in server.messages[4:]) == ["cid@example.org", "dora@example.org"]


async def test_the_history_says_what_a_message_changed_and_its_digest(held: Path, server: RecordingServer) -> None:
    event = (held / "event.toml").read_text().replace('"Microsoft Teams"', '"Room 12"')
    (held / "event.toml").write_text(event)
    sent_to_everybody(held / "few.csv", server)
    async with driven("few.csv", environment=through(server), size=(140, 45)) as pilot:
        await pilot.press("6")
        await until(pilot, lambda: "Place: Microsoft Teams → Room 12" in seen(pilot))
        assert "update 1" in seen(pilot)
        with open_to_read(held / "event.ledger.db") as ledger:
            person = ledger.people()["ana@example.org"]
        shown = "".join(seen(pilot).replace("│", "").split())
        assert all(sent.digest in shown for sent in person.messages)


async def test_escape_forgets_a_plan_that_takes_long(
    people: Path, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from tui.folder import Folder

    go_on = threading.Event()
    real = Folder.plan

    def slow(self: Folder, **asked: object) -> object:
        go_on.wait(60)
        return real(self, **asked)  # type: ignore[arg-type]  # as it was asked

    async with driven("few.csv", environment=through(server)) as pilot:
        monkeypatch.setattr(Folder, "plan", slow)
        await pilot.press("s")
        await until(pilot, lambda: "Planning" in seen(pilot))
        await pilot.press("down")
        await until(pilot, lambda: "▌✓ Bo Li" in seen(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "Planning" not in seen(pilot))
        go_on.set()
        await idle(pilot)
        await pilot.pause()
        assert pilot.app.screen is app_of(pilot).main


async def test_messages_that_are_kept_are_told_of_in_the_history_and_can_be_written(
    people: Path, server: RecordingServer
) -> None:
    event = (people / "event.toml").read_text()
    (people / "event.toml").write_text(f"{event}\n[sending]\nkeep = true\n" if "[sending]" not in event else event)
    sent_to_everybody(people / "few.csv", server)
    async with driven("few.csv", environment=through(server), size=(140, 45)) as pilot:
        await pilot.press("6")
        await until(pilot, lambda: "the message itself is kept" in seen(pilot))
        await by_name(pilot, "Write the kept messages")
        await until(pilot, lambda: "Write them" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Wrote 4 messages" in seen(pilot))
    assert sorted(path.read_bytes() for path in (people / "kept").glob("*.eml")) == sorted(
        one.data for one in server.messages
    )
