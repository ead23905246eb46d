"""The programs of the node in the order of their start: how each is called, when it is ready."""

from collections.abc import Iterator
from pathlib import Path

from local_cluster.addresses import (
    API_PORT,
    API_SERVER,
    CONTAINERD_SOCKET,
    ETCD,
    NODE,
    NODE_IP,
    POD_NETWORK,
    REGISTRY,
    SERVICE_NETWORK,
)
from local_cluster.config_files import ADMIN
from local_cluster.daemon import Daemon
from local_cluster.kubernetes_api import KubernetesApi
from local_cluster.probes import accepts, answers, is_node_ready
from local_cluster.programs import Programs


def control_plane(folder: Path, programs: Programs) -> Iterator[Daemon]:
    """etcd, the API server, and the two that need only it."""
    path = programs.path
    yield Daemon(
        name="etcd",
        command=[
            str(path("etcd")),
            f"--data-dir={folder}/etcd",
            f"--listen-client-urls={ETCD}",
            f"--advertise-client-urls={ETCD}",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--log-level=warn",
            # What is in it is of no use after a power cut.
            "--unsafe-no-fsync",
        ],
        is_ready=lambda: answers(f"{ETCD}/health"),
    )
    yield Daemon(
        name="kube-apiserver",
        command=[
            str(path("kube-apiserver")),
            f"--etcd-servers={ETCD}",
            f"--token-auth-file={folder}/tokens.csv",
            f"--cert-dir={folder}/certificates",
            f"--secure-port={API_PORT}",
            f"--advertise-address={NODE_IP}",
            "--authorization-mode=Node,RBAC",
            f"--service-cluster-ip-range={SERVICE_NETWORK}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder}/service-account.key",
            f"--service-account-signing-key-file={folder}/service-account.key",
            # Whom it answers for when it passes a request on to an aggregated API, Kueue's.
            f"--requestheader-client-ca-file={folder}/front-proxy.crt",
            "--requestheader-allowed-names=front-proxy",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={folder}/front-proxy.crt",
            f"--proxy-client-key-file={folder}/front-proxy.key",
            "--allow-privileged",
            # By its name a node would be looked up in a DNS that does not know it.
            "--kubelet-preferred-address-types=InternalIP",
        ],
        is_ready=lambda: answers(f"{API_SERVER}/readyz", token=ADMIN[1]),
    )
    kubeconfig = f"--kubeconfig={folder}/admin.kubeconfig"
    yield Daemon(
        name="kube-controller-manager",
        command=[
            str(path("kube-controller-manager")),
            kubeconfig,
            f"--service-account-private-key-file={folder}/service-account.key",
            f"--root-ca-file={folder}/certificates/apiserver.crt",
            f"--cert-dir={folder}/certificates",
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
        ],
        is_ready=lambda: answers("https://127.0.0.1:10257/healthz"),
    )
    yield Daemon(
        name="kube-scheduler",
        command=[
            str(path("kube-scheduler")),
            kubeconfig,
            f"--cert-dir={folder}/certificates",
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
        ],
        is_ready=lambda: answers("https://127.0.0.1:10259/healthz"),
    )


def node(folder: Path, programs: Programs, api: KubernetesApi) -> Iterator[Daemon]:
    """The registry, what runs pods, and what lets them find services."""
    path = programs.path
    yield Daemon(
        name="registry",
        command=[
            *(str(path("crane")), "registry", "serve"),
            *("--address", REGISTRY, "--disk", f"{folder}/registry"),
        ],
        is_ready=lambda: answers(f"http://{REGISTRY}/v2/"),
    )
    yield Daemon(
        name="containerd",
        command=["containerd", "--config", f"{folder}/containerd.toml"],
        is_ready=lambda: accepts(CONTAINERD_SOCKET),
    )
    yield Daemon(
        name="kubelet",
        command=[
            str(path("kubelet")),
            f"--config={folder}/kubelet.yaml",
            f"--kubeconfig={folder}/node.kubeconfig",
            f"--hostname-override={NODE}",
            f"--node-ip={NODE_IP}",
        ],
        is_ready=lambda: is_node_ready(api),
    )
    yield Daemon(
        name="kube-proxy",
        command=[
            str(path("kube-proxy")),
            f"--kubeconfig={folder}/admin.kubeconfig",
            "--proxy-mode=iptables",
            f"--hostname-override={NODE}",
            f"--cluster-cidr={POD_NETWORK}",
            # Answers between pods of one bridge would go past the rules otherwise.
            "--masquerade-all",
            # These sysctls belong to the machine.
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0s",
            "--conntrack-tcp-timeout-close-wait=0s",
        ],
        is_ready=lambda: answers("http://127.0.0.1:10256/healthz"),
    )
    yield Daemon(
        name="coredns",
        command=[str(path("coredns")), "-conf", f"{folder}/Corefile"],
        is_ready=lambda: answers("http://127.0.0.1:8181/ready"),
    )


def controllers(folder: Path, programs: Programs, executor: str) -> Iterator[Daemon]:
    """Argo's controller and Kueue, as processes beside the node's own."""
    path = programs.path
    kubeconfig = f"--kubeconfig={folder}/admin.kubeconfig"
    yield Daemon(
        name="workflow-controller",
        command=[
            str(path("workflow-controller")),
            kubeconfig,
            "--namespace=argo",
            f"--executor-image={executor}",
            "--executor-image-pull-policy=IfNotPresent",
        ],
        environment={
            "LEADER_ELECTION_DISABLE": "true",
            # As docs/cluster.md asks of whoever installs it.
            "EXPRESSION_TEMPLATES": "false",
            # Ten seconds between two looks at a workflow is for clusters with thousands.
            "DEFAULT_REQUEUE_TIME": "500ms",
        },
        is_ready=lambda: answers("http://127.0.0.1:6060/healthz"),
    )
    # Kueue reads certificates from places of its own in / and /etc, which only it sees.
    see_certificates = (
        "mount -t tmpfs tmpfs /mnt;"
        ' for each in /*; do if [ -L "$each" ]; then cp -P "$each" /mnt;'
        ' elif [ -d "$each" ] && [ "$each" != /mnt ];'
        ' then mkdir "/mnt$each"; mount --rbind "$each" "/mnt$each"; fi; done;'
        " mkdir -p /mnt/.etc/up /mnt/.etc/work /mnt/visibility;"
        " mount -t overlay -o lowerdir=/etc,upperdir=/mnt/.etc/up,workdir=/mnt/.etc/work"
        " overlay /mnt/etc; mkdir -p /mnt/etc/kueue/metrics;"
        f" cp -r {folder}/kueue-certificates /mnt/etc/kueue/metrics/certs;"
        f" cp {folder}/kueue-certificates/* /mnt/visibility;"
        ' exec chroot /mnt "$0" "$@"'
    )
    yield Daemon(
        name="kueue",
        command=[
            *("unshare", "--mount", "sh", "-ec", see_certificates),
            str(path("kueue")),
            kubeconfig,
            f"--config={folder}/kueue.yaml",
        ],
        is_ready=lambda: answers("http://127.0.0.1:8081/readyz"),
    )
