"""Networks that write texts train, go on where they were stopped, and say what they cannot do."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adapter_training import assert_stops_change_nothing, prepare, train
from text_jobs import CAPTION, READ, a_text_job, write_captions, write_lines
from timm_jobs import differing
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.transformers.adapter import Adapter
from vtspec.adapters.transformers.text_writer import TextItem, TextWriter

pytestmark = pytest.mark.slow

TINY = {
    "vtspec/trocr-tiny": READ,
    "vtspec/git-tiny": CAPTION,
    "vtspec/blip-captioning-tiny": CAPTION,
}


def list_models() -> list[Any]:
    """Those of TINY; BLIP shows what the other two do."""
    dear = "vtspec/blip-captioning-tiny"
    return [
        pytest.param(name, marks=[pytest.mark.exhaustive] if name == dear else []) for name in TINY
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("data")
    return {
        READ: write_lines(root / "lines"),
        CAPTION: write_captions(root / "captions"),
    }


@pytest.fixture(scope="module", params=list_models())
def learnt(
    request: pytest.FixtureRequest,
    data: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Adapter:
    """One that knows its train split by heart."""
    model: str = request.param
    task = TINY[model]
    folder = tmp_path_factory.mktemp("learnt")
    job = a_text_job(task, data[task], folder, model=model, training={"epochs": 40})
    adapter = prepare(Adapter, job)
    for epoch in range(1, 41):
        adapter.train_epoch(epoch)
    return adapter


def get_writer(adapter: Adapter) -> TextWriter:
    writer = adapter.set_up(adapter.model.eval())
    assert isinstance(writer, TextWriter)
    return writer


def list_items(adapter: Adapter, split: str) -> list[TextItem]:
    images: Any = adapter.images[split]
    data = get_writer(adapter).make_dataset(images)
    return [data.load(one, place) for place, one in enumerate(images)]


def list_texts(items: Any) -> list[str]:
    return [items[place].text for place in range(len(items))]


@pytest.mark.parametrize("model", list_models())
def test_a_family_stopped_at_every_step_ends_with_the_bits_of_an_unbroken_run(
    data: dict[str, Path], tmp_path: Path, model: str
) -> None:
    changes: dict[str, Any] = {
        "model": model,
        "training": {
            "gradientAccumulation": 2,
            "augmentation": "strong",
            "ema": {"decay": 0.9, "warmup": True},
        },
    }
    task = TINY[model]
    assert_stops_change_nothing(
        Adapter, lambda folder: a_text_job(task, data[task], folder, **changes), tmp_path
    )


def test_a_network_writes_what_it_learnt(learnt: Adapter) -> None:
    images: Any = learnt.images["train"]
    told = [one.predicted_text for one in learnt.predict(one.path for one in images)]
    right = sum(text in one.texts for text, one in zip(told, images, strict=True))
    # Before that it is wrong of all of them.
    assert right / len(images) >= 0.9, told


def test_what_is_predicted_is_what_was_measured(learnt: Adapter) -> None:
    images: Any = learnt.images["train"]
    told = [one.predicted_text for one in learnt.predict(one.path for one in images)]
    writer = get_writer(learnt)
    metrics = writer.start_metrics()
    for image, text in zip(images, told, strict=True):
        assert text is not None
        writer.add(metrics, image, text)
    measured = learnt.evaluate("train").metrics
    assert metrics.compute() == {name: measured[name] for name in metrics.compute()}


def test_the_loss_is_the_librarys_own(learnt: Adapter) -> None:
    writer = get_writer(learnt)
    item = list_items(learnt, "train")[0]
    network: Any = learnt.model
    tokens = torch.tensor([writer.tokenizer.encode(item.text)])
    begun = torch.cat([torch.tensor([[writer.marks.start]]), tokens[:, :-1]], dim=1)
    given: dict[str, Any] = {"pixel_values": item.pixels[None], "labels": tokens}
    if learnt.job.task == READ:
        given["decoder_input_ids"] = begun
    else:
        # Shifted by the class itself.
        whole = torch.cat([begun, tokens[:, -1:]], dim=1)
        given |= {"input_ids": whole, "labels": whole}
    with torch.inference_mode():
        told = network(**given)
        assert float(writer.compute_loss([item])) == pytest.approx(float(told.loss), rel=1e-4)


def test_a_text_counts_the_same_whatever_is_beside_it(learnt: Adapter) -> None:
    writer = get_writer(learnt)
    items = list_items(learnt, "train")[:4]
    assert len({len(one.text) for one in items}) > 1
    with torch.inference_mode():
        alone = [float(writer.compute_loss([one])) for one in items]
        together = float(writer.compute_loss(items))
    assert together == pytest.approx(sum(alone) / len(alone), rel=1e-4)
    texts = writer.write([one.pixels for one in items])
    assert texts == [writer.write([one.pixels])[0] for one in items]


def test_the_onnx_form_writes_what_the_network_writes(learnt: Adapter, tmp_path: Path) -> None:
    import onnxruntime

    written = learnt.export(["onnx"], tmp_path)["onnx"]
    assert written.max_difference == 0
    session = onnxruntime.InferenceSession(written.path, providers=["CPUExecutionProvider"])
    told = session.get_modelmeta().custom_metadata_map
    writer = get_writer(learnt)
    images = [one.pixels for one in list_items(learnt, "train")[:5]]
    tokens = np.asarray(session.run(None, {"images": torch.stack(images).numpy()})[0])
    assert tokens.shape == (5, json.loads(told["max_new_tokens"]))
    # By what the file itself says of its tokens.
    end, texts = json.loads(told["end_token"]), []
    for row in tokens.tolist():
        ended = row[: row.index(end)] if end in row else row
        texts.append(bytes(one - 3 for one in ended).decode())
    assert "+ 3" in told["tokenizer"] and texts == writer.write(images)
    assert len({len(one) for one in texts}) > 1


@pytest.mark.parametrize("learnt", ["vtspec/trocr-tiny"], indirect=True)
def test_beam_search_finds_likelier_texts_and_its_penalty_longer_ones(learnt: Adapter) -> None:
    plain = get_writer(learnt)
    # Of these it is not sure.
    items = list_items(learnt, "test")
    found: dict[str, list[str]] = {}
    for name, params in (
        ("greedy", {}),
        ("beams", {"numBeams": 8}),
        ("short", {"numBeams": 8, "lengthPenalty": -8.0}),
        ("long", {"numBeams": 8, "lengthPenalty": 8.0}),
    ):
        job = replace(learnt.job, params={**learnt.job.params, **params})
        writer = learnt.part.set_up(learnt.model, learnt.family, job)
        assert isinstance(writer, TextWriter)
        with torch.inference_mode():
            found[name] = writer.write([one.pixels for one in items])
    with torch.inference_mode():
        losses = {
            name: [
                float(plain.compute_loss([replace(one, text=text)]))
                for one, text in zip(items, texts, strict=True)
            ]
            for name, texts in found.items()
        }
    pairs = list(zip(losses["beams"], losses["greedy"], strict=True))
    assert all(beam <= greedy + 1e-5 for beam, greedy in pairs), pairs
    assert any(beam < greedy - 1e-3 for beam, greedy in pairs), pairs
    assert sum(map(len, found["short"])) < sum(map(len, found["long"]))


@pytest.mark.parametrize("model", TINY)
def test_exported_weights_are_start_weights_without_a_word(
    data: dict[str, Path], tmp_path: Path, model: str
) -> None:
    task = TINY[model]
    first = Adapter(a_text_job(task, data[task], tmp_path / "a", model=model), Listener())
    first.prepare_model()
    weights = first.export([], tmp_path)["safetensors"].path
    listener = Listener()
    job = a_text_job(
        task, data[task], tmp_path / "b", model=model, weights=weights, training={"seed": 8}
    )
    again = Adapter(job, listener)
    again.prepare_model()
    assert listener.of("warning") == []
    assert differing(first.model.state_dict(), again.model.state_dict()) == []


@pytest.mark.parametrize(
    ("model", "changes", "said"),
    [
        ("vtspec/trocr-tiny", {"training": {"imageSize": [32, 48]}}, "pieces of 24 by 8"),
        ("vtspec/trocr-tiny", {"params": {"maxNewTokens": 200}}, "texts of 127 tokens, got 200"),
        ("vtspec/trocr-tiny", {"params": {"lengthPenalty": 2.0}}, "set params.numBeams to 2"),
        ("vtspec/trocr-tiny", {"params": {"blur": 0.5}}, "changes nothing"),
        ("vtspec/trocr-tiny", {"training": {"classWeights": "balanced"}}, "classWeights cannot"),
        ("vtspec/trocr-tiny", {"params": {"freezeBatchNorm": True}}, "no batch norms"),
        ("vtspec/git-tiny", {"training": {"imageSize": [32, 64]}}, "takes squares alone"),
        ("vtspec/git-tiny", {"training": {"imageSize": [36, 36]}}, "pieces of 8 by 8"),
        ("vtspec/git-tiny", {"params": {"cropMin": 0.5}}, "changes nothing"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    data: dict[str, Path], tmp_path: Path, model: str, changes: dict[str, Any], said: str
) -> None:
    task = TINY[model]
    training = {"augmentation": "none", **changes.get("training", {})}
    job = a_text_job(
        task, data[task], tmp_path, **{**changes, "model": model, "training": training}
    )
    with pytest.raises(AdapterError) as error:
        train(Adapter, job)
    assert said in f"{error.value} / {error.value.fix}"


def test_texts_that_are_cut_are_told_and_so_is_a_search_that_onnx_lacks(
    data: dict[str, Path], tmp_path: Path
) -> None:
    listener = Listener()
    params = {"maxNewTokens": 3, "numBeams": 2}
    export = {"formats": ["safetensors", "onnx"]}
    adapter = Adapter(
        a_text_job(READ, data[READ], tmp_path, params=params, export=export), listener
    )
    adapter.prepare_model()
    adapter.prepare_dataset()
    cut, search = listener.of("warning")
    texts = [one.text for one in list_items(adapter, "train")]
    long = sum(len(text.encode()) + 1 > 3 for text in texts)
    assert cut.startswith(f"{long} of 12 texts of the train split are longer") and 0 < long < 12
    assert "numBeams" in search


def test_captions_of_an_image_belong_together_and_one_is_drawn_each_time(
    data: dict[str, Path], tmp_path: Path
) -> None:
    adapter = prepare(Adapter, a_text_job(CAPTION, data[CAPTION], tmp_path))
    images: Any = adapter.images["train"]
    assert [len(one.texts) for one in images] == [2] * 12
    writer = get_writer(adapter)
    drawn = [list_texts(writer.make_dataset(images, epoch=epoch)) for epoch in (1, 2, 1)]
    assert drawn[0] == drawn[2] != drawn[1]
    assert all(text in one.texts for text, one in zip(drawn[0], images, strict=True))
    assert list_texts(writer.make_dataset(images)) == [one.texts[0] for one in images]


def test_a_row_without_a_text_is_named(tmp_path: Path) -> None:
    root = write_lines(tmp_path / "lines")
    rows = (root / "val.jsonl").read_text().splitlines()
    (root / "val.jsonl").write_text("\n".join([*rows[:2], '{"path": "val/2.png", "text": " "}']))
    with pytest.raises(AdapterError, match=r"val.jsonl:3: val/2.png has no text") as error:
        train(Adapter, a_text_job(READ, root, tmp_path / "run"))
    assert error.value.fix is not None and "'text'" in error.value.fix
