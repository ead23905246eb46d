"""What others wrote, as it stands in a sentence of ours: in code spans alone. Pure."""

from vtspec.pipelines.reporting.escape import render_code

_LONGEST_QUOTE = 100


def quote(text: str) -> str:
    """What somebody wrote, in which nothing has any power."""
    return render_code(text, _LONGEST_QUOTE)
