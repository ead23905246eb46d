"""The configuration files of the node's programs, from what is decided here and a folder."""

import json
from pathlib import Path
from typing import Any

import yaml

from local_cluster.addresses import (
    API_SERVER,
    BRIDGE,
    CLUSTER_DOMAIN,
    CONTAINERD_SOCKET,
    KUEUE_VISIBILITY_PORT,
    KUEUE_WEBHOOK_PORT,
    NODE,
    NODE_IP,
    POD_NETWORK,
    REGISTRY,
)

# user, its token, its groups. Only the node has less than everything: its authorizer is tried too.
ADMIN = ("admin", "admin-of-a-cluster-for-tests", "system:masters")
NODE_USER = (f"system:node:{NODE}", "node-of-a-cluster-for-tests", "system:nodes")


def write_config_files(folder: Path, *, cgroup_root: str) -> None:
    """Write all of them into the folder; the API server's certificate is added by `kubeconfig`."""
    cni = folder / "cni"
    cni.mkdir(parents=True)
    (folder / "registry").mkdir()
    (cni / "10-bridge.conflist").write_text(json.dumps(_bridge()))
    (folder / "tokens.csv").write_text(
        "".join(
            f'{token},{user},{user},"{groups}"\n' for user, token, groups in (ADMIN, NODE_USER)
        )
    )
    (folder / "containerd.toml").write_text(_containerd(folder))
    (folder / "kubelet.yaml").write_text(yaml.safe_dump(_kubelet(cgroup_root)))
    (folder / "kueue.yaml").write_text(yaml.safe_dump(_kueue(folder)))
    (folder / "Corefile").write_text(_corefile(folder))
    for name, user in (("admin", ADMIN), ("node", NODE_USER)):
        (folder / f"{name}.kubeconfig").write_text(yaml.safe_dump(_kubeconfig(folder, user)))


def _kubeconfig(folder: Path, user: tuple[str, str, str]) -> dict[str, Any]:
    server = {"server": API_SERVER, "certificate-authority": str(certificate(folder))}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": server}],
        "users": [{"name": user[0], "user": {"token": user[1]}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": user[0]}}],
        "current-context": "test",
    }


def certificate(folder: Path) -> Path:
    """The API server's own certificate, which it signs itself at its first start."""
    return folder / "certificates" / "apiserver.crt"


def _bridge() -> dict[str, Any]:
    """Pods reach the node and one another through a bridge, and nothing outside."""
    ranges = [[{"subnet": POD_NETWORK, "rangeStart": "10.88.1.1", "gateway": NODE_IP}]]
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": BRIDGE,
                "isGateway": True,
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "ranges": ranges,
                    "routes": [{"dst": "0.0.0.0/0"}],
                    "dataDir": "/run/cni",
                },
            },
            {"type": "loopback"},
        ],
    }


def _containerd(folder: Path) -> str:
    # A process without CAP_SYS_RESOURCE may not lower an oom_score_adj: restrict_oom_score_adj.
    return f"""version = 2
root = "{folder}/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.internal.v1.tracing",
]
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{REGISTRY}/pause:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    # Of an image of gigabytes what is unpacked is enough.
    discard_unpacked_layers = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def _kubelet(cgroup_root: str) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_IP,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup_root,
        "clusterDNS": [NODE_IP],
        "clusterDomain": CLUSTER_DOMAIN,
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        # A machine whose disk is three quarters full is no reason to evict a test.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%"},
        "failCgroupV1": False,
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,
        "oomScoreAdj": 0,
        "resolvConf": "",
        "serializeImagePulls": False,
        "volumePluginDir": "/run/kubelet-plugins",
    }


def _kueue(folder: Path) -> dict[str, Any]:
    return {
        "apiVersion": "config.kueue.x-k8s.io/v1beta2",
        "kind": "Configuration",
        "health": {"healthProbeBindAddress": "127.0.0.1:8081"},
        "metrics": {"bindAddress": "127.0.0.1:8443"},
        "webhook": {
            "host": NODE_IP,
            "port": KUEUE_WEBHOOK_PORT,
            "certDir": str(folder / "kueue-certificates"),
        },
        # The place in a queue, see `installation.install_visibility`.
        "visibilityServer": {"bindAddress": NODE_IP, "bindPort": KUEUE_VISIBILITY_PORT},
        "internalCertManagement": {"enable": False},
        "leaderElection": {"leaderElect": False},
        "integrations": {"frameworks": ["batch/job", "pod"]},
    }


def _corefile(folder: Path) -> str:
    return f""".:53 {{
    bind {NODE_IP}
    errors
    ready 127.0.0.1:8181
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa {{
        kubeconfig {folder}/admin.kubeconfig test
    }}
}}
"""
