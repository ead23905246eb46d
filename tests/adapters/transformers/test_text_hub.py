"""Networks of a hub that write: with its tokenizer, at the commit that a plan pins."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForImageTextToText, PreTrainedTokenizerFast

from hub_server import HubRepository, serving
from text_jobs import CAPTION, READ
from toy_runs import ADAPTERS
from vtspec.adapters.transformers.architectures import describe_architecture

pytestmark = pytest.mark.slow

COMMIT, LATER = "a" * 40, "b" * 40

READER, GIT, BLIP, MIXED = "acme/reader", "acme/git", "acme/blip", "acme/mixed"

LETTERS = "abcdefghi"


def make_tokenizer(start: str, end: str, letters: str = LETTERS) -> Any:
    """Letters as tokens, in their order after the marks, which stand around a text."""
    from tokenizers import Regex, Tokenizer, decoders
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Split
    from tokenizers.processors import TemplateProcessing

    words = ["<pad>", start, end, "<unk>", *letters]
    places = {word: place for place, word in enumerate(words)}
    inner = Tokenizer(WordLevel(places, unk_token="<unk>"))
    parts: Any = Split(Regex("."), "isolated")
    inner.pre_tokenizer = parts
    inner.post_processor = TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=[(start, 1), (end, 2)]
    )
    inner.decoder = decoders.Fuse()
    wrap: Any = PreTrainedTokenizerFast
    return wrap(
        tokenizer_object=inner,
        bos_token=start,
        eos_token=end,
        pad_token="<pad>",
        unk_token="<unk>",
    )


def publish(folder: Path, architecture: str, start: str, end: str) -> None:
    """The files of a model as its makers publish it: in half precision, with a tokenizer, and
    settings of generation that are nobody's here."""
    config = describe_architecture(architecture)
    text = getattr(config, "text_config", getattr(config, "decoder", config))
    text.bos_token_id, text.eos_token_id, text.pad_token_id = 1, 2, 0
    text.sep_token_id = text.decoder_start_token_id = 2
    auto: Any = AutoModelForImageTextToText
    auto.from_config(config).half().save_pretrained(folder)
    make_tokenizer(start, end).save_pretrained(folder)
    settings = {"num_beams": 7, "max_length": 2, "min_length": 2}
    (folder / "generation_config.json").write_text(json.dumps(settings))


LOAD = """\
import json, sys
from pathlib import Path

from transformers import AutoModelForImageTextToText

from text_jobs import a_text_plan
from toy_runs import Listener
from vtspec.adapters.contract import AdapterError
from vtspec.adapters.job import build_job
from vtspec.adapters.transformers.adapter import Adapter


def look(task, name, part, size):
    at = {"type": "hub", "id": name, "revision": "a" * 40}
    model = {"name": name, "parameters": None, "weights": None, part: at}
    plan = {**a_text_plan(task, training={"imageSize": size}), "model": model}
    listener = Listener()
    job = build_job(plan, run="r-0123456789", attempt=1, data_root=place, workdir=place)
    adapter = Adapter(job, listener)
    try:
        adapter.prepare_model()
        writer = adapter.set_up(adapter.model.eval())
    except AdapterError as error:
        return {"refused": str(error), "fix": error.fix}
    theirs = AutoModelForImageTextToText.from_pretrained(place / name).state_dict()
    own = adapter.model.state_dict()
    written = writer.tokenizer.encode("bad")
    result = next(iter(adapter.predict([place / "line.png"])))
    searching = getattr(writer.network, "text_decoder", writer.network).generation_config
    return {
        "types": sorted({str(p.dtype) for p in adapter.model.parameters()}),
        "same": sum(bool((own[n] == theirs[n].float()).all()) for n in theirs) / len(theirs),
        "tokens": written,
        "read": writer.tokenizer.decode(written),
        "start": writer.marks.start,
        "tokenizer": writer.describe()["tokenizer"],
        "told": result.predicted_text is not None,
        "search": [searching.num_beams, searching.max_new_tokens, searching.min_length],
        "warnings": listener.of("warning"),
    }


place = Path(sys.argv[1])
print(json.dumps([look(*one) for one in json.loads(sys.argv[2])]))
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`acme/reader`, `acme/git`, `acme/blip`, one with another's tokenizer, and an image."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("published")
    publish(folder / READER, "vtspec/trocr-tiny", "<s>", "</s>")
    publish(folder / GIT, "vtspec/git-tiny", "[CLS]", "[SEP]")
    shutil.copytree(folder / READER, folder / MIXED)
    make_tokenizer("<s>", "</s>", "".join(map(chr, range(0x4E00, 0x4F00)))).save_pretrained(
        folder / MIXED
    )
    publish(folder / BLIP, "vtspec/blip-captioning-tiny", "[CLS]", "[SEP]")
    Image.new("RGB", (60, 20), "white").save(folder / "line.png")
    return folder


def test_a_hubs_writers_come_with_its_tokenizer_at_their_commit(published: Path) -> None:
    asked = [
        (READ, READER, "weights", [24, 120]),
        (READ, READER, "weights", [24, 48]),
        (READ, READER, "configuration", [24, 120]),
        (CAPTION, GIT, "weights", [64, 64]),
        (CAPTION, BLIP, "weights", [64, 64]),
        (READ, MIXED, "weights", [24, 120]),
    ]
    support = Path(__file__).parents[2] / "support"
    paths = [ADAPTERS, support, *(ADAPTERS.parent / one for one in ("schema", "pipelines"))]
    with serving() as hub:
        for folder in (published / "acme").iterdir():
            files = {file.name: file.read_bytes() for file in folder.iterdir()}
            hub.repositories[f"acme/{folder.name}"] = HubRepository({COMMIT: files, LATER: {}})
        done = subprocess.run(
            [sys.executable, "-c", LOAD, str(published), json.dumps(asked)],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(map(str, paths)),
                "HF_ENDPOINT": hub.endpoint,
                "HF_HOME": str(published / "cache"),
                "HF_HUB_OFFLINE": "0",
            },
            capture_output=True,
            text=True,
        )
        files_of = {one.split("/", 1)[0] for one in hub.list_files()}
        names = {one.split("/", 1)[1] for one in hub.list_files()}
    assert done.returncode == 0, done.stderr
    reader, other_size, bare, git, blip, mixed = json.loads(done.stdout)
    assert files_of == {COMMIT}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
    assert not any(name.endswith((".py", ".bin", ".pkl")) for name in names)
    # TrOCR's own weights write their tokenizer's first mark, too.
    assert (reader["tokens"], reader["read"]) == ([1, 5, 4, 7, 2], "bad")
    assert reader["same"] == 1 and reader["types"] == ["torch.float32"] and not reader["warnings"]
    assert reader["tokenizer"] == f"{READER}@{COMMIT}"
    assert reader["told"] and reader["search"][:2] == [1, 8] and not reader["search"][2]
    assert "trained on images of [24, 120]" in other_size["refused"]
    assert "set training.imageSize: [24, 120]" in other_size["fix"]
    assert bare["tokens"] == reader["tokens"] and bare["same"] < 1
    # Where a text begins, BERT's first mark stands in the network, or one of its own.
    for name, captioner in ((GIT, git), (BLIP, blip)):
        assert (captioner["tokens"], captioner["read"]) == ([5, 4, 7, 2], "bad")
        assert captioner["same"] == 1 and captioner["tokenizer"] == f"{name}@{COMMIT}"
        assert captioner["told"] and captioner["search"][:2] == [1, 24]
    assert "has 260 tokens, and its network 259" in mixed["refused"]
