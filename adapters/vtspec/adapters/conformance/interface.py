"""Checks of what an adapter's module is, before anything runs."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

from vtspec.adapters.contract import AdapterError, Param, TaskType
from vtspec.adapters.job import resolve_params

from .harness import Nonconformance, Subject, demand

_PROGRAM = """
import importlib, sys
sys.path[:0] = sys.argv[2:]
importlib.import_module(sys.argv[1])
known = {*sys.stdlib_module_names, "vtspec", sys.argv[1].partition(".")[0], "__main__"}
print(*sorted({name.partition(".")[0] for name in sys.modules} - known))
"""


def it_declares_itself(subject: Subject) -> None:
    """`VERSION`, `TASKS` and `PARAMS` are there, of the right types, each default in its range."""
    module = subject.module
    version: object = module.VERSION
    demand(isinstance(version, str) and version != "", "VERSION is not a text")
    demand(
        bool(module.TASKS) and all(isinstance(task, TaskType) for task in module.TASKS),
        "TASKS does not hold the TaskTypes that it can do",
    )
    demand(subject.plan["task"] in {task.value for task in module.TASKS}, "TASKS lacks the plan's")
    for name, param in module.PARAMS.items():
        demand(isinstance(param, Param), f"PARAMS['{name}'] is not a Param")
        demand(bool(param.help), f"PARAMS['{name}'] says nothing in `help`")
    for task in module.TASKS:
        defaults = resolve_params({}, module.PARAMS, task)
        try:
            resolve_params(defaults, module.PARAMS, task)
        except AdapterError as error:
            raise Nonconformance(f"a default in PARAMS breaks its own rule: {error}") from error


def it_imports_without_its_framework(subject: Subject) -> None:
    """The module imports where there is only the standard library (`python -I -S`)."""
    name = subject.module.Adapter.__module__
    roots = [_find_import_root(name), _find_import_root("vtspec.adapters.contract")]
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, name, *roots],
        capture_output=True,
        text=True,
        check=False,
    )
    demand(
        ended.returncode == 0,
        f"{name} does not import with the standard library alone: {ended.stderr[-300:].strip()}",
    )
    others = ended.stdout.split()
    demand(not others, f"importing {name} imports {', '.join(others)}")


def _find_import_root(name: str) -> str:
    file = importlib.import_module(name).__file__
    assert file is not None
    depth = name.count(".") + (Path(file).name == "__init__.py")
    return str(Path(file).resolve().parents[depth])
