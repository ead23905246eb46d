"""The layout holds: four portions of one namespace, imports that point down, one distribution."""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PORTIONS = ("schema", "adapters", "pipelines", "cli")
HEAVY = ("torch", "mlflow", "dvc", "pydantic", "yaml", "rich", "matplotlib", "numpy", "timm")


def _modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_no_portion_has_an_init_that_hides_the_others() -> None:
    assert all(
        (ROOT / portion / "vtspec" / portion / "__init__.py").exists() for portion in PORTIONS
    )
    assert [] == [str(path) for path in ROOT.glob("*/vtspec/__init__.py")]


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    loaded = _modules_after("import vtspec.cli.main")
    assert "click" in loaded
    assert set() == loaded.intersection(HEAVY)


def test_every_adapter_module_imports_with_the_standard_library_alone() -> None:
    folder = ROOT / "adapters" / "vtspec" / "adapters"
    packaged = [path for path in folder.rglob("*.py") if path.parent != folder]
    names = [
        *(path.stem for path in folder.glob("[a-z]*.py")),
        *(".".join(path.relative_to(folder).with_suffix("").parts) for path in packaged),
    ]
    names = [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]
    assert len(names) > 45, "a glob has gone quiet"
    assert {"contract", "timm", "timm.adapter", "training.loop"} <= set(names)
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'adapters')!r})\n"
        + "\n".join(f"import vtspec.adapters.{name}" for name in names)
        + "\nassert not {'torch', 'numpy', 'yaml', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)


def test_the_installed_distribution_is_this_one() -> None:
    import vtspec.cli.main
    import vtspec.schema

    assert importlib.metadata.version("vtspec")
    for module in (vtspec.cli.main, vtspec.schema):
        assert ROOT in Path(str(module.__file__)).parents
