# ruff: noqa: E501  (a sentence and its translation read best beside each other)
"""What questions, reasons and refusals say, in both languages. Pure."""

from collections.abc import Sequence
from typing import Final

from vtspec.pipelines.drafting.offline.vocabulary.tasks import TITLES
from vtspec.pipelines.drafting.result import Assumption, Question
from vtspec.pipelines.language import Tongue

from .korean_particles import append_particle

_FIELDS: Final = {
    "spec.training.epochs": "에폭 수",
    "spec.training.batchSize": "배치 크기",
    "spec.training.learningRate": "학습률",
    "spec.training.imageSize": "이미지 크기",
    "spec.training.seed": "시드",
    "spec.report.seeds": "시드 개수",
    "spec.training.momentum": "모멘텀",
    "spec.training.weightDecay": "가중치 감쇠",
    "spec.training.minLearningRate": "최소 학습률",
    "spec.training.warmupEpochs": "웜업 에폭",
    "spec.training.gradientAccumulation": "기울기 누적",
    "spec.training.gradientClipping": "기울기 클리핑",
    "spec.training.ema.decay": "EMA 감쇠",
    "spec.training.labelSmoothing": "라벨 스무딩",
    "spec.training.optimizer": "옵티마이저",
    "spec.training.scheduler": "스케줄러",
    "spec.training.augmentation": "데이터 증강",
    "spec.training.precision": "정밀도",
    "spec.training.freeze": "고정할 가중치",
    "spec.training.earlyStopping.patience": "조기 종료 인내",
    "spec.training.workers": "워커 수",
    "spec.resources.gpus": "GPU 수",
    "spec.resources.gpuType": "GPU 종류",
    "spec.resources.cpus": "CPU 코어 수",
    "spec.resources.memory": "메모리",
    "spec.resources.maxDuration": "시간 제한",
    "spec.model.name": "모델",
    "spec.model.pretrained": "사전 학습 가중치",
    "spec.dataset.ref": "데이터셋",
    "spec.dataset.classes": "클래스",
    "spec.task": "작업",
    "spec.framework": "프레임워크",
    "spec.params.hflip": "좌우 반전 확률",
    "spec.report.baseline": "비교할 실험",
    "spec.report.gates": "합격 기준",
    "spec.export.formats": "내보낼 형식",
    "metadata.name": "이름",
}

_ENGLISH: Final = {
    "spec.model.name": "model",
    "spec.dataset.ref": "dataset",
    "spec.dataset.classes": "classes",
    "spec.training.ema.decay": "EMA decay",
    "spec.training.earlyStopping.patience": "patience of early stopping",
    "spec.resources.gpus": "number of GPUs",
    "spec.resources.cpus": "number of CPU cores",
    "spec.resources.gpuType": "GPU type",
    "spec.resources.maxDuration": "time limit",
    "spec.report.gates": "gate",
    "spec.export.formats": "export format",
    "metadata.name": "name",
}

_TEXTS: Final = {
    "dataset": ("Which dataset is it?", "데이터셋은 무엇인가요?"),
    "dataset-of": ("Which dataset is it: {choices}?", "데이터셋은 {choices} 중 어느 것인가요?"),
    "no-dataset": ("There is no dataset like '{said}'. Which one is it: {choices}?",
                   "'{said}'에 해당하는 데이터셋이 없습니다. {choices} 중 어느 것인가요?"),
    "no-datasets": ("There is no dataset yet. Which folder holds the data? Register it first: \"register data/birds as birds\".",
                    "아직 데이터셋이 없습니다. 데이터가 어느 폴더에 있나요? \"data/birds 폴더를 birds 데이터셋으로 등록해줘\"처럼 먼저 등록해 주세요."),
    "folder-new": ("'{said}' is no dataset yet. Register it: {command}, and then say its name. Or which dataset is it?",
                   "'{said}' 폴더는 아직 데이터셋이 아닙니다. {command} 명령으로 등록한 다음 이름을 말씀해 주세요. 아니면 어느 데이터셋인가요?"),
    "folder-or": ("'{said}' is no dataset yet. Is it {choices}, or will you register it ({command})?",
                  "'{said}' 폴더는 아직 데이터셋이 아닙니다. {choices} 데이터셋인가요, 아니면 새로 등록할까요({command})?"),
    "no-labels": ("The dataset '{dataset}' has no labels for {task}. Which dataset instead: {choices}?",
                  "'{dataset}' 데이터셋에는 {task} 라벨이 없습니다. {choices} 중 어느 데이터셋으로 할까요?"),
    "no-labels-at-all": ("No dataset has labels for {task}; '{dataset}' has {choices}. Which task is it?",
                         "{task} 라벨이 있는 데이터셋이 없습니다. '{dataset}'에는 {choices} 라벨이 있습니다. 어떤 작업인가요?"),
    "task": ("Which task is it: {choices}?", "어떤 작업인가요: {choices}?"),
    "no-model": ("No catalog has a model like '{said}'. Which model is it?{suggested}",
                 "'{said}'에 해당하는 모델이 없습니다. 어떤 모델로 할까요?{suggested}"),
    "models": ("Which model is it: {choices}?", "모델은 {choices} 중 어느 것인가요?"),
    "misfit": ("'{model}' does not do {task}, which '{dataset}' is for. Which model instead: {choices}?",
               "{model_topic} {task_object} 하지 못하는데, '{dataset}' 데이터셋은 그 작업을 위한 것입니다. {choices} 중 어느 모델로 할까요?"),
    "no-model-for": ("No catalog has a model for {task} that reads this dataset. Which model is it?",
                     "이 데이터셋으로 {task_object} 할 모델이 카탈로그에 없습니다. 어떤 모델로 할까요?"),
    "two": ("Two values were said for {field}: {choices}. Which one is it?",
            "{field_topic} {choices} 두 가지로 말씀하셨습니다. 어느 값으로 할까요?"),
    "range": ("{field} has one value in an experiment, not a range ({said}). Which value is it?",
              "실험 하나에 {field_topic} 값이 하나입니다. {said} 범위 대신 어떤 값으로 할까요?"),
    "unclear": ("'{said}' cannot be read as one value for {field}. Which value is it?",
                "'{said}' 표현을 {field} 값 하나로 읽을 수 없습니다. 어떤 값으로 할까요?"),
    "how-much": ("'{said}' names no value. What shall {field} be?", "'{said}'에는 값이 없습니다. {field_topic} 무엇으로 할까요?"),
    "how-much-now": ("'{said}' names no value; {field} is {held} now. What shall it be?",
                     "'{said}'에는 값이 없습니다. 지금 {field_topic} {held}입니다. 얼마로 할까요?"),
    "out": ("{field} cannot be {said}: it must be {range}. Which value is it?",
            "{field_topic} {said_can} 될 수 없습니다. {range}여야 합니다. 얼마로 할까요?"),
    "gpu": ("vtspec.yaml has no GPU type '{said}'. Which one is it: {choices}?",
            "vtspec.yaml에 '{said}' GPU가 없습니다. {choices} 중 어느 것으로 할까요?"),
    "gpu-none": ("vtspec.yaml describes no GPU type '{said}'. Which type is it?", "vtspec.yaml에 '{said}' GPU가 적혀 있지 않습니다. 어떤 종류인가요?"),
    "no-class": ("The dataset '{dataset}' has no class '{said}'. Which of its classes: {choices}?",
                 "'{dataset}' 데이터셋에는 '{said}' 클래스가 없습니다. {choices} 중 어느 클래스로 할까요?"),
    "count": ("'{dataset}' has {have} classes, not {said}: {choices}. Which of them are wanted?",
              "'{dataset}' 데이터셋의 클래스는 {said}개가 아니라 {have}개입니다: {choices}. 어느 클래스를 쓸까요?"),
    "bases": ("One experiment is drafted at a time. Which one is it to begin with: {choices}?", "실험은 한 번에 하나씩 만듭니다. {choices} 중 어느 것부터 할까요?"),
    "no-base": ("There is no spec '{said}'. Which one is meant?{suggested}", "{said_named} 이름의 스펙이 없습니다. 어느 스펙을 말씀하신 건가요?{suggested}"),
    "no-baseline": ("There is no experiment '{said}' to compare with. Which one is it?{suggested}", "비교할 '{said}' 실험이 없습니다. 어느 실험과 비교할까요?{suggested}"),
    "bad-name": ("'{said}' cannot be a name: lower-case letters, digits and '-', at most 40. What is it called?",
                 "{said_object} 이름으로 쓸 수 없습니다. 영문 소문자, 숫자, '-'로 40자 이내여야 합니다. 이름을 무엇으로 할까요?"),
    "problem": ("{message}. How should it be? ({fix})", "{field_topic} 이대로 쓸 수 없습니다: {message}. 어떻게 할까요? ({fix})"),
    "which-metric": ("Which metric is '{said}' for: {choices}?", "'{said}' 기준은 어느 지표의 값인가요: {choices}?"),
    "metric": ("{task} has no metric '{said}'. Which one is it: {choices}?", "{task}에는 '{said}' 지표가 없습니다. {choices} 중 어느 것인가요?"),
    "folder": ("Which folder holds the data?", "데이터는 어느 폴더에 있나요?"),
    "data-name": ("What is the dataset called?", "데이터셋 이름을 무엇으로 할까요?"),
    "data-classes": ("Which classes does it have, in index order?", "클래스는 무엇인가요? 번호 순서대로 적어 주세요."),
    "data-tasks": ("What are its labels for?", "어떤 작업을 위한 라벨인가요?"),
    "data-format": ("The format {said} cannot carry labels for {task}. Which format is it: {choices}?", "{said} 형식은 {task} 라벨을 담지 못합니다. {choices} 중 어떤 형식인가요?"),
}  # fmt: skip

_REASONS: Final = {
    "only-task": ("the only task that is left", "가능한 작업이 이것뿐입니다"),
    "said-by-data": ("what the dataset's labels are for", "데이터셋의 라벨이 이 작업을 위한 것입니다"),
    "only-dataset": ("the only dataset that fits", "맞는 데이터셋이 이것뿐입니다"),
    "meant-dataset": ("what '{said}' most likely means", "{said_named} 말에 가장 가까운 데이터셋입니다"),
    "usual-model": ("no model was named; this is the usual one for {task}", "모델을 말씀하지 않아 {task}에 흔히 쓰는 모델로 정했습니다"),
    "usual-member": ("'{said}' leaves a choice; this is the usual one", "'{said}' 중에서 흔히 쓰는 모델로 정했습니다"),
    "framework": ("several frameworks have this model", "이 모델이 여러 프레임워크에 있어 이것으로 정했습니다"),
    "pretrained": ("it has published weights, and nothing else was said", "공개된 가중치가 있고 다른 말씀이 없어 켰습니다"),
    "no-weights": ("there are no published weights of this model", "이 모델은 공개된 가중치가 없습니다"),
    "epochs": ("the number of epochs was not said", "에폭 수를 말씀하지 않아 기본값으로 정했습니다"),
    "one-gpu": ("a GPU was named without a number", "GPU 수를 말씀하지 않아 한 개로 정했습니다"),
    "gpu-like": ("the only '{said}' in vtspec.yaml", "vtspec.yaml에 있는 '{said}'는 이것뿐입니다"),
    "mended": ("read as '{meant}'", "{meant_as} 읽었습니다"),
    "rest": ("not understood, left out", "이해하지 못해 뺐습니다"),
    "pending": ("left out for now; it will need one sound value", "아직 뺐습니다. 알맞은 값 하나가 필요합니다"),
    "name": ("made of the dataset and the model", "데이터셋과 모델로 지었습니다"),
    "name-taken": ("the name was taken", "같은 이름이 있어 번호를 붙였습니다"),
    "name-shaped": ("a name has lower-case letters, digits and '-'", "이름은 영문 소문자, 숫자, '-'로 씁니다"),
    "usual-value": ("no value was said; this is a usual one", "값을 말씀하지 않아 흔히 쓰는 값으로 정했습니다"),
    "of-default": ("counted from the default, as there was no value to change", "바꿀 값이 없어 기본값을 기준으로 계산했습니다"),
    "of-epochs": ("a share of the epochs", "에폭 수에 대한 비율로 계산했습니다"),
    "any": ("the choice was left open; this is the first that fits", "맡기셔서 맞는 것 가운데 첫 번째로 정했습니다"),
    "rounded": ("rounded to a whole number", "정수로 반올림했습니다"),
    "no-gate": ("the report compares with it; only a gate with a number can fail, such as 'accuracy at least 0.9'",
                "보고서에서 비교합니다. 불합격은 '정확도 0.9 이상'처럼 숫자가 있는 게이트로만 정할 수 있습니다"),
    "gate-turned": ("'{said}', as what has to hold", "'{said}', 지켜야 할 조건으로 적었습니다"),
    "format": ("the usual format for {task}", "{task}에 흔히 쓰는 형식입니다"),
    "split": ("the usual place in the format {said}", "{said} 형식에서 흔히 쓰는 자리입니다"),
    "folder-name": ("the folder's name", "폴더 이름을 따랐습니다"),
    "dvc": ("data that DVC tracks", "DVC로 관리하는 데이터로 보았습니다"),
    "classes": ("the classes that were named", "말씀하신 클래스만 씁니다"),
}  # fmt: skip

_REFUSALS: Final = {
    "destroys": ("I only write specs and cannot delete or change anything that exists. You can ask for a training run, such as \"resnet50 on cats, 50 epochs\".",
                 "저는 스펙을 쓰기만 하며, 있는 것을 지우거나 바꿀 수 없습니다. \"cats 데이터로 resnet50 50 에폭\"처럼 학습을 요청해 주세요."),
    "secrets": ("I have no keys or passwords and cannot show any. You can ask for a training run, such as \"resnet50 on cats, 50 epochs\".",
                "저는 키나 비밀번호를 알지 못하며 보여 드릴 수 없습니다. \"cats 데이터로 resnet50 50 에폭\"처럼 학습을 요청해 주세요."),
    "instructs": ("I turn words into a spec and follow no other instructions. You can ask for a training run, such as \"resnet50 on cats, 50 epochs\".",
                  "저는 말을 스펙으로 옮길 뿐 다른 지시는 따르지 않습니다. \"cats 데이터로 resnet50 50 에폭\"처럼 학습을 요청해 주세요."),
    "unrelated": ("I can only help with training runs and datasets. You can ask, for example: \"resnet50 on cats, 50 epochs\".",
                  "저는 모델 학습과 데이터셋만 도와드릴 수 있습니다. 예를 들어 \"cats 데이터로 resnet50 50 에폭\"처럼 요청해 주세요."),
}  # fmt: skip

_QUOTED: Final = frozenset({"model", "said", "meant"})
_PARTICLES: Final = {"topic": "은", "object": "을", "can": "이", "named": "이라는", "as": "으로"}


def format_field(path: str, tongue: Tongue) -> str:
    """A field as a sentence names it."""
    if tongue == "ko":
        return _FIELDS.get(path, path)
    return _ENGLISH.get(
        path, path.removeprefix("spec.").removeprefix("training.").removeprefix("resources.")
    )


def format_task(task: str, tongue: Tongue) -> str:
    """A task as a sentence names it."""
    return TITLES.get(task, task) if tongue == "ko" else task


def build_question(
    key: str, field: str, tongue: Tongue, choices: Sequence[str] = (), **said: object
) -> Question:
    """A question with its choices; `said` fills in its words."""
    shown = ", ".join(_format_choice(each, tongue) for each in choices[:8])
    said["suggested"] = f" ({shown})" if choices else ""
    text = _fill_template(_TEXTS[key], tongue, field=field, choices=shown, **said)
    return Question(field=field, text=text, choices=tuple(choices))


def _format_choice(choice: str, tongue: Tongue) -> str:
    return f"{TITLES[choice]}({choice})" if tongue == "ko" and choice in TITLES else choice


def build_assumption(
    field: str, value: object, why: str, tongue: Tongue, **said: object
) -> Assumption:
    """An assumption with its reason."""
    return Assumption(
        field=field,
        value=value,
        why=_fill_template(_REASONS[why], tongue, field=field, **said),
        left_out=why == "rest",
    )


def format_refusal(why: str, tongue: Tongue) -> str:
    """The words of a refusal."""
    english, korean = _REFUSALS[why]
    return korean if tongue == "ko" else english


def _fill_template(texts: tuple[str, str], tongue: Tongue, *, field: str, **said: object) -> str:
    words = {
        "field": format_field(field, tongue),
        # what was typed may be a page long
        **{key: str(value)[:200] for key, value in said.items()},
    }
    if "task" in said:
        words["task"] = format_task(str(said["task"]), tongue)
    for word in tuple(words):
        for suffix, particle in _PARTICLES.items():
            bare = words[word]
            quoted = f"'{bare}'" if word in _QUOTED and suffix != "can" else bare
            words[f"{word}_{suffix}"] = append_particle(quoted, particle)
    template = texts[1] if tongue == "ko" else texts[0]
    for word, value in words.items():
        template = template.replace("{" + word + "}", value)
    return template


def get_reason_texts(why: str) -> tuple[str, str]:
    """Both forms of a reason that no words are filled into."""
    return _REASONS[why]
