"""How a file was read is said, and another way can be chosen by looking at the names."""

from pathlib import Path

from tests.app.driving import app_of, composed, driven, opened, seen, until
from tui.app.encodings import CHOICES, reads_as, telling

POLISH = "Name;Email\nŁukasz Wójcik;l@example.org\nAna;a@example.org\n"


def polish(folder: Path) -> Path:
    (folder / "lista.csv").write_bytes(POLISH.encode("cp1250"))
    return folder / "lista.csv"


async def test_the_event_page_names_each_files_encoding_and_delimiter(folder: Path) -> None:
    polish(folder)
    async with driven("lista.csv", "attendees.csv", size=(120, 45)) as pilot:
        await pilot.press("e")
        await pilot.pause()
        assert "lista.csv: windows-1252, semicolons" in seen(pilot)
        assert "attendees.csv: UTF-8, commas" in seen(pilot)


async def test_names_that_read_wrong_are_put_right_by_choosing_their_encoding(folder: Path) -> None:
    polish(folder)
    async with driven("lista.csv", size=(100, 30)) as pilot:
        assert "£ukasz Wójcik" in seen(pilot)
        await pilot.press("c")
        await until(pilot, lambda: "Choose the one in which the names read right" in seen(pilot))
        screen = seen(pilot)
        assert next(line for line in screen.splitlines() if "windows-1250" in line).count("Łukasz Wójcik")
        assert "does not fit" in next(line for line in screen.splitlines() if "utf-8" in line)
        await pilot.press("down", "down", "enter")  # from windows-1252 over mac-roman
        await until(pilot, lambda: app_of(pilot).state.checked and "Łukasz" in seen(pilot))
        await composed(pilot)
        assert "Dear Łukasz Wójcik" in seen(pilot)
        folder_now = app_of(pilot).state.folder
        assert folder_now is not None
        assert folder_now.attendees.encodings == ("cp1250",)


async def test_the_event_page_leads_to_the_choice(folder: Path) -> None:
    polish(folder)
    async with driven("lista.csv") as pilot:
        await pilot.press("e", "c")
        await until(pilot, lambda: "Choose the one in which the names read right" in seen(pilot))
        await pilot.press("escape")
        assert app_of(pilot).screen is app_of(pilot).main


async def test_a_file_that_fits_no_encoding_by_itself_can_be_given_one(folder: Path) -> None:
    mixed = "Name,Email\nZoë,z@example.org\n".encode() + "Seán,s@example.org\n".encode("cp1252")
    (folder / "mixed.csv").write_bytes(mixed)
    async with driven("mixed.csv") as pilot:
        assert "1 to fix" in seen(pilot)
        await pilot.press("c", "home", "down")
        await until(pilot, lambda: "windows-1252" in seen(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: "Seán" in seen(pilot))
        await opened(pilot)


def test_every_encoding_that_is_offered_exists_and_reads_its_own() -> None:
    for name in CHOICES:
        assert reads_as(["Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}".encode("utf-8")], name) is not None or name in (
            *("utf-16", "cp932", "cp949", "gb18030", "big5", "windows-1253", "windows-1255", "windows-1257"),
        )


def test_utf_16_is_told_by_its_beginning(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("Name\tEmail\nZoë\tz@example.org\n", encoding="utf-16")
    assert reads_as(telling([str(file)]), "utf-16") == ["Zoë"]
    assert reads_as(telling([str(file)]), "utf-8") is None


def test_plain_letters_tell_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("Name,Email\nAna,a@example.org\n")
    assert telling([str(file), str(tmp_path / "missing.csv")]) == []
