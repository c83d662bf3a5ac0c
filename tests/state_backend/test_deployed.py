"""What was deployed last, and the way back, are found by whoever deploys next: another machine too."""

from __future__ import annotations

import time

from modules.deployed import Deployed, last_deployed, new_backups, record_deploy, way_back
from modules.project import Project
from modules.terraform.snapshots import mount, unmount
from tests.state_backend.project import Place, state
from tests.state_backend.test_migrate import store_of


def test_another_machine_knows_the_last_deploy_and_the_way_back(place: Place) -> None:
    here, elsewhere = place.project, Project(place.root / "elsewhere")
    for project in (here, elsewhere):
        mount(project.environment_state("shared"), store_of(place))
    assert last_deployed(elsewhere, "shared") is None
    record_deploy(here, "shared")
    assert last_deployed(elsewhere, "shared") == last_deployed(here, "shared") != None  # noqa: E711
    unmount(elsewhere.environment_state("shared"))
    assert last_deployed(elsewhere, "shared") is None


def test_the_way_back_names_the_version_before_the_deploy(place: Place) -> None:
    store = store_of(place)
    mount(place.folder, store)
    place.put("cluster", state(1))
    place.put("topics", state(1))
    before = store.versions("topics")[0].id
    time.sleep(1.1)  # S3 tells whole seconds
    began = time.time()
    assert new_backups(place.project, "shared", began) == {}
    place.put("topics", state(2))
    found = new_backups(place.project, "shared", began)
    assert found == {"topics": f"`infra state restore topics {before} --env shared` puts it back"}
    lines = way_back(place.project, "shared", Deployed("now", None, False), found)
    assert lines[-1] == f"state of topics before: `infra state restore topics {before} --env shared` puts it back"
