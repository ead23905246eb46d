"""Thirty kills of every process at every step: the benchmark, in small."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from toy_runs import unmeasured

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.exhaustive
def test_nothing_is_lost_doubled_or_left_over_whoever_is_killed() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "kills.py"), "--kills", "30"],
        env=unmeasured(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.findall(r"^(lost|doubled|left over): (\d+)", done.stdout, re.MULTILINE) == [
        ("lost", "0"),
        ("doubled", "0"),
        ("left over", "0"),
    ], done.stdout
    # A kill that never came shows nothing.
    assert "30 kills over" in done.stdout
    assert re.search(r" in update \w+': \d", done.stdout)
    assert done.returncode == 0
