"""Who may take on the roles of CI: jobs of one repository, as its service's identity tokens name them.

A token's subject says which repository and which environment or branch a job belongs to. A condition here names all of
it, so that no other repository, no fork and no other environment fits. Subjects: GitHub's "OpenID Connect reference",
GitLab's "OpenID Connect (OIDC) authentication using ID tokens", read 2026-11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from modules.errors import ConfigError

__all__ = ["AUDIENCE", "Repository", "Role", "repository_of", "subject", "trust_statement"]

AUDIENCE = "sts.amazonaws.com"
Role = Literal["plan", "apply"]

_GITHUB = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_GITLAB = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+")


@dataclass(frozen=True)
class Repository:
    """A repository and the service it is on.

    Args:
        path: `owner/name`; on GitLab `group/…/project`.
        branch: GitLab's deploys come from it; GitHub's environments say it themselves.
        server: GitLab's address.
    """

    forge: Literal["github", "gitlab"]
    path: str
    branch: str = "main"
    server: str = "https://gitlab.com"

    def __post_init__(self) -> None:
        # Nothing that a condition would take for a wildcard, nothing that ends a part of a subject.
        if not (_GITHUB if self.forge == "github" else _GITLAB).fullmatch(self.path):
            raise ConfigError(
                f"`{self.path}` is no repository of {self.forge}",
                where="--repository",
                do="write OWNER/NAME" if self.forge == "github" else "write GROUP/PROJECT",
            )
        if not re.fullmatch(r"[A-Za-z0-9][\w./+-]*", self.branch):
            raise ConfigError(f"`{self.branch}` is no branch", where="--branch", do="write its name")
        if not re.fullmatch(r"https://[a-z0-9.-]+(:\d+)?", self.server):
            raise ConfigError(f"`{self.server}` is no address", where="--server", do="write https://HOST")

    @property
    def issuer(self) -> str:
        """Who signs the tokens."""
        return "https://token.actions.githubusercontent.com" if self.forge == "github" else self.server

    @property
    def claims(self) -> str:
        """How AWS calls the issuer in conditions, and at the end of the provider's ARN."""
        return self.issuer.removeprefix("https://")


def subject(repository: Repository, role: Role, environment: str) -> str:
    """The subject of the tokens that may take on the role."""
    if repository.forge == "github":
        name = f"{environment}-plan" if role == "plan" else environment
        return f"repo:{repository.path}:environment:{name}"
    ref = "*" if role == "plan" else repository.branch
    return f"project_path:{repository.path}:ref_type:branch:ref:{ref}"


def trust_statement(repository: Repository, role: Role, environment: str, provider_arn: str) -> dict[str, object]:
    """The one statement of the role's trust policy."""
    named = {f"{repository.claims}:aud": AUDIENCE}
    wanted = {f"{repository.claims}:sub": subject(repository, role, environment)}
    if any("*" in each for each in wanted.values()):
        condition = {"StringEquals": named, "StringLike": wanted}
    else:
        condition = {"StringEquals": {**named, **wanted}}
    return {
        "Sid": "Jobs",
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }


def repository_of(remote: str, forge: Literal["github", "gitlab"], branch: str, server: str) -> Repository:
    """The repository of a git remote's address, as `git remote get-url origin` prints it.

    Raises:
        ConfigError: it is none of that service.
    """
    match = re.fullmatch(r"(?:ssh://)?(?:[\w.-]+@)?([\w.-]+)(?::\d+)?[:/](.+?)(?:\.git)?/?", remote)
    if remote.startswith("https://"):
        parts = urlsplit(remote)
        host, path = parts.hostname or "", parts.path.strip("/").removesuffix(".git")
    elif match:
        host, path = match[1], match[2]
    else:
        host, path = "", ""
    if host != ("github.com" if forge == "github" else server.removeprefix("https://").split(":")[0]):
        raise ConfigError(
            f"`origin` is no repository of {forge}",
            where="git remote",
            do="say which it is: --repository OWNER/NAME",
        )
    return Repository(forge, path, branch, server)
