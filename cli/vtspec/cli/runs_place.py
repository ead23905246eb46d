"""The option that says where runs are."""

import os
from pathlib import Path
from typing import Any

import click


class RunsPlace(click.ParamType[Path]):
    """A folder of runs, or s3://BUCKET/PREFIX, for which its mirror here stands."""

    name = "folder"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        """The folder; an address of another kind is refused."""
        if isinstance(value, Path):
            return value
        from vtspec.pipelines.cache_folder import get_mirror_folder, is_store

        if is_store(value):
            return get_mirror_folder(value, os.environ)
        if "://" in value:
            self.fail(f"'{value}' is neither a folder nor s3://BUCKET/PREFIX", param, ctx)
        return Path(value)
