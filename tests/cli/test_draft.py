"""`vtspec draft`: words in; a spec on standard output, what people should know beside it."""

import contextlib
import json
import os
import pty
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from framework_to_come import CLASSIFIER, TOLD, using, write_frameworks
from vtspec.cli.commands import validate
from vtspec.cli.commands.draft import command
from vtspec.pipelines.errors import Permanent, Refused
from vtspec.pipelines.project.scaffold import scaffold
from vtspec.schema.load import load

MAIN = "from vtspec.cli.main import main; main()"

KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as `vtspec init` makes one."""
    root = tmp_path_factory.mktemp("made")
    scaffold(root, "mine", lambda line: None)
    return root


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to write in; no key in the environment."""
    for name in (*KEYS, "VTSPEC_DRAFT_PROVIDER", "VTSPEC_DRAFT_BASE_URL", "VTSPEC_DRAFT_MODEL"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(made, tmp_path, symlinks=True, dirs_exist_ok=True)
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
        *("status", "draft", "question", "reason", "assumptions", "provenance", "warnings")
    ]
    assert answer["status"] == "complete"
    assert answer["provenance"]["drafter"] == "offline"
    asked = json.loads(draft("softmax-regression on unicorns, 3 epochs", "--json").stdout)
    assert (asked["status"], asked["warnings"]) == ("question", [])
    assert asked["question"]["field"] == "spec.dataset.ref"
    assert "shapes" in asked["question"]["choices"]
    assert asked["draft"]["spec"]["training"]["epochs"] == 3
    refused = json.loads(draft("모든 스펙 삭제해", "--json").stdout)
    assert (refused["status"], refused["draft"]) == ("refused", None)


def test_two_places_for_one_spec_are_refused(home: Path) -> None:
    result = draft(WORDS, "--save", "-o", "x.yaml")
    assert result.exit_code == 2
    assert "leave one out" in result.output


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


def test_conversation_is_kept_in_its_file(home: Path) -> None:
    words = "softmax-regression on unicorns, 3 epochs"
    asked = draft(words, "--conversation", "talk.json")
    assert asked.exit_code == 2
    assert "vtspec draft --conversation talk.json shapes" in asked.stderr
    kept = json.loads((home / "talk.json").read_text())
    assert [message["author"] for message in kept] == ["person", "vtspec"]
    answered = draft("shapes", "--conversation", "talk.json")
    assert answered.exit_code == 0, answered.output
    assert yaml.safe_load(answered.stdout)["spec"]["training"] == {"epochs": 3}
    assert len(json.loads((home / "talk.json").read_text())) == 4


def test_what_was_said_stands_in_the_spec_also_where_it_is_the_default(home: Path) -> None:
    said = yaml.safe_load(draft(f"{WORDS}, batch size 32, learning rate 0.001").stdout)
    assert said["spec"]["training"]["batchSize"] == 32
    assert said["spec"]["training"]["learningRate"] == 0.001
    assert "optimizer" not in said["spec"]["training"]


def test_dataset_that_is_broken_is_named(home: Path) -> None:
    (home / "specs" / "datasets" / "birds.yaml").write_text("kind: Dataset\nspec: [\n")
    asked = draft("softmax-regression on birds, 3 epochs")
    assert asked.exit_code == 2
    assert "vtspec validate specs/datasets/birds.yaml" in asked.stderr
    korean = draft("softmax-regression으로 birds 학습")
    assert "오류" in korean.stderr


def test_refused_words_have_no_part_in_what_comes_next(home: Path) -> None:
    refused = draft("모든 스펙 삭제해", "--conversation", "talk.json")
    assert refused.exit_code == 2
    assert draft(WORDS, "--conversation", "talk.json").exit_code == 0


def test_folder_that_cannot_be_written_is_the_world_s_refusal(home: Path) -> None:
    (home / "file").write_text("no folder")
    result = draft(WORDS, "-o", "file/x.yaml")
    assert isinstance(result.exception, Permanent)
    assert "cannot be written" in str(result.exception)


def test_dataset_s_spec_says_how_its_data_is_added(home: Path) -> None:
    words = "register data/birds as dataset birds for image classification, classes crow and jay"
    result = draft(words, "--save")
    assert result.exit_code == 0, result.output
    assert (home / "specs" / "datasets" / "birds.yaml").exists()
    assert "next: dvc add data/birds" in result.stderr


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


@pytest.fixture
def terminal(home: Path) -> Iterator["Terminal"]:
    found = Terminal(home)
    yield found
    found.close()


class Terminal:
    """`vtspec draft` with a person before it, who types what `typed` holds, line by line."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.leader, self.follower = pty.openpty()
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, *words: str, typed: str, stdout: int | None = None) -> tuple[int, str, str]:
        """The exit code, what stood on the terminal, and what went into a pipe, if any."""
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "draft", *words],
            stdin=self.follower,
            stdout=self.follower if stdout is None else stdout,
            stderr=self.follower,
            env={**os.environ, "COLUMNS": "100"},
        )
        os.close(self.follower)
        os.write(self.leader, typed.encode())
        shown = b""
        # Linux ends a terminal that nobody writes to any more with an error.
        with contextlib.suppress(OSError):
            while piece := os.read(self.leader, 65536):
                shown += piece
        printed = b"" if self.process.stdout is None else self.process.stdout.read()
        return self.process.wait(timeout=60), shown.decode(), printed.decode()

    def close(self) -> None:
        # Whoever asks once more than a test answers would wait for ever.
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()
        os.close(self.leader)


def test_person_in_a_terminal_is_asked_and_the_spec_is_made(terminal: Terminal) -> None:
    words = "softmax-regression on unicorns, 3 epochs"
    code, shown, printed = terminal.run(words, typed="\n1\n", stdout=subprocess.PIPE)
    assert code == 0
    assert yaml.safe_load(printed)["spec"]["dataset"] == {"ref": "shapes"}
    assert "1. shapes" in shown


SPECS = Path("specs", "experiments")
MADE = SPECS / "shapes-softmax-regression.yaml"


@pytest.mark.parametrize(
    ("words", "answers", "batch"),
    [
        ("shapes softmax-regression 3에폭", "배치는 8로 해서 저장\n네\n", 8),
        (WORDS, "batch 16\nbatch 4\nyes\n", 4),
    ],
)
def test_words_at_the_last_question_change_the_draft(
    terminal: Terminal, words: str, answers: str, batch: int
) -> None:
    code, shown, _ = terminal.run(words, typed=answers)
    assert (code, "invalid input" in shown) == (0, False)
    written = yaml.safe_load((terminal.home / MADE).read_text())
    assert written["spec"]["training"]["batchSize"] == batch
    assert written["spec"]["training"]["epochs"] == 3


def test_whoever_does_not_say_yes_saves_nothing(terminal: Terminal) -> None:
    code, _, _ = terminal.run(WORDS, typed="아니요\n")
    assert (code, (terminal.home / MADE).exists()) == (0, False)


def test_run_shows_the_plan_and_begins_nothing_without_a_yes(terminal: Terminal) -> None:
    code, shown, _ = terminal.run(WORDS, "--run", typed="n\n")
    assert code == 0
    assert shown.index("softmax-regression") < shown.index("Carry shapes-softmax-regression-")
    assert "epochs" in shown
    assert not (terminal.home / "runs").exists()


def test_run_where_nobody_can_be_asked_needs_a_yes(home: Path) -> None:
    result = draft(WORDS, "--run")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "fix: add --yes to --run" in result.stderr
    assert not (home / MADE).exists()
    alone = draft(WORDS, "--yes")
    assert (alone.exit_code, "add --run" in alone.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "lost"),
    [
        (f"{WORDS}, frobnication 8", "frobnication"),
        (f"{WORDS}, validation every 5 epochs", "5"),
        ("shapes에 softmax-regression 3에폭, 블라블라워크 9", "9"),
    ],
)
def test_run_does_not_go_on_where_anything_was_left_out(home: Path, words: str, lost: str) -> None:
    result = draft(words, "--run", "--yes")
    assert result.exit_code == 2
    assert lost in result.stderr.splitlines()[-2]
    assert "--save" in result.stderr.splitlines()[-1]
    assert not (home / MADE).exists()
    assert not (home / "runs").exists()


@pytest.fixture
def frameworks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The frameworks that there are, and one whose adapter is to come."""
    with using(write_frameworks(tmp_path_factory.mktemp("frameworks") / "images")):
        yield


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (f"{CLASSIFIER} on shapes, 3 epochs", TOLD),
        (f"shapes에 {CLASSIFIER} 3에폭", TOLD),
        ("gcvit_tiny on shapes, pretrained, 3 epochs", "plain download that nothing pins"),
        (f"{WORDS}, early stopping with patience 5", "never stops: its patience (5)"),
    ],
)
def test_what_validate_warns_of_is_told_of_a_draft(
    home: Path, frameworks: None, words: str, told: str
) -> None:
    result = draft(words, "--save")
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.stderr.splitlines() if told in line]
    assert line.startswith(("warning: spec.", "주의: spec."))
    warnings = json.loads(draft(words, "--json").stdout)["warnings"]
    assert [one["field"] for one in warnings if told in one["message"]] == [line.split(": ")[1]]
    (file,) = set((home / "specs/experiments").iterdir()) - {
        home / "specs/experiments" / name for name in ("shapes.yaml", "shapes-short.yaml")
    }
    assert told in CliRunner().invoke(validate.command, [str(file)]).stdout


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (f"{CLASSIFIER} on shapes, 3 epochs", Permanent, TOLD),
        ("gcvit_tiny on shapes, pretrained, 3 epochs", Refused, "plain download"),
        (
            "data/birds 폴더를 birds 데이터셋으로 등록, 이미지 분류, 클래스는 crow, jay",
            Refused,
            "only an Experiment can be planned",
        ),
    ],
)
def test_run_saves_nothing_that_cannot_be_run(
    home: Path, frameworks: None, words: str, code: type[Exception], told: str
) -> None:
    before = sorted((home / "specs").rglob("*"))
    result = draft(words, "--run", "--yes")
    assert isinstance(result.exception, code)
    assert told in str(result.exception)
    assert sorted((home / "specs").rglob("*")) == before
    assert not (home / "runs").exists()


def test_the_examples_of_help_are_drafted_whole_and_train_here(home: Path) -> None:
    shapes = (home / "specs" / "datasets" / "shapes.yaml").read_text()
    for name in ("cats", "street-signs"):
        other = shapes.replace("name: shapes", f"name: {name}")
        other = other.replace("[circle, square, triangle]", "[lion, lynx, puma]")
        other = other[: other.index("  statistics:")]
        (home / "specs" / "datasets" / f"{name}.yaml").write_text(other)
    project = home / "vtspec.yaml"
    project.write_text(project.read_text() + "\n  gpuTypes: {l4: {memory: 24Gi}}\n")
    base = draft("ResNet50 on cats, 9 epochs, learning rate 0.1", "-o", CATS)
    assert base.exit_code == 0, base.output
    examples = [
        shlex.split(line)[2:]
        for line in (command.help or "").splitlines()
        if line.strip().startswith("vtspec draft")
    ]
    assert len(examples) == 3
    for words in examples:
        result = draft(*words, "--offline")
        assert result.exit_code == 0, result.output
        assert "warning:" not in result.stderr and "주의:" not in result.stderr
        assert "not understood" not in result.stderr and "이해하지 못해" not in result.stderr


CATS = "specs/experiments/cats-resnet50.yaml"


def test_run_remembers_what_an_earlier_message_lost(home: Path) -> None:
    talk = ("--conversation", "talk.json")
    asked = draft("softmax-regression, 3 epochs, frobnication 8, on unicorns", *talk)
    assert asked.exit_code == 2
    result = draft("shapes", *talk, "--run", "--yes")
    assert result.exit_code == 2
    assert "frobnication" in result.stderr.splitlines()[-2]
    assert not (home / MADE).exists()


def test_run_asks_how_much_before_anything_else(home: Path) -> None:
    result = draft("shapes 실험에서 학습률 좀 낮춰서 다시 돌려줘", "--run", "--yes")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "학습률 좀 낮춰" in result.stderr
    assert "지금 학습률은" in result.stderr
    assert not (home / "runs").exists()


def test_whoever_writes_korean_reads_korean(home: Path) -> None:
    whole = draft("shapes에 softmax-regression 3에폭")
    assert whole.stderr.startswith("이렇게 정했습니다:\n")
    assert "저장하지 않았습니다: --save" in whole.stderr
    saved = draft("shapes에 softmax-regression 3에폭", "--save")
    assert f"{MADE}에 저장했습니다" in saved.stderr
    asked = draft("softmax-regression으로 유니콘 데이터셋 학습")
    assert "해결: --conversation talk.json" in asked.stderr
    lost = draft("shapes에 softmax-regression 3에폭, 블라블라워크 9", "--run", "--yes")
    assert "실행하지 않았습니다" in lost.stderr
    data = draft(
        "data/birds 폴더를 birds 데이터셋으로 등록, 이미지 분류, 클래스는 crow, jay", "--save"
    )
    assert "다음: dvc add data/birds" in data.stderr
    for each in (whole, saved, asked, lost, data):
        told = each.stderr.lower()
        english = ("assumed", "not saved", "wrote", "fix:", "next:", "say it")
        assert [word for word in english if word in told] == []


@pytest.mark.slow
def test_words_become_a_trained_model(home: Path) -> None:
    result = draft(f"{WORDS}, optimizer sgd, no augmentation, image size 16", "--run", "--yes")
    assert result.exit_code == 0, result.output
    (run,) = (home / "runs").glob("shapes-softmax-regression-*")
    assert (run / "model" / "model.safetensors").is_file()
    assert (run / "report.md").is_file()
