"""Drafting with a language model: what it returns is data, checked as any other spec is.

```
conversation ──messages──▶ model ──▶ output ──▶ sketch
                           ▲   │        │
                   tools ──┘   └────────┘  problems go back, at most three times
```

The model has no credentials and no tool that writes. The provider's key is known to the one
module that talks HTTP (`transport`), and whatever goes to the model or comes from it passes
`redaction` (one for all of vtspec), `bounded_data` and `safe_text` first.
"""

from vtspec.pipelines.drafting.result import Unavailable

from .drafter import LlmDrafter, find_drafter
from .providers import Provider, find_provider
from .settings import Settings, load_settings

__all__ = [
    "LlmDrafter",
    "Provider",
    "Settings",
    "Unavailable",
    "find_drafter",
    "find_provider",
    "load_settings",
]
