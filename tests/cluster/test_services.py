"""Pods are pulled by digest, find services by name, and keep within their limits."""

import json
import subprocess

from local_cluster.kubernetes_api import KubernetesApi, wait_until
from workflows import NAMESPACE, PODS, Object

SERVICES = f"/api/v1/namespaces/{NAMESPACE}/services"


def _a_pod(name: str, *, image: str, command: list[str]) -> Object:
    refused = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {"name": "main", "image": image, "command": command, "securityContext": refused}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
        },
    }


def _ended(api: KubernetesApi, name: str) -> Object:
    def has_ended() -> bool:
        return bool(api.get(f"{PODS}/{name}")["status"]["phase"] in ("Succeeded", "Failed"))

    wait_until(has_ended, what=f"pod {name} has ended")
    return api.get(f"{PODS}/{name}")


def test_vtspec_runs_in_a_pod_whose_image_is_pulled_by_digest(
    api: KubernetesApi, image: str
) -> None:
    command = ["vtspec", "explain", "experiment.spec.training.epochs"]
    api.create(PODS, _a_pod("explains", image=image, command=command))
    pod = _ended(api, "explains")
    log = api.text(f"{PODS}/explains/log")
    assert pod["status"]["phase"] == "Succeeded", log
    assert "epochs" in log
    assert pod["status"]["containerStatuses"][0]["imageID"] == image


def test_the_adapters_of_the_image_answer_in_a_pod(api: KubernetesApi, image: str) -> None:
    command = ["python3", "-m", "vtspec.adapters", "--help"]
    api.create(PODS, _a_pod("adapters", image=image, command=command))
    assert _ended(api, "adapters")["status"]["phase"] == "Succeeded"
    assert "train" in api.text(f"{PODS}/adapters/log")


def test_a_pod_reaches_a_service_by_its_name(api: KubernetesApi, image: str) -> None:
    serve = "cd /etc && exec python3 -m http.server 8000"
    api.create(PODS, _a_pod("web", image=image, command=["sh", "-c", serve]))
    port = {"port": 80, "targetPort": 8000}
    service = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [port]}}
    api.create(SERVICES, service)
    names = ["web", f"web.{NAMESPACE}.svc.cluster.local"]
    asks = (
        "import json, time, urllib.request as u\n"
        "def ask(name):\n"
        "    for _ in range(100):\n"
        "        try: return u.urlopen(f'http://{name}/hostname', timeout=5).status\n"
        "        except OSError as error: time.sleep(0.2); last = str(error)\n"
        "    return last\n"
        f"print(json.dumps([ask(name) for name in {names!r}]))"
    )
    api.create(PODS, _a_pod("asks", image=image, command=["python3", "-c", asks]))
    _ended(api, "asks")
    assert json.loads(api.text(f"{PODS}/asks/log")) == [200, 200]
    api.delete(f"{PODS}/web")


def test_the_network_has_no_way_out() -> None:
    """So that whatever a test asks for comes from the cluster itself."""
    shown = subprocess.check_output(["ip", "-json", "route", "show", "default"], text=True)
    assert json.loads(shown or "[]") == []
    links = json.loads(subprocess.check_output(["ip", "-json", "link"], text=True))
    assert {link["ifname"].rstrip("0123456789abcdef") for link in links} <= {
        "lo",
        "cni",
        "v",
        "veth",
    }
