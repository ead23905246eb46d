"""`make cluster-demo`: a pull request on a forge, planned, approved, trained in pods, and merged.

It is run in the network of a cluster, and ends by itself; Ctrl-C ends it sooner. Neither leaves
anything behind.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.text import Text
from rich.theme import Theme

from local_cluster.addresses import NODE_IP
from local_cluster.cluster import Cluster
from local_cluster.interruption import announce_interruption
from local_cluster.kubernetes_api import KubernetesApi
from local_cluster.programs import build_programs
from local_cluster.vtspec_image import publish_toy
from object_storage import BreakableStorage
from proposing_forges import ForgeKind
from pull_request_stage import Ground, set_stage
from run_namespace import give_storage, make_run_namespace

LONG_S = 600.0
WIDTH = 100
# No backgrounds: a terminal may be light or dark.
THEME = Theme({"markdown.code": "cyan"})


def play(forge: ForgeKind, folder: Path, stack: ExitStack) -> None:
    """Play it, and tell what happens as it does."""
    begun, console = time.monotonic(), Console(highlight=False, theme=THEME)

    def tell(text: str) -> None:
        head, _, rest = text.partition("\n\n")
        at = Text(f"{time.monotonic() - begun:5.0f} s  ", style="dim")
        console.print(at + Text(head, style="bold" if rest else ""), soft_wrap=True)
        if rest:
            shown = Padding(Markdown(rest, code_theme="ansi_light"), (0, 0, 1, 9))
            console.print(shown, width=min(WIDTH, console.width))

    tell("A pull request, from plan to merge, on this machine alone: three to five minutes.")
    tell("Ctrl-C ends it sooner. Addresses are those of the cluster's own network.")
    cluster = Cluster(os.environ["VTSPEC_CLUSTER"])
    api = KubernetesApi(cluster.folder)
    stack.callback(api.close)
    make_run_namespace(api, cluster.folder / "volume")
    storage = BreakableStorage(NODE_IP)
    stack.callback(storage.stop)
    os.environ.update(storage.environment)
    give_storage(api, storage.environment)
    image = publish_toy(cluster.folder, build_programs(tell))
    tell("Kubernetes with Argo and Kueue, a store of runs and an image are there; MLflow starts")
    ground = Ground(cluster=cluster, storage=storage, image=image)
    stage = stack.enter_context(set_stage(forge, folder / "stage", ground, tell))
    stage.open()
    tell(f"it adds {stage.proposal.path}; nothing runs before somebody says so")
    stage.approve()
    stage.await_comment("result", LONG_S)
    stage.await_rest()
    stage.merge()
    stage.await_rest()
    tell("That was all.")


def main() -> int:
    """Play it on the forge that is named; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pull_request_demo", description=__doc__)
    parser.add_argument("--forge", choices=["gitea", "github"], default="gitea")
    forge: ForgeKind = parser.parse_args().forge
    # Whoever is told to end tidies up, however they are told.
    announce_interruption(
        "stopping two controllers, the forge, MLflow and the storage, then the cluster and its "
        "pods: up to two minutes, and nothing is left behind"
    )
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory(prefix="vtspec-demo-") as folder, ExitStack() as stack:
            # MLflow leaves a lock where temporary files are.
            os.environ["TMPDIR"] = folder
            play(forge, Path(folder), stack)
    except KeyboardInterrupt:
        print("stopped", flush=True)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
