"""On what kind of disk a ledger lies, as each system tells it, and how it is kept on each."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.ledger.test_ledger import ANA
from tui.errors import LedgerError
from tui.ledger import Planned, open_for_run, open_to_read, places
from tui.ledger.databases import sqlite

LINUX = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
40 27 0:50 / /home/ana/Team\040drive rw,relatime shared:3 master:1 - cifs //server/share rw,vers=3.1.1
41 27 0:51 / /mnt/nas rw - nfs4 nas:/export rw
42 41 0:52 / /mnt/nas/local rw - tmpfs tmpfs rw
43 27 0:53 / /mnt/ssh rw - fuse.sshfs host:/ rw
44 27 0:54 / /mnt/twice rw - nfs4 nas:/old rw
45 27 0:55 / /mnt/twice rw - xfs /dev/vdb rw
not a mount at all
"""

MACOS = """
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse, protect)
//ana@server/share on /Volumes/Team drive (smbfs, nodev, nosuid, mounted by ana)
nas:/export on /Volumes/nas (nfs)
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/ana", "ext4"),
        ("/home/ana/Team drive", "cifs"),
        ("/home/ana/Team drive/event", "cifs"),
        ("/home/ana/Team drivel", "ext4"),
        ("/mnt/nas/a/b", "nfs4"),
        ("/mnt/nas/local", "tmpfs"),
        ("/mnt/ssh", "sshfs"),
        ("/mnt/twice", "xfs"),
    ],
)
def test_linux_tells_the_innermost_mount(folder: str, kind: str) -> None:
    assert places.kind_in_mountinfo(LINUX, Path(folder)) == kind


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/Users/ana", "apfs"), ("/Volumes/Team drive/event", "smbfs"), ("/Volumes/nas", "nfs"), ("/dev", "devfs")],
)
def test_macos_tells_the_innermost_mount(folder: str, kind: str) -> None:
    assert places.kind_in_mount(MACOS, Path(folder)) == kind


def test_where_nothing_is_told_nothing_is_known() -> None:
    assert places.kind_in_mountinfo("", Path("/home")) == places.kind_in_mount("garbage", Path("/home")) == ""


def test_a_disk_of_this_machine_is_on_no_network(tmp_path: Path) -> None:
    assert not places.is_on_network(tmp_path / "event.ledger.db")


def _mode(path: Path) -> str:
    with closing(sqlite3.connect(path)) as db:
        return str(db.execute("PRAGMA journal_mode").fetchone()[0])


def test_on_this_machine_it_has_a_write_ahead_log(tmp_path: Path) -> None:
    path = tmp_path / "event.ledger.db"
    with open_for_run(path):
        assert _mode(path) == "wal"


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drive of another machine cannot be had here: what tells of it is put in its place."""
    monkeypatch.setattr(sqlite, "is_on_network", lambda path: True)


def test_on_a_network_drive_it_has_none_and_is_as_safe(tmp_path: Path, network: None) -> None:
    path = tmp_path / "event.ledger.db"
    with open_for_run(path) as ledger:
        [message] = ledger.begin("send", "work", "digest", [ANA])
        attempt = ledger.sending(message, "d" * 64)
        with open_to_read(path) as beside:
            assert beside.people()[ANA.key].outcome == "unknown"
        ledger.settle(attempt, "accepted", "250 ok")
        assert not list(tmp_path.glob("*-wal"))
    assert _mode(path) == "delete"
    with open_to_read(path) as ledger:
        assert ledger.people()[ANA.key].outcome == "accepted"


def test_one_that_was_moved_to_a_network_drive_and_back_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "event.ledger.db"
    for remote in (False, True, False):
        monkeypatch.setattr(sqlite, "is_on_network", lambda path, remote=remote: remote)
        with open_for_run(path) as ledger:
            if not ledger.people():
                ledger.begin("send", "work", "digest", [ANA])
            assert ledger.people()[ANA.key].outcome == "unsent"
        assert _mode(path) == ("delete" if remote else "wal")


def test_a_disk_that_takes_no_write_ahead_log_has_a_journal(tmp_path: Path) -> None:
    # SQLite's memory database stands for a disk that takes none: it has a journal of its own, and no other.
    with closing(sqlite3.connect(":memory:")) as db, pytest.raises(LedgerError, match="keeps no journal"):
        sqlite.keep_journal(db, "event.ledger.db", on_network=False)


# --- what it knows of itself ------------------------------------------------------------------------------------------


def test_its_identity_stays_and_is_nobody_elses(tmp_path: Path) -> None:
    first, second = tmp_path / "a.ledger.db", tmp_path / "b.ledger.db"
    with open_for_run(first) as ledger:
        identity = ledger.identity()
    with open_for_run(first) as ledger:
        assert ledger.identity() == identity != ""
    with open_to_read(first) as ledger:
        assert ledger.identity() == identity
    with open_for_run(second) as ledger:
        assert ledger.identity() != identity
    with open_to_read(tmp_path / "none.ledger.db") as ledger:
        assert ledger.identity() == ""


def test_it_counts_what_left_through_an_account_lately(tmp_path: Path) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    with open_for_run(tmp_path / "event.ledger.db") as ledger:
        [message] = ledger.begin("send", "work", "digest", [ANA])
        assert ledger.sent_since("work", before) == 0
        ledger.tried(message, "d" * 64, "deferred", "450 later")
        assert ledger.sent_since("work", before) == 0
        attempt = ledger.sending(message, "d" * 64)
        assert ledger.sent_since("work", before) == 1
        ledger.settle(attempt, "accepted", "250 ok")
        assert ledger.sent_since("work", before) == 1
        assert ledger.sent_since("other", before) == 0
        assert ledger.sent_since("work", datetime.now(UTC) + timedelta(seconds=5)) == 0
        assert ledger.attempts() == 2


def test_it_knows_when_the_last_thing_was_recorded(tmp_path: Path) -> None:
    began = datetime.now(UTC) - timedelta(seconds=1)
    with open_for_run(tmp_path / "event.ledger.db") as ledger:
        assert ledger.newest() is None
        ledger.begin("send", "work", "digest", [ANA])
        newest = ledger.newest()
    assert newest is not None and began < newest < datetime.now(UTC) + timedelta(seconds=1)


# --- damage -----------------------------------------------------------------------------------------------------------


def _spoiled(path: Path, table: str) -> None:
    """Overwrites the middle of the page on which `table` (or an index) begins."""
    with open_for_run(path) as ledger:
        for number in range(40):
            key = f"{number}@example.org"
            [message] = ledger.begin("send", "work", "digest", [_other(key, number)])
            ledger.tried(message, "d" * 64, "accepted", "250 ok")
    with closing(sqlite3.connect(path)) as db:
        page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        size = db.execute("PRAGMA page_size").fetchone()[0]
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    middle = (page - 1) * size + size // 2
    data[middle : middle + size // 2] = bytes(value ^ 0x5A for value in data[middle : middle + size // 2])
    path.write_bytes(data)


def _other(key: str, number: int) -> Planned:
    return replace(ANA, key=key, address=key, uid=f"{number}@department.example")


@pytest.mark.parametrize("part", ["version", "attempt", "one_live_attempt", "attempt_by_message"])
def test_damage_anywhere_is_found_before_a_run(tmp_path: Path, part: str) -> None:
    path = tmp_path / "event.ledger.db"
    _spoiled(path, part)
    with pytest.raises(LedgerError, match="damaged") as refused:
        open_for_run(path)
    assert refused.value.hint and "backup" in refused.value.hint
