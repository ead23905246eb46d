"""Frameworks of other packages, found by the entry points of what is installed."""

import json
import shutil
from pathlib import Path

import pytest

from vtspec.pipelines.catalog import Framework, get_images_folder, load_frameworks
from vtspec.pipelines.catalog.third_party import InstalledFrameworks
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.operations import images


def install(site: Path, points: str, **packages: str | None) -> None:
    """Packages with the text of their `__init__.py`, or empty ones with the toy's image files,
    and what a distribution that names them would have."""
    for name, text in packages.items():
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").write_text(text or "")
        if text is None:
            for file in ("image.yaml", "catalog.json"):
                shutil.copy(get_images_folder() / "toy" / file, site / name)
    info = site / "mine-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[vtspec.adapters]\n{points}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def own() -> dict[str, Framework]:
    return dict(load_frameworks(get_images_folder()))


def test_the_framework_of_another_package_is_one(site: Path) -> None:
    install(site, "mine = other_package", other_package=None)
    found = InstalledFrameworks(own())
    assert list(found) == sorted([*own(), "mine"])
    assert len(found) == len(own()) + 1
    assert found["mine"].name == "mine"
    assert found["mine"].folder == site / "other_package"
    names = json.loads((site / "other_package/catalog.json").read_text())["models"]
    assert found["mine"].model_names == tuple(names)


def test_a_package_is_asked_only_where_vtspecs_own_are_not_enough(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "mine = other_package", other_package=None)
    found = InstalledFrameworks(own())
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: pytest.fail("was asked"))
    assert "timm" in found
    with pytest.raises(pytest.fail.Exception):
        found.get("mine")


def test_an_adapter_without_an_image_or_that_breaks_is_no_framework(site: Path) -> None:
    points = "bare = bare_package\nbroken = broken_package.adapter\ngone = nothing_there"
    install(site, points, bare_package="", broken_package="import nothing_there")
    assert list(InstalledFrameworks(own())) == sorted(own())


def test_a_framework_of_vtspecs_own_name_is_refused(site: Path) -> None:
    install(site, "timm = other_package", other_package=None)
    with pytest.raises(Permanent, match="vtspec has a framework 'timm' of its own") as raised:
        list(InstalledFrameworks(own()))
    assert str(site / "other_package/image.yaml") in raised.value.message


def test_the_image_of_another_package_is_not_built_here(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "mine = other_package", other_package=None)
    found = InstalledFrameworks(own())
    monkeypatch.setattr("vtspec.pipelines.catalog.load_frameworks", lambda: found)
    with pytest.raises(Refused, match="mine is of another package") as raised:
        images.find_sources(["mine"])
    assert raised.value.fix == (
        f"write the digest of that into {site / 'other_package/image.yaml'}"
    )
