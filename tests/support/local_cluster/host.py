"""What a machine has to have before a cluster can be started on it."""

import os
import shutil
import subprocess
from pathlib import Path

from local_cluster import cgroups
from local_cluster.errors import ClusterError

# A program, and the Debian package that has it.
_PROGRAMS = {
    "containerd": "containerd",
    "runc": "runc",
    "ip": "iproute2",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "nice": "coreutils",
    "nsenter": "util-linux",
    "openssl": "openssl",
    # Reads the alerts of the chart.
    "promtool": "prometheus",
    "unshare": "util-linux",
}
# A file that is no program, and the package that has it.
_FILES = {
    Path("/usr/lib/cni/bridge"): "containernetworking-plugins",
    # What mmdebstrap trusts; another distribution does not have it.
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"): "debian-archive-keyring",
}
# Everything that follows is seen by the new process alone, and ends with it.
NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def missing_packages() -> list[str]:
    """Debian's packages of which something is not found here."""
    found = {package for name, package in _PROGRAMS.items() if shutil.which(name) is None}
    found |= {package for path, package in _FILES.items() if not path.is_file()}
    return sorted(found)


def check_host() -> None:
    """Refuse a machine on which a cluster cannot run, with all that is missing at once.

    Raises:
        ClusterError: not root, a package is missing, or the kernel refuses a namespace.
    """
    if os.geteuid() != 0:
        raise ClusterError(
            "not root: a node's programs make network devices, mounts and control groups",
            fix='sudo env PATH="$PATH" make cluster-up',
        )
    if missing_packages():
        packages = " ".join(missing_packages())
        raise ClusterError(
            f"missing on this machine: {packages}",
            fix=f"apt-get install --no-install-recommends {packages}",
        )
    made = subprocess.run(
        [*NAMESPACES, "ip", "link", "add", "probe", "type", "bridge"],
        capture_output=True,
        text=True,
    )
    if made.returncode:
        raise ClusterError(
            f"no network namespace with a bridge can be made here: {made.stderr.strip()}",
            fix="run it on a machine, or in a container, that may: docker run --privileged",
        )
    if not cgroups.hierarchies():
        raise ClusterError(
            "no control groups are mounted, so that no pod could be given a limit",
            fix="mount /sys/fs/cgroup; in Docker: docker run --privileged",
        )
