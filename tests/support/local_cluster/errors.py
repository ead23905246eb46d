"""What a person is told where the cluster cannot be made."""


class ClusterError(Exception):
    """Something is missing or a program failed; `fix` is what to type or to look at."""

    def __init__(self, message: str, *, fix: str) -> None:
        super().__init__(message)
        self.fix = fix
