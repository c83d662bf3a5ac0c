"""A Redpanda cluster that is well, as its own view and as the Admin API shows it, for the gates between brokers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from modules.platforms.redpanda_roll import Broker, Health, View

NAMES = ("broker-1", "broker-2", "broker-3")
MEMBERS = tuple(Broker(number, name, alive=True) for number, name in enumerate(NAMES))
WELL = Health(healthy=True)
WHOLE = View(NAMES, NAMES, MEMBERS, WELL, frozenset(NAMES))


@dataclass
class Redpanda:
    """As much of a cluster as the Admin API shows; `tick` is what time does to it."""

    brokers: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refuse: int = 0
    moving: int = 2
    down: bool = False

    def join(self, id_: int, address: str) -> None:
        self.brokers[id_] = {
            "node_id": id_,
            "internal_rpc_address": address,
            "internal_rpc_port": 33145,
            "is_alive": True,
            "membership_status": "active",
            "maintenance_status": {"draining": False},
        }

    def tick(self) -> None:
        for id_, broker in list(self.brokers.items()):
            if broker["membership_status"] == "draining":
                self.moving -= 1
                if self.moving <= 0:
                    del self.brokers[id_]

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        if method != "GET":
            self.asked.append(f"{method} {path}")
        if self.down:
            return 503, {"message": "booting", "code": 503}
        if self.refuse:
            return self.refuse, {"message": "Forbidden (superuser role required)", "code": self.refuse}
        parts = path.split("?")[0].strip("/").split("/")
        if parts[:2] == ["v1", "brokers"] and len(parts) == 4:
            return self._change(method, self.brokers[int(parts[2])], parts[3])
        if path == "/v1/status/ready":
            return 200, {"status": "ready"}
        if path == "/v1/brokers":
            return 200, list(self.brokers.values())
        if path == "/v1/cluster/health_overview":
            down = [id_ for id_, broker in self.brokers.items() if not broker["is_alive"]]
            moving = [id_ for id_, each in self.brokers.items() if each["membership_status"] != "active"]
            bad = len(down) + len(moving)
            return 200, {
                "is_healthy": not bad,
                "nodes_down": down,
                "leaderless_count": 0,
                "under_replicated_count": bad,
            }
        assert path == "/v1/broker/pre_restart_probe"
        return 200, {"risks": {"rf1_offline": [], "unavailable": []}}

    def _change(self, method: str, broker: dict[str, Any], what: str) -> tuple[int, Any]:
        if (method, what) == ("PUT", "decommission"):
            broker["membership_status"] = "draining"
        elif (method, what) == ("DELETE", "maintenance"):
            broker["maintenance_status"] = {"draining": False}
        else:
            return 404, {"message": "Not found", "code": 404}
        return 200, {}
