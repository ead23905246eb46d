"""Throws spoiled datasets of every format at inspection and training, beside a plain reading.

Counts tracebacks, datasets that took more than five seconds of CPU, those that were taken and are
read differently by inspection, training and an independent reading of the same bytes
(tests/support/plain_reading.py), and those that only one of them takes. Prints the number of
each, so that it can be made again.

Run: python benchmarks/readers.py [--mutants N] [--first N]
"""

import argparse
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
SLOW_S = 5.0


def main() -> int:
    """Try the mutants and print the counts; 1 where one of them is not 0."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))

    from dataset_mutants import iter_mutants
    from reader_trial import try_dataset

    parser = argparse.ArgumentParser(description="Fuzz the readers of datasets.")
    parser.add_argument("--mutants", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    faults: dict[str, list[str]] = defaultdict(list)
    taken: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number, form, files in iter_mutants(
            range(options.first, options.first + options.mutants)
        ):
            trial = try_dataset(Path(folder) / "data", form, files)
            tried[form] += 1
            taken[form] += trial.is_taken
            longest = max(longest, trial.seconds)
            fault = trial.fault or ("slow" if trial.seconds > SLOW_S else None)
            if fault:
                faults[fault].append(f"{number} ({form}): {trial.detail}")
    for form, count in sorted(tried.items()):
        print(f"{form:<8}{count:>7,} mutants, {taken[form]:>6,} taken")
    print(f"longest {longest * 1000:.0f} ms of CPU")
    for name in ("traceback", "slow", "differs", "wrongly taken", "wrongly refused"):
        found = faults[name]
        print(f"{name}: {len(found)}", *(f"\n  {line}" for line in found[:12]), sep="")
    return 1 if any(faults.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
