"""What GitHub answers of its state: its own examples, with the state in their place."""

import zlib
from typing import Any

from github_description import Description
from github_world import (
    APP_SLUG,
    CheckRun,
    Comment,
    PullRequest,
    Reaction,
    Repository,
    Review,
    Status,
)

Object = dict[str, Any]


class Answers:
    """Objects of the API. `url` is where the API is."""

    def __init__(self, description: Description, url: str) -> None:
        self._description = description
        self._url = url

    def show_user(self, login: str | None) -> Object | None:
        """An account; None for one that is gone."""
        if login is None:
            return None
        example = self._description.find_example("issue-comment")["user"]
        kind = "Bot" if login.endswith("[bot]") else "User"
        return {**example, "login": login, "id": zlib.crc32(login.encode()), "type": kind}

    def show_own_account(self, login: str) -> Object:
        """The account whose token asks."""
        name = "private-user-response-with-public-profile-information"
        example = self._description.find_example(name)
        shown = self.show_user(login) or {}
        return {**example, **shown, "user_view_type": "public"}

    def show_app(self) -> Object:
        """The App itself."""
        example = self._description.find_example("integration")
        return {**example, "slug": APP_SLUG}

    def show_repository(self, repository: Repository) -> Object:
        """A repository."""
        example = self._description.find_example("full-repository-default-response")
        for other in ("source", "parent", "template_repository", "organization"):
            example.pop(other, None)
        return {**example, **self._name_repository(repository), "language": None}

    def _name_repository(self, repository: Repository) -> Object:
        return {
            "id": repository.id,
            "full_name": repository.full_name,
            "name": repository.full_name.partition("/")[2],
            "default_branch": repository.default_branch,
            "private": repository.is_private,
            "clone_url": repository.clone_url or f"https://github.com/{repository.full_name}.git",
        }

    def show_pull_request(
        self, repository: Repository, pull_request: PullRequest, *, is_listed: bool = False
    ) -> Object:
        """A pull request, as it is alone or in a list."""
        if is_listed:
            (example,) = self._description.find_example("pull-request-simple-items")
        else:
            example = self._description.find_example("pull-request")
            merged_by = self.show_user(pull_request.merged_by)
            example |= {"merged": pull_request.merged_at is not None, "merged_by": merged_by}
        head_repository = example["head"]["repo"] | self._name_repository(repository)
        head_repository["id"] = pull_request.head_repository
        head = {"ref": pull_request.head_ref, "sha": pull_request.head_sha}
        base = {"ref": pull_request.base_ref, "sha": pull_request.base_sha}
        base_repository = example["base"]["repo"] | self._name_repository(repository)
        is_gone = pull_request.head_repository is None
        return {
            **example,
            "number": pull_request.number,
            "title": pull_request.title,
            "state": pull_request.state,
            "draft": pull_request.is_draft,
            "user": self.show_user(pull_request.author),
            "merged_at": pull_request.merged_at,
            "merge_commit_sha": pull_request.merge_sha,
            "created_at": pull_request.created_at,
            "requested_teams": [],
            "html_url": f"https://github.com/{repository.full_name}/pull/{pull_request.number}",
            "head": {**example["head"], **head, "repo": None if is_gone else head_repository},
            "base": {**example["base"], **base, "repo": base_repository},
        }

    def show_issue(self, repository: Repository, pull_request: PullRequest) -> Object:
        """A pull request in a list of issues."""
        (example,) = self._description.find_example("issue-items")
        merge = {**example["pull_request"], "merged_at": pull_request.merged_at}
        return {
            **example,
            "number": pull_request.number,
            "title": pull_request.title,
            "state": pull_request.state,
            "updated_at": repository.find_change(pull_request.number),
            "pull_request": merge,
        }

    def show_comment(self, repository: Repository, comment: Comment) -> Object:
        """A comment."""
        page = f"https://github.com/{repository.full_name}/pull/{comment.number}"
        return {
            **self._description.find_example("issue-comment"),
            "id": comment.id,
            "body": comment.body,
            "user": self.show_user(comment.author),
            "created_at": comment.created_at,
            "updated_at": comment.updated_at,
            "html_url": f"{page}#issuecomment-{comment.id}",
        }

    def show_reaction(self, reaction: Reaction) -> Object:
        """A reaction."""
        return {
            **self._description.find_example("reaction"),
            "id": reaction.id,
            "content": reaction.content,
            "user": self.show_user(reaction.user),
            "created_at": reaction.created_at,
        }

    def show_review(self, review: Review) -> Object:
        """A review."""
        (example,) = self._description.find_example("pull-request-review-items")
        return {
            **example,
            "id": review.id,
            "state": review.state,
            "user": self.show_user(review.user),
            "commit_id": review.commit,
            "submitted_at": review.submitted_at,
        }

    def show_permission(self, repository: Repository, login: str) -> Object:
        """What an account may do."""
        known = repository.permissions
        permission = known.get(login, "none" if repository.is_private else "read")
        name = "repository-collaborator-permission-response-if-user-has-admin-permissions"
        return {
            **self._description.find_example(name),
            "permission": permission,
            "role_name": permission,
            "user": {**(self.show_user(login) or {}), "role_name": permission},
        }

    def show_status(self, status: Status) -> Object:
        """A commit's status."""
        return {
            **self._description.find_example("status"),
            "id": status.id,
            "state": status.state,
            "context": status.context,
            "description": status.description,
            "target_url": status.url,
            "created_at": status.created_at,
        }

    def show_plain_status(self, status: Status) -> Object:
        """The same, among those of a commit."""
        shown = self.show_status(status)
        shown.pop("creator")
        return shown

    def show_combined_status(self, sha: str, statuses: list[Object], count: int) -> Object:
        """A page of the statuses that a commit has now."""
        example = self._description.find_example("combined-commit-status")
        return {**example, "sha": sha, "statuses": statuses, "total_count": count}

    def show_check_run(self, run: CheckRun) -> Object:
        """A check run."""
        example = self._description.find_example("check-run-example-of-completed-conclusion")
        output = {
            "title": run.title,
            "summary": run.summary,
            "annotations_count": len(run.annotations),
        }
        return {
            **example,
            "id": run.id,
            "head_sha": run.sha,
            "name": run.name,
            "status": run.status,
            "conclusion": run.conclusion,
            "external_id": run.external_id,
            "output": example["output"] | output,
            "app": self.show_app() | {"slug": run.app},
        }

    def show_installation(self, installation: int) -> Object:
        """Where the App is installed."""
        return {**self._description.find_example("installation"), "id": installation}

    def show_token(self, token: str, expires_at: str) -> Object:
        """A token of an installation."""
        example = self._description.find_example("installation-token")
        example.pop("repositories")
        return {**example, "token": token, "expires_at": expires_at}
