"""Topics, ACLs and subjects that are there and nobody declared. Only asks; what cannot be asked for is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from modules.adoption.live import LiveTopic, read_kafka, read_subjects
from modules.drift.managed import Managed
from modules.drift.model import Drift, Unlisted
from modules.environment.capture import captured_topics
from modules.environment.model import Environment
from modules.errors import ServiceError
from modules.platforms.base import Platform
from modules.topics import schema_specs, topic_specs

__all__ = ["unmanaged_in_kafka", "unmanaged_subjects"]


def unmanaged_in_kafka(
    environment: Environment, platform: Platform, managed: Managed, unlisted: Callable[[Unlisted], None]
) -> list[Drift]:
    """Topics and ACLs that are neither in the YAML nor in a state."""

    def hidden(words: str) -> None:
        needs = f"Describe on the cluster, for {platform.principal('admin')}"
        unlisted(Unlisted("ACLs", words, needs))

    try:
        topics, acls = read_kafka(platform, internal=True, hidden=hidden)
    except ServiceError as error:
        unlisted(Unlisted("topics and ACLs", error.what, error.do or "Describe on the cluster and its topics"))
        return []
    declared = {spec.name for spec in topic_specs(environment)} | managed.topics
    found = [_topic(environment, each) for name, each in topics.items() if name not in declared]
    return [*found, *(_acl(each) for each in sorted(acls - managed.acls))]


def _topic(environment: Environment, topic: LiveTopic) -> Drift:
    facts = {"partitions": topic.partitions, "replication": topic.replication, "config": dict(topic.config)}
    do = f"`infra drift --env {environment.name} --adopt` declares it"
    by_hand = f"kafka-topics.sh --bootstrap-server … --delete --topic {topic.name}"
    return Drift("unmanaged", "topic", topic.name, facts=facts, do=do, by_hand=by_hand)


def _acl(identifier: str) -> Drift:
    principal, host, operation, permission, kind, resource, pattern = identifier.split("|")
    where = f"{resource}*" if pattern == "Prefixed" else resource
    name = f"{principal} {permission.lower()} {operation} on {kind} {where}"
    if host != "*":
        name += f" from {host}"
    flag = {"Topic": "--topic", "Group": "--group", "TransactionalID": "--transactional-id"}.get(kind)
    what = f"{flag} '{resource}'" if flag else "--cluster"
    who = "--allow-principal" if permission == "Allow" else "--deny-principal"
    prefixed = " --resource-pattern-type prefixed" if pattern == "Prefixed" else ""
    by_hand = (
        f"kafka-acls.sh --bootstrap-server … --remove {who} '{principal}' --operation {operation} {what}{prefixed}"
    )
    do = "give the right in the YAML (`applications`), or take it away"
    return Drift("unmanaged", "ACL", name, facts={"id": identifier}, do=do, by_hand=by_hand)


def unmanaged_subjects(
    environment: Environment, platform: Platform, managed: Managed, unlisted: Callable[[Unlisted], None]
) -> Iterator[Drift]:
    """Subjects that are neither in the YAML nor in a state; those of captured tables are their connector's."""
    try:
        client = platform.registry_client()
        found = read_subjects(client)
    except ServiceError as error:
        unlisted(Unlisted("subjects of the Schema Registry", error.what, error.do or "read rights on all subjects"))
        return
    declared = {spec.subject for spec in schema_specs(environment)} | managed.subjects
    declared |= {f"{topic}-{half}" for topic in captured_topics(environment) for half in ("key", "value")}
    url = "" if client.kind == "glue" else client.url.rstrip("/")
    for name, subject in found.items():
        if name in declared:
            continue
        topic = name.removesuffix("-value")
        by_hand = f"aws glue delete-schema --schema-id SchemaName={name}" if not url else (
            f"curl -X DELETE '{url}/subjects/{name}'"
        )  # fmt: skip
        taken = topic in environment.topics or name.endswith("-value")
        do = f"adopt it with its topic, `infra drift --env {environment.name} --adopt`" if taken else (
            "declare a topic for it, or take it away"
        )  # fmt: skip
        facts = {"kind": subject.kind, "compatibility": subject.compatibility}
        yield Drift("unmanaged", "subject", name, facts=facts, do=do, by_hand=by_hand)
