"""The four stacks of an environment and their synthesis into Terraform JSON.

A stack says in `needs` and `inputs` what it waits for; `inputs` are (stack, output) pairs, each a variable
`<stack>_<output>` of this one. Adding a stack is one file and one line here.
"""

from __future__ import annotations

from pathlib import Path

from modules.cdk import App
from modules.environment.model import Environment
from modules.errors import SecretError, SynthError
from modules.platforms.base import Platform
from modules.platforms.declare import declarations_for
from modules.platforms.deployed import DeployedPlatform
from modules.project import Project
from modules.terraform.source import StackSource
from modules.warehouse.connection import plain_key
from stacks.cluster import ClusterStack
from stacks.connect import ConnectStack
from stacks.context import Context
from stacks.topics import TopicsStack
from stacks.warehouse import WarehouseStack

__all__ = ["STACKS", "STACK_NAMES", "synth", "terraform_secrets"]

STACKS = (ClusterStack, TopicsStack, WarehouseStack, ConnectStack)
STACK_NAMES = ("cluster", "topics", "warehouse", "connect")


def synth(environment: Environment, project: Project, platform: Platform, out: Path) -> list[StackSource]:
    """Writes `<out>/stacks/<stack>/cdk.tf.json` for every stack and says what each waits for."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SynthError(
            f"cannot write the stacks: {error.strerror}",
            where=str(out),
            do="free space or check the folder",
        ) from None
    app = App(outdir=str(out))
    context = Context(environment, project, platform, declarations_for(environment, platform, project))
    stacks = [stack(app, context) for stack in STACKS]
    app.synth()
    return [
        StackSource(
            name=stack.node.id,
            json_path=out / "stacks" / stack.node.id / "cdk.tf.json",
            needs=stack.needs,
            inputs={f"{source}_{output}": (source, output) for source, output in stack.inputs},
        )
        for stack in stacks
    ]


def terraform_secrets(platform: Platform, project: Project, stack: str, *, engine: str = "terraform") -> dict[str, str]:
    """Values of a stack's ephemeral variables; they go to Terraform through its environment and nowhere else.

    Args:
        engine: what makes the Snowflake estate; where that is not Terraform, whoever deploys need not have its key.
    """
    if stack == "warehouse":
        admin = platform.snowflake_client("admin")
        try:
            return {"snowflake_admin_private_key": plain_key(admin.private_key, admin.passphrase, project)}
        except SecretError:
            if engine == "terraform":
                raise
            return {}
    found = platform.terraform_secrets(stack)
    if stack == "connect" and isinstance(platform, DeployedPlatform):
        found = {**found, **platform.connector_secrets()}
    return found
