"""Whether a remote has the data of a plan, asked before anything is created."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dvc_repositories import command, dvc_repository
from object_storage import BreakableStorage
from toy_runs import write_pictures
from vtspec.adapters.data.content_hash import hash_content
from vtspec.pipelines.data.dvc_remote import check_remote
from vtspec.pipelines.data.fetch import PinnedData
from vtspec.pipelines.data.source import DvcSource
from vtspec.pipelines.errors import Refused

pytestmark = pytest.mark.slow

URL = "s3://data/dvc"


@pytest.fixture(scope="module")
def storage() -> Iterator[BreakableStorage]:
    found = BreakableStorage()
    found.make_bucket("data")
    yield found
    found.stop()


@pytest.fixture
def root(tmp_path: Path, storage: BreakableStorage, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose own configuration says where its remote is, and with which keys."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    root = dvc_repository(tmp_path / "repo")
    write_pictures(root / "data" / "shapes", per_class=2)
    command(root, "dvc", "add", "-q", "data/shapes")
    given = storage.environment
    (root / ".dvc" / "config").write_text(
        f"['remote \"shelf\"']\n    url = {URL}\n"
        f"['remote \"disk\"']\n    url = {tmp_path / 'remote'}\n"
    )
    (root / ".dvc" / "config.local").write_text(
        f"['remote \"shelf\"']\n    endpointurl = {storage.endpoint}\n"
        f"    region = {given['AWS_REGION']}\n"
        f"    access_key_id = {given['AWS_ACCESS_KEY_ID']}\n"
        f"    secret_access_key = {given['AWS_SECRET_ACCESS_KEY']}\n"
    )
    return root


def pinned(root: Path) -> PinnedData:
    content = hash_content(root / "data" / "shapes").hash
    return PinnedData(name="shapes", hash=content, source=DvcSource(path="data/shapes"))


def test_data_that_no_remote_has_is_refused_with_what_brings_it_there(root: Path) -> None:
    data = pinned(root)
    with pytest.raises(Refused) as caught:
        check_remote(data, root, URL, "shelf")
    assert caught.value.message == (
        f"shapes ({data.hash}): 1 object is not in {URL}, from which a pod would fetch it"
    )
    assert caught.value.fix == "where the data is: dvc push -r shelf data/shapes.dvc"
    command(root, "dvc", "push", "-q", "-r", "shelf", "data/shapes.dvc")
    assert check_remote(data, root, URL, "shelf") is None


def test_a_folder_of_which_files_are_missing_is_not_there(root: Path, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    command(root, "dvc", "push", "-q", "-r", "disk", "data/shapes.dvc")
    data = pinned(root)
    assert check_remote(data, root, str(remote), "disk") is None
    files = [one for one in (remote / "files" / "md5").rglob("*") if one.is_file()]
    for one in [one for one in files if not one.name.endswith(".dir")][:2]:
        one.unlink()
    with pytest.raises(Refused, match="2 objects are not in"):
        check_remote(data, root, str(remote), "disk")


def test_a_remote_that_cannot_be_asked_is_a_warning(root: Path, storage: BreakableStorage) -> None:
    with storage.away():
        warning = check_remote(pinned(root), root, URL, "shelf")
    assert warning is not None and "cannot be told from here" in warning
    assert storage.environment["AWS_SECRET_ACCESS_KEY"] not in warning
    warning = check_remote(pinned(root), root, "gs://acme/dvc", "elsewhere")
    assert warning is not None and "dvc-gs" in warning


def test_it_is_asked_without_a_repository_of_dvc_too(root: Path, tmp_path: Path) -> None:
    remote, data = tmp_path / "remote", pinned(root)
    command(root, "dvc", "push", "-q", "-r", "disk", "data/shapes.dvc")
    shutil.rmtree(root / ".dvc")
    assert check_remote(data, root, str(remote), "disk") is None
