"""`vtspec models search` and `vtspec models show`."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from vtspec.cli.commands.models import command
from vtspec.pipelines.formatting import format_count, format_gmacs


def models(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=True)


def found(*arguments: str) -> Any:
    done = models("search", *arguments, "--output", "json")
    assert (done.exit_code, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_search_shows_a_table_with_the_best_first() -> None:
    done = models("search", "resnet", "18", "--framework", "timm", "--limit", "2")
    heading, first, second, rest = done.stdout.splitlines()
    assert done.exit_code == 0
    assert heading.split() == [
        *("name", "framework", "task", "parameters", "GMACs", "size", "weights", "licence"),
        *("trains", "here"),
    ]
    assert first.split() == [
        *("resnet18", "timm", "image-classification,", "multilabel-classification"),
        *("11.7M", "1.81", "224x224"),
        *("a1_in1k", "+6", "apache-2.0", "yes"),
    ]
    assert second.split()[0] == "resnet18d"
    assert rest.endswith("shows all")


def test_the_columns_of_the_table_line_up() -> None:
    lines = models("search", "resnet", "--limit", "5").stdout.splitlines()[:6]
    starts = [line.index("image-classification") for line in lines[1:]]
    assert starts == [lines[0].index("task")] * 5


def test_words_may_come_quoted_together() -> None:
    assert found("resnet 18") == found("resnet", "18")


def test_search_as_json_counts_all_and_shows_as_many_as_asked_for() -> None:
    answer = found("resnet", "--limit", "3")
    assert len(answer["models"]) == 3
    assert answer["total"] > 50
    assert found("resnet", "--limit", "1000")["total"] == answer["total"]


def test_search_as_json_says_all_that_is_known_of_a_model() -> None:
    first = found("resnet18", "--limit", "1")["models"][0]
    weights = first.pop("weights")
    assert first == {
        "framework": "timm",
        "name": "resnet18",
        "family": None,
        "listed": True,
        "tasks": ["image-classification", "multilabel-classification"],
        "parameters": 11689512,
        "parametersPerClass": 513,
        "imageSize": [224, 224],
        "imageSizeStep": 1,
        "minImageSize": [1, 1],
        "gmacs": 1.814,
        "activations": 5.55,
        "pretrained": True,
        "trainsHere": True,
    }
    assert weights[0] == {
        "tag": "a1_in1k",
        "licence": "apache-2.0",
        "permissive": True,
        "imageSize": [224, 224],
        "classes": 1000,
        "hubId": "timm/resnet18.a1_in1k",
        "url": None,
    }


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("resnet18", "--framework", "timm"), "yes"),
        (("softmax-regression",), "yes"),
        (("yolo11n",), "from scratch"),
        (("rtdetr-l",), "no"),
        (("yolo11n-cls",), "from scratch"),
        (("yolo26n-sem",), "from scratch"),
        (("trocr-base-handwritten",), "yes"),
        (("pix2struct-textcaps-base",), "no"),
        (("nvidia/segformer-b0-finetuned-ade-512-512",), "yes"),
        (("gcvit_tiny",), "from scratch"),
    ],
)
def test_search_and_show_mark_what_no_adapter_here_trains(
    words: tuple[str, ...], answer: str
) -> None:
    heading, first, *_ = models("search", *words).stdout.splitlines()
    assert first[heading.index("trains here") :] == answer
    (name, *options) = [first.split()[0], *words[1:]]
    shown = models("show", name, *options).stdout.splitlines()
    (line,) = [line for line in shown if line.startswith("  trains here")]
    assert line.split("  trains here  ")[1].split(":")[0] == answer
    assert found(*words)["models"][0]["trainsHere"] == (answer != "no")
    # What is told to be written starts from nothing that cannot be had.
    if answer == "from scratch":
        assert any(line.endswith("pretrained: false}") for line in shown)


def test_search_can_be_held_to_published_weights() -> None:
    assert "resnetblur18" in [each["name"] for each in found("resnetblur")["models"]]
    pretrained = found("resnetblur", "--pretrained")["models"]
    assert all(each["pretrained"] for each in pretrained)
    assert "resnetblur18" not in [each["name"] for each in pretrained]


def test_search_without_words_lists_every_model_of_a_framework() -> None:
    answer = found("--framework", "toy")
    assert [each["name"] for each in answer["models"]] == ["softmax-regression"]


def test_a_licence_that_is_not_clearly_permissive_is_marked_and_explained() -> None:
    done = models("show", "resnet18.fb_swsl_ig1b_ft_in1k")
    assert "cc-by-nc-4.0 !" in done.stdout
    assert "! not clearly permissive" in done.stdout
    assert "!" not in models("show", "resnet18.a1_in1k").stdout


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (["restnet18"], "did you mean 'resnet18'?"),
        (["resnt", "50"], "did you mean 'resnet50'?"),
        (["resnet18", "--task", "ocr"], "vtspec models search resnet18"),
        (["resnet 50 apache", "--task", "ocr"], "vtspec models search 'resnet 50 apache'"),
        (["resnt 50"], "did you mean 'resnet50'?"),
        (["qqqqqqqqqqqq"], "use fewer words, or shorter ones"),
    ],
)
def test_a_search_that_finds_nothing_says_what_to_type_instead(words: list[str], fix: str) -> None:
    done = models("search", *words)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("no model fits '")
    assert done.stderr.endswith(f"  fix: {fix}\n")


def test_a_search_as_json_that_finds_nothing_is_still_json() -> None:
    done = models("search", "qqqqqqqqqqqq", "--pretrained", "--output", "json")
    assert done.exit_code == 2
    assert json.loads(done.stdout) == {"total": 0, "models": []}
    assert "no model fits 'qqqqqqqqqqqq' --pretrained" in done.stderr


def test_a_search_of_one_framework_alone_that_finds_nothing_names_it() -> None:
    done = models("search", "--framework", "toy", "--pretrained")
    assert done.exit_code == 2
    assert done.stderr.startswith("no model fits --framework toy --pretrained")


@pytest.mark.parametrize("arguments", [["search", "net"], ["show", "resnet18"]])
def test_a_misspelt_framework_is_answered_with_the_one_that_was_meant(
    arguments: list[str],
) -> None:
    done = models(*arguments, "--framework", "tim")
    assert done.exit_code == 2
    assert "there is no framework 'tim'\n  fix: did you mean 'timm'?" in done.stderr
    other = models(*arguments, "--framework", "zzz")
    assert "fix: there are: timm, toy" in other.stderr


def test_show_says_all_of_one_model_and_how_to_ask_for_it() -> None:
    lines = models("show", "resnet18").stdout.splitlines()
    assert lines[0] == "resnet18"
    assert "  parameters   11,689,512 with 1,000 classes; each class has 513" in lines
    assert "  in a spec    model: {name: resnet18, pretrained: true}" in lines
    assert "  activations  21 MiB an image while training, in 32 bits" in lines
    tags = [line.split()[0] for line in lines[lines.index("") + 2 :]]
    assert tags[:2] == ["a1_in1k", "a2_in1k"]


def test_show_of_a_tag_shows_those_weights_alone() -> None:
    text = models("show", "resnet18.tv_in1k").stdout
    assert "name: resnet18.tv_in1k" in text
    assert "hf-hub:timm/resnet18.tv_in1k" in text
    assert "a1_in1k" not in text
    answer = json.loads(models("show", "resnet18.tv_in1k", "--output", "json").stdout)
    assert [weights["tag"] for weights in answer[0]["weights"]] == ["tv_in1k"]


def test_show_of_a_model_without_weights_ends_after_the_facts() -> None:
    text = models("show", "resnetblur18").stdout
    assert "  weights      none are published\n" in text
    assert text.endswith("model: {name: resnetblur18, pretrained: false}\n")


def test_weights_that_are_on_no_hub_are_shown_with_their_address() -> None:
    text = models("show", "gcvit_tiny").stdout
    assert "https://github.com/" in text
    assert "hf-hub" not in text


def test_show_of_a_model_of_one_size_says_so() -> None:
    assert "  other sizes  none\n" in models("show", "efficientformer_l1").stdout


def test_show_of_a_model_that_takes_sizes_in_steps_says_so() -> None:
    text = models("show", "test_vit").stdout
    assert "  other sizes  from 16x16 in steps of 16\n" in text


def test_show_of_an_unknown_model_is_answered_with_the_one_that_was_meant() -> None:
    done = models("show", "resnt18")
    assert done.exit_code == 2
    assert "there is no model 'resnt18'\n  fix: vtspec models show resnet18" in done.stderr
    nothing = models("show", "qqqqqqqqqqqq")
    assert "fix: vtspec models search\n" in nothing.stderr


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1K"),
        (371_240, "371K"),
        (999_999, "999K"),
        (11_689_512, "11.7M"),
        (138_357_544, "138M"),
        (1_137_000_000, "1.14B"),
        (13_000_000_000, "13B"),
    ],
)
def test_counts_are_shown_with_three_digits(count: int, words: str) -> None:
    assert format_count(count, is_narrow=True) == words


@pytest.mark.parametrize(
    ("gmacs", "words"),
    [(6.4e-05, "<0.001"), (0.03764, "0.0376"), (1.814, "1.81"), (99.96, "100"), (1782.0, "1,782")],
)
def test_multiply_adds_are_shown_without_an_exponent(gmacs: float, words: str) -> None:
    assert format_gmacs(gmacs) == words


def test_what_nobody_told_of_a_hub_id_is_shown_as_not_known() -> None:
    shown = models("show", "me/mine").stdout
    facts = dict(line.split(maxsplit=1) for line in shown.splitlines()[1:6])
    assert facts == {
        "framework": facts["framework"],
        "task": "not known: no catalog lists it",
        "parameters": "not known",
        "image": "size   not known",
        "other": "sizes  not known",
    }
    assert facts["framework"].startswith("transformers ")
    assert shown.splitlines()[-2].split() == ["main", "unknown", "!", "-", "-", "hf-hub:me/mine"]
    (as_json,) = json.loads(models("show", "me/mine", "--output", "json").stdout)
    assert (as_json["listed"], as_json["parameters"], as_json["imageSize"]) == (False, None, None)
    assert as_json["weights"][0]["imageSize"] is as_json["weights"][0]["classes"] is None


def test_a_listed_hub_id_is_shown_with_its_family_and_usual_size() -> None:
    shown = models("show", "google/vit-base-patch16-224").stdout
    assert "  family       vit\n" in shown
    assert "  image size   224x224 pixels" in shown
    assert "  other sizes  not known\n" in shown
    assert "86,567,656 with 1,000 classes; each class has 769" in shown


def test_a_detector_is_shown_with_the_parameters_of_its_own_head() -> None:
    shown = models("show", "yolo11n").stdout
    assert "  parameters   2,624,080 with its own head\n" in shown
    assert "  other sizes  from 32x32 in steps of 32\n" in shown
    assert "/yolo11n.pt" in shown and "agpl-3.0 !" in shown


def test_search_shows_a_line_where_there_are_no_numbers() -> None:
    rows = models("search", "segformer", "--framework", "transformers").stdout.splitlines()
    (row,) = [line for line in rows if line.startswith("nvidia/segformer-b0")]
    assert row.split()[-7:] == ["-", "-", "-", "main", "unknown", "!", "yes"]
    first = models("search", "yolo11").stdout.splitlines()[1].split()
    assert first[:4] == ["yolo11n", "ultralytics", "object-detection", "2.62M"]
