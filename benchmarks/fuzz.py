"""Throws deterministic mutants of sound specs at `load` and `check_specs`, beside an oracle.

Counts crashes, specs that took more than a second, and specs that were taken although they break
a rule, or refused although they break none, by an oracle that shares no code (see
tests/support/spec_mutants.py). Prints the seed number of each, so that it can be made again.

Run: python benchmarks/fuzz.py [--mutants N]
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
SLOW_S = 1.0


def main() -> int:
    """Fuzz and print the counts; 1 where one of them is not 0."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))

    from spec_mutants import Oracle, corpus, mutants
    from vtspec.pipelines.project.repository import find_repository
    from vtspec.pipelines.validation import check_specs
    from vtspec.schema.load import load

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=20_000)
    options = parser.parse_args()
    oracle, world = Oracle(), find_repository(ROOT)
    crashed, slow, wrongly_taken, wrongly_refused = [], [], [], []
    taken, undecided, longest = 0, 0, 0.0
    for number, data in mutants(range(options.mutants), corpus()):
        start = time.process_time()
        try:
            loaded = load(data, "f")
            check_specs([loaded], world)
        except Exception as error:
            crashed.append((number, repr(error)))
            continue
        seconds = time.process_time() - start
        longest = max(longest, seconds)
        if seconds > SLOW_S:
            slow.append((number, seconds))
        is_sound = oracle.is_sound(data)
        taken += not loaded.problems
        undecided += is_sound is None
        if is_sound is False and not loaded.problems:
            wrongly_taken.append(number)
        if is_sound and loaded.problems:
            wrongly_refused.append(number)
    print(f"{options.mutants} mutants: {taken} taken, {options.mutants - taken} refused")
    print(f"the oracle cannot say of {undecided} (tabs)")
    print(f"longest {longest * 1000:.0f} ms of CPU")
    failures: dict[str, Sequence[object]] = {
        "crashes": crashed,
        f"over {SLOW_S:.0f} s": slow,
        "wrongly taken": wrongly_taken,
        "wrongly refused": wrongly_refused,
    }
    for name, found in failures.items():
        print(f"{name}: {len(found)}" + (f" {found[:10]}" if found else ""))
    return 1 if any(failures.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
