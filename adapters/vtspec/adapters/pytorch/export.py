"""A trained PyTorch network into files that other programs read, each one checked."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vtspec.adapters.contract import AdapterError, ExportedFile

from .state import save_weights

if TYPE_CHECKING:
    import torch

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


def export_onnx(
    model: torch.nn.Module, images: torch.Tensor, path: Path, metadata: Mapping[str, str]
) -> ExportedFile:
    """Write a network that takes `images` `(n, 3, h, w)`, any n, and gives `logits` `(n, c)`.

    ONNX Runtime must give the logits that PyTorch gives for `images`, all at once and one alone.

    Raises:
        AdapterError: the network cannot be exported, or the export says something else.
    """
    plain = _copy_for_export(model)
    if sum(p.numel() * p.element_size() for p in plain.parameters()) > _PROTOBUF_BYTES:
        raise AdapterError(
            "an ONNX file holds at most 2 GiB, the network is larger", "export safetensors alone"
        )
    images = images.cpu().float()
    _write_onnx(plain, images, path)
    _add_metadata(path, metadata)
    difference, scale = _measure_difference(plain, images, path)
    if not difference <= TOLERANCE * max(1.0, scale):
        path.unlink()
        raise AdapterError(
            f"the ONNX export gives other logits: they differ by up to {difference:.3g}",
            "export safetensors alone, and report the model's name",
        )
    return ExportedFile(path=path, max_difference=difference)


def _copy_for_export(model: torch.nn.Module) -> torch.nn.Module:
    import torch

    plain = copy.deepcopy(model).cpu().float().eval()
    for parameter in plain.parameters():
        parameter.requires_grad_(False)
    return plain.to(memory_format=torch.contiguous_format)


def _write_onnx(plain: torch.nn.Module, images: torch.Tensor, path: Path) -> None:
    import torch

    try:
        # The exporter warns about its own internals, which nobody here can mend.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                plain,
                (images[:2],),
                path,
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                external_data=False,
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        said = str(error).strip().splitlines()[0]
        raise AdapterError(
            f"the network cannot be exported to ONNX: {said}", "export safetensors alone"
        ) from error


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
    plain: torch.nn.Module, images: torch.Tensor, path: Path
) -> tuple[float, float]:
    import onnxruntime
    import torch

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    difference, scale = 0.0, 0.0
    for batch in (images, images[:1]):
        with torch.inference_mode():
            expected = plain(batch)
        (actual,) = session.run(["logits"], {"images": batch.numpy()})
        difference = max(difference, float((torch.from_numpy(actual) - expected).abs().max()))
        scale = max(scale, float(expected.abs().max()))
    return difference, scale
