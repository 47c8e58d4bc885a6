"""Where a worker unpacks runs: a folder of its own, which the next worker here clears if it could not do so itself.

Whether its worker is still there is told by a lock on the file beside it, `FOLDER.lock`: every system lets go of that
when the process ends, however it does, and another machine or container that shares the disk sees it, too.
"""

import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import final

_NAME = "invite-tui-worker-"
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)  # Windows does not know it


@final
class Place:
    """A new folder, its owner's alone, in `within` (where temporary files are); those that nobody has any more are gone
    from there. OSError where it cannot be made."""

    def __init__(self, within: Path | None = None) -> None:
        within = within or Path(tempfile.gettempdir())
        _clear(within)
        while True:
            self.path = within / f"{_NAME}{secrets.token_hex(8)}"
            beside = _lock_of(self.path)
            self._lock = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            # Whoever clears may have come between the two, and taken it for one that was left.
            if _is_locked(self._lock) and _is_at(beside, self._lock):
                break
            os.close(self._lock)
        self.path.mkdir(0o700)

    def close(self) -> None:
        _remove(self.path, self._lock)


def _clear(within: Path) -> None:
    """Removes the folders of one's own whose worker is gone; what cannot be removed stays."""
    for beside in within.glob(f"{_NAME}*.lock"):
        with suppress(OSError):
            lock = os.open(beside, os.O_RDWR | _NO_LINKS)
            if _is_ours(os.fstat(lock), stat.S_ISREG) and _is_locked(lock):
                _remove(beside.with_suffix(""), lock)
            else:
                os.close(lock)


def _remove(folder: Path, lock: int) -> None:
    """With the lock, which it lets go of last."""
    with suppress(OSError):
        if _is_ours(folder.lstat(), stat.S_ISDIR):
            shutil.rmtree(folder)
    is_removed = not folder.exists()
    if os.name == "posix":
        if is_removed:
            _lock_of(folder).unlink(missing_ok=True)
        os.close(lock)
    else:  # no file that is open can be removed
        os.close(lock)
        if is_removed:
            with suppress(OSError):
                _lock_of(folder).unlink()


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _is_ours(found: os.stat_result, is_kind: Callable[[int], bool]) -> bool:
    """Whether it is what it should be, and this user's; Windows has a folder for each user, and tells no owner."""
    return is_kind(found.st_mode) and (sys.platform == "win32" or found.st_uid == os.geteuid())


def _is_at(path: Path, handle: int) -> bool:
    with suppress(OSError):
        return os.path.samestat(path.stat(), os.fstat(handle))
    return False


if sys.platform == "win32":
    import msvcrt

    def _is_locked(handle: int) -> bool:
        """Locks an open file for this process; False where another has it."""
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _is_locked(handle: int) -> bool:
        """Locks an open file for this process; False where another has it."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
