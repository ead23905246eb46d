"""Where the data of a dataset comes from: a path that DVC versions, or a plain one."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DvcSource:
    """A path that DVC versions; `repo` and `rev` where that is another repository."""

    path: str
    repo: str | None = None
    rev: str | None = None
    remote: str | None = None


@dataclass(frozen=True, kw_only=True)
class PathSource:
    """A plain path of the repository."""

    path: str
