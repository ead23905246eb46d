"""How fast specs are validated, against check-jsonschema on the same files.

Writes 1,000 experiments of about 35 lines and two datasets into a folder, then measures in CPU
seconds (user and system, of one core's work):

- `vtspec`: reading, structure, rules and semantics of all files in one warm process;
- `vtspec validate`: the command as a process of its own, start included;
- `check-jsonschema`: the peer with our JSON Schema, start included; it knows no semantics.

Run: python benchmarks/validate.py [--specs N]
"""

import argparse
import gc
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "schema/v1alpha1/experiment.schema.json"

DATASET = """\
apiVersion: vtspec.dev/v1alpha1
kind: Dataset
metadata:
  name: {name}
spec:
  tasks: [image-classification]
  format: imagefolder
  source:
    dvc: {{path: data/{name}}}
  classes: [cat, dog, fox, owl]
  splits:
    train: {{path: train}}
    val: {{path: val}}
    test: {{path: test}}
  statistics:
    images: 4000
    splits:
      train: {{images: 3000, perClass: {{cat: 750, dog: 750, fox: 750, owl: 750}}}}
"""

EXPERIMENT = """\
# yaml-language-server: $schema=../../schema/v1alpha1/experiment.schema.json
apiVersion: vtspec.dev/v1alpha1
kind: Experiment
metadata:
  name: sweep-{index:04d}
  labels:
    team: vision
spec:
  task: image-classification
  framework: timm                 # may be left out where the model decides it
  model:
    name: {model}
    pretrained: true
  dataset:
    ref: {dataset}                # specs/datasets/{dataset}.yaml
    classes: [cat, dog, owl]
  training:
    epochs: {epochs}
    batchSize: 64
    learningRate: {rate}
    imageSize: 224
    optimizer: adamw
    weightDecay: 0.05
    warmupEpochs: 2
    augmentation: light
    seed: {index}
  params:
    dropPathRate: 0.1
    hflip: 0.5
  resources: {{gpus: 0, cpus: 4, memory: 16Gi, maxDuration: 12h}}
  report:
    baseline: sweep-0000
    gates:
      - accuracy >= 0.95
      - macro_f1 >= 0.9
"""

MODELS = ("resnet18", "resnet10t", "resnet50.a1_in1k", "convnext_tiny")


def write_specs(folder: Path, count: int) -> list[Path]:
    """The files of `count` experiments below `folder`, with their datasets beside them."""
    (folder / "specs/datasets").mkdir(parents=True)
    (folder / "specs/experiments").mkdir()
    for name in ("animals", "pets"):
        (folder / f"specs/datasets/{name}.yaml").write_text(DATASET.format(name=name))
    files = []
    for index in range(count):
        text = EXPERIMENT.format(
            index=index,
            model=known_models()[index % len(known_models())],
            dataset=("animals", "pets")[index % 2],
            epochs=10 + index % 90,
            rate=f"{1 + index % 9}e-4",
        )
        # The first is what the others are compared with, and has no baseline itself.
        text = text.replace("    baseline: sweep-0000\n", "") if index == 0 else text
        files.append(folder / f"specs/experiments/sweep-{index:04d}.yaml")
        files[-1].write_text(text)
    return files


def known_models() -> list[str]:
    """Those of MODELS that the catalog holds."""
    from vtspec.pipelines.catalog import find_model

    return [name for name in MODELS if find_model(name)]


def in_process(folder: Path, repeats: int) -> float:
    """CPU seconds of validating everything below `folder` once, in a warm process."""
    from vtspec.pipelines.operations.validate import find_problems, load_specs

    seconds = []
    for _ in range(repeats):
        gc.collect()
        start = time.process_time()
        specs = load_specs([str(folder / "specs")], io.BytesIO())
        problems = find_problems(specs, folder)
        seconds.append(time.process_time() - start)
        if problems:
            sys.exit(f"the specs should have no problems: {problems[0]}")
    return statistics.median(seconds)


def cpu_of(command: list[str], folder: Path, repeats: int) -> float:
    """CPU seconds of a process, which must succeed; with byte code compiled beforehand."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    seconds = []
    for _ in range(repeats + 1):
        before = os.times()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
        after = os.times()
        if done.returncode != 0:
            sys.exit(f"{command[0]} failed: {done.stdout[-500:]}{done.stderr[-500:]}")
        user = after.children_user - before.children_user
        seconds.append(user + after.children_system - before.children_system)
    return statistics.median(seconds[1:])


def main() -> None:
    """Measure and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--specs", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    bin_folder = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = write_specs(folder, options.specs)
        lines = len(files[-1].read_text().splitlines())
        in_process(folder, 1)
        words = [str(bin_folder / "vtspec"), "validate", "specs"]
        peer_words = [str(bin_folder / "check-jsonschema"), "--schemafile", str(SCHEMA)]
        peer_words += map(str, files)
        # In turn, so that a machine whose speed drifts is as slow for one as for the other.
        rounds = [
            (in_process(folder, 1), cpu_of(words, folder, 1), cpu_of(peer_words, folder, 1))
            for _ in range(options.rounds)
        ]
    count = options.specs
    print(f"{count} experiments of {lines} lines and 2 datasets, CPU seconds on one core")
    names = (
        "vtspec, semantics included",
        "vtspec validate (process)",
        "check-jsonschema (process)",
    )
    for name, seconds in zip(names, zip(*rounds, strict=True), strict=True):
        typical = statistics.median(seconds)
        print(f"{name:28}{typical:7.3f} s   {count / typical:7.0f} specs/s")
    for name, column in (("warm", 0), ("as a process", 1)):
        ratios = sorted(each[2] / each[column] for each in rounds)
        typical = statistics.median(ratios)
        print(f"ratio {name}: {typical:.1f}x ({ratios[0]:.1f} to {ratios[-1]:.1f}; bar 10x)")


if __name__ == "__main__":
    main()
