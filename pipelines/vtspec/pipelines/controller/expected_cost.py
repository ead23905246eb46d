"""What a run is expected to cost, by its plan and by its Workflow, and what of it counts. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ExpectedCost:
    """What a run is expected to cost in so many seconds; None where that is not known."""

    cost: float | None
    seconds: float | None
    currency: str

    def compute(self, seconds: float | None) -> float | None:
        """What so many seconds of it cost; all of it for None."""
        if self.cost is None or seconds is None:
            return self.cost
        return self.cost * seconds / self.seconds if self.seconds else None


def choose_cost(
    stored: ExpectedCost, noted: ExpectedCost | None, seconds: float | None = None
) -> tuple[float | None, str]:
    """What so many seconds of a run count for, or all of it, and in which currency: what its
    Workflow has `noted`, unless its plan in the store says more, which its pods may have written.
    """
    own = stored.compute(seconds)
    if noted is None:
        return own, stored.currency
    known = noted.compute(seconds)
    if known is None or own is None or stored.currency != noted.currency:
        return known, noted.currency
    return max(own, known), noted.currency
