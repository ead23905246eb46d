"""The kinds that people write, as frozen pydantic models: their fields, types, units and rules."""
