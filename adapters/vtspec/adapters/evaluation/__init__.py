"""Metrics and details of an evaluation, as each field defines them, on NumPy."""
