"""Whatever stands in an environment's file, it loads, or every line of the error names file, line and key.

Short forms; `make soak` takes 5,000. What loads is also priced, and of some the stacks are synthesised.
With `HYPOTHESIS_RANDOM=1` others than the last time; what is wrong is named by its seed, so that it can be had again.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random, SystemRandom

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from modules.cost.book import load_book
from modules.cost.report import report
from modules.environment import Environment, load_environment
from modules.errors import ConfigError, PriceError
from modules.project import Project
from tests.environment.fuzz import NAME, complaint, drawn, mutated, project_folder, real_files

BOOK = load_book()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(project_folder(tmp_path_factory.mktemp("fuzz")))


def outcome(project: Project, text: str) -> tuple[str, Environment | None]:
    """What came of a file, in a word or in a complaint, and the environment where it loads."""
    (project.environments / f"{NAME}.yaml").write_text(text)
    try:
        environment = load_environment(project, NAME)
    except ConfigError as error:
        return complaint(error, project.root) or "refused", None
    except Exception as error:
        return f"a crash: {error!r}", None
    try:
        report(environment, BOOK)
    except PriceError as error:
        # A region that the price book does not have.
        return complaint_about_prices(error), environment
    except Exception as error:
        return f"a crash in the price: {error!r}", environment
    return "loaded", environment


def complaint_about_prices(error: PriceError) -> str:
    return "loaded" if error.where and error.do else f"a price: {error}"


def seeds(first: int, count: int) -> range:
    """The same every time, or wherever chance begins."""
    if os.environ.get("HYPOTHESIS_RANDOM"):
        first = SystemRandom().randrange(10**9)
    return range(first, first + count)


def many_mutations(project: Project, tries: range) -> Counter[str]:
    """What came of each; the key of anything but `loaded` and `refused` has its seed."""
    files = real_files()
    names = sorted(files)
    found: Counter[str] = Counter()
    for seed in tries:
        random = Random(seed)
        came, _ = outcome(project, mutated(files[random.choice(names)], random))
        found[came if came in ("loaded", "refused") else f"seed {seed}: {came}"] += 1
    return found


def test_the_real_files_load_as_they_are(project: Project) -> None:
    for name, text in real_files().items():
        assert outcome(project, text)[0] == "loaded", name


@pytest.mark.parametrize(
    "text",
    [
        "platform: local\ntopcs: {}\n",
        "platform: [\n",
        "",
        f"extends: {'a' * 300}\n",
        "platform: redpanda\nredpanda: {region: eu-😀-1}\n",
    ],
)
def test_the_judge_takes_what_a_person_could_act_on(project: Project, text: str) -> None:
    assert outcome(project, text)[0] == "refused"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConfigError("Input should be a string", where=f"environments/{NAME}.yaml:1", do="mend it"), "a catch-all"),
        (ConfigError("`a` is wrong there", where=f"environments/{NAME}.yaml", do="mend it"), "no file and line"),
        (ConfigError("it will not do", where=f"environments/{NAME}.yaml:1", do="mend it"), "no key"),
        (ConfigError("a: no number", where=f"environments/{NAME}.yaml:9999", do="mend it"), "no such line"),
        (ConfigError("a: no number", where=f"environments/{NAME}.yaml:1"), "nothing to do"),
    ],
)
def test_the_judge_refuses_what_helps_nobody(project: Project, error: ConfigError, words: str) -> None:
    (project.environments / f"{NAME}.yaml").write_text("platform: local\n")
    assert (complaint(error, project.root) or "").startswith(words)


def test_real_files_with_mistakes_load_or_are_refused_in_words_one_can_act_on(project: Project) -> None:
    found = many_mutations(project, seeds(0, 250))
    assert set(found) == {"loaded", "refused"}, found


@pytest.mark.soak
def test_five_thousand_of_them(project: Project) -> None:
    found = many_mutations(project, seeds(1000, 4000))
    assert set(found) == {"loaded", "refused"}, found
    assert found["loaded"] > 200, "mistakes that never leave a file right would test one half only"
    draw(project, 1000)


def test_files_drawn_from_the_schema_load_or_are_refused_in_words_one_can_act_on(project: Project) -> None:
    draw(project, 40)


def draw(project: Project, examples: int) -> None:
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(drawn())
    def each(text: str) -> None:
        came, _ = outcome(project, text)
        assert came in ("loaded", "refused"), f"{came}\n{text}"

    each()


@pytest.mark.soak
def test_what_loads_can_be_synthesised(project: Project, tmp_path: Path) -> None:
    from modules.errors import InfraError
    from modules.platforms import platform_for
    from modules.simulated.offline import OfflinePlatform, without_secrets
    from stacks import synth

    files, made = real_files(), 0
    offline = replace(project, offline=True)
    for seed in seeds(9000, 400):
        random = Random(seed)
        _, environment = outcome(project, mutated(files[random.choice(sorted(files))], random))
        if environment is None:
            continue
        environment = without_secrets(environment)
        try:
            synth(environment, offline, OfflinePlatform(platform_for(environment, offline), environment), tmp_path)
        except InfraError as error:
            assert error.where and error.do, (seed, str(error))
        made += 1
    assert made > 20
