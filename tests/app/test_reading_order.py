"""What a screen reader reads, top to bottom and left to right, makes sense; the focus goes the same way."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.widget import Widget
from textual.widgets import Input

from tests.app.driving import Driven, app_of, composed, driven, seen, until
from tests.app.test_pictures import ACCOUNT
from tui.app.state import ANSWER_MARKS, MARKS

STACKED = (80, 44)  # the panes one above the other: nothing of the one is read in the middle of the other


def _in_order(text: str, *words: str) -> None:
    """Each of these words stands behind the one before."""
    at = 0
    for each in words:
        found = text.find(each, at)
        assert found >= 0, f"no {each!r} where it is expected:\n{text[at:]}"
        at = found + len(each)


def _places(chain: Sequence[Widget]) -> list[tuple[int, int]]:
    return [(one.region.y, one.region.x) for one in chain]


async def test_the_main_screen_is_read_from_the_event_to_the_keys(few: Path) -> None:
    async with driven("few.csv", size=STACKED) as pilot:
        await pilot.press("down")
        await composed(pilot)
        way = ("Check", "1 to fix", "Rehearse", "Send", "Follow up", "0 sent")
        people = ("Attendees", "search", "Ana Ruiz", "ana@example.org", "public", "Bo Li", "Dora")
        message = ("ready", "Bo Li <bo@example.org>", "Message", "HTML", "Subject", "Invitation", "From", "Dear Bo Li")
        event = ("Pathways to Work", "6 May 2027", "REHEARSAL", "no account yet", "next", "what is wrong")
        _in_order(seen(pilot), *event, *way, *people, *message, "help")


async def test_how_the_selected_person_stands_is_said_in_words_on_the_smallest_screen(few: Path) -> None:
    async with driven("few.csv", size=(60, 20)) as pilot:
        _in_order(seen(pilot), "Ana Ruiz", "✓ ready")
        await pilot.press("down", "down")
        await until(pilot, lambda: "▲ to fix" in seen(pilot))


def test_no_sign_stands_for_two_things_and_each_has_a_word() -> None:
    for marks in (MARKS, ANSWER_MARKS):
        assert len({mark.sign for mark in marks.values()}) == len(marks)
        assert all(mark.word.strip() and mark.meaning for mark in marks.values())


async def _shown(pilot: Driven, key: str, words: str) -> None:
    await pilot.press(*key.split())
    await until(pilot, lambda: words in seen(pilot))


@pytest.mark.parametrize(
    ("keys", "begins"), [("s", "Type the number"), ("e enter", "London time"), ("v", "by status"), ("a", "Correct")]
)
async def test_the_focus_goes_through_a_dialog_as_it_is_read(folder: Path, keys: str, begins: str) -> None:
    async with driven("attendees.csv", environment=ACCOUNT, size=(100, 60)) as pilot:
        await _shown(pilot, keys, begins)
        chain = app_of(pilot).screen.focus_chain
        assert chain and _places(chain) == sorted(_places(chain))


async def test_a_form_has_its_labels_before_what_is_filled_in(folder: Path) -> None:
    async with driven("attendees.csv", size=(100, 60)) as pilot:
        await _shown(pilot, "e enter", "London time")
        labels = ("Title", "Pathways", "Starts", "2027-05-06 14:00", "Ends", "Time zone", "Europe/London", "Where")
        _in_order(seen(pilot), "Event", "What you change", *labels, "Save", "Close", "Thursday 6 May", "esc closes")


async def test_what_is_wrong_in_a_form_is_read_whole_on_the_smallest_screen(folder: Path) -> None:
    async with driven("attendees.csv", size=(60, 20)) as pilot:
        await _shown(pilot, "e enter", "Save")
        app_of(pilot).screen.query(Input)[1].value = "2027-05-030 14:00"
        await until(pilot, lambda: "is no date" in seen(pilot) and "2027-05-06 14:00." in seen(pilot))


async def test_the_question_before_a_send_says_what_before_it_asks(folder: Path) -> None:
    async with driven("attendees.csv", environment=ACCOUNT, size=(100, 60)) as pilot:
        await _shown(pilot, "s", "Type the number")
        said = ("Send", "LIVE", "55 messages", "through env", "public", "26", "together", "55", "List", "nothing wrong")
        left = ("Rehearsal", "none since", "Columns that leave", "Hold back", "seconds", "Type the number")
        _in_order(seen(pilot), *said, *left, "Back", "Send 55", "Nothing is sent before that")


async def test_tab_goes_from_the_list_to_the_message_and_back(few: Path) -> None:
    async with driven("few.csv", size=STACKED) as pilot:
        main = app_of(pilot).main
        chain = [pilot.app.focused]
        for _ in range(2):
            await pilot.press("tab")
            chain.append(pilot.app.focused)
        assert chain == [main.table, main.message.reader, main.table]
        assert main.table.region.y < main.message.reader.region.y
