"""How we measure: side by side in one run, turn by turn, so that a busy machine is busy for both. Read ratios."""

import asyncio
import os
import resource
import statistics
import time
from collections.abc import Callable, Mapping

_BEAT = 0.005  # seconds


def interleaved(
    title: str, cases: Mapping[str, Callable[[], float]], *, rounds: int, goals: Mapping[str, float]
) -> bool:
    """Time every case `rounds` times and print medians; each case returns the seconds that it took.

    Ratios are to the first case. True where none is above its goal.
    """
    # What is installed is compiled; a checkout is after its first run, unless this forbids it.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    samples: dict[str, list[float]] = {name: [] for name in cases}
    for measure in cases.values():
        measure()  # not counted: it fills caches
    for _ in range(rounds):
        for name, measure in cases.items():
            samples[name].append(measure())
    medians = {name: statistics.median(times) for name, times in samples.items()}
    base = next(iter(medians.values()))
    kept = True
    print(f"{title} (median of {rounds}, interleaved)")
    for name, median in medians.items():
        ratio = median / base
        verdict = ""
        if name in goals:
            kept &= ratio <= goals[name]
            verdict = f"   goal {goals[name]:g}x: {'kept' if ratio <= goals[name] else 'MISSED'}"
        print(f"  {name:<24}{median * 1000:8.1f} ms{ratio:8.2f}x{verdict}")
    return kept


async def beat(gaps: list[float]) -> None:
    """Adds the seconds by which each turn of the loop comes late, until it is cancelled."""
    last = time.perf_counter()
    while True:
        await asyncio.sleep(_BEAT)
        now = time.perf_counter()
        gaps.append(now - last - _BEAT)
        last = now


def peak() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
