"""Which role runs what. By default the one the environment works in, so that all engines make objects of one owner."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from modules.errors import ConfigError
from modules.warehouse.sql.quoting import identifier
from modules.warehouse.sql.statement import Area, Statement

__all__ = ["Roles"]


@dataclass(frozen=True)
class Roles:
    """A role for each area."""

    account: str = "ACCOUNTADMIN"
    security: str = "ACCOUNTADMIN"
    objects: str = "ACCOUNTADMIN"

    @classmethod
    def one(cls, role: str) -> Roles:
        """The same role for everything: as Terraform works."""
        return cls(role, role, role)

    @classmethod
    def split(cls) -> Roles:
        """As Snowflake advises: SECURITYADMIN for roles, users and grants, SYSADMIN for objects."""
        return cls("ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN")

    @classmethod
    def parse(cls, given: list[str], default: str) -> Roles:
        """From options: `split`, one role's name, or `security=SECURITYADMIN` and the like for single areas.

        Raises:
            ConfigError: an area that is none.
        """
        chosen = cls.one(default)
        for each in given:
            area, named, role = each.partition("=")
            if not named:
                chosen = cls.split() if each.lower() == "split" else cls.one(each)
            elif area in ("account", "security", "objects") and role:
                chosen = cls(**{**chosen.__dict__, area: role})
            else:
                raise ConfigError(
                    f"--roles {each}: there is no area `{area}`",
                    do="use `split`, a role, or account=ROLE, security=ROLE, objects=ROLE",
                )
        return chosen

    def of(self, area: Area) -> str:
        return {"account": self.account, "security": self.security, "objects": self.objects}[area]

    def lend(self, statements: Iterable[Statement]) -> list[Statement]:
        """With USAGE of new integrations and volumes for whoever makes stages and tables on them."""
        found: list[Statement] = []
        for each in statements:
            found.append(each)
            made = re.match(r"CREATE (?:STORAGE (INTEGRATION)|(EXTERNAL VOLUME)) IF NOT EXISTS (.*?\") ", each.sql)
            if made and self.account != self.objects:
                to = f"TO ROLE {identifier(self.objects)}"
                sql = f"GRANT USAGE ON {made[1] or made[2]} {made[3]} {to}"
                found.append(Statement(sql, each.section, "account", each.about))
        return found

    @property
    def is_one(self) -> bool:
        return self.account == self.security == self.objects
