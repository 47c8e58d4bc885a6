"""The report as a page: readable by everybody, on paper too, and valid."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import need
from tests.events import event_file
from tests.judges import browser as real_browser
from tests.judges import node
from tests.judges.browser import Browser, Look
from tests.judges.test_pages import replace_once, validated
from tests.unit.test_report import HOSTILE, came_back, planned, run
from tui.folder import open_folder
from tui.ledger import Response, Taken, open_for_run
from tui.report import Figures, figures, page

LOOKS = [Look(width, dark) for width, dark in product((320, 1000), (False, True))]
PAGES = [("everything", look) for look in LOOKS]
# One style sheet for all: of the pages that hold less, the narrow one and the dark one.
PAGES += [(name, look) for name in ("empty", "anonymous", "forgotten") for look in (LOOKS[0], LOOKS[3])]


@cache
def pages() -> Mapping[str, str]:
    """Every sort of page by its name."""
    with TemporaryDirectory() as folder:
        event = Path(folder) / "event.toml"
        event.write_text(event_file(title="Pathways to Work: first virtual consultation event"), encoding="utf-8")
        empty = _page(event)
        with open_for_run(Path(folder) / "event.ledger.db") as ledger:
            long = replace(planned(8), name="Ǝ" * 120, group="w" * 90)
            odd = replace(planned(9), name=HOSTILE, group="فريق", facts={"session": HOSTILE})
            people = [*(planned(number) for number in range(1, 8)), long, odd]
            run(ledger, people, ["accepted", "refused", "deferred", "unknown", "accepted", "accepted"])
            adopted = replace(planned(20), uid="leak@elsewhere", facts={"foreign": "yes"})
            ledger.adopt([adopted], "sent by another program", ["guest20@example.org"], [])
            days: tuple[tuple[int, Response, int], ...] = ((1, "accepted", 1), (5, "declined", 1), (6, "tentative", 4))
            ledger.take_in(
                Taken(f"{number}", (came_back(number, said, datetime(2027, 4, day, 9, tzinfo=UTC)),))
                for number, said, day in days
            )
            made = {"everything": _page(event), "anonymous": _page(event, anonymous=True)}
            ledger.forget(["guest1@example.org", "guest2@example.org"])
        return {"empty": empty, **made, "forgotten": _page(event)}


def _page(event: Path, *, anonymous: bool = False) -> str:
    folder = open_folder([], event=str(event))
    with folder.chronicle() as chronicle:
        return b"".join(page(_spread(figures(folder, chronicle, anonymous=anonymous)))).decode()


def _spread(made: Figures) -> Figures:
    """The same over several days, which no single run in a test can take."""
    guests = []
    for at, guest in enumerate(made.guests):
        day = (datetime(2027, 4, 1, 9, 30, tzinfo=UTC) + timedelta(days=at)).isoformat()
        messages = (
            replace(one, attempts=tuple(replace(attempt, settled_at=day) for attempt in one.attempts))
            for one in guest.messages
        )
        guests.append(replace(guest, messages=tuple(messages)))
    return replace(made, guests=tuple(guests))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    need(real_browser.missing())
    with Browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.mark.parametrize(("name", "look"), PAGES, ids=str)
def test_a_report_keeps_wcag_2_2_aa_fits_and_fetches_nothing(name: str, look: Look, browser: Browser) -> None:
    browser.show(pages()[name], look)
    assert browser.violations() == []
    assert browser.overflow() == 0
    assert browser.requests == []


def test_a_report_has_room_for_text_of_twice_the_size(browser: Browser) -> None:
    browser.show(pages()["everything"], Look(320, text_size=2))
    assert browser.overflow() == 0


def test_a_report_forbids_itself_to_run_and_to_load_anything(browser: Browser) -> None:
    inside = "<script>document.title = 'ran'</script><img src='https://www.example.org/pixel.png' alt=''>"
    browser.show(replace_once(pages()["everything"], "<main>", f"<main>{inside}"), Look(1000))
    assert browser.run("document.title").startswith("Invitations: Pathways")
    assert browser.requests == []


def test_the_outcomes_are_in_words_beside_each_bar(browser: Browser) -> None:
    browser.show(pages()["everything"], Look(1000))
    rows = browser.run(
        '[...document.querySelectorAll("#outcomes ~ table tbody tr")].map((row) =>'
        ' [row.cells[0].textContent.split(":")[0], row.cells[1].textContent, row.querySelector("svg").ariaHidden])'
    )
    assert rows == [
        ["accepted", "3", "true"],
        ["refused", "1", "true"],
        ["deferred", "1", "true"],
        ["unknown", "1", "true"],
        ["unsent", "3", "true"],
        ["by another program", "1", "true"],
    ]


def test_messages_over_time_are_a_chart_with_words_and_a_table(browser: Browser) -> None:
    browser.show(pages()["everything"], Look(1000))
    label, drawn = browser.run(
        '[document.querySelector("#when ~ figure svg").ariaLabel,'
        ' document.querySelectorAll("#when ~ figure rect").length]'
    )
    assert label == "3 messages from 2027-04-01 to 2027-04-06; the most, 1, on 2027-04-01."
    assert drawn == len(browser.run('[...document.querySelectorAll("#when ~ table tbody tr")].map(() => 1)')) == 3


def test_answers_over_time_are_a_chart_with_words_and_a_table(browser: Browser) -> None:
    browser.show(pages()["everything"], Look(1000))
    label, drawn = browser.run(
        '[document.querySelector("#answers ~ figure svg").ariaLabel,'
        ' document.querySelectorAll("#answers ~ figure svg[role=img] rect").length]'
    )
    assert label == "Answers from 2027-04-01 to 2027-04-04: 1 accepted, 1 tentative, 1 declined."
    assert drawn == 3
    rows = browser.run(
        '[...document.querySelectorAll("#answers ~ table, #answers ~ .wide table")].map((table) =>'
        " [...table.tBodies[0].rows].map((row) => [...row.cells].slice(0, 4).map((cell) => cell.textContent)))"
    )
    assert [row[0].split(":")[0] for row in rows[0]] == ["accepted", "tentative", "declined", "no reply seen"]
    assert rows[1] == [["2027-04-01", "1", "0", "1"], ["2027-04-04", "0", "1", "0"]]


def test_every_report_is_valid_html() -> None:
    need(node.missing())
    assert validated(pages()) == {name: [] for name in pages()}
