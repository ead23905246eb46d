"""The catalogs of Ultralytics and Transformers say what those packages say, and download nothing.

Neither package is needed here: small ones of the same shape stand for them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from package_fakes import TRANSFORMERS, ULTRALYTICS, written
from vtspec.adapters.catalogs import transformers, ultralytics
from vtspec.adapters.catalogs.hub_names import FamilyIndex, FamilyMatch, find_hub_ids
from vtspec.adapters.transformers.architectures import ARCHITECTURES
from vtspec.adapters.ultralytics import architectures


def generated(folder: Path, framework: str, files: dict[str, str]) -> tuple[dict[str, Any], str]:
    """The catalog that the command makes of a package, and what it said on the way."""
    packages, into = written(folder / "packages", files), folder / "catalog.json"
    command = [sys.executable, "-m", "vtspec.adapters.catalogs", framework, "--into", str(into)]
    paths = [str(packages), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    again = subprocess.run([*command, "--check"], env=environment, capture_output=True, text=True)
    assert (again.returncode, again.stdout) == (0, "")
    return json.loads(into.read_text()), done.stderr


@pytest.mark.slow
def test_ultralytics_catalog_has_each_architecture_scale_and_published_file(
    tmp_path: Path,
) -> None:
    made, _ = generated(tmp_path, "ultralytics", ULTRALYTICS)
    assert made["versions"]["ultralytics"] == "9.9"
    assert made["renamed"] == {"yolov5n6": "yolov5n-p6"}
    models = made["models"]
    assert list(models) == [
        "rtdetr-l",
        "yolov5n",
        "yolov5n-p6",
        "yolov5n6u",
        "yolov5nu",
        "yolov8s-world",
        "yolo11-cls-resnet18",
        "yolo11n",
        "yolo11n-cls",
        "yolo11n-oiv7",
        "yolo11s",
        "yoloe-11n-seg",
        "yoloe-11n-seg-pf",
    ]
    # The adapter has no training for what learns by matching, or with texts.
    untrained = [name for name, raw in models.items() if raw.get("trained") is False]
    assert untrained == ["rtdetr-l", "yolov8s-world", "yoloe-11n-seg", "yoloe-11n-seg-pf"]
    # One convolution of 3x3 from 3 to 8 channels, one of 1x1 from there to 80 classes.
    assert models["yolo11n"] == {
        "tasks": ["object-detection"],
        "parameters": 3 * 8 * 9 + 8 * 80 + 80,
        "size": [640, 640],
        "step": 64,
        "build": False,
        "min": [64, 64],
        "gmacs": float(f"{640 * 640 * (3 * 8 * 9 + 8 * 80) / 1e9:.4g}"),
        "activations": float(f"{640 * 640 * (3 + 8) / 1e6:.4g}"),
        "weights": [
            {
                "tag": "coco",
                "licence": "agpl-3.0",
                "hub": None,
                "url": "https://github.com/ultralytics/assets/releases/download/v9.9.9/yolo11n.pt",
                "classes": 2,
            }
        ],
    }
    classifier = models["yolo11n-cls"]
    assert (classifier["perClass"], classifier["size"]) == (9, [224, 224])
    assert classifier["parameters"] == 3 * 8 * 9 + 1000 * 9
    assert models["yolo11-cls-resnet18"]["weights"] == []
    assert models["rtdetr-l"]["tasks"] == ["object-detection"]
    assert models["yoloe-11n-seg-pf"]["tasks"] == ["instance-segmentation"]
    told = {name: [(w["tag"], w["url"][-12:]) for w in models[name]["weights"]] for name in models}
    assert told["yolov5n"] == told["yolov5nu"] == [("coco", "/yolov5nu.pt")]
    assert told["yolov5n-p6"] == told["yolov5n6u"] == [("coco", "yolov5n6u.pt")]
    assert told["yolo11n-oiv7"][0][0] == "open-images-v7"
    assert told["yolov8s-world"][0][0] == "yolov8s-world"
    assert told["yolo11s"] == []


@pytest.mark.slow
def test_transformers_catalog_has_the_ids_that_its_files_name(tmp_path: Path) -> None:
    made, told = generated(tmp_path, "transformers", TRANSFORMERS)
    models = made["models"]
    assert list(models) == [
        "acme/broken-depth",
        "acme/text-1m",
        "acme/text-7b",
        "acme/text-nameless",
        "acme/trocr-base",
        "acme/vit-base",
        "acme/vit-large",
        "acme/vit-part",
        "acme/vit-small",
        "acme/vit-tiny",
        *ARCHITECTURES,
    ]
    # A convolution of 1x1 at every 16th pixel, from 3 channels to 1,000 classes, which takes no
    # side below 48; RT-DETR's sides are multiples of 32.
    assert models["vtspec/rt-detr-v2-tiny"] == {
        "tasks": ["object-detection"],
        "family": "rt_detr_v2",
        "parameters": 4_000,
        "perClass": 4,
        "size": [64, 64],
        "step": 32,
        "build": False,
        "min": [64, 64],
        "gmacs": 4.8e-05,
        "activations": 0.01229,
        "weights": [],
    }
    assert models["vtspec/yolos-tiny"]["min"] == [48, 48]
    # Without classes; of the multiples of 14 the first from 48 on.
    assert "perClass" not in models["vtspec/depth-anything-tiny"]
    assert models["vtspec/depth-anything-tiny"]["min"] == [56, 56]
    assert models["acme/vit-base"] == {
        "tasks": ["image-classification", "multilabel-classification"],
        "family": "vit",
        "parameters": 11_000,
        "perClass": 11,
        "size": [224, 224],
        "weights": [{"tag": "main", "licence": "unknown", "hub": "acme/vit-base"}],
    }
    assert models["acme/text-1m"]["parameters"] == 1_000_000
    assert "size" not in models["acme/text-1m"]
    without = ["acme/text-7b", "acme/vit-large", "acme/vit-part", "acme/trocr-base"]
    assert [name for name in without if "parameters" in models[name]] == []
    assert models["acme/trocr-base"]["family"] == "vision-encoder-decoder"
    assert models["acme/trocr-base"]["tasks"][0] == "ocr"
    # The adapter does the task, and not with that family.
    assert models["acme/broken-depth"].keys() == {"tasks", "family", "trained", "weights"}
    assert "acme/broken-depth: not built: ValueError: needs what is not here" in told


@pytest.mark.parametrize(
    ("stem", "scales", "names"),
    [
        ("yolo11-seg", ("n", "x"), ["yolo11n-seg", "yolo11x-seg"]),
        ("yoloe-v8", ("s",), ["yoloe-v8s"]),
        ("yolov6", ("n",), ["yolov6n"]),
        ("yolov10b", ("b",), ["yolov10b"]),
        ("rtdetr-l", ("l",), ["rtdetr-l"]),
        ("yolov3-spp", (), ["yolov3-spp"]),
        ("yolo11-cls-resnet18", (), ["yolo11-cls-resnet18"]),
    ],
)
def test_a_scale_stands_after_the_version(
    stem: str, scales: tuple[str, ...], names: list[str]
) -> None:
    assert architectures.list_scaled_names(stem, scales) == names
    assert [architectures.parse_scale(name, scales) for name in names] == list(scales or ("",))


@pytest.mark.parametrize(
    ("file", "architecture", "data"),
    [
        ("yolo11n-seg", "yolo11n-seg", "coco"),
        ("yolov8n-oiv7", "yolov8n", "open-images-v7"),
        ("yolo26n-objv1-seg", "yolo26n-seg", None),
        ("yolo26n-objv1-150", "yolo26n", None),
        ("yolo26n-sem-ade20k", "yolo26n-sem", "ade20k"),
        ("yoloe-11s-seg-pf", "yoloe-11s-seg", None),
        ("yolov8x-worldv2", "yolov8x-worldv2", None),
        ("yolov5x6u", "yolov5x-p6", "coco"),
        ("yolov3-tinyu", "yolov3-tiny", "coco"),
        ("yolov3u", "yolov3", "coco"),
    ],
)
def test_a_published_file_is_of_an_architecture_and_of_data(
    file: str, architecture: str, data: str | None
) -> None:
    assert architectures.get_architecture(file) == architecture
    assert ultralytics.find_dataset_name(file, "segment" if "-seg" in file else "detect") == data


def test_what_a_depth_model_was_trained_on_is_not_told() -> None:
    assert ultralytics.find_dataset_name("yolo26n-depth", "depth") is None


@pytest.mark.parametrize(
    ("name", "count", "may_be_silent", "is_confirmed"),
    [
        ("acme/chat-7b", 7_200_000_000, False, True),
        ("acme/chat-7b", 12_000_000_000, False, False),
        ("acme/chat-350M-v2", 331_000_000, False, True),
        ("acme/chat-30B-A3B", 31_000_000_000, False, True),
        ("acme/chat", 124_000_000, False, False),
        ("google/vit-base-patch16-224", 86_000_000, True, True),
        ("acme/vit-1b", 86_000_000, True, False),
        ("acme/mobilevitv2-1.0b", 5, True, False),
    ],
)
def test_a_number_of_parameters_is_kept_where_the_name_can_mean_it(
    name: str, count: int, may_be_silent: bool, is_confirmed: bool
) -> None:
    assert transformers.is_plausible_count(name, count, may_be_silent) == is_confirmed


@pytest.mark.parametrize(
    ("written_size", "side"),
    [(224, (224, 224)), ([480, 640], (480, 640)), (None, None), ([1, 2, 3], None), (0, None)],
)
def test_a_configurations_size_is_height_and_width(
    written_size: Any, side: tuple[int, int] | None
) -> None:
    assert transformers.parse_image_size(written_size) == side


def test_a_family_does_the_tasks_of_the_tables_that_list_it() -> None:
    listed = {
        "image-classification": {"vit", "donut-swin"},
        "multilabel-classification": {"vit", "donut-swin"},
        "ocr": set(),
        "image-captioning": {"blip", "got_ocr2", "pi0"},
        "visual-question-answering": {"blip", "pi0", "vilt"},
    }
    assert transformers.group_tasks_by_family(listed, {"blip", "got_ocr2", "pi0"}) == {
        "vit": ("image-classification", "multilabel-classification"),
        "got_ocr2": ("ocr", "image-captioning"),
        "blip": ("image-captioning", "visual-question-answering"),
        "vilt": ("visual-question-answering",),
    }


@pytest.mark.parametrize(
    ("family", "tasks", "expected"),
    [
        ("segformer", ["semantic-segmentation"], {}),
        ("detr", ["object-detection", "semantic-segmentation"], ["semantic-segmentation"]),
        ("upernet", ["semantic-segmentation"], False),
        ("gpt2", ["text-generation"], {}),
    ],
)
def test_tasks_that_the_adapter_does_with_other_families_are_told(
    family: str, tasks: list[str], expected: Any
) -> None:
    told = {"trained": False} if expected is False else expected and {"untrained": expected}
    assert transformers.describe_training(family, tasks) == told


def families(**folders: str) -> FamilyIndex:
    return FamilyIndex(
        folder_of=folders,
        class_of={f"{family}Model": family for family in folders},
        config_of={f"{family}Config": family for family in folders},
        wanted=frozenset(family for family in folders if family != "sam"),
        whole_of={},
    )


def named(folder: Path, known: FamilyIndex, **files: str) -> dict[str, FamilyMatch]:
    """What is named in files `FOLDER__FILE` of the given texts."""
    texts = {f"{name.replace('__', '/')}.py": text for name, text in files.items()}
    return find_hub_ids(written(folder, texts), known)


def test_a_configurations_word_counts_more_than_a_class_and_that_more_than_a_folder(
    tmp_path: Path,
) -> None:
    found = named(
        tmp_path,
        families(detr="detr", yolos="yolos"),
        yolos__modeling_yolos='x = AutoModel.from_pretrained("a/one")\n'
        'detrModel.from_pretrained("a/two"), yolosModel.from_pretrained("a/detr-three")\n',
        detr__configuration_detr='@doc(checkpoint="a/detr-three")\nclass detrConfig:\n',
    )
    assert found == {
        "a/detr-three": FamilyMatch("detr", by_defaults=True, after_family=True),
        "a/one": FamilyMatch("yolos"),
        "a/two": FamilyMatch("detr"),
    }
    assert list(found) == sorted(found)


def test_of_two_configurations_the_one_that_the_id_is_named_after_counts(tmp_path: Path) -> None:
    statement = '@doc(checkpoint="a/sam-huge")\nclass {}Config:\n'
    found = named(
        tmp_path,
        families(got="got", sam="sam"),
        got__configuration_got=statement.format("got"),
        sam__configuration_sam=statement.format("sam"),
    )
    # Segment Anything does no task that is wanted, and its checkpoint is no reader of text.
    assert found == {}


def test_defaults_that_state_another_familys_checkpoint_are_told_apart(tmp_path: Path) -> None:
    text = '@doc(checkpoint="a/other-base")\nclass gotConfig:\n'
    found = named(tmp_path, families(got="got"), got__configuration_got=text)
    assert found == {"a/other-base": FamilyMatch("got", by_defaults=True, after_family=False)}


def test_a_file_that_was_generated_from_anothers_names_nothing(tmp_path: Path) -> None:
    renamed = 'detrModel.from_pretrained("a/detr_r50")\n'
    note = "# This file was automatically generated from src/modular_detr.py.\n"
    assert named(tmp_path, families(detr="detr"), detr__modeling_detr=note + renamed) == {}
    found = named(tmp_path, families(detr="detr"), detr__modular_detr=renamed)
    assert found == {"a/detr_r50": FamilyMatch("detr", after_family=True)}


def test_a_file_is_of_the_family_in_its_name_where_a_folder_has_several(tmp_path: Path) -> None:
    known = families(**{"data2vec-text": "data2vec", "data2vec-vision": "data2vec"})
    example = 'AutoModel.from_pretrained("a/{}")\n'
    found = named(
        tmp_path,
        known,
        data2vec__modeling_data2vec_vision=example.format("seen"),
        data2vec__modeling_data2vec_text=example.format("read"),
        data2vec__modeling_shared=example.format("either"),
    )
    assert {name: each.family for name, each in found.items()} == {
        "a/either": "data2vec-text",
        "a/read": "data2vec-text",
        "a/seen": "data2vec-vision",
    }
