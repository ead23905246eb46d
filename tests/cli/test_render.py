"""`vtspec render`: what is printed, and what is told where it cannot be."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from object_storage import BreakableStorage
from plan_repository import HASH, a_repository
from vtspec.cli.main import cli
from vtspec.pipelines.planning.plan_model import plan_from_json
from vtspec.pipelines.runs.object_store import ObjectStore

CLUSTER = """\
  runs: s3://acme-runs/vtspec
  registry: ghcr.io/acme
  remotes: {storage: {url: s3://acme/dvc}}
  cluster: {namespace: vision, volumeClaim: vtspec, submit: anyone}
  teams: {faces: {people: [jin@example.org]}}
"""

# An image.yaml of this checkout has no digest before its image is published.
PUBLISHED = """\
import dataclasses
from vtspec.pipelines.catalog import framework
parse = framework._parse_framework
framework._parse_framework = lambda *given: dataclasses.replace(
    parse(*given), digest="sha256:" + "c" * 64
)
"""

MAIN = "from vtspec.cli.main import main; main()"


@pytest.fixture(scope="module", autouse=True)
def storage() -> Iterator[BreakableStorage]:
    found = BreakableStorage()
    found.make_bucket("acme-runs")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in found.environment.items():
            patch.setenv(name, value)
        found.make_bucket("acme")
        md5 = HASH.removeprefix("md5:")
        # The list of a folder's files, as DVC keeps it: this one has none.
        ObjectStore("s3://acme/dvc").put(f"files/md5/{md5[:2]}/{md5[2:]}", b"[]")
        yield found
    found.stop()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = a_repository(tmp_path)
    with (found / "vtspec.yaml").open("a") as file:
        file.write(CLUSTER)
    return found


def vtspec(
    root: Path, *words: str, published: bool = True, email: str = "nobody@example.org"
) -> subprocess.CompletedProcess[str]:
    script = f"{PUBLISHED}\n{MAIN}" if published else MAIN
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=root,
        env={
            **os.environ,
            "HF_HUB_OFFLINE": "1",
            "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "user.email",
            "GIT_CONFIG_VALUE_0": email,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def change(root: Path, old: str, new: str) -> None:
    file = root / "vtspec.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_the_plan_and_its_workflow_are_printed(root: Path) -> None:
    done = vtspec(root, "render", "deep", "--author", "jin@example.org", "--attempt", "2")
    assert done.returncode == 0
    # One line for the run, whatever it has of pods.
    (caution,) = done.stderr.splitlines()
    assert caution == (
        "warning: a run's pods hold a credential for all of s3://acme-runs/vtspec (the service "
        "account's); with cluster.runsRole in vtspec.yaml each run has one of its own"
    )
    config, workflow = yaml.safe_load_all(done.stdout)
    plan = plan_from_json(json.loads(config["data"]["plan.json"]))
    assert workflow["metadata"]["name"] == f"{plan.id}-2"
    assert workflow["metadata"]["labels"]["vtspec.dev/team"] == "faces"
    assert plan.framework.image_digest == "sha256:" + "c" * 64
    # Two ways to print a plan print the same one.
    same = vtspec(root, "plan", "deep", "--output", "json")
    assert json.loads(same.stdout)["digest"] == plan.digest


ROLE = 'runsRole: {arn: "arn:aws:iam::123456789012:role/vtspec-run"}'


def test_with_a_role_the_workflow_mounts_a_secret_of_its_own_which_run_makes(root: Path) -> None:
    change(root, "cluster: {", f"cluster: {{{ROLE}, ")
    done = vtspec(root, "render", "deep", "--attempt", "2")
    assert done.returncode == 0, done.stderr
    _, workflow = yaml.safe_load_all(done.stdout)
    secret = f"run-{workflow['metadata']['name']}"
    mounted = [one["secret"] for one in workflow["spec"]["volumes"] if "secret" in one]
    assert mounted == [{"secretName": secret, "defaultMode": 0o440}]
    for template in workflow["spec"]["templates"][1:]:
        container = template["container"]
        named = [one["secretRef"]["name"] for one in container.get("envFrom", ())]
        assert secret not in named and (named == [] or template["name"] == "data")
        assert {"name": "VTSPEC_RUNS_CREDENTIAL", "value": "/vtspec/credential"} in container[
            "env"
        ]
    assert f"its pods wait for Secret {secret}" in done.stderr
    assert "applied by hand, it would wait forever" in done.stderr
    assert "for all of" not in done.stderr


def test_a_schedule_cannot_give_each_run_a_credential_of_its_own(root: Path) -> None:
    change(root, "cluster: {", f"cluster: {{{ROLE}, ")
    at = '--set=schedule={"cron": "30 22 * * *"}'
    done = vtspec(root, "render", "deep", at)
    assert (done.returncode, done.stdout) == (2, "")
    assert "has a schedule, and Argo, which begins its runs, cannot give each" in done.stderr
    assert "fix: begin it now (--set schedule=null)" in done.stderr


@pytest.mark.parametrize(
    ("duration", "max_wait", "outlives"),
    [("1h", "24h", True), ("12h", "11h", False), ("12h", "12h", True), ("40m", "10m", False)],
)
def test_a_run_that_may_outlive_its_credential_is_told_what_renews_it(
    root: Path, duration: str, max_wait: str, outlives: bool
) -> None:
    role = ROLE.replace("}", f", duration: {duration}}}")
    change(root, "cluster: {", f"cluster: {{{role}, maxWait: {max_wait}, ")
    done = vtspec(root, "render", "deep", "--set", "resources.maxDuration=30m")
    assert done.returncode == 0, done.stderr
    assert ("warning: on the cluster the run may take 30m and wait" in done.stderr) == outlives
    assert ("where nobody does, steps can store nothing" in done.stderr) == outlives


@pytest.mark.parametrize(("max_wait", "outlives"), [("24h", True), ("10m", False)])
def test_who_plans_a_run_that_may_outlive_its_credential_is_told_before_the_question(
    root: Path, monkeypatch: pytest.MonkeyPatch, max_wait: str, outlives: bool
) -> None:
    change(root, "cluster: {", f"cluster: {{{ROLE}, maxWait: {max_wait}, ")
    monkeypatch.chdir(root)
    for words in (("plan",), ("plan", "--output", "json"), ("apply", "--backend", "argo")):
        asked = [words[0], "deep", *words[1:], "--set", "resources.maxDuration=30m"]
        told = CliRunner().invoke(cli, asked, standalone_mode=False)
        said = " ".join((told.stderr if "json" in words else told.stdout).split())
        assert ("on the cluster the run may take 30m and wait" in said) == outlives, told.output


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (f"{ROLE}, runsSecret: all", "is there beside runsRole"),
        (ROLE.replace("}", ", duration: 5m}"), "'5m' is less than the shortest that"),
        (ROLE.replace("}", ", duration: 13h}"), "'13h' is more than the longest that"),
        ("runsRole: {arn: vtspec-run}", "must be the ARN of a role, got 'vtspec-run'"),
    ],
)
def test_a_role_that_would_have_no_effect_is_refused(root: Path, more: str, told: str) -> None:
    change(root, "cluster: {", f"cluster: {{{more}, ")
    done = vtspec(root, "render", "deep")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_git_says_who_asks(root: Path) -> None:
    done = vtspec(root, "render", "deep", email="jin@example.org")
    assert "vtspec.dev/team: faces" in done.stdout
    done = vtspec(root, "render", "deep", email="kim@example.org")
    assert done.returncode == 0
    assert "vtspec.dev/team" not in done.stdout


def test_everything_that_lacks_is_told_in_its_file_with_a_line_to_type(root: Path) -> None:
    change(root, CLUSTER, "")
    done = vtspec(root, "render", "deep", published=False)
    assert (done.returncode, done.stdout) == (2, "")
    told = [line for line in done.stderr.splitlines() if not line.startswith("  fix:")]
    assert [line.split(": ")[1] for line in told] == [
        "spec.cluster",
        "spec.runs",
        "spec.registry",
        "digest",
        "spec.remotes",
    ]
    assert told[0].startswith("vtspec.yaml:5:3: spec.cluster: says of no cluster")
    assert "image.yaml:1:1: digest: says of no published image" in told[3]
    assert "fix: add 'registry: ghcr.io/acme' under 'spec'" in done.stderr
    assert len(done.stderr.splitlines()) == 10


def test_a_run_on_a_cluster_has_to_be_in_a_store(root: Path) -> None:
    whole = vtspec(root, "render", "deep").stdout
    change(root, "  runs: s3://acme-runs/vtspec\n", "")
    done = vtspec(root, "render", "deep")
    assert (done.returncode, done.stdout) == (2, "")
    assert "spec.runs: says of no store of runs" in done.stderr
    assert "fix: add 'runs: s3://BUCKET/PREFIX' under 'spec'" in done.stderr
    assert vtspec(root, "render", "deep", "--runs", "s3://acme-runs/vtspec").stdout == whole
    braces = vtspec(root, "render", "deep", "--runs", "s3://acme-runs/{{workflow.name}}")
    assert (braces.returncode, braces.stdout) == (2, "")


def test_runs_that_a_flag_puts_into_a_folder_are_told_of_that_flag(root: Path) -> None:
    for words in (("render", "deep"), ("run", "deep", "--backend", "argo")):
        done = vtspec(root, *words, "--runs", "my runs")
        assert (done.returncode, done.stdout) == (2, "")
        told, fix = done.stderr.splitlines()[-2:]
        assert told.startswith("--runs 'my runs': is a folder of this machine, and a run on a")
        assert fix == "  fix: leave --runs out: vtspec.yaml has s3://acme-runs/vtspec"
        assert "spec.runs" not in done.stderr
    change(root, "runs: s3://acme-runs/vtspec", "runs: out")
    done = vtspec(root, "render", "deep", "--runs", "my runs")
    assert done.stderr.endswith("  fix: --runs s3://BUCKET/PREFIX\n")
    done = vtspec(root, "render", "deep")
    assert "fix: replace 'runs' by 'runs: s3://BUCKET/PREFIX' under 'spec'" in done.stderr


def test_data_that_pods_could_not_fetch_is_told_before_anything_is_created(root: Path) -> None:
    change(root, "s3://acme/dvc", "s3://acme/other")
    done = vtspec(root, "render", "deep")
    assert (done.returncode, done.stdout) == (2, "")
    assert "1 object is not in s3://acme/other, from which a pod would fetch it" in done.stderr
    assert "fix: where the data is: dvc push -r storage data/" in done.stderr


def test_a_remote_that_cannot_be_asked_from_here_is_a_warning(root: Path) -> None:
    change(root, "s3://acme/dvc", "https://127.0.0.1:9/dvc")
    done = vtspec(root, "render", "deep")
    assert done.returncode == 0
    assert "warning: whether https://127.0.0.1:9/dvc has" in done.stderr
    assert "cannot be told from here" in done.stderr


def test_a_run_that_only_the_controller_may_create_is_shown_with_a_warning(root: Path) -> None:
    change(root, "submit: anyone", "submit: controller")
    done = vtspec(root, "render", "deep")
    assert done.returncode == 0
    assert "kind: Workflow" in done.stdout
    assert "leaves creating runs to the controller" in done.stderr


def test_the_queues_of_a_cluster_without_kueue_are_printed(root: Path) -> None:
    done = vtspec(root, "render", "--semaphores")
    assert done.returncode == 2
    assert "describes no semaphores" in done.stderr
    change(root, "submit: anyone", "semaphores: {t4: 2}")
    done = vtspec(root, "render", "--semaphores")
    assert yaml.safe_load(done.stdout)["data"] == {"t4": "2"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Missing argument 'SPEC'"),
        (("deep", "--semaphores"), "of no SPEC"),
        (("deep", "--attempt", "0"), "x>=1"),
    ],
)
def test_what_is_typed_wrongly_is_refused(root: Path, words: tuple[str, ...], says: str) -> None:
    done = vtspec(root, "render", *words)
    assert done.returncode == 2
    assert says in done.stderr


def test_a_remote_is_refused_by_a_step_that_fetches_nothing(root: Path) -> None:
    done = vtspec(
        root, "step", "train", "--plan", "p.json", "--workdir", "w", "--remote", "s3://acme"
    )
    assert done.returncode == 2
    assert "--remote is for step data" in done.stderr


def schedule(root: Path, text: str) -> None:
    file = root / "specs/experiments/deep.yaml"
    file.write_text(file.read_text().replace("  report:", f"  schedule: {text}\n  report:"))


def test_a_schedule_makes_a_cron_workflow_of_the_same_plan(root: Path) -> None:
    before = [*yaml.safe_load_all(vtspec(root, "render", "deep").stdout)]
    schedule(root, '{cron: "30 3 * * mon-fri", timeZone: Asia/Seoul}')
    done = vtspec(root, "render", "deep")
    assert done.returncode == 0, done.stderr
    config, scheduled = yaml.safe_load_all(done.stdout)
    assert config == before[0]
    assert scheduled["kind"] == "CronWorkflow"
    assert scheduled["spec"]["workflowSpec"] == before[1]["spec"]
    name = scheduled["metadata"]["name"]
    assert " 03:30 KST (in " in done.stderr
    # What it says to type leaves out the one that is rendered.
    assert (
        "kubectl delete cronworkflows -n vision -l "
        f"'vtspec.dev/spec=deep,vtspec.dev/run!={name}'" in done.stderr
    )
    now = vtspec(root, "render", "deep", "--set", "schedule=null")
    assert [*yaml.safe_load_all(now.stdout)][1]["kind"] == "Workflow"
    assert "schedule" not in now.stderr


def test_a_schedule_is_told_by_plan_and_run_and_listed(root: Path) -> None:
    schedule(root, '{cron: "0 3 * * *"}')
    told = "the schedule 0 3 * * * (UTC) is the cluster's, next "
    shown = " ".join(vtspec(root, "plan", "deep").stdout.split())
    assert told in shown
    assert "'vtspec render deep' makes its CronWorkflow" in shown
    assert told in vtspec(root, "plan", "deep", "--output", "json").stderr
    # Nothing is begun: the data is not there.
    assert told in vtspec(root, "run", "deep", "--smoke", "--no-tracking").stderr
    listed = json.loads(vtspec(root, "specs", "list", "--output", "json").stdout)
    found = {one["name"]: one["schedule"] for one in listed["experiments"]}
    assert found == {"deep": {"cron": "0 3 * * *", "timeZone": "UTC"}, "small": None}


SHELL = "$(id) `id` ' ${HOME}"
BRACES = "{{workflow.name}} " + SHELL
"""What a shell or a template engine would fill in; a class may hold no braces."""


def test_what_a_person_names_is_data_in_all_that_is_printed(root: Path) -> None:
    for file, old, new in (
        ("experiments/deep.yaml", "Is a deeper network worth it?", f'"{BRACES}"'),
        ("datasets/digits.yaml", '["0", "1", "2"]', f'["0", "1", "{SHELL}"]'),
    ):
        path = root / "specs" / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    done = vtspec(root, "render", "deep")
    assert done.returncode == 0, done.stderr
    config, *others = yaml.safe_load_all(done.stdout)
    plan = json.loads(config["data"]["plan.json"])
    assert config["kind"] == "ConfigMap" and others
    assert (plan["description"], plan["dataset"]["classes"][2]) == (BRACES, SHELL)
    # Argo looks at the Workflow alone, and nothing typed is in that.
    text = json.dumps(others)
    assert "{{" not in text and "$(id)" not in text and "`id`" not in text


@pytest.mark.parametrize(
    ("file", "old"),
    [
        ("experiments/deep.yaml", "Is a deeper network worth it?"),
        ("experiments/deep.yaml", "small"),
        ("datasets/digits.yaml", '"2"'),
    ],
)
def test_no_control_in_a_name_reaches_the_terminal(root: Path, file: str, old: str) -> None:
    path = root / "specs" / file
    assert old in path.read_text()
    hostile = r"\e[2J\e]0;x\a\x9b2J\u202e\u200b"
    path.write_text(path.read_text().replace(old, f'"a{hostile}b"'))
    done = vtspec(root, "render", "deep")
    assert done.stdout + done.stderr
    for char in ("\x1b", "\x07", "\x9b", "\u202e", "\u200b"):
        assert char not in done.stdout + done.stderr
