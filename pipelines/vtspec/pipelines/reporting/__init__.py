"""The report of a run: its folder's plain data → `Facts` → markdown, HTML and pictures."""

from .writer import Report, baseline_of, read_facts, write_report

__all__ = ["Report", "baseline_of", "read_facts", "write_report"]
