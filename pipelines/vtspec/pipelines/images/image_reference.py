"""What images are called, here and in a registry. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from vtspec.pipelines.errors import Refused
from vtspec.schema.kinds.patterns import REGISTRY

_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, kw_only=True)
class ImageReference:
    """A tagged image in a registry: `ghcr.io/team/vtspec-toy:0.1.0` is that of `toy`."""

    registry: str
    name: str
    tag: str

    @property
    def host(self) -> str:
        """Where the registry is reached: HOST or HOST:PORT."""
        return self.registry.partition("/")[0]

    @property
    def repository(self) -> str:
        """What the registry calls all versions of the image."""
        return f"{self.registry}/vtspec-{self.name}".partition("/")[2]

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}:{self.tag}"

    def pin(self, digest: str) -> str:
        """Name the image by what it is and not by what it is called: `…/vtspec-toy@sha256:…`."""
        return f"{self.host}/{self.repository}@{digest}"


def parse_reference(registry: str, name: str, tag: str) -> ImageReference:
    """The image `name` below a registry, HOST[:PORT][/PATH]. Raises `Refused` for another form."""
    # `$` of a pattern that JSON Schemas know too lets a line end by.
    if not re.search(REGISTRY.pattern, registry) or not registry.isprintable():
        raise Refused(
            f"--registry: must be HOST[:PORT][/PATH] in lower case, got '{registry}'",
            fix="name it as in --registry ghcr.io/my-team",
        )
    _check_tag(tag)
    return ImageReference(registry=registry, name=name, tag=tag)


def format_local_name(name: str, tag: str) -> str:
    """What an image is called where it is built."""
    _check_tag(tag)
    # Podman takes a bare name for any that ends so, and would build over what was pulled.
    return f"localhost/vtspec-{name}:{tag}"


def _check_tag(tag: str) -> None:
    if not _TAG.fullmatch(tag):
        raise Refused(
            f"--tag: must be letters, digits, '_', '.' and '-', at most 128, got '{tag}'",
            fix="leave out --tag, which is vtspec's version then",
        )
