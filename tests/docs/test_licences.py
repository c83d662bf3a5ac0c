"""The page of licences names everything that is installed, downloaded or run, with the licence its metadata states."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from modules.environment import load_environment
from modules.environment.redpanda import IMAGE
from modules.local.artifacts import load_lock
from modules.platforms.declare.redpanda.nodes import bootstrap_file
from modules.project import Project

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIME = [re.match(r"[\w.-]+", line)[0] for line in PYPROJECT["dependencies"]]  # type: ignore[index]
OPTIONAL = [re.match(r"[\w.-]+", line)[0] for lines in PYPROJECT["optional-dependencies"].values() for line in lines]  # type: ignore[index]

SAME = {
    "Apache Software License": "Apache-2.0",
    "Apache Software License 2.0": "Apache-2.0",
    "MIT License": "MIT",
    "BSD License": "BSD",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0",
}
"""What metadata of older form says, as SPDX writes it."""


def table(heading: str) -> dict[str, str]:
    """First and second column of a section's tables, the first without its marks."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")]
    return {name: row[-1].strip() for row in rows for name in re.findall(r"`([^`]+)`", "|".join(row[:-1]))}


def stated(package: str) -> set[str]:
    """The licences a package's metadata states, by each of its three ways."""
    found = metadata.metadata(package)
    said = {found["License-Expression"], found["License"], *(found.get_all("Classifier") or [])}
    texts = {text for text in said if text and "\n" not in text and len(text) < 80}
    texts = {text.split("::")[-1].strip() for text in texts if "::" not in text or text.startswith("License ::")}
    return {SAME.get(text, text) for text in texts} - {"OSI Approved", "DFSG approved"}


@pytest.mark.parametrize("package", sorted({*RUNTIME, *OPTIONAL}))
def test_each_dependency_is_named_with_the_licence_of_its_metadata(package: str) -> None:
    says = table("Python packages").get(package)
    assert says is not None, f"{package} is not in docs/licences.md"
    try:
        licences = stated(package)
    except metadata.PackageNotFoundError:
        pytest.skip("an extra that is not installed here")
    if licences:
        assert any(licence in says for licence in licences), f"{package}: {sorted(licences)}, the page says {says}"
    else:
        assert "licence file" in says, f"the metadata of {package} states none: say where the licence is from"


def test_no_package_is_named_that_is_no_dependency() -> None:
    assert set(table("Python packages")) - {*RUNTIME, *OPTIONAL} == set()


def test_each_pinned_artefact_is_named() -> None:
    groups = {file.coordinate.split(":")[0] for bundle in load_lock().values() for file in bundle.files}
    named = set(table("What runs on the laptop"))
    assert groups - named == set()
    assert {name for name in named if re.fullmatch(r"[a-z]+(\.[a-z0-9_]+)+|commons-\w+", name)} - groups == set()


def test_each_provider_plugin_is_named() -> None:
    files = (ROOT / "modules" / "resources" / "schemas").glob("*.json")
    sources = {json.loads(file.read_text(encoding="utf-8"))["source"] for file in files}
    assert sources == set(table("Provider plugins"))


def test_the_image_that_is_run_is_named() -> None:
    assert IMAGE.partition(":")[0] in PAGE


def test_each_redpanda_feature_that_needs_a_licence_is_off_as_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "dev.yaml").write_text("platform: redpanda\n", encoding="utf-8")
    settings = bootstrap_file(load_environment(Project(tmp_path), "dev"))
    section = PAGE.split("\n## Redpanda", 1)[1].split("\n## ", 1)[0]
    features = section[section.index("| enterprise feature |") :]
    claimed = dict(re.findall(r"(?:off|used): `(\w+): ([\w\[\]]+)`", features))
    written = {key: json.dumps(value).replace('"', "") for key, value in settings.items()}
    assert len(claimed) >= 7
    assert {key: written.get(key) for key in claimed} == claimed
    assert "delete_topic_enable" not in settings
