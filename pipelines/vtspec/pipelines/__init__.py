"""From a spec to its result: decisions first, effects at the edge."""
