"""Who may do what in an environment, read off its golden Terraform JSON: `python -m tests.platforms.rights` writes it.

ACLs, Confluent's role bindings and IAM policies become rows `principal | may | on`. A platform adds itself by naming a
case in `TABLES`; what is a wildcard must be in `WILDCARDS` with its reason, whatever the platform.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.platforms.golden import Documents, golden
from tests.platforms.schema_walk import instances_of, resolved

__all__ = ["FOLDER", "TABLES", "WILDCARDS", "Right", "render", "rights_of", "unexplained"]

FOLDER = Path(__file__).parent / "rights"

TABLES = [
    "confluent-basic-prod",
    "confluent-dedicated_applications-prod",
    "confluent-dedicated_peering-dev",
    "confluent-standard_roles-prod",
    "msk-provisioned-prod",
    "msk-provisioned_glue-prod",
    "msk-provisioned_applications-prod",
    "msk-provisioned_iam-prod",
    "msk-serverless-prod",
    "msk-serverless_applications-prod",
    "redpanda-ec2-prod",
    "redpanda-ec2_applications-prod",
    "redpanda-fargate-prod",
    "connectors-confluent_capture-prod",
    "connectors-msk_capture-prod",
    "connectors-msk_sink-dev",
    "connectors-redpanda-prod",
]
"""Cases with a table in `rights/`."""

WILDCARDS = {
    "deployer | ResourceOwner | registry/subject=[*]": "it registers subjects that do not exist yet; the environment "
    "has this one registry, and no role is narrower",
    "admin | kafka-cluster:* | topic [*]": "whoever deploys makes topics that do not exist yet, on this one cluster",
    "admin | kafka-cluster:DescribeGroup | group [*]": "consumer lag of every group of this one cluster",
    "registry | glue:GetSchemaVersion | [*]": "a version is asked for by its id alone, which has no ARN (AWS Glue's "
    "guide, policies for deserializers)",
    "machines | ecs:DiscoverPollEndpoint | [*]": "ECS takes no resource for it (AWS service authorization reference)",
    "machines | ecs:* | *:container-instance/*/[*]": "a machine's id is given to it when it joins; this cluster's only",
    "*-start | ecr:GetAuthorizationToken | [*]": "ECR takes no resource for it (AWS service authorization reference)",
}
"""`principal | may | on`, as a shell pattern (`[*]` is a star) → why it has to be a wildcard.

A name's beginning with a `*` behind it is none.
"""


@dataclass(frozen=True, order=True)
class Right:
    """One row."""

    principal: str
    may: str
    on: str

    def __str__(self) -> str:
        return f"{self.principal} | {self.may} | {self.on}"

    @property
    def wild(self) -> bool:
        """Whether it is on everything of its kind, or allows everything."""
        # `…:*` below one log group is its streams, `…/*` below a cluster all of its topics.
        everything = self.on == "*" or self.on.endswith(("=*", "/*", " *"))
        return everything or self.may == "*" or self.may.endswith(":*") or self.may.lower() in ("all", "any")


def rights_of(documents: Documents) -> list[Right]:
    """All rights in an environment's stacks, sorted."""
    return sorted({right for document in documents.values() for right in _rights(document)})


def unexplained(rights: list[Right]) -> list[str]:
    """Wildcards without a reason."""
    known = [right for right in rights if any(fnmatchcase(str(right), pattern) for pattern in WILDCARDS)]
    return [str(right) for right in rights if right.wild and right not in known]


def render(rights: list[Right]) -> str:
    """A table for people, as wide as it has to be."""
    rows = [("principal", "may", "on"), *((each.principal, each.may, each.on) for each in rights)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    lines = [f"| {row[0]:<{widths[0]}} | {row[1]:<{widths[1]}} | {row[2]} |" for row in rows]
    return "\n".join([lines[0], f"|{'-' * (widths[0] + 2)}|{'-' * (widths[1] + 2)}|---|", *lines[1:]]) + "\n"


def _rights(document: Mapping[str, Any]) -> Iterator[Right]:
    resources = document.get("resource", {})
    for type_ in ("confluent_kafka_acl", "kafka_acl"):
        for body in resources.get(type_, {}).values():
            for key in instances_of(document, body):
                yield _acl(document, type_, body, key)
    for body in resources.get("confluent_role_binding", {}).values():
        for value in instances_of(document, body).values():
            yield Right(_who(value["principal"]), value["role"], _where(value["pattern"]))
    for type_ in ("aws_iam_role_policy", "aws_iam_policy"):
        for name, body in resources.get(type_, {}).items():
            for key, value in instances_of(document, body).items():
                role, text = (resolved(body.get(each, name), key, value) for each in ("role", "policy"))
                yield from _policy(document, key or str(role), str(text))


def _acl(document: Mapping[str, Any], type_: str, body: Mapping[str, Any], key: str) -> Right:
    value = instances_of(document, body)[key]
    assert body.get("acl_permission_type", body.get("permission", "")).lower() == "allow", type_
    star = "*" if value["pattern"].lower() == "prefixed" else ""
    where = f"{value['type'].lower()} {value['name']}{star}"
    return Right(_who(value["principal"]), value["operation"].lower(), where)


def _policy(document: Mapping[str, Any], principal: str, text: str) -> Iterator[Right]:
    match = re.search(r"jsonencode\(local\.([\w-]+)\)", text)
    assert match, f"a policy that cannot be read: {text}"
    for statement in document["locals"][match[1]]["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in _listed(statement["Action"]):
            for resource in _listed(statement["Resource"]):
                yield Right(_who(principal), action, _where(resource))


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _who(text: str) -> str:
    """`producer`, from an address that ends in it."""
    for pattern in (r"cluster_([\w-]+)_account", r"(?:account|application)\[\"([\w-]+)\"\]", r"aws_iam_role\.([\w-]+)"):
        if match := re.search(pattern, text):
            return match[1]
    return re.sub(r"^(User:|streaming-\w+-kafka-)", "", text)


def _where(text: str) -> str:
    """An address in words: which expression it is made from matters less than what it ends in."""
    words = {
        "${data.confluent_schema_registry_cluster.main.resource_name}": "registry",
        "${confluent_kafka_cluster.main.rbac_crn}": "cluster",
        "${var.cluster_rbac_crn}/kafka=${var.cluster_cluster_id}": "cluster",
        "${var.cluster_arn}": "cluster",
        "${aws_msk_cluster.main.arn}": "cluster",
        "${aws_msk_serverless_cluster.main.arn}": "cluster",
    }
    text = re.sub(r"\$\{replace\([\w.]+, \":cluster/\", \":(\w+)/\"\)\}/", r"\1 ", text)
    for expression, word in words.items():
        text = text.replace(expression, word)
    return re.sub(r"\$\{([^}]*)\}", r"<\1>", text)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for case in TABLES:
        (FOLDER / f"{case}.md").write_text(render(rights_of(golden(case))), encoding="utf-8")
        sys.stdout.write(f"{FOLDER / case}.md\n")


if __name__ == "__main__":
    main()
