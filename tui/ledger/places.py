"""On what kind of disk a ledger lies. SQLite's write-ahead log needs memory that all who open it share: over a network
there is none (https://www.sqlite.org/wal.html), and locks may not hold either."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

_REMOTE = frozenset(
    {
        "nfs",
        "nfs3",
        "nfs4",
        "cifs",
        "smb2",
        "smb3",
        "smbfs",
        "afpfs",
        "webdav",
        "davfs",
        "ncpfs",
        "afs",
        "ceph",
        "lustre",
    }
    | {"glusterfs", "beegfs", "gpfs", "sshfs", "rclone", "s3fs", "davfs2", "macfuse", "osxfuse"}
)
_ESCAPE = re.compile(r"\\([0-7]{3})")
_DRIVE_REMOTE = 4

ON_NETWORK = (
    "The ledger {} is on a network drive: a send is slower there, and the drive may not keep a second machine from "
    "sending at the same time. --ledger PATH puts it on a disk of this machine."
)


def is_on_network(path: Path) -> bool:
    """Whether the file at `path`, which need not exist yet, is on another machine; False where that cannot be told."""
    folder = Path(os.path.realpath(path)).parent
    if os.name == "nt":
        return _is_windows_share(folder)
    try:
        if os.path.exists("/proc/self/mountinfo"):  # noqa: PTH110  # Linux
            return kind_in_mountinfo(Path("/proc/self/mountinfo").read_text(errors="replace"), folder) in _REMOTE
        told = subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    return kind_in_mount(told, folder) in _REMOTE


def kind_in_mountinfo(text: str, folder: Path) -> str:
    """The type of the file system that `folder` is on, as Linux tells it (proc_pid_mountinfo(5)); "" if unknown."""
    mounts = []
    for line in text.splitlines():
        fields, _, more = line.partition(" - ")
        if len(place := fields.split()) > 4 and more:
            mounts.append((_ESCAPE.sub(lambda octal: chr(int(octal[1], 8)), place[4]), more.split()[0]))
    return _kind(mounts, folder)


def kind_in_mount(text: str, folder: Path) -> str:
    """The same, as mount(8) of macOS and the BSDs tells it: `//host/share on /Volumes/share (smbfs, nodev)`."""
    return _kind(re.findall(r" on (/.*) \(([^,)]+)", text), folder)


def _kind(mounts: list[tuple[str, str]], folder: Path) -> str:
    """Of the mounts that hold `folder` the innermost, and of several at one place the last, which hides the others."""
    holding = [(len(Path(at).parts), kind) for at, kind in mounts if folder.is_relative_to(at)]
    kind = max(reversed(holding), key=lambda one: one[0])[1] if holding else ""
    return kind.removeprefix("fuse.")


def _is_windows_share(folder: Path) -> bool:
    """A UNC path, or a letter that stands for one."""
    drive = folder.drive
    if drive.startswith("\\\\"):
        return True
    import ctypes

    windows: Any = vars(ctypes)["windll"]
    return bool(drive) and int(windows.kernel32.GetDriveTypeW(f"{drive}\\")) == _DRIVE_REMOTE
