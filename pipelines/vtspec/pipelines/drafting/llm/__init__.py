"""Drafting with a language model: what it returns is data, checked as any other spec is.

```
conversation ──rendering──▶ model ──▶ answers ──▶ sketch
                            ▲   │        │
                  lookups ──┘   └────────┘  problems go back, at most three times
```

The model has no credentials and no tool that writes. The provider's key is known to the one
module that talks HTTP (`exchange`), and whatever goes to the model or comes from it passes
`hidden`, `plain` and `wording` first.
"""

from vtspec.pipelines.drafting.unavailable import Unavailable

from .drafter import LlmDrafter, drafter_of
from .providers import Provider, provider_of
from .settings import Settings, settings_of

__all__ = [
    "LlmDrafter",
    "Provider",
    "Settings",
    "Unavailable",
    "drafter_of",
    "provider_of",
    "settings_of",
]
