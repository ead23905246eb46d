"""The option that says where runs are."""

import os
import re
from pathlib import Path
from typing import Any

import click

from vtspec.schema.kinds.patterns import RUNS


class RunsPlace(click.ParamType[Path]):
    """A folder of runs, or s3://BUCKET/PREFIX, for which its mirror here stands."""

    name = "folder"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        """The folder; an address of another kind is refused."""
        if isinstance(value, Path):
            return value
        from vtspec.pipelines.cache_folder import get_mirror_folder, is_store

        if is_store(value) and re.fullmatch(RUNS.pattern, value):
            return get_mirror_folder(value, os.environ)
        if "://" in value:
            self.fail(f"'{value}' is not {RUNS.words}", param, ctx)
        return Path(value)
