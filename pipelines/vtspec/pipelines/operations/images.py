"""The container images: built here, pushed to a registry, and pinned by what that answers."""

import hashlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from vtspec.adapters.shell_command import format_command
from vtspec.pipelines.errors import Refused

if TYPE_CHECKING:
    from vtspec.pipelines.catalog import Framework
    from vtspec.pipelines.images import ContainerEngine, ImageReference

BASE: Final = "base"
"""The image that all others stand on."""

State = Literal["built", "outdated", "absent", "unknown"]


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """What one image is built from: its folder below `images/`, and its framework, if any."""

    name: str
    folder: Path
    framework: "Framework | None"

    @property
    def dockerfile(self) -> Path:
        """The file that it is built by."""
        return self.folder / "Dockerfile"

    def choose_arguments(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """Those that its Dockerfile has: engines warn of any other."""
        declared = re.findall(r"^ARG (\w+)", self.dockerfile.read_text(), flags=re.MULTILINE)
        return {name: given[name] for name in declared if name in given}

    def build_labels(self) -> Mapping[str, str]:
        """What the image says of itself once it is built."""
        from importlib.metadata import version

        from vtspec.pipelines.catalog import load_params
        from vtspec.pipelines.images import build_labels

        params = load_params(self.framework) if self.framework else {}
        sources = hash_sources(self.folder.parents[1])
        return build_labels(self.name, version("vtspec"), self.framework, params, sources)


@dataclass(frozen=True, kw_only=True)
class ImageState:
    """An image as it stands: `local` says whether it is here as its files say.

    `local` is "unknown" where no engine is here to ask.
    """

    source: ImageSource
    local: State
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LockedImage:
    """An image whose digest stands in its image.yaml, and whether it stood there before."""

    reference: "ImageReference"
    digest: str
    file: Path
    changed: bool


def get_default_tag() -> str:
    """The tag of images that nobody named another for: the version of vtspec."""
    from importlib.metadata import version

    # A local version (0.1.0+abc) has a sign that no tag may have.
    return version("vtspec").replace("+", "-")


def hash_sources(root: Path) -> str | None:
    """`sha256:…` over the files that images are built from; None where vtspec is installed.

    They are those that .dockerignore lets in, but for the digests in each image.yaml: to lock an
    image is not to change it.
    """
    ignore = root / ".dockerignore"
    if not ignore.is_file():
        return None
    digest = hashlib.sha256()
    for name in sorted(re.findall(r"^!(\S+)$", ignore.read_text(), flags=re.MULTILINE)):
        for path in sorted((root / name).rglob("*")) if (root / name).is_dir() else [root / name]:
            if not path.is_file() or "__pycache__" in path.parts:
                continue
            content = path.read_bytes()
            if path.name == "image.yaml":
                content = re.sub(rb"(?m)^digest:.*\n?", b"", content)
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(content).digest())
    return f"sha256:{digest.hexdigest()}"


def choose_registry(named: str | None, start: Path) -> str:
    """The registry that is named, or the one that vtspec.yaml of a folder names.

    Raises `Refused` where neither does.
    """
    from vtspec.pipelines.project.repository import find_repository

    found = named or find_repository(start).project.spec.registry
    if found is None:
        raise Refused(
            "no registry of images is named",
            fix="add --registry ghcr.io/my-team, or in vtspec.yaml under spec: "
            "registry: ghcr.io/my-team",
        )
    return found


def find_sources(names: Sequence[str]) -> list[ImageSource]:
    """The images of these names, each once; all there are for none.

    Raises `Refused` for a name that no image has.
    """
    from vtspec.pipelines.catalog import get_images_folder, load_frameworks
    from vtspec.schema.suggestions import suggest_fix

    folder, frameworks = get_images_folder(), load_frameworks()
    found = {
        file.parent.name: ImageSource(
            name=file.parent.name, folder=file.parent, framework=frameworks.get(file.parent.name)
        )
        for file in sorted(folder.glob("*/Dockerfile"))
    }
    for name in names:
        if name in frameworks and name not in found:
            raise _make_unbuildable(frameworks[name], folder, list(found))
        if name not in found:
            raise Refused(f"there is no image '{name}'", fix=suggest_fix(name, found))
    return [found[name] for name in dict.fromkeys(names or found)]


def _make_unbuildable(framework: "Framework", folder: Path, others: Sequence[str]) -> Refused:
    if framework.folder.parent == folder:
        return Refused(
            f"{framework.name} has no image yet: its adapter is to come",
            fix=f"name one of {', '.join(others)}",
        )
    return Refused(
        f"{framework.name} is of another package, which publishes its image by itself",
        fix=f"write the digest of that into {framework.folder / 'image.yaml'}",
    )


def build_images(
    sources: Sequence[ImageSource],
    engine: "ContainerEngine",
    tag: str,
    python_image: str | None,
    report: Callable[[str], None],
) -> Iterator[str]:
    """Build each image, and first the one they stand on; yields the names as they are there.

    Raises `Refused` outside of a checkout, `Permanent` where one cannot be built.
    """
    from vtspec.pipelines.images import format_local_name

    (base,) = find_sources([BASE])
    context = _get_context(base)
    chosen = {"BASE": format_local_name(BASE, tag)}
    if python_image:
        chosen["PYTHON_IMAGE"] = python_image
    for source in [base, *(each for each in sources if each.name != BASE)]:
        name = format_local_name(source.name, tag)
        report(f"building {name} with {engine}")
        labels, arguments = source.build_labels(), source.choose_arguments(chosen)
        engine.build(context, source.dockerfile, name, labels=labels, arguments=arguments)
        yield name


def push_images(
    sources: Sequence[ImageSource],
    engine: "ContainerEngine",
    registry: str,
    tag: str,
    report: Callable[[str], None],
) -> "Iterator[ImageReference]":
    """Push each image that was built from the files as they are; yields what is there then.

    Raises `Refused` where one was not, before any is pushed; `Permanent` where the registry
    refuses.
    """
    from vtspec.pipelines.images import format_local_name, parse_reference

    references = [parse_reference(registry, source.name, tag) for source in sources]
    for source in sources:
        _refuse_outdated(source, engine, tag)
    for source, reference in zip(sources, references, strict=True):
        report(f"pushing {reference} with {engine}")
        engine.push(format_local_name(source.name, tag), str(reference))
        yield reference


def lock_images(
    sources: Sequence[ImageSource], registry: str, tag: str, environ: Mapping[str, str]
) -> Iterator[LockedImage]:
    """Write the digest that the registry answers into each framework's image.yaml.

    Raises `Refused` for an image that no plan pins, or one that was built from other files;
    `Permanent` or `Temporary` where the registry has none or does not answer.
    """
    from vtspec.pipelines.images import RegistryClient, parse_reference, write_digest

    for source in sources:
        if source.framework is None:
            raise Refused(
                f"{source.name}: no plan pins it, so that there is no image.yaml to lock it in",
                fix="lock the image of a framework, such as: "
                + format_command("vtspec", "images", "lock", "timm", "--registry", registry),
            )
    _get_context(sources[0])
    client: RegistryClient | None = None
    for source in sources:
        reference = parse_reference(registry, source.name, tag)
        client = client or RegistryClient(host=reference.host, environ=environ)
        published = client.read_image(reference)
        _refuse_differences(source, published.labels, str(reference))
        file = source.folder / "image.yaml"
        changed = write_digest(file, published.digest)
        yield LockedImage(reference=reference, digest=published.digest, file=file, changed=changed)


def list_images(engine: "ContainerEngine | None", tag: str) -> Iterator[ImageState]:
    """Every image that can be built, and whether it is here."""
    from vtspec.pipelines.images import describe_differences, format_local_name

    for source in find_sources(()):
        if engine is None:
            yield ImageState(source=source, local="unknown")
            continue
        labels = engine.read_labels(format_local_name(source.name, tag))
        if labels is None:
            yield ImageState(source=source, local="absent")
            continue
        differences = tuple(describe_differences(labels, source.build_labels()))
        state: State = "outdated" if differences else "built"
        yield ImageState(source=source, local=state, differences=differences)


def _refuse_outdated(source: ImageSource, engine: "ContainerEngine", tag: str) -> None:
    from vtspec.pipelines.images import format_local_name

    name = format_local_name(source.name, tag)
    labels = engine.read_labels(name)
    if labels is None:
        raise Refused(f"{name} is not here", fix=_format_build(source))
    _refuse_differences(source, labels, name)


def _refuse_differences(source: ImageSource, labels: Mapping[str, str], shown: str) -> None:
    from vtspec.pipelines.images import describe_differences

    differences = describe_differences(labels, source.build_labels())
    if differences:
        raise Refused(
            f"{shown} was built from other files: {'; '.join(differences)}",
            fix=f"{_format_build(source)}, and push it",
        )


def _format_build(source: ImageSource) -> str:
    return format_command("vtspec", "images", "build", source.name)


def _get_context(source: ImageSource) -> Path:
    """The checkout that images are built from. Raises `Refused` where vtspec is installed."""
    root = source.folder.parents[1]
    # An installed vtspec has the files of its images, and no source that they are made from.
    if not (root / "pyproject.toml").is_file():
        raise Refused(
            f"images are made from vtspec's sources, and {Path(sys.prefix)} has it installed",
            fix="git clone vtspec, and there: make setup && .venv/bin/vtspec images build "
            + source.name,
        )
    return root
