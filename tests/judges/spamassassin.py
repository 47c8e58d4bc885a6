"""SpamAssassin with the rules that Debian ships, offline: one process scores a heap of messages."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_SETTINGS = """
use_bayes 0
clear_headers
add_header all Status score=_SCORE_ tests=_TESTSSCORES(,)_
"""


@dataclass(frozen=True)
class Score:
    """Points; 5.0 is spam to most servers. `rules` are those that found something, each with its points."""

    points: float
    rules: tuple[str, ...]


def missing() -> str | None:
    """Why SpamAssassin cannot be had here, in a few words; None where it can."""
    return None if shutil.which("spamassassin") else "not installed: spamassassin"


def scores(messages: Sequence[bytes], folder: Path) -> list[Score]:
    """The score of each message. `folder` is an empty one, for files that it reads and writes."""
    paths = []
    for number, raw in enumerate(messages):
        paths.append(folder / f"{number:04}.eml")
        paths[-1].write_bytes(raw)
    done = subprocess.run(
        ["spamassassin", "--local", f"--cf={_SETTINGS}", f"--prefspath={folder / 'user_prefs'}", *paths],
        capture_output=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"},
    )
    output = re.sub(r"\n[ \t]+", "", done.stdout.decode("utf-8", "replace").replace("\r\n", "\n"))
    found = re.findall(r"^X-Spam-Status: score=(\S+) tests=(.*)$", output, re.MULTILINE)
    assert len(found) == len(messages), done.stderr.decode()
    return [Score(float(points), tuple(rules.split(","))) for points, rules in found]
