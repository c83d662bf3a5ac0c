"""The settings that pages show for networks are ones an environment takes."""

from __future__ import annotations

import re
from pathlib import Path

from modules.environment import load_environment
from modules.environment.network import egress_of
from tests.platforms.golden import project_of

DOCS = Path(__file__).parents[2] / "docs"


def test_the_lines_for_privatelink_load_and_leave_no_nat(tmp_path: Path) -> None:
    page = (DOCS / "msk.md").read_text().partition("## PrivateLink to Snowflake")[2]
    shown = re.search(r"```yaml\n(.*?)```", page, re.S)
    assert shown
    project, name = project_of("msk-serverless-dev", tmp_path)
    file = project.environments / f"{name}.yaml"
    file.write_text(f"extends: _common\nplatform: msk\nmsk: {{registry: {{kind: glue}}}}\n{shown[1]}")
    environment = load_environment(project, name)
    assert egress_of(environment).snowflake and egress_of(environment).nat_gateways == 0
    assert environment.network.snowflake
    assert environment.network.snowflake.account_host == "acme-streaming.privatelink.snowflakecomputing.com"
