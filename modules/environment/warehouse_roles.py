"""What is wrong with who may do what in an estate: roles, circles of them, grants, owners, users."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from modules.environment.document import Problem
from modules.environment.identifiers import PRIVILEGES, SYSTEM_ROLES, Target, parse_target
from modules.environment.warehouse import Warehouse
from modules.environment.warehouse_declared import Declared, Said

__all__ = ["check_roles"]


def check_roles(whole: Warehouse, own: Warehouse, declared: Declared, said: Said) -> Iterator[Problem]:
    """Everything about rights. `own` is what the environment itself says, `whole` with its preset."""
    yield from _inherited(whole, declared, said)
    yield from _circles(whole, said)
    for number, grant in enumerate(own.grants):
        yield from _grant(grant.to, grant.on, declared, said, "grants", number)
        yield from _privileges(grant.privileges, grant.on, said, number)
    for number, owner in enumerate(own.ownership):
        yield from _grant(owner.to, owner.on, declared, said, "ownership", number)
        if _target(owner.on) is not None and _target(owner.on) == Target("account", "ACCOUNT", ()):
            yield said.problem("an account has no owner that could be changed", "ownership", number, "on")
    yield from _users(whole, declared, said)


def _inherited(whole: Warehouse, declared: Declared, said: Said) -> Iterator[Problem]:
    for name, role in whole.roles.items():
        if name in SYSTEM_ROLES:
            yield said.problem(f"`{name}` is a role every account has; choose another name", "roles", name)
        for number, lower in enumerate(role.inherits):
            if lower in SYSTEM_ROLES:
                yield said.problem(
                    f"`{lower}` can do more than a role of one's own should", "roles", name, "inherits", number
                )
            elif missing := declared.missing_role(lower):
                yield said.problem(missing, "roles", name, "inherits", number)
        for number, warehouse in enumerate(role.warehouses):
            if missing := declared.missing("WAREHOUSE", warehouse):
                yield said.problem(missing, "roles", name, "warehouses", number)
        for number, higher in enumerate(role.granted_to):
            if missing := declared.missing_role(higher, system=True):
                yield said.problem(missing, "roles", name, "granted_to", number)
    for name, each in whole.database_roles.items():
        database = name.partition(".")[0]
        if name in declared.access_roles:
            yield said.problem(f"the schema brings `{name}` already; choose another name", "database_roles", name)
        for number, lower in enumerate(each.inherits):
            at = ("database_roles", name, "inherits", number)
            if "." not in lower:
                yield said.problem(f"a database role includes database roles only, not `{lower}`", *at)
            elif missing := declared.missing_role(lower):
                yield said.problem(missing, *at)
            elif lower.partition(".")[0] != database:
                yield said.problem(f"`{lower}` is of another database than `{name}`", *at)


def _circles(whole: Warehouse, said: Said) -> Iterator[Problem]:
    """A role that would include itself; Snowflake refuses the grant that closes the circle."""
    includes: dict[str, list[str]] = {name: list(role.inherits) for name, role in whole.roles.items()}
    for name, role in whole.roles.items():
        for higher in set(role.granted_to) - set(SYSTEM_ROLES):
            includes.setdefault(higher, []).append(name)
    includes |= {name: list(each.inherits) for name, each in whole.database_roles.items()}
    done: set[str] = set()

    def walk(name: str, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if name in above:
            yield (*above[above.index(name) :], name)
        elif name not in done:
            for lower in includes.get(name, ()):
                yield from walk(lower, (*above, name))
            done.add(name)

    for name in list(includes):
        for circle in walk(name, ()):
            section = "roles" if circle[0] in whole.roles else "database_roles"
            yield said.problem(f"roles include each other in a circle: {' → '.join(circle)}", section, circle[0])


def _target(text: str) -> Target | None:
    try:
        return parse_target(text)
    except ValueError:
        return None


def _grant(role: str, on: str, declared: Declared, said: Said, section: str, number: int) -> Iterator[Problem]:
    if missing := declared.missing_role(role):
        yield said.problem(missing, section, number, "to")
    try:
        target = parse_target(on)
    except ValueError as error:
        yield said.problem(str(error), section, number, "on")
        return
    if missing := declared.missing_target(target):
        yield said.problem(missing, section, number, "on")
    elif "." in role and target.kind not in ("DATABASE", "SCHEMA") and len(target.name) < 2 and target.scope == "one":
        yield said.problem(f"a database role cannot have rights on {target}; take a role", section, number, "on")
    elif "." in role and (target.scope == "account" or target.name[0] != role.partition(".")[0]):
        yield said.problem(f"`{role}` cannot have rights outside its database", section, number, "on")


def _privileges(privileges: list[str], on: str, said: Said, number: int) -> Iterator[Problem]:
    target = _target(on)
    if target is None:
        return
    known = PRIVILEGES[target.kind]
    for place, each in enumerate(privileges):
        at = ("grants", number, "privileges", place)
        name = each.upper()
        if name == "OWNERSHIP":
            yield said.problem("an owner is written under `warehouse.ownership`", *at)
        elif name in ("ALL", "ALL PRIVILEGES"):
            yield said.problem(f"name the privileges; on a {target.kind.lower()} there are {', '.join(known)}", *at)
        elif name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(known)}"
            yield said.problem(f"there is no privilege `{each}` on a {target.kind.lower()}; {hint}", *at)


def _users(whole: Warehouse, declared: Declared, said: Said) -> Iterator[Problem]:
    for name, user in whole.users.items():
        if user.role in SYSTEM_ROLES:
            yield said.problem(f"a service takes a role of its own, not {user.role}", "users", name, "role")
        elif "." in user.role:
            yield said.problem(f"a user takes a role, not the database role `{user.role}`", "users", name, "role")
        elif missing := declared.missing_role(user.role):
            yield said.problem(missing, "users", name, "role")
        for number, role in enumerate(user.further_roles):
            if missing := declared.missing_role(role):
                yield said.problem(missing, "users", name, "further_roles", number)
        if user.warehouse and (missing := declared.missing("WAREHOUSE", user.warehouse)):
            yield said.problem(missing, "users", name, "warehouse")
        if user.network_policy and (missing := declared.missing("NETWORK POLICY", user.network_policy)):
            yield said.problem(missing, "users", name, "network_policy")
        if user.passphrase and not (user.private_key or user.second_private_key):
            yield said.problem(
                "a passphrase without a key: give `private_key`, or take it out", "users", name, "passphrase"
            )
