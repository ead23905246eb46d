"""Problems as lines that GitHub Actions shows at their places in a pull request.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from vtspec.schema.problem import Problem


def format_annotation(problem: Problem) -> str:
    """The line of a problem."""
    place = {"line": str(problem.line), "col": str(problem.column)} if problem.line else {}
    properties = {"file": problem.file, **place, "title": problem.path or "vtspec"}
    said = ",".join(f"{key}={_escape_property(value)}" for key, value in properties.items())
    message = _escape_data(f"{problem.message}\nfix: {problem.fix}")
    return f"::{problem.severity} {said}::{message}"


def format_notice(message: str) -> str:
    """The line that says something of the job as a whole."""
    return f"::notice title=vtspec::{_escape_data(message)}"


def _escape_data(text: str) -> str:
    # GitHub's own escapes: a line break would end the annotation and start another command.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    # Here a comma would begin the next property, and two colons would end them all.
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
