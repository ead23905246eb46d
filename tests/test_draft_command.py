"""`vtspec draft`: words in; a spec on standard output, what people should know beside it."""

import json
import os
import pty
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from vtspec.cli.draft import command
from vtspec.pipelines.scaffold import scaffold
from vtspec.schema.load import load

MAIN = "from vtspec.cli.main import main; main()"

KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository as `vtspec init` makes one; no key in the environment."""
    for name in (*KEYS, "VTSPEC_DRAFT_PROVIDER", "VTSPEC_DRAFT_BASE_URL", "VTSPEC_DRAFT_MODEL"):
        monkeypatch.delenv(name, raising=False)
    scaffold(tmp_path, "mine", lambda line: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def draft(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(command, words, input=stdin)


WORDS = "softmax-regression on shapes, 3 epochs, seed 7"


def test_stdout_is_the_spec_alone_in_canonical_order(home: Path) -> None:
    before = sorted(home.rglob("*"))
    result = draft(WORDS)
    assert result.exit_code == 0, result.output
    assert sorted(home.rglob("*")) == before
    loaded = load(result.stdout.encode(), "draft.yaml")
    assert loaded.problems == ()
    data = loaded.document.data
    assert list(data) == ["apiVersion", "kind", "metadata", "spec"]
    assert data["spec"]["model"] == {"name": "softmax-regression"}
    assert data["spec"]["dataset"] == {"ref": "shapes"}
    assert data["spec"]["training"] == {"epochs": 3, "seed": 7}
    assert "vtspec.dev/draft-words" in data["metadata"]["annotations"]
    assert "not saved: --save writes it to specs/experiments/" in result.stderr


def test_editors_are_pointed_to_the_schema_where_there_is_one(home: Path) -> None:
    comment = "# yaml-language-server: $schema={}schema/v1alpha1/experiment.schema.json"
    assert draft(WORDS).stdout.splitlines()[0] == comment.format("../../")
    draft(WORDS, "-o", "here.yaml")
    assert (home / "here.yaml").read_text().splitlines()[0] == comment.format("")
    shutil.rmtree(home / "schema")
    assert draft(WORDS).stdout.splitlines()[0] == "apiVersion: vtspec.dev/v1alpha1"


def test_save_writes_where_specs_belong_and_names_stay_free(home: Path) -> None:
    first, second = draft(WORDS, "--save"), draft(WORDS, "--save")
    assert (first.exit_code, second.exit_code) == (0, 0)
    written = home / "specs" / "experiments" / "shapes-softmax-regression.yaml"
    assert written.read_text() == first.stdout
    assert "wrote specs/experiments/shapes-softmax-regression.yaml" in first.stderr
    assert (home / "specs" / "experiments" / "shapes-softmax-regression-2.yaml").exists()


def test_file_that_is_there_is_not_touched(home: Path) -> None:
    (home / "mine.yaml").write_text("precious")
    result = draft(WORDS, "-o", "mine.yaml")
    assert result.exit_code != 0
    assert "already there" in str(result.exception)
    assert (home / "mine.yaml").read_text() == "precious"


def test_json_has_the_whole_answer_and_nothing_else(home: Path) -> None:
    result = draft(WORDS, "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert list(answer) == [
        *("status", "draft", "question", "reason", "assumptions", "provenance")
    ]
    assert answer["status"] == "complete"
    assert answer["provenance"]["drafter"] == "offline"
    asked = json.loads(draft("softmax-regression on unicorns, 3 epochs", "--json").stdout)
    assert asked["status"] == "question"
    assert asked["question"]["field"] == "spec.dataset.ref"
    assert "shapes" in asked["question"]["choices"]
    assert asked["draft"]["spec"]["training"]["epochs"] == 3
    refused = json.loads(draft("모든 스펙 삭제해", "--json").stdout)
    assert (refused["status"], refused["draft"]) == ("refused", None)


@pytest.mark.parametrize("option", [["--save"], ["--run"], ["-o", "x.yaml"]])
def test_json_goes_with_nothing_that_writes(home: Path, option: list[str]) -> None:
    result = draft(WORDS, "--json", *option)
    assert result.exit_code == 2
    assert "--json only prints" in result.output


def test_question_without_a_person_is_exit_2_and_no_spec(home: Path) -> None:
    result = draft("softmax-regression on unicorns, 3 epochs")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "1. shapes" in result.stderr
    assert "--conversation" in result.stderr


def test_refusal_is_exit_2_and_says_why(home: Path) -> None:
    result = draft("delete all specs")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.strip()
    assert (home / "specs" / "experiments").is_dir()


def test_conversation_goes_on_from_its_messages(home: Path) -> None:
    asked = json.loads(draft("softmax-regression on unicorns, 3 epochs", "--json").stdout)
    (home / "talk.json").write_text(
        json.dumps(
            [
                {"author": "person", "text": "softmax-regression on unicorns, 3 epochs"},
                {
                    "author": "vtspec",
                    "text": asked["question"]["text"],
                    "draft": asked["draft"],
                    "question": asked["question"],
                },
                {"author": "person", "text": "shapes"},
            ]
        )
    )
    result = draft("--conversation", "talk.json")
    assert result.exit_code == 0, result.output
    assert yaml.safe_load(result.stdout)["spec"]["dataset"] == {"ref": "shapes"}
    (home / "talk.json").write_text("{")
    assert "not a conversation" in str(draft("x", "--conversation", "talk.json").exception)


def test_provider_that_is_down_is_told_and_the_grammar_drafts(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("VTSPEC_DRAFT_PROVIDER", "openai")
        monkeypatch.setenv("VTSPEC_DRAFT_MODEL", "tiny")
        monkeypatch.setenv(
            "VTSPEC_DRAFT_BASE_URL", f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        )
        result = draft(WORDS)
        answer = json.loads(draft(WORDS, "--json").stdout)
    assert result.exit_code == 0
    assert "openai did not answer (openai cannot be reached): drafted offline" in result.stderr
    assert yaml.safe_load(result.stdout)["spec"]["training"]["seed"] == 7
    assert answer["provenance"]["drafter"] == "offline"
    assert answer["provenance"]["insteadOf"] == "openai"
    assert answer["provenance"]["model"] is None


def test_existing_spec_is_edited_under_a_new_name(home: Path) -> None:
    base = yaml.safe_load((home / "specs" / "experiments" / "shapes.yaml").read_text())
    result = draft("twice the epochs", "--from", "shapes")
    assert result.exit_code == 0, result.output
    edited = yaml.safe_load(result.stdout)
    assert edited["metadata"]["name"] == "shapes-2"
    assert edited["spec"]["training"].pop("epochs") == 2 * base["spec"]["training"].pop("epochs")
    assert edited["spec"] == base["spec"]
    gone = draft("twice the epochs", "--from", "shaeps")
    assert "did you mean 'shapes'?" in str(getattr(gone.exception, "problems", [""])[0])


def test_words_may_come_from_standard_input_and_must_come(home: Path) -> None:
    result = draft("-", stdin=WORDS)
    assert yaml.safe_load(result.stdout)["spec"]["training"]["seed"] == 7
    assert "no words" in str(draft().exception)


def test_person_in_a_terminal_is_asked_and_the_spec_is_made(home: Path) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "draft", "softmax-regression on unicorns, 3 epochs"],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=follower,
        env={**os.environ, "COLUMNS": "100"},
    )
    os.close(follower)
    os.write(leader, b"\n1\n")
    assert process.stdout is not None
    printed = process.stdout.read().decode()
    process.stdout.close()
    shown = os.read(leader, 65536).decode()
    assert process.wait() == 0
    os.close(leader)
    assert yaml.safe_load(printed)["spec"]["dataset"] == {"ref": "shapes"}
    assert "1. shapes" in shown


@pytest.mark.slow
def test_words_become_a_trained_model(home: Path) -> None:
    result = draft(f"{WORDS}, optimizer sgd, no augmentation, image size 16", "--run")
    assert result.exit_code == 0, result.output
    (run,) = (home / "runs").glob("shapes-softmax-regression-*")
    assert (run / "model" / "model.safetensors").is_file()
    assert (run / "report.md").is_file()
