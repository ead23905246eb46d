"""How sure counts are: intervals of shares, exact tests, and many tests at once. Pure."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, variance
from typing import Final

LEVEL: Final = 0.05
"""A difference that chance alone makes as large less often than this is called one."""

NORMAL: Final = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


_MOST_SUMMED: Final = 200_000


def compute_wilson_interval(share: float, count: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share measured on `count` > 0 things.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    z = NORMAL
    middle = share + z * z / (2 * count)
    spread = z * math.sqrt(max(share * (1 - share), 0.0) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def compute_sign_p(wins: int, losses: int) -> float:
    """The two-sided p-value that so many of `wins + losses` things favour one of two sides.

    On images that exactly one of two models gets right it is McNemar's exact test: McNemar, "Note
    on the sampling error of the difference between correlated proportions", 1947; Dietterich,
    "Approximate statistical tests for comparing supervised classification learning algorithms",
    1998.
    """
    count = wins + losses
    ways = total = 1
    # Whole numbers: 2 ** -1100 is no float, and what is summed must not vanish.
    for chosen in range(min(wins, losses)):
        ways = ways * (count - chosen) // (chosen + 1)
        total += ways
    return float(min(1.0, 2 * total / 2**count))


def compute_fisher_p(hits: int, count: int, other_hits: int, other_count: int) -> float:
    """The two-sided p-value that two shares, of things drawn apart, are one.

    Sums every table that is no likelier than the one seen: Fisher, "Statistical Methods for
    Research Workers", 1934. Of more things than anyone sums, the normal distribution's.
    """
    both = hits + other_hits
    if count + other_count > _MOST_SUMMED:
        pooled = both / (count + other_count)
        deviation = math.sqrt(pooled * (1 - pooled) * (1 / count + 1 / other_count))
        distance = abs(hits / count - other_hits / other_count)
        return math.erfc(distance / deviation / math.sqrt(2)) if deviation else 1.0
    lowest, highest = max(0, both - other_count), min(both, count)
    logs = [
        _log_ways(count, one) + _log_ways(other_count, both - one)
        for one in range(lowest, highest + 1)
    ]
    # Two tables that mirror each other are equally likely, but for the last bits of a logarithm.
    seen, top = logs[hits - lowest] + 1e-7, max(logs)
    weights = [math.exp(each - top) for each in logs]
    unlikely = (weight for weight, each in zip(weights, logs, strict=True) if each <= seen)
    return min(1.0, math.fsum(unlikely) / math.fsum(weights))


def _log_ways(count: int, chosen: int) -> float:
    return math.lgamma(count + 1) - math.lgamma(chosen + 1) - math.lgamma(count - chosen + 1)


def compute_normal_p(difference: float, variance: float) -> float:
    """The two-sided p-value that nothing lies behind a normally distributed difference."""
    if not variance > 0:
        return float(difference == 0)
    return math.erfc(abs(difference) / math.sqrt(2 * variance))


def compute_t_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean that at least two `values` were drawn around.

    Student, "The probable error of a mean", 1908: few values do not tell their own spread well, so
    that two of them need 12.7 standard errors where many need 1.96.
    """
    middle = fmean(values)
    margin = _find_t_quantile(len(values) - 1) * math.sqrt(variance(values) / len(values))
    return middle - margin, middle + margin


def compute_welch_p(values: Sequence[float], others: Sequence[float]) -> float:
    """The two-sided p-value that two samples have one mean, whatever the spread of each.

    Welch, "The generalization of 'Student's' problem when several different population variances
    are involved", 1947. A sample of one has no spread of its own and is taken to have the
    other's: Crawford and Howell, "Comparing an individual's test score against norms derived from
    small samples", 1998. Needs two values on one side, and some spread.
    """
    if min(len(values), len(others)) == 1:
        known = max(values, others, key=len)
        squared = variance(known) * (1 + 1 / len(known))
        degrees = len(known) - 1.0
    else:
        parts = [(variance(each) / len(each), len(each) - 1) for each in (values, others)]
        squared = sum(part for part, _ in parts)
        degrees = squared**2 / sum(part**2 / count for part, count in parts)
    return _compute_t_p((fmean(values) - fmean(others)) / math.sqrt(squared), degrees)


def _find_t_quantile(degrees: float) -> float:
    """How far out 5 % of Student's distribution begins, both tails together."""
    low, high = 0.0, 13.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _compute_t_p(middle, degrees) > LEVEL else (low, middle)
    return high


def _compute_t_p(t: float, degrees: float) -> float:
    return _compute_beta(degrees / (degrees + t * t), degrees / 2, 0.5)


def _compute_beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function, by its continued fraction.

    Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 26.5.8 and 26.7.1; summed
    by Lentz's method.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    # Where it converges fast; beyond, its mirror does.
    if x > (a + 1) / (a + b + 2):
        return 1 - _compute_beta(1 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    tiny = 1e-300
    above, below = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    total = below
    for m in range(1, 300):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            below = 1 / ((1 + term * below) or tiny)
            above = (1 + term / above) or tiny
            total *= above * below
        if abs(above * below - 1) < 1e-14:
            break
    return front * total / a


def correct_for_number(p_values: Mapping[str, float]) -> dict[str, float]:
    """The p-values, made larger for there being so many of them.

    Holm's step-down procedure: the chance that even one of them falls below the level although
    none of the differences is real stays below it, whatever they have to do with each other. Holm,
    "A simple sequentially rejective multiple test procedure", 1979.
    """
    corrected: dict[str, float] = {}
    floor = 0.0
    # Names break ties, so that the order is one.
    ordered = sorted(p_values, key=lambda name: (p_values[name], name))
    for place, name in enumerate(ordered):
        floor = max(floor, min(1.0, p_values[name] * (len(ordered) - place)))
        corrected[name] = floor
    return corrected
