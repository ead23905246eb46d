"""A repository on disk to plan in: a project, a dataset with its pointer, two experiments."""

from pathlib import Path

HASH = "0123456789abcdef0123456789abcdef.dir"

PROJECT = """\
apiVersion: vtspec.dev/v1alpha1
kind: Project
metadata: {name: mine}
spec:
  gpuTypes:
    t4: {memory: 15360Mi, pricePerHour: 0.35, tflops: 20, bf16: false}
  prices: {currency: EUR, cpuPerHour: 0.04}
"""

POINTER = f"""\
outs:
- md5: {HASH}
  size: 400000
  nfiles: 1797
  hash: md5
  path: digits
"""

DATASET = """\
apiVersion: vtspec.dev/v1alpha1
kind: Dataset
metadata: {name: digits}
spec:
  tasks: [image-classification]
  format: imagefolder
  source: {dvc: {path: data/digits}}
  classes: ["0", "1", "2"]
  splits: {train: {path: train}, val: {path: val}, test: {path: test}}
  statistics:
    images: 300
    splits: {train: {images: 200}, val: {images: 50}, test: {images: 50}}
"""

EXPERIMENT = """\
apiVersion: vtspec.dev/v1alpha1
kind: Experiment
metadata: {name: deep}
spec:
  description: Is a deeper network worth it?
  task: image-classification
  model: {name: resnet18}
  dataset: {ref: digits}
  training: {epochs: 5, batchSize: 64, imageSize: 32}
  resources: {gpus: 0, cpus: 2, memory: 4Gi, maxDuration: 30m}
  report:
    baseline: small
    gates: ["accuracy >= 0.95"]
"""

BASELINE = """\
apiVersion: vtspec.dev/v1alpha1
kind: Experiment
metadata: {name: small}
spec:
  task: image-classification
  framework: timm
  model: {name: resnet10t}
  dataset: {ref: digits}
  training: {epochs: 3, batchSize: 64, imageSize: 32}
  resources: {gpus: 0, cpus: 2, memory: 8Gi, maxDuration: 30m}
"""

FILES = {
    "vtspec.yaml": PROJECT,
    "data/digits.dvc": POINTER,
    "specs/datasets/digits.yaml": DATASET,
    "specs/experiments/deep.yaml": EXPERIMENT,
    "specs/experiments/small.yaml": BASELINE,
}


def a_repository(root: Path) -> Path:
    """Write the repository into `root`, which is then returned."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def change(root: Path, file: str, old: str, new: str) -> None:
    """Put `new` where `old` stands in a file, which must hold it."""
    text = (root / file).read_text(encoding="utf-8")
    assert old in text
    (root / file).write_text(text.replace(old, new), encoding="utf-8")
