"""How we measure: side by side in one run, turn by turn, so that a busy machine is busy for both. Read ratios."""

import os
import statistics
from collections.abc import Callable, Mapping


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
