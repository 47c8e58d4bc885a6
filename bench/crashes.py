"""Kills sends at random, as `tests/mailing/test_crashes.py` does, as often as one likes: `bench/crashes.py [TRIALS]`.

Each trial is a process that is killed at a random step or moment of a send over 1 or 8 connections, and another one
that finishes it. Every ledger is then compared with what the server has: nobody twice, nobody forgotten, at most one
`unknown` for each connection. Raises AssertionError where that does not hold.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

from tests.mailing.test_crashes import Mortals
from tests.servers.authority import Authority
from tests.servers.recording import RecordingServer


def main(trials: int) -> None:
    chance = random.Random()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        with RecordingServer(authority, security="none", login=None) as server:
            mortals = Mortals(Path(folder), server)
            for number in range(trials):
                connections = chance.choice((1, 8))
                if number % 2:
                    mortals.die(16, connections, step=chance.randrange(1, 110))
                else:
                    mortals.die(16, connections, seconds=chance.uniform(0.02, 0.25))
            mortals.close()
            mortals.judge()
    print(f"{trials} sends, {mortals.killed} of them killed, all whole: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
