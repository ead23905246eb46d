"""Nothing a person types ends in a traceback, and nothing that breaks a rule is taken."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spec_mutants import ROOT, Oracle, corpus, mutants
from vtspec.pipelines.project.repository import find_repository
from vtspec.pipelines.validation import check_specs
from vtspec.schema.load import load
from vtspec.schema.yaml_source.document import parse_document

SLICES = (range(400), pytest.param(range(400, 2_000), marks=pytest.mark.exhaustive))
"""The first of the mutants; `benchmarks/fuzz.py` makes 20,000."""


def test_the_corpus_is_sound_to_both() -> None:
    oracle = Oracle()
    seeds = corpus()
    assert len(seeds) >= 6
    assert [load(seed, "f").problems for seed in seeds] == [()] * len(seeds)
    assert all(oracle.is_sound(seed) for seed in seeds)


@pytest.mark.slow
@pytest.mark.parametrize("numbers", SLICES, ids=str)
def test_mutants_are_taken_exactly_where_they_are_sound(numbers: range) -> None:
    oracle, seeds = Oracle(), corpus()
    world = find_repository(ROOT)
    apart, sound = [], 0
    for number, data in mutants(numbers, seeds):
        loaded = load(data, "f")
        check_specs([loaded], world)
        assert all(one.fix and one.message and one.line > 0 for one in loaded.problems)
        is_sound = oracle.is_sound(data)
        sound += is_sound is True
        if is_sound is not None and is_sound == bool(loaded.problems):
            apart.append((number, data[:200], loaded.problems[:2]))
    assert apart == []
    # Mutants that are all refused at once would prove nothing.
    assert len(numbers) / 40 < sound < len(numbers) / 2


def test_a_mutant_is_made_by_its_number_alone() -> None:
    seeds = corpus()
    assert list(mutants(range(5, 9), seeds)) == list(mutants(range(9), seeds))[5:]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_are_loaded_without_an_exception(data: bytes) -> None:
    loaded = load(data, "f")
    assert loaded.problems
    assert loaded.model is None


yaml_like = st.text(st.sampled_from("a0 :-?[]{},#&*!|>'\"%@`\n\t~.<=\\"), max_size=200)


@settings(max_examples=500, deadline=None)
@given(yaml_like)
def test_any_punctuation_is_read_alike_by_both_parsers(text: str) -> None:
    import yaml

    ours = parse_document(text, "f")
    pure = parse_document(text, "f", loader=yaml.SafeLoader)
    if not ours.broken and not pure.broken:
        assert ours.data == pure.data


def test_a_file_of_any_bytes_is_loaded_too(tmp_path: Path) -> None:
    from vtspec.schema.load import load_file

    for number, data in mutants(range(50), corpus()):
        file = tmp_path / f"{number}.yaml"
        file.write_bytes(data)
        assert load_file(file, "f").problems == load(data, "f").problems
