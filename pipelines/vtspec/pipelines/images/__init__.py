"""Container images: what they say of themselves, how they are built, and where they are kept."""

from .container_engine import ContainerEngine, EngineName, find_engine
from .image_file import write_digest
from .image_labels import build_labels, describe_differences
from .image_reference import ImageReference, format_local_name, parse_reference
from .registry_client import PublishedImage, RegistryClient

__all__ = [
    "ContainerEngine",
    "EngineName",
    "ImageReference",
    "PublishedImage",
    "RegistryClient",
    "build_labels",
    "describe_differences",
    "find_engine",
    "format_local_name",
    "parse_reference",
    "write_digest",
]
