"""The edge to Kubernetes: objects over HTTP, and each refusal in words that say what to type."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kubernetes_server import TOKEN, WORKFLOWS, KubernetesServer, running_kubernetes
from server_faults import Fault
from vtspec.pipelines.cluster import kubernetes_client as kubernetes
from vtspec.pipelines.cluster.kubernetes_client import KubernetesClient
from vtspec.pipelines.errors import Permanent, Refused, Temporary

WORKFLOW = {"metadata": {"name": "cats-1", "labels": {"run": "cats-1"}}, "spec": {"a": 1}}


@pytest.fixture(scope="module")
def running() -> Iterator[KubernetesServer]:
    with running_kubernetes() as found:
        yield found


@pytest.fixture
def server(running: KubernetesServer) -> KubernetesServer:
    running.objects.clear()
    running.logs.clear()
    running.denied.clear()
    running.absent.clear()
    running.admit = lambda _: None
    running.is_down = False
    running.faults.clear()
    return running


@pytest.fixture
def client(server: KubernetesServer, tmp_path: Path) -> KubernetesClient:
    return a_client(server.write_kubeconfig(tmp_path / "config"))


def a_client(config: Path) -> KubernetesClient:
    return KubernetesClient({"KUBECONFIG": str(config)})


def test_objects_are_made_once_found_changed_and_deleted(client: KubernetesClient) -> None:
    assert client.create(kubernetes.WORKFLOWS, "vision", WORKFLOW)
    assert not client.create(kubernetes.WORKFLOWS, "vision", WORKFLOW)
    change = {"spec": {"shutdown": "Stop"}}
    assert client.patch(kubernetes.WORKFLOWS, "vision", "cats-1", change)
    (found,) = client.find(kubernetes.WORKFLOWS, "vision", {"run": "cats-1"})
    assert client.find(kubernetes.WORKFLOWS, "vision", {"run": "others"}) == []
    assert found["spec"] == {"a": 1, "shutdown": "Stop"}
    assert client.get(kubernetes.WORKFLOWS, "vision", "cats-1") == found
    assert not client.delete(kubernetes.WORKFLOWS, "vision", "cats-1", uid="an earlier one's")
    assert client.delete(kubernetes.WORKFLOWS, "vision", "cats-1", uid=found["metadata"]["uid"])
    assert client.get(kubernetes.WORKFLOWS, "vision", "cats-1") is None
    assert not client.delete(kubernetes.WORKFLOWS, "vision", "cats-1")
    assert not client.patch(kubernetes.WORKFLOWS, "vision", "cats-1", change)


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_two_who_change_at_once_are_in_each_others_way_for_now(
    server: KubernetesServer, client: KubernetesClient, method: str
) -> None:
    """Nothing was made or changed, as where another one is there or has that uid."""
    said = "Operation cannot be fulfilled on resourcequotas: the object has been modified"
    server.faults = [Fault(match=method, status=409, message=said)]
    with pytest.raises(Temporary, match="has been modified"):
        client.create(kubernetes.WORKFLOWS, "vision", WORKFLOW)
        client.patch(kubernetes.WORKFLOWS, "vision", "cats-1", {"spec": {}}, uid="1")
        client.delete(kubernetes.WORKFLOWS, "vision", "cats-1", uid="1")


@pytest.mark.parametrize(
    ("told", "delay_s"), [("7", 7.0), ("86400", 300.0), ("soon", 0.0), ("9" * 5000, 300.0)]
)
def test_a_server_that_asks_for_patience_is_not_waited_for_here(
    server: KubernetesServer, client: KubernetesClient, told: str, delay_s: float
) -> None:
    server.faults = [Fault(match="GET", status=429, headers={"Retry-After": told}, times=2)]
    before = len(server.asked)
    with pytest.raises(Temporary, match="not now") as busy:
        client.get(kubernetes.WORKFLOWS, "vision", "cats-1")
    assert busy.value.delay_s == delay_s
    assert len(server.asked) == before + 1


def test_a_log_is_followed_to_its_end(server: KubernetesServer, client: KubernetesClient) -> None:
    server.put_pod("cats-1", "train", name="cats-1-train-7", phase="Running")
    server.print_line("cats-1-train-7", "first")
    lines = client.follow_log("vision", "cats-1-train-7", "main")
    assert next(lines) == "first"
    server.print_line("cats-1-train-7", "second")
    assert next(lines) == "second"
    server.end_pod("cats-1-train-7", "Succeeded")
    assert list(lines) == []


def test_a_line_without_an_end_is_left_out(
    server: KubernetesServer, client: KubernetesClient
) -> None:
    server.put_pod("cats-1", "train", name="floods", phase="Running")
    for line in ("before", "x" * (3 << 20), "after"):
        server.print_line("floods", line)
    server.end_pod("floods", "Succeeded")
    assert list(client.follow_log("vision", "floods", "main")) == ["before", "after"]


def test_what_may_not_be_done_is_named_with_what_asks_for_it(
    server: KubernetesServer, client: KubernetesClient
) -> None:
    server.denied.add(("create", "workflows"))
    with pytest.raises(Permanent) as refused:
        client.create(kubernetes.WORKFLOWS, "vision", WORKFLOW)
    assert "you may not create workflows.argoproj.io (403)" in str(refused.value)
    assert 'User "jin" cannot create' in str(refused.value)
    assert "kubectl auth can-i create workflows.argoproj.io -n vision" in str(refused.value)
    assert "people.submit of the chart" in (refused.value.fix or "")


def test_no_message_holds_the_token(server: KubernetesServer, tmp_path: Path) -> None:
    stale = "canary-of-yesterday-0123456789"
    config = server.write_kubeconfig(tmp_path / "config", token=stale)
    with pytest.raises(Permanent, match="does not know who asks") as refused:
        a_client(config).get(kubernetes.WORKFLOWS, "vision", "cats-1")
    assert stale not in str(refused.value)
    assert "aws eks update-kubeconfig --name CLUSTER" in (refused.value.fix or "")


def test_what_a_server_echoes_of_the_token_is_hidden(
    server: KubernetesServer, client: KubernetesClient
) -> None:
    server.admit = lambda _: f"admission webhook denied the request with {TOKEN}"
    with pytest.raises(Refused, match="refused to create") as refused:
        client.create(kubernetes.WORKFLOWS, "vision", WORKFLOW)
    assert TOKEN not in str(refused.value)
    assert "[hidden]" in str(refused.value)


def test_a_cluster_without_argo_says_so(
    server: KubernetesServer, client: KubernetesClient
) -> None:
    server.absent.add(WORKFLOWS)
    with pytest.raises(Permanent, match=r"has no workflows\.argoproj\.io") as refused:
        client.get(kubernetes.WORKFLOWS, "vision", "cats-1")
    assert "Argo Workflows" in str(refused.value)


def test_a_namespace_that_is_not_there_is_named(client: KubernetesClient) -> None:
    with pytest.raises(Permanent, match="has no namespace elsewhere"):
        client.create(kubernetes.WORKFLOWS, "elsewhere", WORKFLOW)


def test_a_cluster_that_is_away_may_come_back(
    server: KubernetesServer, client: KubernetesClient, tmp_path: Path
) -> None:
    server.is_down = True
    with pytest.raises(Temporary, match="cannot be reached"):
        client.get(kubernetes.WORKFLOWS, "vision", "cats-1")
    nobody = tmp_path / "nobody"
    text = (tmp_path / "config").read_text().replace(server.endpoint, "http://127.0.0.1:1")
    nobody.write_text(text)
    with pytest.raises(Temporary, match=r"127\.0\.0\.1:1 cannot be reached"):
        a_client(nobody).get(kubernetes.WORKFLOWS, "vision", "cats-1")


def test_a_kubeconfig_that_leads_nowhere_is_told_without_what_is_in_it(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="there is no kubeconfig"):
        a_client(tmp_path / "none")
    file = tmp_path / "config"
    for text in ("{", "- token: canary-1234567890\n", "canary: [a\nb: }", ""):
        file.write_text(text)
        with pytest.raises(Permanent, match="export KUBECONFIG=") as refused:
            a_client(file)
        assert "canary" not in str(refused.value)
        assert str(file) in refused.value.message


@pytest.mark.parametrize(
    ("edit", "said", "fix"),
    [
        (('"current-context": "here"', '"x": 1'), "has no current context", "use-context NAME"),
        (
            ('"current-context": "here"', '"current-context": "there"'),
            "is there, ",
            "get-contexts",
        ),
        (('"contexts"', '"x"'), "is here, which it does not have", "get-contexts"),
        (('"cluster": "here"', '"cluster": "gone"'), "names the cluster gone", "use-context NAME"),
        (
            ('{"server": "http:', '{"certificate-authority": "/none/ca.crt", "server": "https:'),
            "names a file that is not there: /none/ca.crt",
            "export KUBECONFIG=FILE",
        ),
        (('"users": [', '"users": }'), "config:1:", "mend it there"),
    ],
)
def test_a_kubeconfig_says_what_of_it_leads_nowhere(
    server: KubernetesServer, tmp_path: Path, edit: tuple[str, str], said: str, fix: str
) -> None:
    config = server.write_kubeconfig(tmp_path / "config")
    text = config.read_text()
    assert edit[0] in text
    config.write_text(text.replace(*edit))
    with pytest.raises(Permanent) as refused:
        a_client(config)
    assert str(config) in refused.value.message and said in refused.value.message
    assert fix in (refused.value.fix or "")
    assert TOKEN not in str(refused.value)


def test_a_program_that_gives_no_credential_is_told_and_not_quoted(
    server: KubernetesServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = server.write_kubeconfig(tmp_path / "config")
    words = '{"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": '
    words += '["-c", "echo canary-of-exec >&2; exit 3"]}}'
    config.write_text(config.read_text().replace(f'{{"token": "{TOKEN}"}}', words))
    with pytest.raises(Permanent, match="gave no credential") as refused:
        a_client(config)
    shown = capfd.readouterr()
    assert "canary" not in f"{refused.value}{shown.out}{shown.err}"
