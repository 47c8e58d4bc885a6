"""What a worker leaves on the disk when it is killed is cleared by the next, and nobody else's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui.workers.places import Place

_DIES = """
import os, sys
from pathlib import Path
from tui.workers.places import Place

place = Place(Path(sys.argv[1]))
(place.path / "run").mkdir()
(place.path / "run" / "agenda.txt").write_text("Welcome")
os._exit(9)
"""


def test_the_folder_of_a_worker_that_was_killed_is_cleared_by_the_next_and_that_of_a_live_one_stays(
    tmp_path: Path,
) -> None:
    live = Place(tmp_path)
    assert subprocess.run([sys.executable, "-c", _DIES, str(tmp_path)], check=False).returncode == 9
    (dead,) = (path for path in tmp_path.iterdir() if path.is_dir() and path != live.path)
    assert (dead / "run" / "agenda.txt").exists()
    somebodys = tmp_path / "invite-tui-worker-0123456789abcdef"
    somebodys.mkdir()
    newest = Place(tmp_path)
    assert {path for path in tmp_path.iterdir() if path.is_dir()} == {live.path, newest.path, somebodys}
    assert not dead.with_name(f"{dead.name}.lock").exists()
    for place in (live, newest):
        place.close()
    assert [*tmp_path.iterdir()] == [somebodys]


@pytest.mark.skipif(os.name != "posix", reason="links need rights that few have there")
def test_what_a_link_leads_to_is_not_cleared(tmp_path: Path) -> None:
    kept, place = tmp_path / "kept", tmp_path / "place"
    for folder in (kept, place):
        folder.mkdir()
    (kept / "agenda.txt").write_text("Welcome")
    (place / "invite-tui-worker-1").symlink_to(kept)
    (place / "invite-tui-worker-1.lock").touch(0o600)
    (place / "invite-tui-worker-2.lock").symlink_to(kept / "agenda.txt")
    Place(place).close()
    assert (kept / "agenda.txt").read_text() == "Welcome"
    assert (place / "invite-tui-worker-1").is_symlink()
