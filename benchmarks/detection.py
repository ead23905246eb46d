"""Detection metrics beside pycocotools, on the same objects; the bar is 20 times its speed.

Ours is all of `DetectionMetrics`: taking the images one by one, then every metric, of which
pycocotools has average precision and recall alone. Its time is that of `evaluate` and
`accumulate`, without reading the results in. Processor seconds. The arrays must be equal to the
bit, or this ends with 1.

    python benchmarks/detection.py [IMAGES]
"""

import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from detections import Row, evaluate_with_pycocotools, make_detections
from vtspec.adapters.evaluation.coco_evaluation import IOU_TYPES, Kind
from vtspec.adapters.evaluation.detection import DetectionMetrics
from vtspec.adapters.evaluation.objects import encode_masks


def measure(rows: list[Row], classes: int, kind: Kind) -> tuple[DetectionMetrics, float]:
    """All metrics, and the seconds that they took."""
    began = time.process_time()
    metrics = DetectionMetrics([str(n) for n in range(classes)], kind)
    for row in rows:
        metrics.update(*row)
    metrics.compute()
    return metrics, time.process_time() - began


def compare(kind: Kind, images: int, classes: int, extra: int) -> bool:
    """Print one line; whether the arrays are equal to the bit."""
    rows = make_detections(0, images, classes, kind=kind, extra=extra)
    if kind == "mask":
        # Neither side's time: both take runs.
        rows = [(name, encode_masks(one), encode_masks(other)) for name, one, other in rows]
    metrics, ours = measure(rows, classes, kind)
    before = time.process_time()
    metrics.build_details()
    details = time.process_time() - before
    peer = evaluate_with_pycocotools(rows, classes, IOU_TYPES[kind])
    told = metrics.measured.evaluation.eval
    assert told is not None
    equal = all(
        np.array_equal(told[name], peer.eval[name]) for name in ("precision", "recall", "scores")
    )
    found = sum(len(found.boxes) for _, _, found in rows)
    print(
        f"{kind:10s}{images:7,d} images {found:8,d} detections {classes:3d} classes: "
        f"{ours:6.2f} s, pycocotools {peer.seconds:6.2f} s, {peer.seconds / ours:5.1f} x; "
        f"details {details:5.2f} s more; arrays {'equal' if equal else 'DIFFER'}"
    )
    return equal


def main() -> int:
    """Boxes, masks and keypoints."""
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    equal = [
        compare("box", images, classes=80, extra=95),
        compare("mask", images // 5, classes=20, extra=15),
        compare("keypoints", images, classes=1, extra=10),
    ]
    print(f"peak      {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:9.0f} MB")
    return 0 if all(equal) else 1


if __name__ == "__main__":
    sys.exit(main())
