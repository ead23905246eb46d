"""What a model starts from, at a commit, a version or a checksum; never at an alias."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loopback import json_of, running
from plan_inputs import an_experiment, some_inputs
from run_folders import STARTED, SUCCEEDED, a_run_folder
from run_folders import a_plan as a_planned
from vtspec.pipelines.address import parse_address
from vtspec.pipelines.catalog import CatalogModel
from vtspec.pipelines.catalog import Weights as Published
from vtspec.pipelines.errors import Permanent, Refused, Temporary
from vtspec.pipelines.planning.plan import build_plan, refuse_unpinned
from vtspec.pipelines.planning.plan_model import Plan
from vtspec.pipelines.runs import EventLog
from vtspec.pipelines.runs.events import Told
from vtspec.pipelines.weights.hub import Hub
from vtspec.pipelines.weights.model import (
    FileWeights,
    HubWeights,
    MlflowWeights,
    RunWeights,
    UnpinnedWeights,
)
from vtspec.pipelines.weights.model_versions import make_version_lookup
from vtspec.pipelines.weights.pinning import PinnedWeights, WeightsSources, pin_weights
from vtspec.schema.kinds.experiment import Model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def published(tag: str = "a1_in1k", **changes: Any) -> Published:
    known: dict[str, Any] = {
        "tag": tag,
        "hub_id": f"timm/resnet18.{tag}",
        "url": None,
        "licence": "apache-2.0",
        "image_size": (224, 224),
        "classes": 1000,
    }
    return Published(**{**known, **changes})


def a_model(*weights: Published, tag: str | None = None) -> CatalogModel:
    return CatalogModel(
        name="resnet18",
        tag=tag,
        tasks=("image-classification",),
        parameters=11_689_512,
        parameters_per_class=513,
        image_size=(224, 224),
        size_step=1,
        size_at_build=False,
        min_image_size=None,
        gmacs=1.8,
        activations=5.0,
        weights=weights,
    )


class Registry:
    """Versions by name and alias, which counts what it is asked."""

    def __init__(self, **versions: str) -> None:
        self.versions = versions
        self.asked: list[tuple[str, str]] = []

    def __call__(self, name: str, wanted: str) -> str:
        self.asked.append((name, wanted))
        return self.versions[wanted.removeprefix("@")]


def places(
    tmp_path: Path, registry: Registry | None = None, plan_id: str | None = None
) -> WeightsSources:
    cache = tmp_path / "hub"
    for name in ("timm/resnet18.a1_in1k", "timm/resnet18.other", "me/mine"):
        refs = cache / f"models--{name.replace('/', '--')}" / "refs"
        refs.mkdir(parents=True, exist_ok=True)
        (refs / "main").write_text(COMMIT)
    return WeightsSources(
        root=tmp_path,
        runs=tmp_path / "runs",
        hub=Hub(endpoint="http://127.0.0.1:9", cache=cache, offline=True),
        version_of=registry or Registry(),
        plan_of=lambda name: plan_id,
    )


def a_plan(found: PinnedWeights) -> Plan:
    changes = {"weights": found.weights, "configuration": found.configuration}
    return build_plan(an_experiment(), some_inputs(**changes))


def pinned(tmp_path: Path, known: CatalogModel | None = None, **model: Any) -> PinnedWeights:
    spec = Model.model_validate({"name": "resnet18", **model})
    return pin_weights(spec, known or a_model(published(), published("other")), places(tmp_path))


def test_nothing_asked_for_is_a_random_start(tmp_path: Path) -> None:
    assert pinned(tmp_path) == PinnedWeights(weights=None)


def test_pretrained_is_the_default_tag_at_its_commit(tmp_path: Path) -> None:
    found = pinned(tmp_path, pretrained=True)
    assert found.weights == HubWeights(
        id="timm/resnet18.a1_in1k", revision=COMMIT, licence="apache-2.0"
    )
    assert found.licence_is_clear
    assert found.doubts == (
        "the hub did not answer: the revision of timm/resnet18.a1_in1k is the one in the local "
        "cache (0123456789ab)",
    )


def test_a_tag_in_the_name_chooses_its_weights(tmp_path: Path) -> None:
    known = a_model(published(), published("other"), tag="other")
    found = pinned(tmp_path, known, name="resnet18.other", pretrained=True).weights
    assert isinstance(found, HubWeights) and found.id == "timm/resnet18.other"


@pytest.mark.parametrize(
    ("licence", "clear"), [("apache-2.0", True), ("cc-by-nc-4.0", False), ("unknown", False)]
)
def test_a_licence_that_is_not_clearly_permissive_is_told(
    tmp_path: Path, licence: str, clear: bool
) -> None:
    found = pinned(tmp_path, a_model(published(licence=licence)), pretrained=True)
    assert found.licence_is_clear == clear
    assert isinstance(found.weights, HubWeights) and found.weights.licence == licence


def test_weights_of_the_hub_without_a_known_licence_are_not_clear(tmp_path: Path) -> None:
    found = pinned(tmp_path, weights="hf-hub:me/mine")
    assert found.weights == HubWeights(id="me/mine", revision=COMMIT, licence=None)
    assert not found.licence_is_clear


def test_a_commit_in_the_spec_is_taken_as_it_is(tmp_path: Path) -> None:
    other = "f" * 40
    found = pinned(tmp_path, weights=f"hf-hub:timm/resnet18.a1_in1k@{other}")
    assert found.weights == HubWeights(
        id="timm/resnet18.a1_in1k", revision=other, licence="apache-2.0"
    )
    assert found.doubts == ()


def test_without_published_weights_pretrained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no published weights of resnet18") as caught:
        pinned(tmp_path, a_model(), pretrained=True)
    assert caught.value.fix is not None and "pretrained: false" in caught.value.fix


def test_weights_that_nothing_pins_may_be_planned_and_not_run(tmp_path: Path) -> None:
    known = a_model(published(hub_id=None, url="https://example.org/w.pth", licence="mit"))
    found = pinned(tmp_path, known, pretrained=True)
    assert found == PinnedWeights(
        weights=UnpinnedWeights(source="https://example.org/w.pth", licence="mit")
    )
    with pytest.raises(Refused, match=r"/w\.pth are a plain download") as caught:
        refuse_unpinned(a_plan(found))
    assert caught.value.fix is not None and "safetensors" in caught.value.fix


def test_weights_of_a_hub_that_is_away_may_be_planned_and_not_run(tmp_path: Path) -> None:
    found = pinned(tmp_path, weights="hf-hub:me/other@v1")
    assert found.weights == UnpinnedWeights(source="hf-hub:me/other@v1", licence=None)
    assert not found.licence_is_clear
    (doubt,) = found.doubts
    assert doubt.startswith("the revision of me/other is not known: HF_HUB_OFFLINE is set")
    with pytest.raises(Temporary, match="which commit of hf-hub:me/other@v1") as caught:
        refuse_unpinned(a_plan(found))
    assert caught.value.fix == "try again, or set model.weights: hf-hub:me/other@<commit>"


def test_what_is_pinned_may_be_run(tmp_path: Path) -> None:
    refuse_unpinned(a_plan(pinned(tmp_path)))
    refuse_unpinned(a_plan(pinned(tmp_path, pretrained=True)))


def test_a_model_that_is_a_hub_id_has_its_configuration_pinned_too(tmp_path: Path) -> None:
    known = replace(a_model(published(hub_id="me/mine")), name="me/mine", hub_id="me/mine")
    at = HubWeights(id="me/mine", revision=COMMIT, licence="apache-2.0")
    pretrained = pinned(tmp_path, known, name="me/mine", pretrained=True)
    assert (pretrained.weights, pretrained.configuration) == (at, None)
    random = pinned(tmp_path, known, name="me/mine")
    assert (random.weights, random.configuration) == (None, at)
    assert len(random.doubts) == 1
    elsewhere = pinned(tmp_path, known, name="me/mine", weights=f"hf-hub:me/other@{COMMIT}")
    assert elsewhere.weights == HubWeights(id="me/other", revision=COMMIT, licence=None)
    assert elsewhere.configuration == at


def test_a_configuration_that_nobody_could_look_up_keeps_a_plan_from_being_run(
    tmp_path: Path,
) -> None:
    known = replace(a_model(published(hub_id="me/gone")), name="me/gone", hub_id="me/gone")
    random = pinned(tmp_path, known, name="me/gone")
    assert random.configuration == UnpinnedWeights(source="hf-hub:me/gone", licence="apache-2.0")
    with pytest.raises(Temporary, match="hf-hub:me/gone"):
        refuse_unpinned(a_plan(random))
    pretrained = pinned(tmp_path, known, name="me/gone", pretrained=True)
    assert pretrained.weights == random.configuration
    assert pretrained.configuration is None


def test_what_the_catalog_does_not_know_of_a_licence_the_hub_may(tmp_path: Path) -> None:
    known = a_model(published(licence="unknown", hub_id="me/mine"))
    with running() as server:
        server.answer = json_of({"sha": COMMIT, "tags": ["license:mit"]})
        hub = Hub(endpoint=server.endpoint, cache=tmp_path / "none")
        spec = Model.model_validate({"name": "resnet18", "pretrained": True})
        found = pin_weights(spec, known, replace(places(tmp_path), hub=hub))
    assert found.weights == HubWeights(id="me/mine", revision=COMMIT, licence="mit")
    assert found.licence_is_clear


def test_a_file_is_pinned_by_its_checksum(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w/a.safetensors").write_bytes(b"weights")
    found = pinned(tmp_path, weights="w/a.safetensors")
    assert found == PinnedWeights(
        weights=FileWeights(path="w/a.safetensors", sha256=hashlib.sha256(b"weights").hexdigest())
    )


def test_a_link_into_a_cache_is_pinned_by_what_it_leads_to(tmp_path: Path) -> None:
    cache = tmp_path / "cache/ab/cdef"
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"weights")
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo/a.safetensors").symlink_to(cache)
    spec = Model(name="resnet18", weights="./a.safetensors")
    found = pin_weights(spec, a_model(), replace(places(tmp_path), root=tmp_path / "repo")).weights
    assert found == FileWeights(
        path="a.safetensors", sha256=hashlib.sha256(b"weights").hexdigest()
    )


def test_files_that_cannot_be_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(Refused, match=r"there is no file gone\.safetensors"):
        pinned(tmp_path, weights="gone.safetensors")
    with pytest.raises(Permanent, match="cannot be read"):
        pinned(tmp_path, weights="folder.safetensors")
    for outside in ("../x.safetensors", "a/../../x.safetensors", "/x.safetensors"):
        spec = Model.model_construct(name="resnet18", weights=outside, pretrained=False)
        with pytest.raises(Refused, match="outside the repository"):
            pin_weights(spec, a_model(), places(tmp_path))


def a_run(tmp_path: Path, name: str = "cats-0123456789") -> Path:
    run = tmp_path / "runs" / name
    (run / "model").mkdir(parents=True)
    return run


def test_a_run_is_pinned_by_the_checksum_of_its_model(tmp_path: Path) -> None:
    (a_run(tmp_path) / "model/model.safetensors").write_bytes(b"trained")
    for word in ("cats-0123456789", "cats"):
        assert pinned(tmp_path, weights=f"run:{word}").weights == RunWeights(
            run="cats-0123456789",
            path="runs/cats-0123456789/model/model.safetensors",
            sha256=hashlib.sha256(b"trained").hexdigest(),
            # Its plan, which would say, is not there.
            licence="unknown",
        )


@pytest.mark.parametrize(
    ("made_from", "licence"),
    [
        ({}, None),
        ({"weights": "apache-2.0", "dataset": "CC-BY-4.0", "framework": "MIT"}, None),
        ({"weights": "cc-by-nc-4.0"}, "cc-by-nc-4.0"),
        ({"dataset": "CC-BY-NC-4.0", "framework": "AGPL-3.0"}, "CC-BY-NC-4.0 and AGPL-3.0"),
        ({"weights": "cc-by-nc-4.0", "dataset": "cc-by-nc-4.0"}, "cc-by-nc-4.0"),
    ],
)
def test_a_start_from_a_run_inherits_what_is_not_clearly_permissive(
    tmp_path: Path, made_from: dict[str, str], licence: str | None
) -> None:
    told: dict[str, Any] = {part: {"licence": one} for part, one in made_from.items()}
    told["model"] = {"name": "resnet18", "weights": told.pop("weights", None)}
    folder = a_run_folder(tmp_path / "runs", [STARTED, SUCCEEDED], a_planned(**told))
    (folder / "model").mkdir()
    (folder / "model/model.safetensors").write_bytes(b"trained")
    found = pinned(tmp_path, weights="run:cats-0123456789")
    assert isinstance(found.weights, RunWeights) and found.weights.licence == licence
    assert found.licence_is_clear == (licence is None)


def test_a_run_outside_the_repository_is_named_without_its_folder(tmp_path: Path) -> None:
    (a_run(tmp_path) / "model/model.safetensors").write_bytes(b"trained")
    (tmp_path / "repo").mkdir()
    elsewhere = replace(places(tmp_path), root=tmp_path / "repo")
    spec = Model(name="resnet18", weights="run:cats-0123456789")
    found = pin_weights(spec, a_model(), elsewhere).weights
    assert isinstance(found, RunWeights)
    assert found.path == "runs/cats-0123456789/model/model.safetensors"


def test_a_run_that_is_not_there_or_has_no_model_is_refused(tmp_path: Path) -> None:
    a_run(tmp_path)
    with pytest.raises(Refused, match=r"has no model/model\.safetensors"):
        pinned(tmp_path, weights="run:cats-0123456789")
    with pytest.raises(Refused, match="there is no run 'dogs'"):
        pinned(tmp_path, weights="run:dogs")


@pytest.mark.parametrize("is_updated", [False, True])
def test_a_model_that_is_not_the_one_that_was_exported_is_refused(
    tmp_path: Path, is_updated: bool
) -> None:
    sums = {"model/model.safetensors": f"sha256:{hashlib.sha256(b'trained').hexdigest()}"}
    folder = a_run_folder(tmp_path / "runs", [STARTED])
    log = EventLog(folder, folder.name, 1)
    exported = Told(kind="step.finished", fields={"ending": "succeeded"})
    log.append_told(exported, step="export")
    log.append_told(Told(kind="run.finished", fields={"ending": "succeeded", "artifacts": sums}))
    if is_updated:
        log.append_told(Told(kind="run.updated", fields={"steps": ["report"]}))
    (folder / "model").mkdir()
    file = folder / "model/model.safetensors"
    file.write_bytes(b"trained")
    assert pinned(tmp_path, weights="run:cats").weights is not None
    file.write_bytes(b"trainee")
    with pytest.raises(Refused, match="is not what the run left: its SHA-256 differs") as refused:
        pinned(tmp_path, weights="run:cats")
    assert f"vtspec run {folder.name} --again" in str(refused.value)
    # Made anew now, it has no sum yet.
    log.append_told(Told(kind="run.updated", fields={"steps": ["export", "report"]}))
    assert pinned(tmp_path, weights="run:cats").weights is not None
    log.close()


def test_of_a_spec_the_last_run_that_finished_is_started_from(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    finished = a_run_folder(runs, [STARTED, SUCCEEDED])
    (finished / "model").mkdir()
    (finished / "model/model.safetensors").write_bytes(b"trained")
    crashed = ("run.finished", {"ending": "crashed"})
    a_run_folder(runs, [STARTED, crashed], a_planned(id="cats-aaaaaaaaaa"))
    found = pinned(tmp_path, weights="run:cats").weights
    assert isinstance(found, RunWeights) and found.run == finished.name


@pytest.mark.parametrize("words", ["models:/cats/3", "models:/cats@champion"])
def test_an_mlflow_model_is_pinned_by_its_version(tmp_path: Path, words: str) -> None:
    registry = Registry(**{"3": "3", "champion": "3"})
    spec = Model(name="resnet18", weights=words)
    found = pin_weights(spec, a_model(), places(tmp_path, registry))
    assert found == PinnedWeights(weights=MlflowWeights(name="cats", version="3"))
    assert registry.asked == [("cats", words.removeprefix("models:/cats").lstrip("/"))]


def test_an_mlflow_model_without_a_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="names no version"):
        pin_weights(
            Model.model_construct(name="resnet18", weights="models:/cats", pretrained=False),
            a_model(),
            places(tmp_path),
        )


def test_a_registry_that_was_never_made_has_no_model_and_stays_unmade(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    with pytest.raises(Permanent, match="has no model 'cats' version 3"):
        make_version_lookup(parse_address(f"sqlite:///{database}"))("cats", "3")
    with pytest.raises(Permanent, match="has no model 'cats@champion'"):
        make_version_lookup(parse_address(f"sqlite:///{database}"))("cats", "@champion")
    assert not database.exists()


@pytest.mark.slow
def test_versions_and_aliases_are_looked_up_in_mlflow(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = MlflowClient(tracking_uri=uri)
    client.create_registered_model("cats")
    version = client.create_model_version("cats", source=str(tmp_path), run_id=None)
    client.set_registered_model_alias("cats", "champion", version.version)
    look_up = make_version_lookup(parse_address(uri))
    assert look_up("cats", "@champion") == "1"
    assert look_up("cats", "1") == "1"
    for name, wanted in (("cats", "2"), ("cats", "@gone"), ("dogs", "1"), ("cats", "x")):
        with pytest.raises(Permanent, match="has no model"):
            look_up(name, wanted)


@pytest.mark.slow
def test_a_registry_that_does_not_answer_is_temporary() -> None:
    with pytest.raises(Temporary, match=r"http://127.0.0.1:9 did not answer"):
        make_version_lookup(parse_address("http://127.0.0.1:9"))("cats", "1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "status", "ending"),
    [
        ("RESOURCE_DOES_NOT_EXIST", 404, Permanent),
        ("PERMISSION_DENIED", 403, Permanent),
        ("INTERNAL_ERROR", 500, Temporary),
        ("TEMPORARILY_UNAVAILABLE", 503, Temporary),
    ],
)
def test_what_a_server_refuses_is_final_and_its_faults_are_not(
    code: str, status: int, ending: type[Exception]
) -> None:
    with running() as server:
        server.answer = json_of({"error_code": code, "message": "told so"}, status)
        with pytest.raises(ending):
            make_version_lookup(parse_address(server.endpoint))("cats", "@champion")
        assert len(server.asked) == 1 and "cats" in server.asked[0]


def test_without_mlflow_the_fix_is_what_to_install() -> None:
    code = """
import sys
sys.modules["mlflow"] = None
from vtspec.pipelines.address import parse_address
from vtspec.pipelines.errors import Permanent
from vtspec.pipelines.weights.model_versions import make_version_lookup
try:
    make_version_lookup(parse_address("http://127.0.0.1:9"))("cats", "1")
except Permanent as error:
    print(error.fix)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "pip install 'vtspec[tracking]'\n"


@pytest.mark.parametrize(
    ("planned", "chosen"),
    [
        # One with `--set` is later, and is not of the spec.
        ("cats-0123456789", "cats-0123456789"),
        ("cats-aaaaaaaaaa", "cats-aaaaaaaaaa"),
        # As it stands it was never carried out, which is told.
        ("cats-bbbbbbbbbb", "cats-aaaaaaaaaa"),
        # It cannot be planned, or is there no more.
        (None, "cats-aaaaaaaaaa"),
    ],
)
def test_of_a_spec_that_ran_otherwise_too_the_run_of_its_own_plan_is_started_from(
    tmp_path: Path, planned: str | None, chosen: str
) -> None:
    for order, name in enumerate(("cats-0123456789", "cats-aaaaaaaaaa"), 1):
        began = ("run.started", {"order": order})
        folder = a_run_folder(tmp_path / "runs", [began, SUCCEEDED], a_planned(id=name))
        (folder / "model").mkdir()
        (folder / "model/model.safetensors").write_bytes(name.encode())
    spec = Model(name="resnet18", weights="run:cats")
    found = pin_weights(spec, a_model(), places(tmp_path, plan_id=planned))
    assert isinstance(found.weights, RunWeights) and found.weights.run == chosen
    told = f"run:cats is {chosen}, its last finished run: cats as it stands has none"
    assert [told in one for one in found.doubts] == (
        [True] if planned == "cats-bbbbbbbbbb" else []
    )
    # Who names the run itself means that one.
    by_name = Model(name="resnet18", weights="run:cats-aaaaaaaaaa")
    found = pin_weights(by_name, a_model(), places(tmp_path, plan_id=planned))
    assert isinstance(found.weights, RunWeights) and found.weights.run == "cats-aaaaaaaaaa"
    assert found.doubts == ()
