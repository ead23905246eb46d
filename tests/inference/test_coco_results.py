"""COCO's results: read by pycocotools against the dataset's own annotations, or numbered."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detector_jobs import POINTS, SHAPES, a_detector_plan, write_shapes
from toy_runs import a_plan
from vtspec.adapters.data.mask_rle import encode_mask, format_rle
from vtspec.pipelines.errors import Refused
from vtspec.pipelines.inference.coco_results import CocoWriter, Entry
from vtspec.pipelines.inference.sources import Source
from vtspec.pipelines.operations.predict import open_coco
from vtspec.pipelines.planning.digest import identify
from vtspec.pipelines.runs import Run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a dataset of outlined shapes, and a run of it."""
    root = tmp_path_factory.mktemp("repository")
    data = write_shapes(root / "data" / "shapes", outlined=True)
    for split in ("train", "val", "test"):
        # Ids with gaps, as COCO's own.
        told = json.loads((data / f"{split}.json").read_text())
        for row in told["images"]:
            row["id"] = 100 + 7 * row["id"]
        for row in told["categories"]:
            row["id"] *= 10
        for row in told["annotations"]:
            row["image_id"] = 100 + 7 * row["image_id"]
            row["category_id"] *= 10
        (data / f"{split}.json").write_text(json.dumps(told))
    plan = {**a_detector_plan(), **{part: a_plan()[part] for part in ("framework", "model")}}
    dataset = {
        **plan["dataset"],
        "source": {"type": "path", "path": "data/shapes"},
        "keypoints": list(POINTS),
    }
    folder = root / "runs" / "shapes-0123456789"
    folder.mkdir(parents=True)
    plan = {**plan, "dataset": dataset}
    names = identify(plan)
    plan = {**plan, "id": names.id, "digest": names.digest}
    (folder / "plan.json").write_text(json.dumps(plan))
    return root


def open_here(root: Path, images: list[Path], into: Path | None = None) -> CocoWriter:
    return open_coco(
        Run(root / "runs/shapes-0123456789"), root, [Source(path=path) for path in images], into
    )


def list_entries(coco: CocoWriter, answer: dict[str, Any]) -> list[Entry]:
    return list(coco.list_entries(answer, Path(answer["image_path"])))


def list_truth(root: Path) -> list[dict[str, Any]]:
    """What a model would say that knows the truth of the test split, image by image."""
    told = json.loads((root / "data/shapes/test.json").read_text())
    answers = []
    for image in told["images"]:
        path = root / "data/shapes/test" / image["file_name"]
        boxes = []
        for row in told["annotations"]:
            if row["image_id"] != image["id"]:
                continue
            x, y, width, height = row["bbox"]
            inside = bytes(
                1 if x <= column < x + width and y <= line < y + height else 0
                for line in range(48)
                for column in range(64)
            )
            points = [row["keypoints"][3 * place : 3 * place + 3] for place in range(3)]
            boxes.append(
                {
                    "box": [x, y, x + width, y + height],
                    "label": SHAPES[row["category_id"] // 10 - 1],
                    "confidence": 0.75,
                    "mask": format_rle(encode_mask(inside, 64, 48)),
                    "keypoints": dict(zip(reversed(POINTS), reversed(points), strict=True)),
                }
            )
        answers.append({"image_path": str(path), "predicted_boxes": boxes})
    return answers


def evaluate(truth: Any, results: Any, kind: Any) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        measured = COCOeval(coco, coco.loadRes(results), kind)
        if kind == "keypoints":
            measured.params.kpt_oks_sigmas = measured.params.kpt_oks_sigmas[:3]
        measured.evaluate()
        measured.accumulate()
        measured.summarize()
    return measured.stats


@pytest.mark.parametrize("kind", ["bbox", "segm", "keypoints"])
def test_a_model_that_knows_the_truth_is_right_by_the_datasets_own_annotations(
    root: Path, kind: str
) -> None:
    answers = list_truth(root)
    coco = open_here(root, [Path(one["image_path"]) for one in answers])
    assert coco.known == root / "data/shapes/test.json"
    results = [entry for one in answers for entry in list_entries(coco, one)]
    # As text, which is what a program is given.
    results = json.loads(json.dumps(results))
    assert {row["category_id"] for row in results} == {10, 20, 30}
    truth = json.loads((root / "data/shapes/test.json").read_text())
    if kind == "segm":
        # What the model says is the whole box, and so is the truth then.
        for row in truth["annotations"]:
            x, y, width, height = row["bbox"]
            corners = [x, y, x + width, y, x + width, y + height, x, y + height]
            row["segmentation"] = [corners]
    assert evaluate(truth, results, kind)[0] == pytest.approx(1.0)
    # Boxes by their other corner, or ids by place, are no truth.
    for row in results:
        row["category_id"] = {10: 20, 20: 30, 30: 10}[row["category_id"]]
    assert evaluate(truth, results, kind)[0] < 0.1
    assert coco.write_images(root / "none") is None and not (root / "none").exists()


def test_other_images_are_numbered_and_listed(root: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "b.png", root / "data/shapes/test/0.png", root / "data/shapes/val/0.png"]
    Image.new("RGB", (30, 20)).save(paths[0])
    with pytest.raises(Refused, match="would mean nothing") as error:
        open_here(root, paths)
    assert "--into" in str(error.value.fix)
    coco = open_here(root, paths, tmp_path / "new")
    box = {"box": [1, 2, 11, 22], "label": "wedge", "confidence": 0.5}
    told = [
        {"image_path": str(path), "predicted_boxes": [box] if place else []}
        for place, path in enumerate(paths)
    ]
    results = [entry for one in told for entry in list_entries(coco, one)]
    assert results[0] == {"image_id": 2, "category_id": 3, "bbox": [1, 2, 10, 20], "score": 0.5}
    written = coco.write_images(tmp_path / "new")
    assert written is not None
    listed = json.loads(written.read_text())
    assert listed["images"][0] == {
        "id": 1,
        "file_name": str(paths[0]),
        "width": 30,
        "height": 20,
    }
    assert [row["name"] for row in listed["categories"]] == list(SHAPES)
    evaluate(listed, json.loads(json.dumps(results)), "bbox")


def test_turned_boxes_are_polygons_and_areas_have_no_score(root: Path) -> None:
    coco = open_here(root, [root / "data/shapes/test/0.png"])
    path = str(root / "data/shapes/test/0.png")
    corners = [0, 0, 2, 2, 0, 4, -2, 2]
    box = {"box": [-2, 0, 2, 4], "label": "disc", "confidence": 0.5, "corners": corners}
    (turned,) = list_entries(coco, {"image_path": path, "predicted_boxes": [box]})
    assert turned["segmentation"] == [corners] and turned["image_id"] == 100
    mask = format_rle(encode_mask(bytes([0, 1, 1, 0]), 2, 2))
    segments = [{"label": "disc", "share": 0.5, "counts": mask["counts"]}]
    areas = {"image_path": path, "predicted_mask": {"size": [2, 2], "segments": segments}}
    assert list_entries(coco, areas) == [
        {"image_id": 100, "category_id": 10, "segmentation": mask}
    ]


def test_what_the_annotations_do_not_know_is_refused(root: Path) -> None:
    coco = open_here(root, [root / "data/shapes/test/0.png"])
    path = str(root / "data/shapes/test/0.png")
    box = {"box": [0, 0, 1, 1], "label": "disc", "confidence": 0.5}
    for changed, said in (
        ({"label": "other"}, "have no category 'other'"),
        ({"keypoints": {"top": [1, 1, 1]}}, "points that this model knows"),
    ):
        with pytest.raises(Refused, match=said) as error:
            list_entries(coco, {"image_path": path, "predicted_boxes": [{**box, **changed}]})
        assert error.value.fix
    with pytest.raises(Refused, match="COCO has no results"):
        list_entries(coco, {"image_path": path, "scores": {"disc": 1.0}})
