"""The table of attendees: only what is in view is ever made."""

from time import perf_counter

from textual.app import App, ComposeResult

from tui.app.state import MARKS
from tui.app.widgets.table import AttendeeTable
from tui.attendees import Attendee, Columns

COLUMNS = Columns(("Name", "Email"), {}, {}, 1)


def person(name: str, address: str = "a@example.org", group: str = "") -> Attendee:
    return Attendee(address, address, name, group, "a.csv", 2, (name, address), COLUMNS)


class TableApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.table = AttendeeTable(lambda _: MARKS["ready"])

    def compose(self) -> ComposeResult:
        yield self.table


async def test_a_million_rows_are_shown_and_walked_at_once() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 24)) as pilot:
        records = [person("Ana Ruiz")] * 1_000_000
        start = perf_counter()
        app.table.show(records, range(len(records)))
        await pilot.pause()
        app.table.focus()
        await pilot.press("end", "pageup", "up")
        assert perf_counter() - start < 10.0
        assert app.table.cursor == 999_999 - 23 - 1


async def test_wide_and_combining_characters_keep_the_columns_aligned() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 10)) as pilot:
        records = [person("Ana Ruiz"), person("王小明"), person("e\u0301ve"), person("佐藤 花子佐藤 花子佐藤 花子")]
        app.table.show(records, range(len(records)))
        await pilot.pause()
        strips = [app.table.render_line(y) for y in range(4)]
        assert {strip.cell_length for strip in strips} == {60}
        before = [strip.crop(0, strip.cell_length).text.partition("a@example.org")[0] for strip in strips]
        assert len({_cells(text) for text in before}) == 1


async def test_the_cursor_stays_on_its_person_when_the_rows_shown_change() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 10)) as pilot:
        records = [person(f"P{number}", f"p{number}@example.org") for number in range(9)]
        app.table.show(records, range(9))
        await pilot.pause()
        app.table.go_to(6)
        app.table.show(records, (2, 6, 8))
        assert app.table.selected is records[6]
        app.table.show(records, (2, 8))
        assert app.table.selected is records[2]


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


async def test_a_wide_screen_shows_an_address_of_forty_letters_whole() -> None:
    app = TableApp()
    async with app.run_test(size=(74, 10)) as pilot:
        address = "a" * 28 + "@example.org"
        app.table.show([person("A Person With Quite A Long Name", address, "organisations")], range(1))
        await pilot.pause()
        assert address in app.table.render_line(0).text
