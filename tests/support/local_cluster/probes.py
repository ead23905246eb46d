"""Whether a program of the node is ready, as it says itself."""

import socket
import ssl
import urllib.error
import urllib.request
from typing import Any

from local_cluster.addresses import NODE
from local_cluster.kubernetes_api import ApiError, KubernetesApi


def answers(url: str, *, token: str = "") -> bool:
    """Whether there is a 200; each program's certificate is its own, and nobody else is here."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    tls = ssl._create_unverified_context()
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls)
    )
    try:
        with opener.open(request, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def accepts(path: str) -> bool:
    """Whether someone listens on the Unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except OSError:
            return False
    return True


def is_node_ready(api: KubernetesApi) -> bool:
    """Whether the kubelet has registered its node and says that pods may come."""
    try:
        return is_true(api.get(f"/api/v1/nodes/{NODE}"), "Ready")
    except ApiError as error:
        if error.status == 404:
            return False
        raise


def is_true(found: dict[str, Any], condition: str) -> bool:
    """Whether the object's condition of that type is True."""
    conditions = found.get("status", {}).get("conditions") or []
    return any(one["type"] == condition and one["status"] == "True" for one in conditions)
