"""What starting costs: `vtspec --help` and `vtspec validate one.yaml` against bare imports.

CPU time, user and system, of whole processes by wait4, in pairs that take turns, medians. Byte
code is compiled beforehand into a folder of its own, as an installation has it; `--no-bytecode`
measures without any, as an environment with PYTHONDONTWRITEBYTECODE has it.

Run: python benchmarks/imports.py [--pairs N] [--no-bytecode]
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
SPEC = "specs/experiments/digits-resnet18.yaml"

PAIRS = (
    ("vtspec --help", ["--help"], "import click", 2.0),
    ("vtspec validate one.yaml", ["validate", SPEC], "import pydantic, yaml, click", 2.5),
)


def cpu_s(command: list[str], environment: Mapping[str, str]) -> float:
    """CPU seconds of a process, which must succeed."""
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    process = os.posix_spawn(command[0], command, environment, file_actions=quiet)
    _, status, usage = os.wait4(process, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} failed with status {status}")
    return usage.ru_utime + usage.ru_stime


def environment_of(bytecode: Path | None) -> dict[str, str]:
    """This environment, with byte code in a folder or without any."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    if bytecode is None:
        return environment | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": os.devnull}
    return environment | {"PYTHONPYCACHEPREFIX": str(bytecode)}


def main() -> None:
    """Measure the pairs and print their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--no-bytecode", action="store_true")
    options = parser.parse_args()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        environment = environment_of(None if options.no_bytecode else Path(folder))
        for name, arguments, imports, bar in PAIRS:
            ours = [str(BIN / "vtspec"), *arguments]
            theirs = [sys.executable, "-c", imports]
            cpu_s(ours, environment), cpu_s(theirs, environment)
            times = [
                (cpu_s(ours, environment), cpu_s(theirs, environment))
                for _ in range(options.pairs)
            ]
            mine, bare = (statistics.median(column) * 1000 for column in zip(*times, strict=True))
            ratio = statistics.median(own / other for own, other in times)
            print(f"{name}: {mine:.0f} ms; python -c '{imports}': {bare:.0f} ms")
            print(f"  ratio: {ratio:.2f} (bar: {bar:g})")


if __name__ == "__main__":
    main()
