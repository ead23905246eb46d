"""The report of a run: its folder's plain data → `Facts` → markdown, HTML and pictures."""

from .writer import Report, find_baseline, read_facts, write_report

__all__ = ["Report", "find_baseline", "read_facts", "write_report"]
