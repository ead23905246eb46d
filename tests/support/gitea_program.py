"""Gitea, built from its Go module by what builds the cluster's programs."""

from pathlib import Path

from local_cluster.programs import GoModule, build_module

_VERSION = "1.26.0"
_REQUIRED = "code.gitea.io/gitea"
GITEA = GoModule(
    name="gitea",
    programs=("gitea",),
    # What it reads at run time; its front end, which nothing here looks at, is not built.
    manifests=tuple((_REQUIRED, folder) for folder in ("options", "public", "templates")),
    tests="forge",
    tags=("sqlite", "sqlite_unlock_notify"),
    link=f"-X main.Version={_VERSION}",
    needs_c=True,  # SQLite
)


def build_gitea() -> Path:
    """The folder that has `bin/gitea` and `manifests/`: built in minutes, then kept.

    Raises:
        ClusterError: Go or a compiler of C is missing, or it does not build.
    """
    return build_module(GITEA, print)
