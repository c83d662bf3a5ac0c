"""USE and the session's context functions (CURRENT_ROLE() and friends)."""

from __future__ import annotations

from modules.local.standin.errors import SnowflakeError, no_such_object, unsupported
from modules.local.standin.privileges import roles_of_user
from modules.local.standin.results import SCL, Result, status
from modules.local.standin.sessions import Session
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.tokenizer import Name, Tokens, quote

__all__ = ["CONTEXT_FUNCTIONS", "context_value"]

_USE = SCL + 0x300
_DONE = "Statement executed successfully."

CONTEXT_FUNCTIONS = frozenset(
    {
        "CURRENT_ACCOUNT", "CURRENT_ACCOUNT_NAME", "CURRENT_ORGANIZATION_NAME", "CURRENT_REGION", "CURRENT_ROLE",
        "CURRENT_SESSION", "CURRENT_USER", "CURRENT_WAREHOUSE", "CURRENT_DATABASE", "CURRENT_SCHEMA",
        "CURRENT_SCHEMAS", "CURRENT_VERSION", "CURRENT_CLIENT", "CURRENT_SECONDARY_ROLES", "CURRENT_AVAILABLE_ROLES",
    }
)  # fmt: skip


def context_value(context: Context, function: str) -> str | None:
    """What a context function returns in this session."""
    session = context.session
    fixed: dict[str, str | None] = {
        "CURRENT_ACCOUNT": "INFRALOCAL",
        "CURRENT_ACCOUNT_NAME": "LOCAL",
        "CURRENT_ORGANIZATION_NAME": "INFRA",
        "CURRENT_REGION": "LOCAL",
        "CURRENT_ROLE": session.role,
        "CURRENT_SESSION": str(session.id),
        "CURRENT_USER": session.user,
        "CURRENT_WAREHOUSE": session.warehouse,
        "CURRENT_DATABASE": session.database,
        "CURRENT_SCHEMA": session.schema,
        "CURRENT_VERSION": "9.30.0",
        "CURRENT_CLIENT": "infra",
        "CURRENT_SECONDARY_ROLES": _secondary(context),
    }
    if function == "CURRENT_AVAILABLE_ROLES":
        listed = ", ".join(f'"{role}"' for role in sorted(roles_of_user(context.catalog, session.user)))
        return f"[ {listed} ]"
    if function == "CURRENT_SCHEMAS":
        return f'["{session.database}.{session.schema}"]' if session.schema else "[]"
    return fixed[function]


def _secondary(context: Context) -> str:
    if not context.session.secondary_roles:
        return '{"roles":"","value":""}'
    others = sorted(roles_of_user(context.catalog, context.session.user) - {context.session.role, "PUBLIC"})
    return f'{{"roles":"{",".join(others)}","value":"ALL"}}'


@handles("USE ROLE")
def use_role(context: Context, tokens: Tokens) -> Result:
    name = tokens.identifier()
    tokens.end()
    if name not in roles_of_user(context.catalog, context.session.user):
        if context.catalog.get("ROLE", (name,)) is None:
            raise no_such_object()
        raise SnowflakeError(
            3013,
            "42501",
            f"SQL access control error:\nRequested role '{quote(name)}' is not assigned to the executing user. "
            "Specify another role to activate.",
        )
    context.session.role = name
    return status(_DONE, _USE)


@handles("USE SECONDARY ROLES")
def use_secondary_roles(context: Context, tokens: Tokens) -> Result:
    """ALL or NONE; a list of roles is not modelled."""
    which = tokens.word()
    tokens.end()
    if which not in ("ALL", "NONE"):
        raise unsupported("USE SECONDARY ROLES with a list")
    context.session.secondary_roles = which == "ALL"
    return status(_DONE, _USE)


@handles("USE WAREHOUSE")
def use_warehouse(context: Context, tokens: Tokens) -> Result:
    name = (tokens.identifier(),)
    tokens.end()
    entity = context.access.container("WAREHOUSE", name)
    if not (context.access.may("USAGE", entity) or context.access.may("OPERATE", entity)):
        raise no_such_object()
    context.session.warehouse = name[0]
    return status(_DONE, _USE)


def enter(context: Context, session: Session, name: Name) -> None:
    """Make a database (and its PUBLIC, if there is one) or a schema current.

    Raises:
        SnowflakeError: 002043, absent or not usable by the role.
    """
    database = context.access.container("DATABASE", name[:1])
    if not (context.access.may("USAGE", database) or context.access.sees(database)):
        raise no_such_object()
    if len(name) == 2:
        context.access.container("SCHEMA", name)
        session.database, session.schema = name
        return
    public = context.catalog.get("SCHEMA", (name[0], "PUBLIC"))
    session.database = name[0]
    session.schema = "PUBLIC" if public is not None and context.access.sees(public) else None


@handles("USE DATABASE")
def use_database(context: Context, tokens: Tokens) -> Result:
    name = bound_name(context, tokens)
    tokens.end()
    enter(context, context.session, name[:1] if len(name) == 1 else _refuse())
    return status(_DONE, _USE)


@handles("USE SCHEMA")
def use_schema(context: Context, tokens: Tokens) -> Result:
    name = bound_name(context, tokens)
    tokens.end()
    enter(context, context.session, context.schema_name(name))
    return status(_DONE, _USE)


@handles("USE")
def use(context: Context, tokens: Tokens) -> Result:
    """USE x is USE DATABASE x; USE x.y is USE SCHEMA x.y."""
    name = bound_name(context, tokens)
    tokens.end()
    if len(name) > 2:
        _refuse()
    enter(context, context.session, name)
    return status(_DONE, _USE)


def _refuse() -> Name:
    raise no_such_object()


def bound_name(context: Context, tokens: Tokens) -> Name:
    """A name, also as `identifier(?)` with the name in the first binding (JDBC does so)."""
    if tokens.at("IDENTIFIER", "(", "?"):
        tokens.expect("IDENTIFIER", "(", "?", ")")
        return Tokens(str(context.params[0])).name()
    return tokens.name()
