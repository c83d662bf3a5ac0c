"""MSK's Terraform half: network, brokers, logins, registry and alarms in the cluster stack, topics and rights behind.

Terraform makes topics and ACLs as the IAM role `admin`, whatever clients log in with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from modules.environment.connect import runs_in_vpc, sink_on_ecs, uses_msk_connect, worker_on_ecs
from modules.environment.model import Environment
from modules.environment.msk import registry_database, registry_tasks
from modules.environment.msk_limits import TOPIC_SETTINGS
from modules.errors import SynthError
from modules.platforms.base import Platform, RegistryClient
from modules.platforms.declare.aws import NetworkRefs, aws_provider, declare_key, declare_network
from modules.platforms.declare.aws.alarms import declare_alarm_topic, declare_alarms
from modules.platforms.declare.aws.certificates import host_of
from modules.platforms.declare.aws.connect_tasks import SINK_OUTPUTS, EcsInputs, declare_ecs
from modules.platforms.declare.aws.connect_worker import iam_login, scram_login
from modules.platforms.declare.aws.connectors import (
    KEY_OUTPUT,
    NETWORK_INPUTS,
    Reached,
    declare_connectors_group,
    on_ecs,
    place_of,
    secret_of,
)
from modules.platforms.declare.aws.glue import (
    REGISTRY_ROLE,
    declare_glue_registry,
    declare_glue_schemas,
    declare_reader,
    registry_name,
)
from modules.platforms.declare.aws.provider import policy
from modules.platforms.declare.aws.registry import Apicurio, declare_apicurio
from modules.platforms.declare.aws.secrets import KeyRef, Logins, declare_logins, passwords_variable
from modules.platforms.declare.aws.security import client_rules, declare_security_group, group_id
from modules.platforms.declare.connect_existing import declare_existing
from modules.platforms.declare.mongey import declare_acls, declare_quotas, declare_schemas, declare_topics
from modules.platforms.declare.msk.access import declare_admin_rights, declare_policies, declare_roles, role_name
from modules.platforms.declare.msk.alarms import NAMESPACE, alarms_of
from modules.platforms.declare.msk.cluster import Brokers, cluster_name, declare_brokers
from modules.platforms.declare.msk.connect import declare_msk_connect
from modules.platforms.msk import SECRET_PREFIX
from modules.platforms.quotas import quotas_of
from modules.project import Project
from modules.resources.aws import AwsMskScramSecretAssociation, AwsSecretsmanagerSecretPolicy
from modules.resources.base import Stack
from modules.resources.expressions import Expr, each, function, var
from modules.resources.kafka import KafkaProvider
from modules.resources.schemaregistry import SchemaregistryProvider
from modules.terraform.state import read_attributes
from modules.topics import AclSpec, SchemaSpec, TopicSpec, client_roles

__all__ = ["MskDeclarations"]

_REGISTRY_WORDS = {False: "The Schema Registry's Confluent-compatible API.", True: "AWS Glue's region and registry."}
_SCRAM_PORT, _IAM_PORT, _JMX_PORT, _NODE_PORT = 9096, 9098, 11001, 11002


class MskDeclarations:
    """One cluster of Amazon MSK."""

    def __init__(self, environment: Environment, platform: Platform, project: Project) -> None:
        self._environment = environment
        self._platform = platform
        self._project = project
        self._msk = environment.msk
        registry = "registry_arn" if self._glue else "registry_url"
        self.cluster_inputs = ("admin_bootstrap_servers", "admin_role_arn", "arn", registry)
        self.connect_inputs: tuple[str, ...] = NETWORK_INPUTS if runs_in_vpc(environment) else ()
        if on_ecs(environment):
            self.connect_inputs += (*SINK_OUTPUTS, "role_arns", *((KEY_OUTPUT,) if self._needs_key() else ()))

    def cluster(self, stack: Stack) -> None:
        environment, msk = self._environment, self._msk
        aws_provider(stack, environment, msk.region)
        network = declare_network(stack, environment, msk.region)
        key = declare_key(stack, environment, "kafka", "Brokers' disks and secrets") if self._needs_key() else None
        passwords = passwords_variable(stack) if self._needs_passwords() else None
        brokers = declare_brokers(stack, environment, network, self._groups(stack, network), key)
        clients = client_roles(environment) if msk.login == "iam" else ()
        readers = (REGISTRY_ROLE,) if self._glue else ()
        roles = declare_roles(stack, environment, ("admin", *clients, *readers))
        declare_admin_rights(stack, environment, brokers.arn)
        logins = self._users(stack, brokers, key, passwords) if key and passwords and msk.login == "scram" else None
        topic = declare_alarm_topic(stack, environment, msk.alarm_emails)
        declare_alarms(stack, environment, NAMESPACE, alarms_of(environment, cluster_name(environment)), topic)
        url = self._registry(stack, network, key, passwords)
        declare_connectors_group(stack, environment, network, self._reached())
        if key and on_ecs(environment):
            stack.output(KEY_OUTPUT, key.arn, description="The key that opens logins.")
        self._outputs(stack, brokers, roles, logins, url)

    def kafka_provider(self, stack: Stack) -> None:
        """Kafka's and AWS's, whichever the login needs: after a change of it the stack still takes away the rights that
        were there, ACLs or policies."""
        aws_provider(stack, self._environment, self._msk.region)
        KafkaProvider(
            stack,
            bootstrap_servers=function("split", ",", var("cluster_admin_bootstrap_servers")),
            tls_enabled=True,
            sasl_mechanism="aws-iam",
            sasl_aws_region=self._msk.region,
            sasl_aws_role_arn=var("cluster_admin_role_arn"),
        )

    def registry_provider(self, stack: Stack) -> None:
        if self._glue:
            return  # AWS's own, which `kafka_provider` has made
        login = self._msk.registry.credentials is not None
        SchemaregistryProvider(
            stack,
            schema_registry_url=var("cluster_registry_url"),
            username=stack.variable("registry_username", sensitive=True, ephemeral=True) if login else None,
            password=stack.variable("registry_password", sensitive=True, ephemeral=True) if login else None,
        )

    def topics(self, stack: Stack, specs: Sequence[TopicSpec]) -> None:
        self._refuse_other_format()
        declare_topics(stack, [self._accepted(spec) for spec in specs], kept=self._environment.production)
        declare_quotas(stack, quotas_of(self._environment))

    def acls(self, stack: Stack, specs: Sequence[AclSpec]) -> None:
        if self._msk.login == "scram":
            declare_acls(stack, specs, self._platform.principal)
        else:
            declare_policies(stack, self._environment, specs, var("cluster_arn"))

    def _reached(self) -> dict[str, Reached]:
        """What connectors reach: brokers by IAM, and by SCRAM where a worker logs in so; the registry that is made."""
        adopted = self._msk.adopted
        group = adopted.security_groups[0] if adopted else group_id("kafka")
        tasks = worker_on_ecs(self._environment) or sink_on_ecs(self._environment)
        scram = tasks and self._msk.login == "scram"
        ports = {"kafka by SCRAM": _SCRAM_PORT} if scram else {}
        if not scram or uses_msk_connect(self._environment):
            ports["kafka by IAM"] = _IAM_PORT
        reached = {name: Reached(group, port, ours=adopted is None) for name, port in ports.items()}
        if self._msk.registry.kind == "apicurio":
            port = 443 if host_of(self._environment, "registry") else 80
            reached["registry"] = Reached(group_id("registry-balancer"), port)
        return reached

    def connectors(self, stack: Stack) -> None:
        login = self._msk.registry.credentials is not None
        place, registry = place_of(self._msk.region), self._registry_of_connectors()
        declare_msk_connect(stack, self._environment, self._platform, self._project, place, registry, login=login)
        if on_ecs(self._environment):
            declare_ecs(stack, self._environment, self._platform, place, self._ecs(registry))
        declare_existing(stack, self._environment, self._platform, registry, login=login)

    def _ecs(self, registry: RegistryClient) -> EcsInputs:
        roles = var("cluster_role_arns")
        assumes: list[str] = []
        readable: list[tuple[str, str]] = []
        if self._msk.login == "iam":
            bootstrap, login = var("cluster_admin_bootstrap_servers"), iam_login(roles.get("sink"))
            assumes.append(roles.get("sink"))
        else:
            bootstrap, secret = var("cluster_bootstrap_servers"), secret_of("sink")
            login = scram_login(secret, var(f"cluster_{KEY_OUTPUT}"), "SCRAM-SHA-512")
            readable += login.readable
        if self._glue:
            assumes.append(roles.get(REGISTRY_ROLE))
        credentials = self._msk.registry.credentials
        if credentials is not None and credentials.scheme == "aws-sm":
            name = credentials.name.partition("#")[0]
            arn = name if name.startswith("arn:") else f"arn:aws:secretsmanager:{self._msk.region}:*:secret:{name}-*"
            readable.append(("secretsmanager:GetSecretValue", arn))
        if credentials is not None and credentials.scheme == "aws-ssm":
            name = credentials.name.partition("#")[0]
            arn = name if name.startswith("arn:") else f"arn:aws:ssm:{self._msk.region}:*:parameter/{name.lstrip('/')}"
            readable.append(("ssm:GetParameter", arn))
        outputs = (*SINK_OUTPUTS, "role_arns", "admin_bootstrap_servers")
        return EcsInputs(bootstrap, login, registry, credentials is not None, outputs, tuple(readable), tuple(assumes))

    def _registry_of_connectors(self) -> RegistryClient:
        """The registry as converters are told it, from the cluster's outputs."""
        if not self._glue:
            return RegistryClient(var("cluster_registry_url"))
        region, name = self._msk.region, registry_name(self._environment)
        return RegistryClient(f"glue://{region}/{name}", kind="glue", region=region, registry_name=name)

    def schemas(self, stack: Stack, specs: Sequence[SchemaSpec], texts: Mapping[str, str]) -> None:
        declare = declare_glue_schemas if self._glue else declare_schemas
        declare(stack, specs, texts, kept=self._environment.production)

    def _refuse_other_format(self) -> None:
        """Glue's messages and Confluent's are told apart by nobody: a change would make every older event poison."""
        other = "schemaregistry_schema" if self._glue else "aws_glue_schema"
        state = self._project.environment_state(self._environment.name) / "topics" / "terraform.tfstate"
        if not read_attributes(state, (other,)):
            return
        raise SynthError(
            f"the registry cannot go {'to' if self._glue else 'from'} Glue: events that are there have the other "
            "registry's wire format, which nobody could read any more",
            where=f"{self._environment.source}: msk.registry.kind",
            do="keep the kind; or deploy an environment of its own, move producers and consumers over, and destroy "
            "this one",
        )

    @property
    def _glue(self) -> bool:
        return self._msk.registry.kind == "glue"

    def _needs_key(self) -> bool:
        return self._msk.mode != "serverless" or self._msk.registry.kind == "apicurio"

    def _needs_passwords(self) -> bool:
        return self._msk.login == "scram" or self._msk.registry.kind == "apicurio"

    def _groups(self, stack: Stack, network: NetworkRefs) -> list[str]:
        """Who reaches the brokers: the clients the YAML names, on the ports of their login. MSK lets no cluster have
        other groups than those it was made with, so an adopted one keeps its own."""
        if self._msk.adopted:
            return self._msk.adopted.security_groups
        ports = {"kafka by IAM": _IAM_PORT}
        if self._msk.login == "scram":
            ports["kafka by SCRAM"] = _SCRAM_PORT
        if self._msk.open_monitoring and self._msk.mode != "serverless":
            ports |= {"metrics of Kafka": _JMX_PORT, "metrics of the machine": _NODE_PORT}
        group = declare_security_group(
            stack,
            self._environment,
            network.vpc_id,
            "kafka",
            description="The brokers",
            ingress=client_rules(self._environment, ports),
            egress={},
        )
        return [group]

    def _users(self, stack: Stack, brokers: Brokers, key: KeyRef, passwords: Expr) -> Logins:
        """SCRAM users: secrets that MSK reads."""
        logins = declare_logins(
            stack,
            self._environment,
            {role: role for role in client_roles(self._environment)},
            key,
            passwords,
            prefix=SECRET_PREFIX,
            version=self._msk.credentials_version,
        )
        read = {
            role: policy(
                stack,
                f"secret_{role}",
                [
                    {
                        "Sid": "AWSKafkaResourcePolicy",
                        "Effect": "Allow",
                        "Principal": {"Service": "kafka.amazonaws.com"},
                        "Action": "secretsmanager:getSecretValue",
                        "Resource": arn,
                    }
                ],
            )
            for role, arn in logins.arns.items()
        }
        readable = AwsSecretsmanagerSecretPolicy(
            stack,
            "login",
            for_each={role: {"arn": logins.arns[role], "policy": read[role]} for role in read},
            secret_arn=each.value("arn"),
            policy=each.value("policy"),
        )
        AwsMskScramSecretAssociation(
            stack,
            "main",
            cluster_arn=brokers.arn,
            # It is all of the cluster's: a login that is left out here is taken away.
            secret_arn_list=[*(self._msk.adopted.scram_secrets if self._msk.adopted else ()), *logins.arns.values()],
            depends_on=[logins.versions, readable],
        )
        return logins

    def _registry(self, stack: Stack, network: NetworkRefs, key: KeyRef | None, passwords: Expr | None) -> str:
        registry = self._msk.registry
        if registry.kind == "external":
            assert registry.url is not None  # checked when the environment was read
            return registry.url
        if registry.kind == "glue":
            url, arn = declare_glue_registry(stack, self._environment, self._msk.region)
            declare_reader(stack, role_name(self._environment, REGISTRY_ROLE))
            stack.output("registry_arn", arn, description="Glue's registry.")
            return url
        assert key is not None and passwords is not None
        settings = Apicurio(
            registry.image,
            registry_tasks(self._environment),
            registry_database(self._environment),
        )
        return declare_apicurio(stack, self._environment, self._msk.region, network, key, passwords, settings)

    def _outputs(
        self, stack: Stack, brokers: Brokers, roles: Mapping[str, Expr], logins: Logins | None, url: str
    ) -> None:
        scram = self._msk.login == "scram"
        credentials: dict[str, str] = dict(logins.references) if logins else {}
        if self._msk.registry.credentials is not None:
            credentials["registry"] = str(self._msk.registry.credentials)
        settings = {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512" if scram else "OAUTHBEARER"}
        stack.output("bootstrap_servers", brokers.scram or brokers.iam, description="Kafka's addresses for clients.")
        stack.output("registry_url", url, description=_REGISTRY_WORDS[self._glue])
        stack.output("client_settings", settings, description="What all clients set alike, in librdkafka's words.")
        stack.output("credentials", credentials, description="Where each role's login is kept.")
        stack.output("admin_bootstrap_servers", brokers.iam, description="Kafka's addresses for the administrator.")
        stack.output("admin_role_arn", roles["admin"], description="Whom Terraform acts as in Kafka.")
        stack.output("role_arns", dict(roles), description="IAM roles that clients take on.")
        stack.output("arn", brokers.arn, description="The cluster.")

    def _accepted(self, spec: TopicSpec) -> TopicSpec:
        """The topic without the settings that the mode fixes at what they would be set to."""
        if self._msk.mode == "provisioned":
            return spec
        allowed = TOPIC_SETTINGS.get(self._msk.mode)
        kept = [
            (name, value)
            for name, value in spec.config
            if name != "min.insync.replicas" and (allowed is None or name in allowed)
        ]
        return replace(spec, config=tuple(kept))
