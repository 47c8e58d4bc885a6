"""What `--help` and `--version` cost beside an interpreter that does nothing. Goal: `--help` at most 3x."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.measure import interleaved

COMMAND = str(Path(sys.executable).with_name("invite-tui"))


def run(*command: str) -> Callable[[], float]:
    def measure() -> float:
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start

    return measure


if __name__ == "__main__":
    kept = interleaved(
        "Start-up",
        {
            "python -c pass": run(sys.executable, "-c", "pass"),
            "invite-tui --version": run(COMMAND, "--version"),
            "invite-tui --help": run(COMMAND, "--help"),
        },
        rounds=40,
        goals={"invite-tui --help": 3.0},
    )
    sys.exit(not kept)
