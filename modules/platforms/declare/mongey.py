"""Topics, ACLs, users and quotas through `mongey/kafka`, schemas through `cultureamp/schemaregistry`.

What every platform but Confluent Cloud uses, so it is written once here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from modules.platforms.base import KafkaRole
from modules.platforms.names import password_variable
from modules.resources.base import DependsOn, Lifecycle, Provider, Stack
from modules.resources.expressions import Expr, each, instance, literal
from modules.resources.kafka import KafkaAcl, KafkaQuota, KafkaTopic, KafkaUserScramCredential
from modules.resources.schemaregistry import SchemaregistrySchema
from modules.topics import AclSpec, QuotaSpec, SchemaSpec, TopicSpec

__all__ = [
    "declare_acls",
    "declare_quotas",
    "declare_schemas",
    "declare_topics",
    "declare_users",
]


def declare_topics(stack: Stack, specs: Sequence[TopicSpec], *, kept: bool = False) -> None:
    """`kafka_topic.topic["<name>"]`. `kept`: Terraform refuses a plan that would destroy one."""
    if not specs:
        return
    topics = {
        spec.name: {"partitions": spec.partitions, "replication": spec.replication, "config": dict(spec.config)}
        for spec in specs
    }
    KafkaTopic(
        stack,
        "topic",
        for_each=topics,
        name=each.key,
        partitions=each.value("partitions"),
        replication_factor=each.value("replication"),
        config=each.value("config"),
        lifecycle={"prevent_destroy": True} if kept else None,
    )


def declare_acls(stack: Stack, specs: Sequence[AclSpec], principal: Callable[[KafkaRole], str]) -> None:
    """`kafka_acl.allow["producer write topic order-events"]`."""
    if not specs:
        return
    rules = {
        spec.key: {
            "principal": principal(spec.role),
            "type": spec.resource_type,
            "name": spec.resource_name,
            "pattern": spec.pattern,
            "operation": spec.operation,
        }
        for spec in specs
    }
    KafkaAcl(
        stack,
        "allow",
        for_each=rules,
        acl_principal=each.value("principal"),
        acl_host="*",
        acl_operation=each.value("operation"),
        acl_permission_type="Allow",
        resource_type=each.value("type"),
        resource_name=each.value("name"),
        resource_pattern_type_filter=each.value("pattern"),
    )


def declare_users(
    stack: Stack, versions: Mapping[str, str], mechanism: str, provider: Provider | None = None
) -> KafkaUserScramCredential | None:
    """`kafka_user_scram_credential.user["orders"]`, with passwords that are in no plan and no state.

    Args:
        versions: user → what is changed to write the password again.
    """
    if not versions:
        return None
    passwords = {user: stack.variable(password_variable(user), sensitive=True, ephemeral=True) for user in versions}
    choices = ", ".join(f"{user} = {password.inner}" for user, password in passwords.items())
    return KafkaUserScramCredential(
        stack,
        "user",
        for_each=dict(versions),
        username=each.key,
        scram_mechanism=mechanism,
        password_wo=Expr.of(f"{{{choices}}}[each.key]"),
        password_wo_version=each.value(),
        provider=provider,
    )


def declare_quotas(
    stack: Stack, specs: Sequence[QuotaSpec], *, provider: Provider | None = None, waits: DependsOn = ()
) -> None:
    """`kafka_quota.application["orders"]`: bytes a second, of one broker."""
    if not specs:
        return
    shares = {
        spec.role: {"producer_byte_rate": spec.produce_share, "consumer_byte_rate": spec.consume_share}
        for spec in specs
    }
    KafkaQuota(
        stack,
        "application",
        for_each={role: {key: rate for key, rate in its.items() if rate is not None} for role, its in shares.items()},
        entity_type="user",
        entity_name=each.key,
        config=each.value(),
        provider=provider,
        depends_on=waits,
    )


def declare_schemas(stack: Stack, specs: Sequence[SchemaSpec], texts: Mapping[str, str], *, kept: bool = False) -> None:
    """`schemaregistry_schema.value["order-events-value"]`. `kept`: Terraform refuses a plan that would destroy one."""
    lifecycle: Lifecycle | None = {"prevent_destroy": True} if kept else None
    plain = {spec.subject: _subject(spec, texts) for spec in specs if not spec.references}
    if plain:
        SchemaregistrySchema(
            stack,
            "value",
            for_each=plain,
            subject=each.key,
            schema_type="AVRO",
            schema=each.value("schema"),
            compatibility_level=each.value("compatibility"),
            lifecycle=lifecycle,
        )
    # Those that refer to others are apart: instances of one resource cannot use each other's versions.
    referring = {
        spec.subject: {
            **_subject(spec, texts),
            "references": [
                {"name": type_, "subject": subject, "version": instance(_VALUES, subject).get("version")}
                for type_, subject in spec.references
            ],
        }
        for spec in specs
        if spec.references
    }
    if referring:
        SchemaregistrySchema(
            stack,
            "referring",
            for_each=referring,
            subject=each.key,
            schema_type="AVRO",
            schema=each.value("schema"),
            compatibility_level=each.value("compatibility"),
            references=each.value("references"),
            lifecycle=lifecycle,
        )


_VALUES = "schemaregistry_schema.value"


def _subject(spec: SchemaSpec, texts: Mapping[str, str]) -> dict[str, object]:
    return {"schema": literal(texts[spec.subject]), "compatibility": spec.compatibility}
