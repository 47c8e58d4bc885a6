"""The file beside an event that says that messages went out, and whose record counts."""

import shutil
from pathlib import Path

import pytest

from tests.ledger.test_ledger import ANA
from tui.errors import LedgerError
from tui.ledger import marker, open_for_run


@pytest.fixture
def ledger_path(tmp_path: Path) -> Path:
    return tmp_path / "event.ledger.db"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "event.ledger.sent"


def _run(file: Path, path: Path, *, tries: int = 1) -> None:
    """A run that tries a message so many times."""
    with open_for_run(path) as ledger, marker.kept(file, ledger, path):
        [message] = ledger.begin("send", "work", "digest", [ANA])
        for _ in range(tries):
            ledger.tried(message, "d" * 64, "deferred", "450 later")


def test_before_the_first_run_there_is_none_and_any_ledger_will_do(file: Path, ledger_path: Path) -> None:
    marker.check(file, ledger_path)
    assert not file.exists()


def test_a_run_leaves_it_and_its_own_ledger_fits(file: Path, ledger_path: Path) -> None:
    _run(file, ledger_path)
    marker.check(file, ledger_path)
    _run(file, ledger_path)
    marker.check(file, ledger_path)
    text = file.read_text(encoding="utf-8")
    assert "event.ledger.db" in text and "attempts = 2" in text
    assert "ana" not in text.casefold()


def test_a_run_that_tried_nobody_leaves_none(file: Path, ledger_path: Path) -> None:
    _run(file, ledger_path, tries=0)
    assert not file.exists()


def test_it_is_there_while_the_run_goes_on(file: Path, ledger_path: Path) -> None:
    with open_for_run(ledger_path) as ledger, marker.kept(file, ledger, ledger_path):
        assert file.exists()


def test_it_is_true_after_a_run_that_failed(file: Path, ledger_path: Path) -> None:
    def fail() -> None:
        with open_for_run(ledger_path) as ledger, marker.kept(file, ledger, ledger_path):
            [message] = ledger.begin("send", "work", "digest", [ANA])
            ledger.tried(message, "d" * 64, "accepted", "250 ok")
            raise LedgerError("on purpose")

    with pytest.raises(LedgerError, match="on purpose"):
        fail()
    assert "attempts = 1" in file.read_text(encoding="utf-8")


def test_a_ledger_that_is_missing_is_noticed_and_the_way_out_is_told(file: Path, ledger_path: Path) -> None:
    _run(file, ledger_path)
    ledger_path.unlink()
    with pytest.raises(LedgerError, match="missing") as refused:
        marker.check(file, ledger_path)
    hint = refused.value.hint or ""
    assert "Restore" in hint and "--ledger" in hint and str(file) in hint
    file.unlink()
    marker.check(file, ledger_path)


def test_an_empty_file_in_its_place_is_no_ledger(file: Path, ledger_path: Path) -> None:
    _run(file, ledger_path)
    ledger_path.write_bytes(b"")
    with pytest.raises(LedgerError, match="missing"):
        marker.check(file, ledger_path)


def test_another_ledger_is_noticed_by_who_looks_and_by_who_sends(file: Path, ledger_path: Path, tmp_path: Path) -> None:
    _run(file, ledger_path)
    other = tmp_path / "other.ledger.db"
    _run(tmp_path / "other.ledger.sent", other)
    before = file.read_text(encoding="utf-8")
    with pytest.raises(LedgerError, match="not the record"):
        marker.check(file, other)
    with pytest.raises(LedgerError, match="not the record"):
        _run(file, other)
    assert file.read_text(encoding="utf-8") == before


def test_a_backup_from_before_the_last_messages_is_noticed(file: Path, ledger_path: Path, tmp_path: Path) -> None:
    _run(file, ledger_path)
    backup = tmp_path / "backup"
    shutil.copy(ledger_path, backup)
    _run(file, ledger_path, tries=3)
    shutil.copy(backup, ledger_path)
    with pytest.raises(LedgerError, match="knows of 1 attempts, and there were at least 4"):
        marker.check(file, ledger_path)


def test_the_same_ledger_under_another_name_fits(file: Path, ledger_path: Path, tmp_path: Path) -> None:
    _run(file, ledger_path)
    moved = tmp_path / "elsewhere" / "moved.db"
    moved.parent.mkdir()
    ledger_path.rename(moved)
    marker.check(file, moved)
    _run(file, moved)
    assert str(moved) in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00garbage", b"id\nattempts = many\n", b"attempts = " + b"9" * 99])
def test_what_somebody_made_of_it_still_says_that_messages_went_out(
    file: Path, ledger_path: Path, content: bytes
) -> None:
    file.write_bytes(content)
    with pytest.raises(LedgerError, match="missing"):
        marker.check(file, ledger_path)
    open_for_run(ledger_path).close()
    with pytest.raises(LedgerError, match="not the record"):
        marker.check(file, ledger_path)


def test_where_it_cannot_be_written_the_run_goes_on(ledger_path: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "none" / "event.ledger.sent"
    _run(nowhere, ledger_path)
    assert not nowhere.exists()
