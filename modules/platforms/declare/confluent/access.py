"""Who may do what: a service account for each job, its roles, its API keys, and where the keys are kept.

    deployer   makes topics, ACLs and subjects: administrator of this one cluster, owner of this registry's subjects
    producer   writes; its rights are ACLs (or roles) of the topics stack
    consumer   reads; likewise
    sink       carries topics into tables; its rights are in the connect stack, and it reads its topics' schemas
    registry   reads the schemas that producers and consumers need, and can do nothing else

A key's secret is in this stack's state, as Confluent gives it once and never again. From there it goes into AWS Secrets
Manager through a write-only argument, or to the command line as a sensitive output, which writes it to a private file.
"""

from __future__ import annotations

from modules.environment.confluent import networking_of, secrets_of
from modules.environment.model import Environment
from modules.platforms.confluent import KEY_OUTPUT, key_file
from modules.platforms.declare.confluent.cluster import Cluster
from modules.platforms.names import resource_name
from modules.project import Project
from modules.resources.aws import AwsSecretsmanagerSecret, AwsSecretsmanagerSecretVersion
from modules.resources.base import Stack
from modules.resources.confluent import ConfluentApiKey, ConfluentRoleBinding, ConfluentServiceAccount
from modules.resources.expressions import Expr, each
from modules.topics import schema_specs

__all__ = ["ACCOUNTS", "KEYS", "declare_access"]

ACCOUNTS = {
    "deployer": "Makes topics, their rights and subjects",
    "producer": "Writes to topics",
    "consumer": "Reads topics and their dead letters",
    "sink": "Carries topics into Snowflake",
    "registry": "Reads schemas for producers and consumers",
}

KEYS = {
    "admin": {"account": "deployer", "of": "kafka"},
    "producer": {"account": "producer", "of": "kafka"},
    "consumer": {"account": "consumer", "of": "kafka"},
    "sink": {"account": "sink", "of": "kafka"},
    "registry": {"account": "registry", "of": "registry"},
    "registry-admin": {"account": "deployer", "of": "registry"},
}
"""Credential → the account whose key it is, and what the key is for."""


def declare_access(stack: Stack, environment: Environment, project: Project, made: Cluster) -> None:
    """Accounts, roles, keys and the output `credentials`."""
    accounts = ConfluentServiceAccount(
        stack,
        "account",
        for_each=ACCOUNTS,
        display_name=f"{resource_name(environment, limit=48)}-{each.key}",
        description=each.value(),
    )
    roles = _roles(stack, environment, made, accounts)
    keys = _keys(stack, environment, made, accounts, roles)
    for role in ("producer", "consumer", "sink"):
        stack.output(f"{role}_account", accounts.attr("id", key=role), description=f"The {role}'s service account.")
    if secrets_of(environment) == "aws-sm":
        _in_secrets_manager(stack, environment, keys)
    else:
        _in_files(stack, environment, project, keys)


def _roles(
    stack: Stack, environment: Environment, made: Cluster, accounts: ConfluentServiceAccount
) -> ConfluentRoleBinding:
    """`confluent_role_binding.role["registry reads order-events-value"]`."""

    def of(account: str, role: str, pattern: str) -> dict[str, str]:
        return {"principal": f"User:{accounts.attr('id', key=account)}", "role": role, "pattern": pattern}

    registry = made.registry.attr("resource_name")
    roles = {
        "deployer administers the cluster": of("deployer", "CloudClusterAdmin", made.kafka.attr("rbac_crn")),
        # Subjects that do not exist yet can only be named by a wildcard; it ends at this environment's registry.
        "deployer owns subjects": of("deployer", "ResourceOwner", f"{registry}/subject=*"),
    }
    specs = schema_specs(environment)
    sunk = {f"{name}-value" for name, topic in environment.topics.items() if topic.sink}
    sunk |= {subject for spec in specs if spec.subject in sunk for _, subject in spec.references}
    for spec in specs:
        for account in ("registry", "sink"):
            if account == "registry" or spec.subject in sunk:
                pattern = f"{registry}/subject={spec.subject}"
                roles[f"{account} reads {spec.subject}"] = of(account, "DeveloperRead", pattern)
    return ConfluentRoleBinding(
        stack,
        "role",
        for_each=roles,
        principal=each.value("principal"),
        role_name=each.value("role"),
        crn_pattern=each.value("pattern"),
    )


def _keys(
    stack: Stack,
    environment: Environment,
    made: Cluster,
    accounts: ConfluentServiceAccount,
    roles: ConfluentRoleBinding,
) -> ConfluentApiKey:
    targets = stack.local(
        "key_target",
        {
            "kafka": {name: made.kafka.attr(name) for name in ("id", "api_version", "kind")},
            "registry": {name: made.registry.attr(name) for name in ("id", "api_version", "kind")},
        },
    )

    def target(name: str) -> Expr:
        return Expr.of(f"{targets.inner}[each.value.of].{name}")

    def account(name: str) -> Expr:
        return accounts.attr(name, key=each.value("account"))

    return ConfluentApiKey(
        stack,
        "key",
        for_each=KEYS,
        display_name=f"{resource_name(environment, limit=48)}-{each.key}",
        description=f"{each.value('of')} key of {each.value('account')}",
        owner={"id": account("id"), "api_version": account("api_version"), "kind": account("kind")},
        managed_resource={
            "id": target("id"),
            "api_version": target("api_version"),
            "kind": target("kind"),
            "environment": [{"id": made.environment.attr("id")}],
        },
        # Whether a Kafka key works can only be tried from inside a private network, and this stack needs not be.
        disable_wait_for_ready=Expr.of('each.value.of == "kafka"') if networking_of(environment) != "public" else None,
        depends_on=[roles],
    )


def _in_secrets_manager(stack: Stack, environment: Environment, keys: ConfluentApiKey) -> None:
    name = resource_name(environment, limit=200)
    secret = AwsSecretsmanagerSecret(
        stack,
        "key",
        for_each=list(KEYS),
        name=f"{name}-confluent-{each.key}",
        description=f"Confluent Cloud API key: {each.key} of {name}",
        # A test environment is made again under the same names the same day.
        recovery_window_in_days=30 if environment.production else 0,
    )
    AwsSecretsmanagerSecretVersion(
        stack,
        "key",
        for_each=list(KEYS),
        secret_id=secret.attr("id", key=each.key),
        secret_string_wo=Expr.of(f"jsonencode({{username = {_key(keys, 'id')}, password = {_key(keys, 'secret')}}})"),
        secret_string_wo_version=1,
        # A key made anew is another version of the secret.
        lifecycle={"replace_triggered_by": [f"{keys.address}[each.key].id"]},
    )
    references = {role: f"aws-sm:{secret.attr('arn', key=role)}" for role in KEYS}
    stack.output("credentials", references, description="References of API keys.")


def _in_files(stack: Stack, environment: Environment, project: Project, keys: ConfluentApiKey) -> None:
    values = Expr.of(f"{{for name, key in {keys.address} : name => {{username = key.id, password = key.secret}}}}")
    stack.output(KEY_OUTPUT, values, sensitive=True, description="API keys, for private files on this machine.")
    files = {role: f"file:{key_file(project, environment.name, role).relative_to(project.root)}" for role in KEYS}
    stack.output("credentials", files, description="References of API keys.")


def _key(keys: ConfluentApiKey, name: str) -> str:
    return keys.attr(name, key=each.key).inner
