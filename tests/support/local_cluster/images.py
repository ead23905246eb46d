"""The images of the test cluster, made without a hub: layers in an OCI layout, pushed by crane."""

import hashlib
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_JSON = "application/vnd.oci.image"


def write_layer(target: Path, files: Mapping[str, Path]) -> Path:
    """A layer of single programs: its path in the image, where each is here."""
    with tarfile.open(target, "w") as layer:
        for name, source in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = source.stat().st_size
            entry.mode = 0o755
            with source.open("rb") as content:
                layer.addfile(entry, content)
    return target


def write_image(folder: Path, layers: list[Path], *, config: dict[str, Any]) -> Path:
    """An OCI layout of uncompressed layers, the same to the byte for the same layers.

    Args:
        folder: what does not exist yet and becomes the layout.
        layers: tar files of the same file system, lowest first; they are linked, not copied.
        config: `Entrypoint`, `Cmd`, `Env`, `User`, `WorkingDir`, as in a Dockerfile.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    described = []
    for layer in layers:
        with layer.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if not (blobs / digest).exists():
            # crane takes no symbolic link for a layer.
            os.link(layer, blobs / digest)
        described.append(_descriptor(f"{_JSON}.layer.v1.tar", digest, layer.stat().st_size))
    image = {
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in described]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_JSON}.manifest.v1+json",
        "config": _add(blobs, f"{_JSON}.config.v1+json", image),
        "layers": described,
    }
    index = {
        "schemaVersion": 2,
        "mediaType": f"{_JSON}.index.v1+json",
        "manifests": [_add(blobs, f"{_JSON}.manifest.v1+json", manifest)],
    }
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    return folder


def _add(blobs: Path, media_type: str, content: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(content, sort_keys=True).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return _descriptor(media_type, digest, len(data))


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}
