"""Gitea, and what has its API."""

from vtspec.pipelines.errors import Permanent

from .answers import read_permission
from .check_status import make_check_status
from .forge import CheckReport, Permission, ReactionContent
from .rest_forge import RestForge


class Gitea(RestForge):
    """One repository of a Gitea. It has no check runs: a check is a status."""

    def remove_reaction(self, comment_id: int, content: ReactionContent) -> None:
        """Take our own reaction back; where there is none, nothing changes."""
        self._api.remove(self._reactions_path(comment_id), {"content": content})

    def get_permission(self, login: str) -> Permission:
        """What a person may do in the repository now; "none" for who is unknown.

        Raises:
            Permanent: whose token it is does not administer the repository; Gitea tells nobody
                else.
        """
        if not login:
            return "none"
        try:
            return read_permission(
                self._api.find(self._path("collaborators", login, "permission"))
            )
        except Permanent as error:
            raise Permanent(
                error.message,
                fix=f"make {self.find_login()} an administrator of {self.repository}",
            ) from None

    def report_check(self, sha: str, report: CheckReport) -> None:
        """Report a check of a commit as its status; annotations are for a comment to say."""
        self.set_status(sha, make_check_status(report))
