"""actionlint, which reads workflows of GitHub Actions, built from its Go module."""

from pathlib import Path

from local_cluster.programs import GoModule, build_module

ACTIONLINT = GoModule(name="actionlint", programs=("actionlint",), tests="repository")


def build_actionlint() -> Path:
    """The program: built in seconds, then kept.

    Raises:
        ClusterError: Go is missing, or it does not build.
    """
    return build_module(ACTIONLINT, print) / "bin" / "actionlint"
