"""What images are called, what they say of themselves, and their digest in image.yaml."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vtspec.adapters.contract import Param
from vtspec.pipelines.catalog import load_frameworks, load_params
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.images import (
    build_labels,
    describe_differences,
    format_local_name,
    parse_reference,
    write_digest,
)
from vtspec.pipelines.operations.images import hash_sources

TIMM, TOY = load_frameworks()["timm"], load_frameworks()["toy"]

DIGEST = "sha256:" + "ab" * 32

OTHER = "sha256:" + "cd" * 32


@pytest.mark.parametrize(
    ("registry", "host", "repository"),
    [
        ("ghcr.io/my-team", "ghcr.io", "my-team/vtspec-toy"),
        ("ghcr.io", "ghcr.io", "vtspec-toy"),
        ("127.0.0.1:5000", "127.0.0.1:5000", "vtspec-toy"),
        ("localhost/a/b", "localhost", "a/b/vtspec-toy"),
        ("registry:5000/a_b/c.d--e", "registry:5000", "a_b/c.d--e/vtspec-toy"),
    ],
)
def test_an_image_lies_below_its_registry(registry: str, host: str, repository: str) -> None:
    found = parse_reference(registry, "toy", "0.1.0")
    assert (found.host, found.repository) == (host, repository)
    assert str(found) == f"{registry}/vtspec-toy:0.1.0"
    assert found.pin(DIGEST) == f"{registry}/vtspec-toy@{DIGEST}"


@pytest.mark.parametrize(
    "registry",
    [
        "",
        "team",
        "team/images",
        "https://ghcr.io/team",
        "ghcr.io/Team",
        "ghcr.io/team/",
        "ghcr.io//team",
        "user@ghcr.io/team",
        "ghcr.io/team:tag",
        "ghcr.io/team\n",
        "--help",
        "ghcr.io/../team",
        "ghcr.io:port/team",
    ],
)
def test_what_is_no_registry_is_refused(registry: str) -> None:
    with pytest.raises(Refused, match="--registry: must be") as caught:
        parse_reference(registry, "toy", "0.1.0")
    assert caught.value.fix == "name it as in --registry ghcr.io/my-team"


@pytest.mark.parametrize("tag", ["", "-x", ".x", "a b", "a/b", "a:b", "x" * 129, "0.1.0\n"])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(Refused, match="--tag: must be"):
        parse_reference("ghcr.io", "toy", tag)
    with pytest.raises(Refused, match="--tag: must be"):
        format_local_name("toy", tag)


def test_an_image_says_what_its_image_yaml_says() -> None:
    labels = build_labels("timm", "0.1.0", TIMM, load_params(TIMM))
    raw = yaml.safe_load((TIMM.folder / "image.yaml").read_text())
    assert labels["dev.vtspec.framework"] == raw["name"]
    assert labels["dev.vtspec.adapter"] == raw["adapter"]
    assert labels["dev.vtspec.adapter-version"] == raw["adapterVersion"]
    assert labels["dev.vtspec.tasks"].split(",") == raw["tasks"]
    assert labels["dev.vtspec.formats"].split(",") == raw["formats"]
    assert labels["dev.vtspec.python"] == raw["python"]
    assert labels["dev.vtspec.requirements"] == TIMM.requirements_hash
    assert labels["org.opencontainers.image.licenses"] == "MIT AND Apache-2.0"
    assert labels["org.opencontainers.image.title"] == "vtspec-timm"


def test_an_image_says_which_params_its_adapter_takes() -> None:
    params = load_params(TIMM)
    told = json.loads(build_labels("timm", "0.1.0", TIMM, params)["dev.vtspec.params"])
    assert len(params) > 3
    assert list(told) == sorted(params)
    for name, param in params.items():
        assert (told[name]["type"], told[name]["help"]) == (param.type, param.help)
        assert told[name].get("default") == param.default


def test_an_image_without_a_framework_says_so_by_leaving_it_out() -> None:
    labels = build_labels("vtspec", "0.1.0", None, {})
    assert [key for key in labels if key.startswith("dev.vtspec.")] == []
    assert labels["org.opencontainers.image.version"] == "0.1.0"


def test_another_adapter_lock_or_param_is_another_image() -> None:
    wanted = build_labels("toy", "0.1.0", TOY, load_params(TOY))
    assert describe_differences(wanted, wanted) == []
    assert describe_differences({**wanted, "maintainer": "somebody"}, wanted) == []
    assert describe_differences({"maintainer": "somebody"}, wanted) == [
        "it has none of vtspec's labels"
    ]
    newer = build_labels("toy", "0.1.0", replace(TOY, adapter_version="2"), load_params(TOY))
    assert describe_differences(wanted, newer) == ["dev.vtspec.adapter-version is '1', not '2'"]
    more = {**load_params(TOY), "more": Param(type="int", default=1, help="more")}
    (told,) = describe_differences(wanted, build_labels("toy", "0.1.0", TOY, more))
    assert told.startswith("dev.vtspec.params is '{")
    without = {key: value for key, value in wanted.items() if key != "dev.vtspec.tasks"}
    assert describe_differences(without, wanted) == ["it has no label dev.vtspec.tasks"]


def an_image_file(folder: Path, more: str = "") -> Path:
    file = folder / "image.yaml"
    file.write_text((TOY.folder / "image.yaml").read_text() + more)
    return file


def test_a_digest_is_written_below_what_people_wrote(tmp_path: Path) -> None:
    file = an_image_file(tmp_path)
    before = file.read_text()
    assert write_digest(file, DIGEST)
    assert file.read_text() == (
        f"{before}digest: {DIGEST}  # of the published image: vtspec images lock\n"
    )


def test_a_digest_is_replaced_where_it_stands_and_comments_stay(tmp_path: Path) -> None:
    file = an_image_file(tmp_path, f"digest: {OTHER}   # why\nhubIds: false  # more\n")
    before = file.read_text()
    assert write_digest(file, DIGEST)
    assert file.read_text() == before.replace(OTHER, DIGEST)
    assert not write_digest(file, DIGEST)


@given(st.sampled_from(["", "null", "~", f'"{OTHER}"', OTHER]))
def test_whatever_the_digest_was_it_is_the_new_one_then(old: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = an_image_file(Path(folder), f"digest: {old}\n")
        assert write_digest(file, DIGEST)
        assert yaml.safe_load(file.read_text())["digest"] == DIGEST


def test_a_file_that_cannot_be_edited_stays_as_it_is(tmp_path: Path) -> None:
    file = an_image_file(tmp_path, f"digest: {OTHER}\nnotes: |\n  a text\ndigest: {OTHER}\n")
    before = file.read_text()
    with pytest.raises(Permanent, match="cannot be replaced") as caught:
        write_digest(file, DIGEST)
    assert caught.value.fix == f"write it there by hand: digest: {DIGEST}"
    assert file.read_text() == before


def a_checkout(folder: Path) -> Path:
    (folder / "images" / "toy" / "__pycache__").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / ".dockerignore").write_text("*\n!pyproject.toml\n!images\n**/__pycache__\n")
    (folder / "pyproject.toml").write_text("[project]\n")
    (folder / "images" / "toy" / "Dockerfile").write_text("FROM x\n")
    (folder / "images" / "toy" / "image.yaml").write_text("name: toy\n")
    return folder


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", "[project]\nname = 'x'\n"),
        ("images/toy/Dockerfile", "FROM y\n"),
        ("images/toy/image.yaml", "name: other\n"),
        ("images/toy/new", ""),
    ],
)
def test_an_image_of_other_sources_says_so(tmp_path: Path, file: str, text: str) -> None:
    before = hash_sources(a_checkout(tmp_path))
    (tmp_path / file).write_text(text)
    after = hash_sources(tmp_path)
    (told,) = describe_differences(
        build_labels("toy", "0.1.0", TOY, {}, before), build_labels("toy", "0.1.0", TOY, {}, after)
    )
    assert told == f"dev.vtspec.sources is '{before}', not '{after}'"


def test_what_no_image_is_made_of_is_no_other_source(tmp_path: Path) -> None:
    before = hash_sources(a_checkout(tmp_path))
    (tmp_path / "data" / "more").write_text("")
    (tmp_path / "images" / "toy" / "__pycache__" / "x.pyc").write_text("")
    assert hash_sources(tmp_path) == before


def test_to_lock_an_image_is_not_to_change_its_sources(tmp_path: Path) -> None:
    root = a_checkout(tmp_path)
    file = root / "images" / "toy" / "image.yaml"
    file.write_text((TOY.folder / "image.yaml").read_text())
    before = hash_sources(root)
    for digest in (DIGEST, OTHER):
        assert write_digest(file, digest)
        assert hash_sources(root) == before


def test_a_file_that_was_renamed_is_another_source(tmp_path: Path) -> None:
    before = hash_sources(a_checkout(tmp_path))
    (tmp_path / "images" / "toy" / "Dockerfile").rename(tmp_path / "images" / "toy" / "Other")
    assert hash_sources(tmp_path) != before


def test_an_installed_vtspec_has_no_sources_to_compare(tmp_path: Path) -> None:
    assert hash_sources(tmp_path) is None
