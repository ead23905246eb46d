"""What the catalogs know of frameworks and models, and how a name is found in them."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtspec.pipelines.catalog import (
    Framework,
    find_model,
    get_images_folder,
    load_frameworks,
    search_models,
    suggest_model,
)
from vtspec.pipelines.catalog.name_matching import find_closest, normalize_name, rank_name
from vtspec.pipelines.errors import Permanent

IMAGE = """\
apiVersion: vtspec.dev/v1alpha1
kind: Image
name: {name}
adapter: toy
adapterVersion: "1"
tasks: [image-classification]
formats: [imagefolder]
extra: null
python: "3.12"
licence: MIT
distributions: []
"""

WEIGHTS = {"tag": "a1", "licence": "mit", "hub": "x/y.a1", "size": [64, 64], "classes": 10}


def a_model(**changes: Any) -> dict[str, Any]:
    return {
        "tasks": ["image-classification"],
        "parameters": 5_000_000,
        "perClass": 101,
        "size": [224, 224],
        "step": 32,
        "build": False,
        "min": [64, 64],
        "gmacs": 1.5,
        "activations": 2.5,
        "weights": [],
        **changes,
    }


def a_framework(folder: Path, name: str, **models: Mapping[str, Any]) -> Mapping[str, Framework]:
    """The frameworks of a folder, after one of that name, with those models, was put there."""
    catalog = {
        "form": 1,
        "framework": name,
        "versions": {},
        "renamed": {"old_net": "net"},
        "models": models,
    }
    (folder / name).mkdir(parents=True)
    (folder / name / "image.yaml").write_text(IMAGE.format(name=name))
    (folder / name / "catalog.json").write_text(json.dumps(catalog))
    load_frameworks.cache_clear()
    return load_frameworks(folder)


def test_timm_is_among_the_frameworks_with_its_tasks_and_formats() -> None:
    timm = load_frameworks()["timm"]
    assert (timm.name, timm.adapter, timm.extra) == ("timm", "timm", "timm")
    assert timm.tasks == ("image-classification", "multilabel-classification")
    assert "imagefolder" in timm.formats
    assert "torch" in timm.distributions


def test_a_model_is_found_by_its_name_with_all_that_the_catalog_says() -> None:
    model = load_frameworks()["timm"].model("resnet18")
    assert model is not None
    tasks = ("image-classification", "multilabel-classification")
    assert (model.name, model.tag, model.tasks) == ("resnet18", None, tasks)
    assert model.parameters == 11_689_512
    assert model.image_size == (224, 224)
    assert model.gmacs == 1.814
    assert model.pretrained
    assert model.chosen_weights is not None
    assert model.chosen_weights.hub_id == "timm/resnet18.a1_in1k"
    assert model.chosen_weights.permissive


def test_parameters_follow_the_number_of_classes() -> None:
    model = load_frameworks()["timm"].model("resnet18")
    assert model is not None
    assert model.count_parameters(1000) == model.parameters
    assert model.count_parameters(10) == 11_689_512 - 990 * 513


def test_a_tag_chooses_among_the_weights_of_a_model() -> None:
    model = load_frameworks()["timm"].model("resnet18.fb_swsl_ig1b_ft_in1k")
    assert model is not None
    assert (model.name, model.tag) == ("resnet18", "fb_swsl_ig1b_ft_in1k")
    assert model.chosen_weights is not None
    assert model.chosen_weights.licence == "cc-by-nc-4.0"
    assert not model.chosen_weights.permissive


@pytest.mark.parametrize("name", ["resnt18", "resnet18.no_such_tag", "", ".", "ResNet18", "a/b"])
def test_a_name_that_is_not_exactly_in_the_catalog_is_no_model(name: str) -> None:
    assert load_frameworks()["timm"].model(name) is None


def test_a_model_without_published_weights_has_none_to_choose() -> None:
    model = load_frameworks()["timm"].model("resnetblur18")
    assert model is not None
    assert (model.pretrained, model.weights, model.chosen_weights) == (False, (), None)


def test_sizes_are_taken_in_steps_from_the_models_own_down_to_its_smallest(tmp_path: Path) -> None:
    model = a_framework(tmp_path, "fake", net=a_model(weights=[WEIGHTS]))["fake"].model("net")
    assert model is not None
    taken = [side for side in range(1, 300) if model.takes_size((side, 224))]
    assert taken == [64, 96, 128, 160, 192, 224, 256, 288]
    assert model.find_nearest_size((100, 230)) == (96, 224)
    assert model.find_nearest_size((1, 1)) == (64, 64)
    assert model.takes_size(model.find_nearest_size((1, 5000)))


def test_a_model_of_one_size_takes_that_one_and_those_of_its_weights(tmp_path: Path) -> None:
    fixed = a_model(step=None, min=None, weights=[WEIGHTS])
    model = a_framework(tmp_path, "fake", net=fixed)["fake"].model("net")
    assert model is not None
    assert model.takes_size((224, 224))
    assert model.takes_size((64, 64))
    assert not model.takes_size((256, 256))
    assert model.find_nearest_size((256, 256)) == (224, 224)


def test_a_model_that_two_frameworks_have_is_found_in_both(tmp_path: Path) -> None:
    a_framework(tmp_path, "one", net=a_model())
    both = a_framework(tmp_path, "two", net=a_model(), own=a_model())
    assert [each.name for each, _ in find_model("net", both)] == ["one", "two"]
    assert [each.name for each, _ in find_model("own", both)] == ["two"]
    assert find_model("neither", both) == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ResNet18", "resnet18"),
        ("resnet-50", "resnet50"),
        ("resnt50", "resnet50"),
        ("rensnet18", "resnet18"),
        ("resnet51", "resnet51q"),
        ("resnet5", "resnet50"),
        ("restnet18", "resnet18"),
        ("efficientnetb0", "efficientnet_b0"),
        ("vit_tiny_patch16", "vit_tiny_patch16_224"),
        ("mobilenetv3smal100", "mobilenetv3_small_100"),
        ("tv_resnet50", "resnet50.tv_in1k"),
        ("resnet18.a1_in1kk", "resnet18.a1_in1k"),
        ("resnet18.zzzzzzzz", "resnet18"),
        ("qqqqqqqqqqqq", None),
        ("", None),
    ],
)
def test_a_misspelt_model_is_answered_with_the_one_that_was_meant(
    typed: str, meant: str | None
) -> None:
    assert suggest_model(typed, "timm") == meant


def test_a_suggestion_comes_from_the_framework_that_has_the_nearest_name(tmp_path: Path) -> None:
    a_framework(tmp_path, "one", resnet18=a_model())
    both = a_framework(tmp_path, "two", resnet18_large=a_model(), convnext=a_model())
    assert suggest_model("resnt18", among=both) == "resnet18"
    assert suggest_model("resnt18", "two", both) == "resnet18_large"
    assert suggest_model("resnet18_larg", among=both) == "resnet18_large"
    assert suggest_model("convnxt", among=both) == "convnext"
    assert suggest_model("convnxt", "no_such_framework", both) is None


@given(
    st.sampled_from(sorted(load_frameworks()["timm"].model_names)),
    st.integers(min_value=0, max_value=60),
    st.sampled_from("abcxyz059_"),
)
def test_a_name_with_one_letter_too_many_is_answered_with_a_model(
    name: str, place: int, letter: str
) -> None:
    timm = load_frameworks()["timm"]
    suggested = timm.suggest(name[:place] + letter + name[place:])
    assert suggested is not None
    assert timm.model(suggested) is not None


def test_closest_prefers_the_first_of_equally_long_names() -> None:
    names = {normalize_name(name): name for name in ("net_b", "net_a", "network_of_old")}
    assert find_closest("net", names) == "net_b"


def test_a_name_that_is_the_beginning_of_others_means_the_shortest_of_them() -> None:
    names = {
        normalize_name(name): name
        for name in ("vit_huge_patch14_clip_224", "vit_tiny_patch16_224")
    }
    assert find_closest("vit", names) == "vit_tiny_patch16_224"
    assert find_closest("vi", names) is None


def test_closest_prefers_another_key_to_a_lost_one_and_finds_swapped_letters() -> None:
    names = {normalize_name(name): name for name in ("resnet151", "resnet50", "ab")}
    assert find_closest("resnet51", names) == "resnet50"
    assert find_closest("ba", names) == "ab"


def test_of_equally_near_models_the_one_with_published_weights_is_suggested(
    tmp_path: Path,
) -> None:
    models = {"net_a": a_model(), "net_b": a_model(weights=[WEIGHTS]), "net_c": a_model()}
    assert a_framework(tmp_path, "fake", **models)["fake"].suggest("net_x") == "net_b"


def test_rank_puts_the_whole_name_before_its_beginning_before_a_part_before_a_note() -> None:
    names = ["my_resnet", "resnet_large", "resnet", "other"]
    places = {name: rank_name(["resnet"], name, notes=["tag_resnet"]) for name in names}
    assert sorted(names, key=lambda name: places[name] or ()) == [
        "resnet",
        "resnet_large",
        "my_resnet",
        "other",
    ]
    assert rank_name(["resnet", "zebra"], "resnet", ["mit"]) is None


def test_search_lists_what_fits_all_words_the_best_first() -> None:
    names = [model.name for _, model in search_models(["ResNet", "18"])]
    assert names[0] == "resnet18"
    assert "resnet18d" in names
    assert all("18" in name for name in names)


def test_search_finds_models_by_the_tag_or_the_licence_of_their_weights() -> None:
    hits = [model for _, model in search_models(["resnet18", "cc-by-nc"])]
    assert hits[0].name == "resnet18"
    assert all(any("nc" in each.licence for each in model.weights) for model in hits)


def test_search_can_be_held_to_a_task_a_framework_and_published_weights(tmp_path: Path) -> None:
    a_framework(tmp_path, "one", net=a_model(weights=[WEIGHTS]), bare=a_model())
    both = a_framework(tmp_path, "two", net=a_model(tasks=["ocr"]))

    def names(**options: Any) -> list[str]:
        return [
            f"{each.name}/{model.name}" for each, model in search_models([], among=both, **options)
        ]

    assert names() == ["one/net", "one/bare", "two/net"]
    assert names(task="ocr") == ["two/net"]
    assert names(framework="one") == ["one/net", "one/bare"]
    assert names(pretrained=True) == ["one/net"]
    assert names(framework="none") == []


def test_an_adapters_params_are_read_without_its_framework() -> None:
    code = (
        "import sys\n"
        "from vtspec.pipelines.catalog import *\n"
        "from vtspec.pipelines.catalog import load_frameworks, load_params\n"
        "assert load_params(load_frameworks()['timm'])\n"
        "assert load_frameworks()['timm'].model('resnet18').parameters\n"
        "heavy = {'torch', 'timm', 'numpy', 'pydantic', 'mlflow'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_image_file_that_lacks_a_key_is_refused_with_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "fake"
    folder.mkdir()
    (folder / "image.yaml").write_text("apiVersion: vtspec.dev/v1alpha1\nkind: Image\n")
    with pytest.raises(Permanent, match=r"fake/image\.yaml: .* lacks 'adapter'"):
        load_frameworks(tmp_path)


def test_an_image_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "image.yaml").write_text("a: [1\n")
    with pytest.raises(Permanent, match="not the description of an image"):
        load_frameworks(tmp_path)


def test_a_missing_catalog_and_one_of_another_form_are_refused(tmp_path: Path) -> None:
    fake = a_framework(tmp_path, "fake", net=a_model())["fake"]
    catalog = tmp_path / "fake" / "catalog.json"
    catalog.write_text('{"form": 2}')
    with pytest.raises(Permanent, match=r"catalog\.json: not a catalog of form 1"):
        fake.model("net")
    catalog.unlink()
    with pytest.raises(Permanent, match=r"catalog\.json: cannot be read"):
        fake.model("net")


def test_timms_catalog_has_every_architecture_once_and_says_what_each_costs() -> None:
    timm = load_frameworks()["timm"]
    models = [timm.model(name) for name in timm.model_names]
    assert len(models) == len(set(timm.model_names)) > 1300
    assert all(model is not None and (model.parameters or 0) > 0 for model in models)
    unmeasured = [model.name for model in models if model and model.activations is None]
    assert unmeasured == []


def test_timms_catalog_knows_the_licence_of_every_published_weights() -> None:
    timm = load_frameworks()["timm"]
    models = [timm.model(name) for name in timm.model_names]
    weights = [each for model in models if model for each in model.weights]
    permissive = Counter(each.permissive for each in weights)
    assert permissive[True] + permissive[False] == len(weights) > 1800
    # Some 230 of them: those for whose use a person has to read a licence.
    assert 200 < permissive[False] < 260
    assert all(each.hub_id or each.url for each in weights)


def test_the_catalogs_lie_beside_each_other_in_one_folder() -> None:
    assert (get_images_folder() / "timm" / "catalog.json").is_file()
    assert set(load_frameworks()) == {
        file.parent.name for file in get_images_folder().glob("*/image.yaml")
    }


def a_hub_framework(folder: Path, **models: Mapping[str, Any]) -> Mapping[str, Framework]:
    """A framework whose models are hub ids; `models` are written ORG__NAME."""
    a_framework(folder, "hub", **{name.replace("__", "/"): raw for name, raw in models.items()})
    image = folder / "hub" / "image.yaml"
    image.write_text(image.read_text() + "hubIds: true\n")
    load_frameworks.cache_clear()
    return load_frameworks(folder)


def of_hub(**changes: Any) -> dict[str, Any]:
    """A model of which the catalog knows no number."""
    weights = {"tag": "main", "licence": "unknown", "hub": "acme/net"}
    return {"tasks": ["ocr"], "family": "net", "weights": [weights], **changes}


def test_where_models_are_hub_ids_any_other_hub_id_is_a_model_of_which_nothing_is_known(
    tmp_path: Path,
) -> None:
    hub = a_hub_framework(tmp_path, acme__net=of_hub())["hub"]
    listed, other = hub.model("acme/net"), hub.model("me/my.net-v1")
    assert listed is not None and other is not None
    assert (listed.listed, listed.tasks, listed.family) == (True, ("ocr",), "net")
    assert (other.listed, other.tasks, other.family) == (False, (), None)
    assert (listed.hub_id, other.hub_id) == ("acme/net", "me/my.net-v1")
    assert other.pretrained
    assert other.chosen_weights is not None
    assert other.chosen_weights.hub_id == "me/my.net-v1"
    assert other.chosen_weights.licence == "unknown"


def test_what_an_adapter_describes_is_on_no_hub_and_nothing_else_bears_its_name(
    tmp_path: Path,
) -> None:
    hub = a_hub_framework(tmp_path, acme__net=of_hub(), vtspec__net_tiny=of_hub(weights=[]))["hub"]
    own = hub.model("vtspec/net_tiny")
    assert own is not None and (own.hub_id, own.listed, own.pretrained) == (None, True, False)
    assert hub.model("vtspec/net_tinny") is None
    assert hub.suggest("vtspec/net_tinny") == hub.suggest("net-tiny") == "vtspec/net_tiny"


@pytest.mark.parametrize(
    "name", ["resnet18", "a/b/c", "/a", "a/", "a/../b", "a/b..c", "a/.b", "-a/b", "a b/c", ""]
)
def test_what_has_not_the_form_of_a_hub_id_is_no_model_and_the_catalog_is_not_read(
    tmp_path: Path, name: str
) -> None:
    hub = a_hub_framework(tmp_path, acme__net=of_hub())["hub"]
    (tmp_path / "hub" / "catalog.json").unlink()
    assert hub.model(name) is None


def test_of_a_model_without_numbers_nothing_is_claimed(tmp_path: Path) -> None:
    model = a_hub_framework(tmp_path, acme__net=of_hub())["hub"].model("acme/net")
    assert model is not None
    assert (model.parameters, model.count_parameters(3)) == (None, None)
    assert (model.image_size, model.gmacs, model.activations) == (None, None, None)
    assert model.takes_size((17, 5)) and model.find_nearest_size((17, 5)) == (17, 5)


def test_a_size_without_steps_is_the_usual_one_and_any_other_may_do(tmp_path: Path) -> None:
    raw = of_hub(parameters=1000, perClass=1, size=[224, 224])
    model = a_hub_framework(tmp_path, acme__net=raw)["hub"].model("acme/net")
    assert model is not None
    assert (model.image_size, model.count_parameters(10)) == ((224, 224), 10)
    assert model.takes_size((17, 5)) and model.find_nearest_size((17, 5)) == (17, 5)


def test_a_head_of_which_no_class_is_counted_stays_as_it_is(tmp_path: Path) -> None:
    raw = {key: value for key, value in a_model().items() if key != "perClass"}
    model = a_framework(tmp_path, "fake", net=raw)["fake"].model("net")
    assert model is not None
    assert model.count_parameters(3) == model.parameters == 5_000_000


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("vit-base", "google/vit-base-patch16-224"),
        ("google/vit-base-patch16-22", "google/vit-base-patch16-224"),
        ("VIT-base-patch16-224", "google/vit-base-patch16-224"),
        ("git-bas", "acme/git-base"),
        ("Qwen2.5-7", "Qwen/Qwen2.5-7B"),
        ("zzzzzzzzzzz", None),
    ],
)
def test_a_hub_id_is_suggested_for_the_beginning_of_its_name(
    tmp_path: Path, typed: str, meant: str | None
) -> None:
    ids = ("acme__git-base", "google__vit-base-patch16-224", "Qwen__Qwen2.5-7B")
    hub = a_hub_framework(tmp_path, **{name: of_hub() for name in ids})
    assert suggest_model(typed, "hub", hub) == meant


@pytest.mark.parametrize(
    ("typed", "listed"),
    [
        ("google/vit-base-patch16-22", "google/vit-base-patch16-224"),
        ("Google/ViT_base-patch16-224", "google/vit-base-patch16-224"),
        ("vit-base-patch16-224", "google/vit-base-patch16-224"),
        ("google/vit-large-patch16-224", None),
        ("google/vit", None),
    ],
)
def test_a_listed_hub_id_is_near_where_one_slip_makes_it(
    tmp_path: Path, typed: str, listed: str | None
) -> None:
    hub = a_hub_framework(tmp_path, **{"google__vit-base-patch16-224": of_hub()})["hub"]
    assert hub.find_near_name(typed) == listed


def test_search_finds_hub_ids_by_name_and_family_the_unmeasured_after_the_measured(
    tmp_path: Path,
) -> None:
    found = a_hub_framework(
        tmp_path,
        a__net_1=of_hub(),
        b__net_2=of_hub(parameters=2_000),
        c__other=of_hub(),
    )
    assert [model.name for _, model in search_models(["net"], among=found)] == [
        "b/net_2",
        "a/net_1",
        "c/other",
    ]
    assert [model.name for _, model in search_models(["net-1"], among=found)] == ["a/net_1"]


def test_no_name_is_in_two_frameworks() -> None:
    every = Counter(name for each in load_frameworks().values() for name in each.model_names)
    assert [name for name, count in every.items() if count > 1] == []
    assert [
        name for name in load_frameworks()["transformers"].model_names if name.count("/") != 1
    ] == []


@pytest.mark.parametrize(
    ("framework", "names", "task"),
    [
        ("ultralytics", "yolo11n yolov8n yolov5nu yolo26x rtdetr-l yolov8x-worldv2", "object-det"),
        ("ultralytics", "yolo11n-seg yolov8x-seg yolov9c-seg", "instance-segmentation"),
        ("ultralytics", "yolo11n-cls yolov8m-cls", "image-classification"),
        ("ultralytics", "yolo11x-pose", "pose-estimation"),
        ("ultralytics", "yolo11s-obb", "oriented-detection"),
        ("ultralytics", "yolo26n-sem", "semantic-segmentation"),
        ("ultralytics", "yolo26n-depth", "depth-estimation"),
        ("transformers", "google/vit-base-patch16-224 microsoft/resnet-50", "image-class"),
        ("transformers", "facebook/dinov2-base facebook/convnext-tiny-224", "multilabel"),
        ("transformers", "facebook/detr-resnet-50 PekingU/rtdetr_r50vd", "object-detection"),
        ("transformers", "nvidia/segformer-b0-finetuned-ade-512-512", "semantic-segmentation"),
        ("transformers", "Intel/dpt-large LiheYoung/depth-anything-small-hf", "depth"),
        ("transformers", "caidas/swin2SR-classical-sr-x2-64", "super-resolution"),
        ("transformers", "usyd-community/vitpose-base-simple", "pose-estimation"),
        ("transformers", "microsoft/trocr-base-handwritten naver-clova-ix/donut-base", "ocr"),
        ("transformers", "Salesforce/blip-image-captioning-base", "image-captioning"),
        ("transformers", "dandelin/vilt-b32-finetuned-vqa", "visual-question-answering"),
        ("transformers", "openai-community/gpt2 meta-llama/Llama-2-7b-hf", "text-generation"),
    ],
)
def test_the_usual_models_are_listed_with_their_tasks(
    framework: str, names: str, task: str
) -> None:
    for name in names.split():
        model = load_frameworks()[framework].model(name)
        assert model is not None and model.listed, name
        assert any(each.startswith(task) for each in model.tasks), (name, model.tasks)


def test_ultralytics_weights_are_files_of_its_own_releases_under_its_licence() -> None:
    framework = load_frameworks()["ultralytics"]
    models = [framework.model(name) for name in framework.model_names]
    weights = [each for model in models if model for each in model.weights]
    assert len(models) > 250 and len(weights) > 150
    assert {each.licence for each in weights} == {"agpl-3.0"}
    release = "https://github.com/ultralytics/assets/releases/download/v"
    assert all(str(each.url).startswith(release) for each in weights)
    assert [model.name for model in models if model and not model.parameters] == []


def test_transformers_catalog_lists_hundreds_of_ids_and_counts_only_what_it_can() -> None:
    framework = load_frameworks()["transformers"]
    models = [framework.model(name) for name in framework.model_names]
    counted = [model for model in models if model and model.parameters is not None]
    assert len(models) > 350 and 80 < len(counted) < len(models)
    assert all(model and model.family and model.listed for model in models)
    resnet = framework.model("microsoft/resnet-50")
    # torchvision's own figure for ResNet-50 with 1,000 classes.
    assert resnet is not None and resnet.parameters == 25_557_032
