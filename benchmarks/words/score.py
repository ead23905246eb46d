"""Scores a drafter on a half of the requests: python benchmarks/words/score.py --half train."""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import get_args

from drafters import HOW_TO_SET_A_KEY, LOCAL, NAMES, Sketches, drafter_named
from figures import Figures, figures_by, figures_of, languages, table, tags, tasks
from judging import Judgement, crashed, judge
from repositories import REPOSITORIES, is_decided_in
from request import Half, Request, half_of

from vtspec.pipelines.drafting.result import Message
from vtspec.pipelines.project.repository import Repository

WARM_UP = (Message(author="person", text="resnet18 on digits, 5 epochs"),)
"""Drafted once before anything is timed, so that the catalogs are read."""


UNSEEN = ("test", "fresh")
"""The files that whoever works on a drafter does not read."""


def score(
    requests: Iterable[Request], drafter: Sketches, repository: Repository
) -> list[Judgement]:
    """The judgement of each request, in their order. A drafter that raises gets it wrong."""
    judged = []
    for request in requests:
        start = time.process_time()
        try:
            sketch = drafter.make_draft(request.conversation, repository)
        except Exception as error:  # the other requests still count
            judged.append(crashed(request, error))
            continue
        seconds = time.process_time() - start
        judged.append(judge(request, sketch, repository, seconds))
    return judged


def report(judged: Sequence[Judgement], by_tag: bool) -> list[str]:
    """The tables as lines."""
    groups = [
        {"all": figures_of(judged)},
        figures_by(judged, languages),
        figures_by(judged, tasks),
    ]
    if by_tag:
        groups.append(figures_by(judged, tags))
    merged: dict[str, Figures] = {}
    for each in groups:
        merged.update(each)
    lines = table(merged)
    if count := groups[0]["all"].crashed:
        lines.append(f"{count} raised an error instead of answering")
    return lines


def failures(judged: Iterable[Judgement]) -> list[str]:
    """What was said and what went wrong, for each request that did not pass."""
    lines = []
    for each in judged:
        if not each.passed:
            words = " / ".join(each.request.texts)
            lines.append(f"{each.request.id} [{' '.join(each.request.kinds)}] {words}")
            lines += [f"    {wrong}" for wrong in each.wrong]
    return lines


def as_json(judged: Sequence[Judgement]) -> dict[str, object]:
    """Every figure as plain data; shares from 0 to 1."""

    def plain(groups: Mapping[str, Figures]) -> dict[str, object]:
        return {name: asdict(figures) for name, figures in groups.items()}

    return {
        "overall": asdict(figures_of(judged)),
        "languages": plain(figures_by(judged, languages)),
        "tasks": plain(figures_by(judged, tasks)),
        "tags": plain(figures_by(judged, tags)),
    }


def options_of(words: Sequence[str] | None) -> argparse.Namespace:
    """The options. Ends the process where the failures of what is only scored are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--half", choices=get_args(Half), default="train")
    parser.add_argument("--drafter", choices=NAMES, default="offline")
    parser.add_argument(
        "--repository", choices=REPOSITORIES, action="append", help="all of them if left out"
    )
    parser.add_argument("--tags", action="store_true", help="also by tag")
    parser.add_argument("--failures", action="store_true", help="print what went wrong")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    options = parser.parse_args(words)
    if options.failures and options.half in UNSEEN:
        parser.error(
            f"the {options.half} half is only scored: a drafter that is mended by its failures is "
            "no longer tested by it\n"
            "  fix: look at the failures of the train half: --half train --failures"
        )
    return options


def main(words: Sequence[str] | None = None) -> None:
    """Score, and print what was asked for."""
    options = options_of(words)
    drafter = drafter_named(options.drafter)
    if drafter is None:
        print(f"{options.drafter}: no key")
        print(f"  fix: {HOW_TO_SET_A_KEY}", file=sys.stderr)
        return
    told: dict[str, object] = {"drafter": options.drafter, "half": options.half}
    for name in options.repository or REPOSITORIES:
        repository = REPOSITORIES[name]()
        if options.drafter in LOCAL:
            drafter.make_draft(WARM_UP, repository)
        asked = [each for each in half_of(options.half) if is_decided_in(each, name)]
        judged = score(asked, drafter, repository)
        print(f"{options.drafter}, {options.half} half, {name}")
        print("\n".join(report(judged, options.tags)))
        if options.failures:
            print("\n".join(failures(judged)))
        told[name] = as_json(judged)
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
