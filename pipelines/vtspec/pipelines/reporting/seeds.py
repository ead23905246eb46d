"""The runs that differ from one in their seed alone, and what their figures are together. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Final

from vtspec.adapters.metrics import METRICS

from .resampling import Interval
from .significance import compute_t_interval


@dataclass(frozen=True, kw_only=True)
class SeedRun:
    """The last finished run of one seed's plan, and its final figures; `run` is None where there
    is none yet."""

    seed: int
    plan_id: str
    run: str | None = None
    metrics: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The mean of one metric over seeds, its standard deviation, and the 95 % interval of the
    mean by Student's distribution."""

    name: str
    mean: float
    deviation: float
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class SeedGroup:
    """The seeds that are judged together, in their order, as far as they are finished."""

    runs: tuple[SeedRun, ...]

    @property
    def finished(self) -> tuple[SeedRun, ...]:
        """Those that have a result."""
        return tuple(one for one in self.runs if one.run is not None)

    @property
    def missing(self) -> tuple[SeedRun, ...]:
        """Those that have none yet."""
        return tuple(one for one in self.runs if one.run is None)

    @property
    def is_judged(self) -> bool:
        """Whether there are seeds to judge over; one alone has no spread."""
        return len(self.finished) >= 2

    @property
    def samples(self) -> Mapping[str, tuple[float, ...]]:
        """By metric, the figures of the finished seeds; of metrics that all of them have."""
        every = [one.metrics for one in self.finished]
        return {
            name: tuple(metrics[name] for metrics in every)
            for name in (every[0] if every else ())
            if all(name in metrics for metrics in every)
        }

    @property
    def spreads(self) -> tuple[Spread, ...]:
        """Every metric of them over the seeds; none where there is no more than one."""
        samples = self.samples if self.is_judged else {}
        return tuple(summarize_samples(name, values) for name, values in samples.items())


def summarize_samples(name: str, values: Sequence[float]) -> Spread:
    """What at least two figures of one metric are together."""
    return Spread(
        name=name,
        mean=fmean(values),
        deviation=stdev(values),
        interval=estimate_mean(name, values),
    )


def estimate_mean(name: str, values: Sequence[float]) -> Interval:
    """The 95 % interval of the mean of one metric over at least two seeds; a share stays one."""
    return keep_share(name, compute_t_interval(values))


def keep_share(name: str, interval: Interval) -> Interval:
    """The interval of a metric, which of a share lies between 0 and 1."""
    low, high = interval
    return (max(low, 0.0), min(high, 1.0)) if name in _SHARES else interval


_SHARES: Final = frozenset(
    one.name for metrics in METRICS.values() for one in metrics if one.is_share
)
