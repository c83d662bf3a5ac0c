"""Who may do what: a service account for each job, its roles, its API keys, and where the keys are kept.

    deployer   makes topics, ACLs and subjects: administrator of this one cluster, owner of this registry's subjects
    producer   writes; its rights are ACLs (or roles) of the topics stack
    consumer   reads; likewise
    sink       carries topics into tables; its rights are in the connect stack, and it reads its topics' schemas
    registry   reads the schemas that producers and consumers need, and can do nothing else

An application has an account of its own: its Kafka key is the credential of its name, `<name>-registry` reads the
schemas of its topics. See `applications.py`.

A key's secret is in this stack's state, as Confluent gives it once and never again. From there it goes into AWS Secrets
Manager through a write-only argument, or to the command line as a sensitive output, which writes it to a private file.
"""

from __future__ import annotations

from collections.abc import Mapping

from modules.environment.capture import captured_topics
from modules.environment.confluent import secrets_of
from modules.environment.model import Environment
from modules.platforms.confluent import KEY_OUTPUT, key_file
from modules.platforms.declare.confluent.applications import declare_applications, keys_of_applications
from modules.platforms.declare.confluent.cluster import Cluster
from modules.platforms.declare.confluent.keys import key_targets, unready
from modules.platforms.names import resource_name
from modules.project import Project
from modules.resources.aws import AwsSecretsmanagerSecret, AwsSecretsmanagerSecretVersion
from modules.resources.base import Stack
from modules.resources.confluent import ConfluentApiKey, ConfluentRoleBinding, ConfluentServiceAccount
from modules.resources.expressions import Expr, each
from modules.topics import ROLES, schema_specs

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
    for role in ROLES:
        stack.output(f"{role}_account", accounts.attr("id", key=role), description=f"The {role}'s service account.")
    made_keys = {"key": keys}
    if environment.applications:
        made_keys["application"] = declare_applications(stack, environment, made)
    if secrets_of(environment) == "aws-sm":
        _in_secrets_manager(stack, environment, made_keys)
    else:
        _in_files(stack, environment, project, made_keys)


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
    # Captured topics' subjects are registered by their connectors, and read like any other.
    subjects = [*(spec.subject for spec in specs), *(f"{topic}-value" for topic in captured_topics(environment))]
    for subject in subjects:
        for account in ("registry", "sink"):
            if account == "registry" or subject in sunk:
                pattern = f"{registry}/subject={subject}"
                roles[f"{account} reads {subject}"] = of(account, "DeveloperRead", pattern)
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
    target = key_targets(stack, made)

    def account(name: str) -> Expr:
        return accounts.attr(name, key=each.value("account"))

    return ConfluentApiKey(
        stack,
        "key",
        for_each=KEYS,
        display_name=f"{resource_name(environment, limit=48)}-{each.key}",
        description=f"{each.value('of')} key of {each.value('account')}",
        owner={"id": account("id"), "api_version": account("api_version"), "kind": account("kind")},
        managed_resource=target,
        disable_wait_for_ready=unready(environment),
        depends_on=[roles],
    )


def _in_secrets_manager(stack: Stack, environment: Environment, keys: Mapping[str, ConfluentApiKey]) -> None:
    """A secret a key: `keys` are the resources that make them, by what the resources of their secrets are called."""
    name = resource_name(environment, limit=200)
    references: dict[str, str] = {}
    for id_, made in keys.items():
        names = list(KEYS if id_ == "key" else keys_of_applications(environment))
        secret = AwsSecretsmanagerSecret(
            stack,
            id_,
            for_each=names,
            name=f"{name}-confluent-{each.key}",
            description=f"Confluent Cloud API key: {each.key} of {name}",
            # A test environment is made again under the same names the same day.
            recovery_window_in_days=30 if environment.production else 0,
        )
        AwsSecretsmanagerSecretVersion(
            stack,
            id_,
            for_each=names,
            secret_id=secret.attr("id", key=each.key),
            secret_string_wo=Expr.of(
                f"jsonencode({{username = {_key(made, 'id')}, password = {_key(made, 'secret')}}})"
            ),
            secret_string_wo_version=1,
            # A key made anew is another version of the secret.
            lifecycle={"replace_triggered_by": [f"{made.address}[each.key].id"]},
        )
        references |= {role: f"aws-sm:{secret.attr('arn', key=role)}" for role in names}
    stack.output("credentials", references, description="References of API keys.")


def _in_files(stack: Stack, environment: Environment, project: Project, keys: Mapping[str, ConfluentApiKey]) -> None:
    addresses = [made.address for made in keys.values()]
    all_keys = addresses[0] if len(addresses) == 1 else f"merge({', '.join(addresses)})"
    values = Expr.of(f"{{for name, key in {all_keys} : name => {{username = key.id, password = key.secret}}}}")
    stack.output(KEY_OUTPUT, values, sensitive=True, description="API keys, for private files on this machine.")
    names = (*KEYS, *keys_of_applications(environment))
    files = {role: f"file:{key_file(project, environment.name, role).relative_to(project.root)}" for role in names}
    stack.output("credentials", files, description="References of API keys.")


def _key(keys: ConfluentApiKey, name: str) -> str:
    return keys.attr(name, key=each.key).inner
