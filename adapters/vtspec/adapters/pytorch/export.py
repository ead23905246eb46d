"""A trained PyTorch network into files that other programs read, each one checked."""

from __future__ import annotations

import copy
import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vtspec.adapters.contract import AdapterError, ExportedFile

from .state import save_weights

if TYPE_CHECKING:
    import torch

EXPORTS: Final = ("safetensors", "onnx")

TOLERANCE: Final = 1e-4
"""Largest difference of a logit that an export may show, as a share of the largest logit (or of
1, where all are smaller)."""

_PROTOBUF_BYTES: Final = 2**31 - 2**24


def export_safetensors(
    model: torch.nn.Module, path: Path, metadata: Mapping[str, str]
) -> ExportedFile:
    """Write the weights in float32, with `metadata` in the file's header."""
    save_weights(_copy_for_export(model), path, metadata)
    return ExportedFile(path=path)


@dataclass(frozen=True)
class Outputs:
    """What an exported network gives: tensors of these names, the first dimension of each being
    that of the images. Without `any_batch` it takes one image, as code may be that cannot be
    traced for any number; without `is_ordered` the second dimension is a set. With a `size_step`
    it takes images of any size in multiples of that."""

    names: tuple[str, ...] = ("logits",)
    any_batch: bool = True
    is_ordered: bool = True
    size_step: int | None = None


LOGITS: Final = Outputs()


def write_exports(
    formats: Sequence[str],
    folder: Path,
    network: torch.nn.Module,
    metadata: Mapping[str, str],
    prepare_onnx: Callable[[], tuple[torch.nn.Module, torch.Tensor, Outputs]],
) -> dict[str, ExportedFile]:
    """Write `model.safetensors`, always, and `model.onnx` where asked for, into `folder`.

    `prepare_onnx` gives the network as a function of pixels to its outputs, the images that the
    ONNX form is held against it on, and what the outputs are.

    Raises:
        AdapterError: a format that cannot be written, or as `export_onnx`.
    """
    unknown = [form for form in formats if form not in EXPORTS]
    if unknown:
        raise AdapterError(
            f"export.formats: '{unknown[0]}' cannot be written", f"take {' or '.join(EXPORTS)}"
        )
    path = folder / "model.safetensors"
    written = {"safetensors": export_safetensors(network, path, metadata)}
    if "onnx" in formats:
        plain, images, outputs = prepare_onnx()
        written["onnx"] = export_onnx(plain, images, folder / "model.onnx", metadata, outputs)
    return written


def export_onnx(
    model: torch.nn.Module,
    images: torch.Tensor,
    path: Path,
    metadata: Mapping[str, str],
    outputs: Outputs = LOGITS,
) -> ExportedFile:
    """Write a network that takes `images` `(n, 3, h, w)` and gives a tensor, or a tuple of as
    many as `outputs` has names.

    ONNX Runtime must give what PyTorch gives for `images`, all at once and one alone; where they
    may be of any size, for one that lies on its side, too.

    Raises:
        AdapterError: the network cannot be exported, or the export says something else.
    """
    plain = _copy_for_export(model)
    if sum(p.numel() * p.element_size() for p in plain.parameters()) > _PROTOBUF_BYTES:
        raise AdapterError(
            "an ONNX file holds at most 2 GiB, the network is larger", "export safetensors alone"
        )
    images = images.cpu().float()
    _write_onnx(plain, images[: 2 if outputs.any_batch else 1], path, outputs)
    _add_metadata(path, metadata)
    batches = [images, images[:1]] if outputs.any_batch else [image[None] for image in images]
    if outputs.size_step is not None:
        batches.append(_reshape(images[:1], outputs.size_step))
    difference, scale = _measure_difference(plain, batches, path, outputs)
    if not difference <= TOLERANCE * max(1.0, scale):
        path.unlink()
        far = f": they differ by up to {difference:.3g}" if math.isfinite(difference) else ""
        raise AdapterError(
            f"the ONNX export gives other {' and '.join(outputs.names)}{far}",
            "export safetensors alone, and report the model's name",
        )
    return ExportedFile(path=path, max_difference=difference)


def _copy_for_export(model: torch.nn.Module) -> torch.nn.Module:
    import torch

    plain = copy.deepcopy(model).cpu().float().eval()
    for parameter in plain.parameters():
        parameter.requires_grad_(False)
    return plain.to(memory_format=torch.contiguous_format)


def _write_onnx(
    plain: torch.nn.Module, images: torch.Tensor, path: Path, outputs: Outputs
) -> None:
    import torch

    try:
        # The exporter warns about its own internals, which nobody here can mend.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                plain,
                (images,),
                path,
                input_names=["images"],
                output_names=list(outputs.names),
                dynamic_shapes=_describe_shapes(outputs),
                external_data=False,
                verbose=False,
                custom_translation_table={torch.ops.aten._is_all_true.default: _translate_all},
            )
    except torch.onnx.errors.OnnxExporterError as error:
        said = str(error).strip().splitlines()[0]
        raise AdapterError(
            f"the network cannot be exported to ONNX: {said}", "export safetensors alone"
        ) from error


def _describe_shapes(outputs: Outputs) -> Any:
    """Which sides of the images may differ from those of the example."""
    from torch.export import Dim

    batch = {0: Dim("batch")} if outputs.any_batch else {}
    step = outputs.size_step
    sides = {} if step is None else {2: step * Dim("height"), 3: step * Dim("width")}
    return ({**batch, **sides},) if batch or sides else None


def _reshape(images: torch.Tensor, step: int) -> torch.Tensor:
    """The images with other sides: turned, and higher by a step."""
    import torch

    turned = images.transpose(2, 3)
    return torch.cat([turned, turned[:, :, -step:]], dim=2).contiguous()


def _translate_all(flags: Any) -> Any:
    """Whether all are true: what the exporter has no words for, in checks of a network's own."""
    import onnxscript

    op: Any = onnxscript.opset18
    return op.Equal(op.ReduceMin(op.Cast(flags, to=7), keepdims=0), op.Constant(value_int=1))


def _add_metadata(path: Path, metadata: Mapping[str, str]) -> None:
    import onnx

    graph = onnx.load(path)
    # The exporter notes where in which file each node comes from: paths of this machine alone.
    for node in graph.graph.node:
        kept = [one for one in node.metadata_props if one.key != "pkg.torch.onnx.stack_trace"]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    onnx.helper.set_model_props(graph, dict(metadata))
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, path)


def _measure_difference(
    plain: torch.nn.Module, batches: Sequence[torch.Tensor], path: Path, outputs: Outputs
) -> tuple[float, float]:
    import torch

    # Read when it is imported, which else keeps an id of the machine at home and reports to its
    # makers.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    difference, scale = 0.0, 0.0
    for batch in batches:
        with torch.inference_mode():
            told = plain(batch)
        expected = told if isinstance(told, tuple) else (told,)
        actual = session.run(list(outputs.names), {"images": batch.numpy()})
        pairs = zip(expected, map(torch.from_numpy, actual), strict=True)
        compare = _compare if outputs.is_ordered else _compare_sets
        difference = max(difference, compare([(mine, other) for mine, other in pairs]))
        numbers = [mine for mine in expected if mine.is_floating_point()]
        scale = max(scale, *(float(mine.abs().max()) for mine in numbers), 0.0)
    return difference, scale


def _compare(pairs: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> float:
    return max(map(_compare_one, *zip(*pairs, strict=True)))


def _compare_one(mine: torch.Tensor, other: torch.Tensor) -> float:
    # Of whole numbers, which stand for tokens, none is close to another.
    if not mine.is_floating_point():
        return 0.0 if mine.equal(other) else float("inf")
    return float((mine - other).abs().max())


def _compare_sets(pairs: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> float:
    """The largest difference of an entry, with all its outputs, from the nearest on the other
    side: queries that score alike may change places."""
    import torch

    mine, other = (torch.cat(side, dim=-1)[0] for side in zip(*pairs, strict=True))
    apart = (mine[:, None] - other[None]).abs().amax(-1)
    return float(torch.maximum(apart.amin(0).max(), apart.amin(1).max()))
