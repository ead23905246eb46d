"""Which namespace and store a repository may use: what one repository's are, no other's are.

Whoever can merge into a repository writes its `vtspec.yaml`, and the controller acts with its own
credentials on what that names.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from vtspec.pipelines.cache_folder import is_store
from vtspec.pipelines.errors import Refused
from vtspec.schema.kinds.project import ProjectSpec


@dataclass(frozen=True, kw_only=True)
class Tenancy:
    """What whoever starts the controller leaves to a repository. `runs` is the address at which,
    or below which, its runs lie; what is None is as `vtspec.yaml` says."""

    namespace: str | None = None
    runs: str | None = None

    def refuse_foreign(self, project: ProjectSpec) -> None:
        """Raise `Refused` where a `vtspec.yaml` names what is not its repository's."""
        if project.cluster is None:
            return
        namespace = project.cluster.namespace
        if self.namespace not in (None, namespace):
            raise Refused(
                f"vtspec.yaml: spec.cluster.namespace is '{namespace}', and this controller runs "
                f"what is of this repository in '{self.namespace}' alone",
                fix=f"write namespace: {self.namespace}, on the default branch",
            )
        if self.runs is not None and not _is_within(project.runs, self.runs):
            raise Refused(
                f"vtspec.yaml: spec.runs is '{project.runs}', and this controller keeps what is "
                f"of this repository at {self.runs} alone",
                fix=f"write runs: {self.runs}, on the default branch",
            )


@dataclass(kw_only=True)
class Tenants:
    """What each repository that a process looks after uses. Safe between threads."""

    _held: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, repository: str, project: ProjectSpec) -> None:
        """Note what a repository uses now. Raises `Refused` where another one uses it already:
        Workflows are named by their plan, which two repositories can both have."""
        used = tuple(_list_places(project))
        with self._lock:
            self._held.pop(repository, None)
            for other, places in sorted(self._held.items()):
                for place in used:
                    if any(_is_within(place, one) or _is_within(one, place) for one in places):
                        raise Refused(
                            f"{repository} and {other} both name {place} in vtspec.yaml",
                            fix="give each repository a namespace and an address of runs",
                        )
            self._held[repository] = used


def _list_places(project: ProjectSpec) -> Iterator[str]:
    if project.cluster is not None:
        yield f"namespace '{project.cluster.namespace}'"
    if is_store(project.runs):
        yield project.runs


def _is_within(place: str, other: str) -> bool:
    return f"{place.rstrip('/')}/".startswith(f"{other.rstrip('/')}/")
