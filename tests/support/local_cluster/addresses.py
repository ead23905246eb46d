"""Addresses inside the cluster's own network namespace: the same for every cluster, for none of
them can be reached from outside it."""

NODE = "node1"
BRIDGE = "cni0"
NODE_IP = "10.88.0.1"
POD_NETWORK = "10.88.0.0/16"
SERVICE_NETWORK = "10.96.0.0/16"
CLUSTER_DOMAIN = "cluster.local"
API_PORT = 6443
API_SERVER = f"https://{NODE_IP}:{API_PORT}"
ETCD = "http://127.0.0.1:2379"
# containerd asks a registry on loopback without TLS, and so do crane and Podman.
REGISTRY = "127.0.0.1:5000"
KUEUE_WEBHOOK_PORT = 9443
KUEUE_VISIBILITY_PORT = 9444
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
