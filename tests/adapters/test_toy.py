"""The toy adapter does what each setting says, and refuses what it cannot do."""

import dataclasses
import json
import math
import random
import struct
import zlib
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import load_file, save_file

from toy_runs import CLASSES, Listener, a_job, write_pictures
from vtspec.adapters.contract import AdapterError, Job
from vtspec.adapters.data.image_decoding import read_image
from vtspec.adapters.evaluation.classification import SplitScores, build_details, compute_metrics
from vtspec.adapters.toy import adapter as toy
from vtspec.adapters.toy import plain_metrics, png, safetensors
from vtspec.adapters.toy.png import GrayImage
from vtspec.adapters.toy.safetensors import Tensor
from vtspec.adapters.toy.softmax import Example, SoftmaxRegression, compute_learning_rate
from vtspec.adapters.training.loop import fit


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("data"))


def trained(workdir: Path, data: Path, **changes: Any) -> tuple[Listener, toy.Adapter]:
    job, listener = a_job(workdir, data, **changes), Listener()
    adapter = toy.Adapter(job, listener)
    fit(adapter, job, listener, resume=False)
    return listener, adapter


def test_it_learns(tmp_path: Path, data: Path) -> None:
    listener, _ = trained(tmp_path, data, training={"epochs": 5})
    metrics, summary = listener.of("end")[0]
    assert metrics["accuracy"] >= 0.95
    assert summary.step_seconds > 0


@pytest.mark.parametrize(
    "training",
    [
        {"learningRate": 0.1},
        {"batchSize": 4},
        {"gradientAccumulation": 2},
        {"gradientClipping": 0.01},
        {"momentum": 0.0},
        {"weightDecay": 0.0},
        {"labelSmoothing": 0.1},
        {"classWeights": {"circle": 5.0, "cross": 1.0, "stripe": 1.0}},
        {"scheduler": "constant"},
        {"scheduler": "linear"},
        {"minLearningRate": 0.1},
        {"warmupEpochs": 2.0},
        {"seed": 8},
        {"imageSize": [4, 6]},
    ],
)
def test_every_setting_of_training_changes_the_weights(
    training: dict[str, Any], tmp_path: Path, data: Path
) -> None:
    _, usual = trained(tmp_path / "usual", data)
    _, other = trained(tmp_path / "other", data, training=training)
    assert usual.model.get_weights() != other.model.get_weights()


def test_balanced_weights_make_up_for_rare_classes(tmp_path: Path) -> None:
    data = write_pictures(tmp_path / "data")
    for number in range(9):
        (data / "train" / "circle" / f"{number:03d}.png").unlink()
    job = a_job(tmp_path / "run", data, training={"classWeights": "balanced"})
    adapter = toy.Adapter(job, Listener())
    adapter.prepare_model()
    adapter.prepare_dataset()
    assert adapter.model.class_weights == [27 / 9, 27 / 36, 27 / 36]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"training": {"optimizer": "adamw"}}, "training.optimizer"),
        ({"training": {"scheduler": "plateau"}}, "training.scheduler"),
        ({"training": {"augmentation": "standard"}}, "training.augmentation"),
        ({"training": {"precision": "bf16"}}, "training.precision"),
        ({"training": {"freeze": "backbone"}}, "training.freeze"),
        ({"training": {"freeze": ["stem"]}}, "training.freeze"),
        ({"training": {"ema": {"decay": 0.9, "warmup": True}}}, "training.ema"),
        ({"model": {"name": "resnet18", "weights": None}}, "model.name"),
        (
            {
                "model": {
                    "name": "softmax-regression",
                    "weights": {"type": "hub", "id": "x", "revision": "y"},
                }
            },
            "model.pretrained",
        ),
        ({"resources": {"gpus": 1, "cpus": 1}}, "resources.gpus"),
    ],
)
def test_what_it_cannot_do_it_refuses(changes: dict[str, Any], path: str, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=f"^{path}: the toy adapter cannot do") as raised:
        toy.Adapter(a_job(tmp_path, tmp_path, **changes), Listener())
    assert str(raised.value.fix).startswith("set it to ")


def test_a_class_without_its_weight_is_refused(tmp_path: Path, data: Path) -> None:
    with pytest.raises(AdapterError, match="class 'cross' has no weight"):
        trained(tmp_path, data, training={"classWeights": {"circle": 1.0}})


def test_weights_of_another_shape_are_refused(tmp_path: Path, data: Path) -> None:
    trained(tmp_path / "run", data)
    file = tmp_path / "run" / "checkpoints" / "epoch-0003" / "model.safetensors"
    job = a_job(tmp_path / "next", data, training={"imageSize": [4, 4]})
    job = dataclasses.replace(job, model=dataclasses.replace(job.model, weights=file))
    with pytest.raises(AdapterError, match="the model needs"):
        toy.Adapter(job, Listener()).prepare_model()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_weights_that_hold_no_numbers_are_refused_before_anything_is_trained(
    tmp_path: Path, data: Path, name: str, value: float
) -> None:
    job, file = a_job(tmp_path, data), tmp_path / "weights.safetensors"
    adapter = toy.Adapter(job, Listener())
    adapter.prepare_model()
    found = adapter.model.get_weights()
    found[name].values[-1] = value
    safetensors.write(file, found)
    job = dataclasses.replace(job, model=dataclasses.replace(job.model, weights=file))
    with pytest.raises(AdapterError, match=f"'{name}' holds what is no number") as error:
        toy.Adapter(job, Listener()).prepare_model()
    # Not the learning rate, which has had no part in it yet.
    assert error.value.fix == "give other weights, or leave model.weights out"


def test_a_checkpoint_is_what_the_safetensors_library_reads(tmp_path: Path, data: Path) -> None:
    _, adapter = trained(tmp_path, data)
    found = load_file(tmp_path / "checkpoints" / "epoch-0003" / "model.safetensors")
    assert found["weight"].shape == (3, 64)
    assert found["bias"].tolist() == list(adapter.model.bias)


@pytest.mark.slow
def test_errors_are_shown_as_small_pictures(tmp_path: Path) -> None:
    data = write_pictures(tmp_path / "data", side=200, per_class=2)
    training = {"epochs": 1, "learningRate": 1e-9}
    _, adapter = trained(tmp_path / "run", data, training=training)
    errors = adapter.evaluate("test").details["errors"]
    assert errors
    for error in errors:
        assert error["image"].startswith(f"test/{error['true']}/")
        with Image.open(tmp_path / "run" / error["thumbnail"]) as picture:
            assert picture.size == (96, 96)


def an_update(**training: Any) -> tuple[SoftmaxRegression, list[Example], Job]:
    job = a_job(Path(), Path(), training=training)
    random_ = random.Random(0)
    model = SoftmaxRegression.from_seed(classes=3, features=5, std=0.5, seed=1)
    model.class_weights = [1.0, 2.0, 0.5]
    batch = [
        Example(name="", target=i % 3, features=[random_.random() for _ in range(5)])
        for i in range(7)
    ]
    return model, batch, job


@pytest.mark.slow
def test_a_step_is_the_one_that_torch_takes() -> None:
    torch = pytest.importorskip("torch")
    training = {"labelSmoothing": 0.1, "weightDecay": 0.01, "gradientClipping": 0.05}
    model, batch, job = an_update(**training)
    layer = torch.nn.Linear(5, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([list(row) for row in model.rows]))
        layer.bias.copy_(torch.tensor(list(model.bias)))
    optimizer = torch.optim.SGD(
        [{"params": [layer.weight], "weight_decay": 0.01}, {"params": [layer.bias]}],
        lr=0.3,
        momentum=0.9,
    )
    pixels = torch.tensor([list(picture.features) for picture in batch])
    # The weighted loss of torch with smoothing divides by the targets' weights alone, as here;
    # its smoothed share is weighted by each other class's weight, so that equal ones are taken.
    model.class_weights = [1.0, 1.0, 1.0]
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    for _ in range(3):
        loss = loss_of(layer(pixels), torch.tensor([picture.target for picture in batch]))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(layer.parameters(), 0.05)
        optimizer.step()
        ours = model.update(batch, 0.3, job.training)
        assert math.isclose(ours, loss.item(), rel_tol=1e-5)
    expected = layer.weight.detach().numpy()
    assert np.allclose(np.array([list(row) for row in model.rows]), expected, atol=1e-6)


@pytest.mark.slow
def test_class_weights_weigh_the_loss_as_in_torch() -> None:
    torch = pytest.importorskip("torch")
    model, batch, job = an_update()
    logits = torch.tensor([model.compute_logits(picture.features) for picture in batch])
    loss_of = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5]))
    expected = loss_of(logits, torch.tensor([picture.target for picture in batch])).item()
    assert math.isclose(model.update(batch, 0.1, job.training), expected, rel_tol=1e-5)


def test_the_learning_rate_warms_up_and_falls() -> None:
    def rates(**training: Any) -> list[float]:
        job = a_job(Path(), Path(), training={"learningRate": 1.0, **training})
        return [round(compute_learning_rate(job.training, step, 4), 3) for step in range(12)]

    assert rates(scheduler="constant", warmupEpochs=0.75) == [0.25, 0.5, 0.75, *([1.0] * 9)]
    linear = rates(scheduler="linear", warmupEpochs=0.0, minLearningRate=0.1)
    assert linear[:2] + linear[-1:] == [1.0, 0.925, 0.175]
    cosine = rates(scheduler="cosine", warmupEpochs=0.0)
    assert (cosine[0], cosine[6], cosine[-1]) == (1.0, 0.5, 0.017)


@given(st.data())
def test_metrics_in_plain_python_are_those_of_numpy(data: st.DataObject) -> None:
    classes = data.draw(st.integers(2, 7))
    count = data.draw(st.integers(1, 30))
    level = st.integers(-4, 4)
    logits = [[data.draw(level) for _ in range(classes)] for _ in range(count)]
    targets = [data.draw(st.integers(0, classes - 1)) for _ in range(count)]
    scored = SplitScores(np.array(logits, dtype=np.float64), np.array(targets))
    calls = [
        plain_metrics.Prediction([float(p) for p in row], target)
        for row, target in zip(scored.probabilities, targets, strict=True)
    ]
    names = [f"c{index}" for index in range(classes)]
    expected = build_details(scored, names)
    table = plain_metrics.compute_confusion(calls, classes)

    assert plain_metrics.compute_metrics(
        calls, [float(x) for x in scored.losses]
    ) == pytest.approx(compute_metrics(scored), abs=1e-9)
    assert table == expected["confusion"]
    for ours, theirs in zip(
        plain_metrics.compute_class_scores(table, names), expected["perClass"], strict=True
    ):
        assert ours == pytest.approx(theirs, abs=1e-6)
    for ours, theirs in zip(
        plain_metrics.compute_calibration(calls)["bins"],
        expected["calibration"]["bins"],
        strict=True,
    ):
        assert ours == pytest.approx(theirs, abs=1e-6)
    for index, name in enumerate(names):
        ours_ap = plain_metrics.compute_pr_curve(calls, index)["averagePrecision"]
        theirs_ap = (expected["prCurves"].get(name) or {}).get("averagePrecision")
        assert ours_ap == pytest.approx(theirs_ap, abs=1e-6)


def test_a_curve_has_at_most_101_points() -> None:
    calls = [plain_metrics.Prediction([i / 500, 1 - i / 500], i % 2) for i in range(500)]
    curve = plain_metrics.compute_pr_curve(calls, 0)
    assert len(curve["recall"]) == len(curve["precision"]) == 101
    assert (curve["recall"][0], curve["recall"][-1]) == (0.0, 1.0)


def test_a_model_that_has_diverged_is_right_in_nothing() -> None:
    calls = [plain_metrics.Prediction([math.nan, math.nan], 1)]
    assert plain_metrics.compute_metrics(calls, [math.nan])["top5_accuracy"] == 0.0


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_a_picture_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, data: st.DataObject
) -> None:
    pixels = bytes(data.draw(st.lists(st.integers(0, 255), min_size=81, max_size=81)))
    picture = GrayImage(width=width, height=height, pixels=pixels[: width * height])
    path = tmp_path_factory.getbasetemp() / "picture.png"
    png.write(path, picture)
    assert png.read(path) == picture
    with Image.open(path) as opened:
        assert (opened.size, opened.tobytes()) == ((width, height), picture.pixels)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("kind", range(5))
def test_every_filter_is_undone_as_pillow_does(kind: int, mode: str, tmp_path: Path) -> None:
    channels, width, height = len(mode), 7, 5
    raw = bytes(random.Random(kind).randrange(256) for _ in range(width * height * channels))
    rows = [raw[i : i + width * channels] for i in range(0, len(raw), width * channels)]
    packed = zlib.compress(b"".join(bytes([kind]) + row for row in rows))
    path = tmp_path / "filtered.png"
    _write_png(path, (width, height, 8, 0 if mode == "L" else 2, 0, 0, 0), packed)
    with Image.open(path) as opened:
        expected = opened.convert("L").tobytes()
    assert max(abs(a - b) for a, b in zip(png.read(path).pixels, expected, strict=True)) <= 1
    if mode == "L":
        assert png.read(path).pixels == expected


def _write_png(path: Path, header: tuple[int, ...], packed: bytes) -> None:
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", *header)), (b"IDAT", packed), (b"IEND", b""))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
            for kind, content in chunks
        )
    )


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("clear", [False, True])
def test_every_form_of_png_shows_what_it_shows_to_others(
    mode: str, clear: bool, tmp_path: Path
) -> None:
    path = tmp_path / "form.png"
    draw = random.Random(mode)
    colours = Image.frombytes("RGBA", (9, 5), draw.randbytes(4 * 45))
    picture = colours.convert("L").convert("I").point(lambda v: v * 257).convert("I;16")
    if mode != "I;16":
        picture = colours.convert("LA").convert("L") if mode == "L" else colours.convert(mode)
    transparency: dict[str, Any] = {
        "1": 0, "L": picture.getpixel((0, 0)), "I;16": picture.getpixel((0, 0)),
        "P": bytes(range(256)), "RGB": picture.getpixel((0, 0)),
    }  # fmt: skip
    options: dict[str, Any] = (
        {"transparency": transparency[mode]} if clear and mode in transparency else {}
    )
    picture.save(path, **options)
    expected = read_image(path).convert("L").tobytes()
    pairs = zip(png.read(path).pixels, expected, strict=True)
    assert max(abs(mine - theirs) for mine, theirs in pairs) <= 1


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_a_small_palette_is_read_as_others_read_it(bits: int, tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    picture = Image.new("P", (7, 3))
    picture.putpalette(random.Random(bits).randbytes(3 << bits))
    picture.putdata([n % (1 << bits) for n in range(21)])
    picture.save(path, bits=bits)
    expected = read_image(path).convert("L").tobytes()
    pairs = zip(png.read(path).pixels, expected, strict=True)
    assert max(abs(mine - theirs) for mine, theirs in pairs) <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_read_upright(tmp_path: Path, orientation: int) -> None:
    path, exif = tmp_path / "turned.png", Image.Exif()
    exif[274] = orientation
    picture = Image.frombytes("L", (4, 3), bytes(range(12)))
    picture.save(path, exif=exif)
    found, expected = png.read(path), read_image(path).convert("L")
    assert ((found.width, found.height), found.pixels) == (expected.size, expected.tobytes())
    assert (found.width == 3) == (orientation >= 5)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (3, 2), (5, 4), (8, 8), (9, 17)])
@pytest.mark.parametrize(("mode", "depth"), [("L", 8), ("RGB", 8), ("1", 1)])
def test_an_interlaced_picture_is_read_as_it_is(
    tmp_path: Path, size: tuple[int, int], mode: str, depth: int
) -> None:
    drawn = random.Random(f"{size}").randbytes(size[0] * size[1] * 3)
    shown = Image.frombytes("RGB", size, drawn).convert(mode)
    raw = b""
    for left, top, across, down in ADAM7:
        for y in range(top, size[1], down):
            columns = range(left, size[0], across)
            # A picture of one line has the bytes that a row has.
            line = Image.new(mode, (len(columns), 1))
            for place, x in enumerate(columns):
                line.paste(shown.crop((x, y, x + 1, y + 1)), (place, 0))
            raw += b"\0" + line.tobytes() if columns else b""
    path = tmp_path / "interlaced.png"
    _write_png(path, (*size, depth, 2 if mode == "RGB" else 0, 0, 0, 1), zlib.compress(raw))
    with Image.open(path) as image:
        assert image.info["interlace"] == 1
    found = png.read(path)
    expected = read_image(path).convert("L").tobytes()
    assert (found.width, found.height) == size
    assert max(abs(a - b) for a, b in zip(found.pixels, expected, strict=True)) <= 1


ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def test_weights_follow_the_names_of_their_classes(tmp_path: Path, data: Path) -> None:
    names: list[str] = list(CLASSES)
    _, adapter = trained(tmp_path / "first", data)
    file = adapter.export(["safetensors"], tmp_path)["safetensors"].path
    usual: dict[str, Any] = dict(zip(names, adapter.model.rows, strict=True))
    for classes in (["stripe", "circle", "cross"], ["cross", "stripe"]):
        job = a_job(tmp_path / "next", data)
        dataset = dataclasses.replace(job.dataset, classes=tuple(classes))
        start = dataclasses.replace(job.model, weights=file)
        listener = Listener()
        again = toy.Adapter(dataclasses.replace(job, dataset=dataset, model=start), listener)
        again.prepare_model()
        assert dict(zip(classes, again.model.rows, strict=True)) == {n: usual[n] for n in classes}
        assert not listener.of("warning")


def test_weights_of_other_classes_are_refused_and_of_unknown_ones_told(
    tmp_path: Path, data: Path
) -> None:
    _, adapter = trained(tmp_path / "first", data)
    weights, file = adapter.model.get_weights(), tmp_path / "weights.safetensors"
    job = a_job(tmp_path / "next", data)
    job = dataclasses.replace(job, model=dataclasses.replace(job.model, weights=file))
    safetensors.write(file, weights, {"classes": json.dumps(["circle", "cross", "moon"])})
    with pytest.raises(AdapterError, match="no weights for class 'stripe'"):
        toy.Adapter(job, Listener()).prepare_model()
    safetensors.write(file, weights)
    listener = Listener()
    toy.Adapter(job, listener).prepare_model()
    assert "does not say its classes" in listener.of("warning")[0]


SPOILED_CLASSES = {
    "no JSON": "circle, cross",
    "nested": "[" * 100_000,
    "long number": "9" * 5000,
    "no list": '{"circle":0}',
    "no names": '["circle",1,null]',
    "a name twice": '["circle","cross","circle"]',
}


@pytest.mark.parametrize("name", SPOILED_CLASSES)
def test_weights_whose_classes_cannot_be_read_are_refused_in_a_line(
    tmp_path: Path, name: str
) -> None:
    file = tmp_path / "weights.safetensors"
    names = ("circle", "cross", "stripe")
    tensors = {
        "weight": Tensor(shape=(3, 64), values=array("f", [0.0] * 192)),
        "bias": Tensor(shape=(3,), values=array("f", [0.0] * 3)),
    }
    safetensors.write(file, tensors, {"classes": SPOILED_CLASSES[name]})
    job = a_job(tmp_path / "run", tmp_path)
    job = dataclasses.replace(
        job,
        model=dataclasses.replace(job.model, weights=file),
        dataset=dataclasses.replace(job.dataset, classes=names),
    )
    with pytest.raises(AdapterError, match="what it says of its classes cannot be read") as caught:
        toy.Adapter(job, Listener()).prepare_model()
    assert "\n" not in str(caught.value)


def test_weights_without_rows_are_refused(tmp_path: Path) -> None:
    single = {"bias": Tensor(shape=(), values=array("f", [1.0]))}
    with pytest.raises(AdapterError, match="bias has 0 rows"):
        safetensors.select_rows(single, [0])


def test_a_giant_png_or_one_of_another_interlace_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    for header in ((4, 4, 8, 0, 0, 0, 2), (1 << 20, 4, 8, 0, 0, 0, 0)):
        _write_png(path, header, zlib.compress(bytes(20)))
        with pytest.raises(AdapterError, match="does not read"):
            png.read(path)


def test_a_damaged_png_is_refused_wherever_it_is_cut_or_changed(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    picture = GrayImage(width=3, height=3, pixels=bytes(range(9)))
    png.write(path, picture)
    whole = path.read_bytes()
    for end in range(len(whole) - 12):
        path.write_bytes(whole[:end])
        with pytest.raises(AdapterError) as raised:
            png.read(path)
        # Never in the words of a call of Python's, which tell nobody that it was cut.
        assert ("ends too early" if end >= 8 else "is not a PNG") in str(raised.value)
        assert "unpack" not in str(raised.value)
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        with pytest.raises(AdapterError):
            png.read(path)


def test_a_filter_that_there_is_not_and_a_file_that_is_not_there_are_refused(
    tmp_path: Path,
) -> None:
    _write_png(tmp_path / "x.png", (1, 1, 8, 0, 0, 0, 0), zlib.compress(b"\x05\x00"))
    with pytest.raises(AdapterError, match="there is no filter 5"):
        png.read(tmp_path / "x.png")
    with pytest.raises(AdapterError, match="No such file"):
        png.read(tmp_path / "absent.png")


def test_a_picture_is_resized_to_the_nearest_pixels() -> None:
    picture = GrayImage(width=4, height=2, pixels=bytes([0, 1, 2, 3, 10, 11, 12, 13]))
    assert png.resize(picture, 2, 4) == picture
    assert png.resize(picture, 1, 2).pixels == bytes([11, 13])
    assert png.resize(picture, 2, 8).pixels[:8] == bytes([0, 0, 1, 1, 2, 2, 3, 3])


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=12), st.text(min_size=1))
def test_tensors_are_those_of_the_safetensors_library(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "safetensors.safetensors"
    written = {name: Tensor(shape=(len(values),), values=array("f", values))}
    if name == "__metadata__":
        return
    safetensors.write(path, written)
    assert safetensors.read(path) == written
    assert load_file(path)[name].tolist() == list(written[name].values)
    save_file({name: np.array(values, dtype=np.float32)}, path)
    assert safetensors.read(path) == written


def test_a_file_that_is_no_whole_safetensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    safetensors.write(path, {"a": Tensor(shape=(2,), values=array("f", [1.0, 2.0]))})
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(AdapterError, match="cannot be read as 32-bit safetensors"):
            safetensors.read(path)
    save_file({"a": np.zeros(2)}, path)
    with pytest.raises(AdapterError, match="numbers of type F64"):
        safetensors.read(path)


def a_tensor(start: int = 0, end: int = 8, shape: str = "[2]", dtype: str = "F32") -> str:
    return f'{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{end}]}}'


HOSTILE = {
    "nested": (f'{{"a":{"[" * 100_000}{"]" * 100_000}}}', 0),
    "long number": (f'{{"a":{a_tensor(shape="[" + "1" * 5000 + "]")}}}', 8),
    "negative offset": (f'{{"a":{a_tensor(-8, 0)}}}', 8),
    "reversed offsets": (f'{{"a":{a_tensor(8, 0)}}}', 8),
    "shape of more": (f'{{"a":{a_tensor(shape="[3]")}}}', 8),
    "shape of less": (f'{{"a":{a_tensor(shape="[1]")}}}', 8),
    "negative shape": (f'{{"a":{a_tensor(shape="[-1,-2]")}}}', 8),
    "shape of a float": (f'{{"a":{a_tensor(shape="[2.0]")}}}', 8),
    "overlap": (f'{{"a":{a_tensor()},"b":{a_tensor(4, 12)}}}', 12),
    "gap": (f'{{"a":{a_tensor()},"b":{a_tensor(12, 20)}}}', 20),
    "not from the start": (f'{{"a":{a_tensor(4, 12)}}}', 12),
    "a name twice": (f'{{"a":{a_tensor()},"a":{a_tensor(8, 16)}}}', 16),
    "the same twice": (f'{{"a":{a_tensor()},"b":{a_tensor()}}}', 8),
    "rubbish after it": (f'{{"a":{a_tensor()}}}', 9),
    "too short": (f'{{"a":{a_tensor()}}}', 7),
    "a list": ("[]", 0),
    "no object": ("null", 0),
    "no tensor": ('{"a":3}', 0),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_safetensors_file_is_refused_in_a_line_as_by_the_library(
    tmp_path: Path, name: str
) -> None:
    header, size = HOSTILE[name]
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(size))
    with pytest.raises(AdapterError, match="cannot be read as 32-bit safetensors: ") as caught:
        safetensors.read(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(Exception):  # noqa: B017 - whatever the library calls it
        load_file(path)


def test_a_safetensors_file_that_ends_within_its_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    for content in (b"", b"\1\0\0", (2**63).to_bytes(8, "little") + b"{}"):
        path.write_bytes(content)
        with pytest.raises(AdapterError, match="it ends within its header"):
            safetensors.read(path)


def test_the_catalog_is_what_the_command_writes(tmp_path: Path) -> None:
    from vtspec.adapters.catalogs import toy as source
    from vtspec.adapters.catalogs.catalog_format import build_catalog, dump

    made = dump(
        build_catalog(
            "toy", source, {name: source.build_entry(name) for name in source.list_models()}
        )
    )
    committed = Path(__file__).parents[2] / "images" / "toy" / "catalog.json"
    assert committed.read_text() == made
    assert json.loads(made)["models"]["softmax-regression"]["size"] == [8, 8]


def test_the_catalog_counts_what_the_adapter_trains(tmp_path: Path, data: Path) -> None:
    from vtspec.adapters.catalogs import toy as source

    listener, _ = trained(tmp_path, data)
    entry = source.build_entry("softmax-regression")
    fewer = 1000 - len(CLASSES)
    assert listener.of("begin")[0]["parameters"] == (
        entry["parameters"] - fewer * entry["perClass"]
    )
