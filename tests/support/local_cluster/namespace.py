"""Inside the cluster's namespaces: mounts and network as the node's programs find them."""

from pathlib import Path

from local_cluster.addresses import BRIDGE, NODE_IP, POD_NETWORK, SERVICE_NETWORK
from local_cluster.daemon import run


def hide_traces() -> None:
    """Let what containerd, the kubelet and CNI write outside their folders go to memory."""
    run("mount", "--make-rshared", "/")
    for path in ("/run", "/var/log"):
        run("mount", "-t", "tmpfs", "tmpfs", path)
    for name in ("upper", "work"):
        Path("/run/var-lib", name).mkdir(parents=True)
    layers = "lowerdir=/var/lib,upperdir=/run/var-lib/upper,workdir=/run/var-lib/work"
    run("mount", "-t", "overlay", "-o", layers, "overlay", "/var/lib")


def make_network() -> None:
    """A bridge that has the node's address, and a route to the services through it."""
    run("ip", "link", "set", "lo", "up")
    # The kubelet refuses a node's address on loopback; the bridge is there before it starts.
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "address", "add", f"{NODE_IP}/{POD_NETWORK.partition('/')[2]}", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")
    run("ip", "route", "add", SERVICE_NETWORK, "dev", BRIDGE)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
