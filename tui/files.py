"""Files: what others name is opened only where it is one, and what is written is there whole or not at all.

A pipe would keep its reader waiting, a device has no end."""

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_KINDS = (
    (stat.S_ISFIFO, "it is a pipe, not a file"),
    (stat.S_ISSOCK, "it is a socket, not a file"),
    (stat.S_ISCHR, "it is a device, not a file"),
    (stat.S_ISBLK, "it is a device, not a file"),
)
# So that nobody is waited for where a pipe takes the file's place after it was looked at. Windows knows neither.
_NO_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


def open_to_read(path: Path) -> BinaryIO:
    """The file, to be read as bytes.

    Raises OSError, with what it is in `strerror`, for anything that is not a file on a disk: IsADirectoryError for a
    folder. ValueError for a name that no file can have.
    """
    _must_be_a_file(path, path.stat().st_mode)  # before it is opened: opening some devices does something
    stream = open(path, "rb", opener=lambda name, flags: os.open(name, flags | _NO_WAITING))  # noqa: SIM115  # the caller's
    try:
        _must_be_a_file(path, os.fstat(stream.fileno()).st_mode)
    except OSError:
        stream.close()
        raise
    return stream


def read(path: Path) -> bytes:
    """All bytes of the file. Raises what `open_to_read` raises."""
    with open_to_read(path) as stream:
        return stream.read()


def resolved(path: Path) -> Path:
    """Where it is, links followed. OSError for links in a circle, ValueError for a name that no file can have."""
    try:
        return path.resolve()
    except RuntimeError:  # before Python 3.13
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None


@contextmanager
def making(folder: Path) -> Iterator[Callable[[str, bytes], None]]:
    """Makes files in `folder`, each by its name and what is to be in it, with the folders that they need.

    Where it ends in an error all that was made is taken away again, so that it can be done anew. Raises OSError:
    FileExistsError where one is there already.
    """
    made: list[Path] = []

    def put(name: str, content: bytes) -> None:
        path = folder / name
        missing = [one for one in path.parents if not one.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        made.extend(reversed(missing))
        with path.open("xb") as file:
            made.append(path)
            file.write(content)

    try:
        yield put
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise


def write(path: Path, content: Iterable[bytes], *, as_open_as_before: bool = False) -> None:
    """Writes `path` anew: a crash leaves the old file or the new one, never half of one. A link is replaced by a file.

    It is its owner's alone, or, `as_open_as_before`, whoever's the old one was. Raises OSError.
    """
    # mkstemp makes the file 0600 where that means something; replacing is atomic on every system.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
        if as_open_as_before and path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _must_be_a_file(path: Path, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder, not a file", str(path))
    what = next((words for is_one, words in _KINDS if is_one(mode)), "it is not a file")
    raise OSError(errno.EINVAL, what, str(path))
