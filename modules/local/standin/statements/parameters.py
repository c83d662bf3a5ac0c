"""SHOW PARAMETERS and ALTER ACCOUNT/SESSION SET: the named knobs of every kind of object."""

from __future__ import annotations

from modules.local.standin.errors import insufficient_privileges, invalid_value, unsupported
from modules.local.standin.network import allows
from modules.local.standin.parameters import PARAMETERS, effective
from modules.local.standin.results import Result, rows_of, status
from modules.local.standin.statements.alter import full_name
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.statements.options import names, pairs
from modules.local.standin.statements.show import parse_like
from modules.local.standin.statements.user import check_network_policy
from modules.local.standin.tokenizer import Tokens

__all__: list[str] = []


@handles("SHOW PARAMETERS")
def show(context: Context, tokens: Tokens) -> Result:
    like = parse_like(tokens)
    kind, values = "SESSION", _session(context)
    if tokens.accept("IN") or tokens.accept("FOR"):
        kind = "ICEBERG TABLE" if tokens.accept("ICEBERG", "TABLE") else tokens.word()
        if kind not in PARAMETERS:
            raise tokens.unexpected()
        if kind == "USER" and tokens.done:
            values = _of(context, "USER", (context.session.user,))
        elif kind == "ACCOUNT":
            values = _of(context, "ACCOUNT", ())
        elif kind != "SESSION":
            name = full_name(context, kind, tokens.name())
            if kind == "TABLE" and context.catalog.get("ICEBERG TABLE", name) is not None:
                kind = "ICEBERG TABLE"
            values = _of(context, kind, name)
    like = like or parse_like(tokens)
    tokens.end()
    rows = [
        (key, value, PARAMETERS[kind][key], level, "", _type(PARAMETERS[kind][key]))
        for key, (value, level) in sorted(values.items())
        if like is None or like.match(key)
    ]
    return rows_of("key,value,default,level,description,type", rows)


def _type(default: str) -> str:
    if default in ("true", "false"):
        return "BOOLEAN"
    return "NUMBER" if default.isdigit() else "STRING"


def _session(context: Context) -> dict[str, tuple[str, str]]:
    given = context.session.parameters
    return {
        key: (given.get(key, default), "SESSION" if key in given else "")
        for key, default in PARAMETERS["SESSION"].items()
    }


def _of(context: Context, kind: str, name: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    account = context.catalog.get("ACCOUNT", ()) if kind == "ACCOUNT" else None
    entity = account or context.access.find(kind, name)
    return {key: effective(context.catalog, entity, key) for key in PARAMETERS[kind]}


@handles("ALTER SESSION")
def alter_session(context: Context, tokens: Tokens) -> Result:
    if tokens.accept("UNSET"):
        for key in names(tokens):
            context.session.parameters.pop(key, None)
    else:
        tokens.expect("SET")
        given = pairs(tokens, _Anything())
        context.session.parameters.update(given)
        if "AUTOCOMMIT" in given:
            context.engine.autocommit(context.session, given["AUTOCOMMIT"] == "true")
    return status("Statement executed successfully.", 0x4000)


@handles("ALTER ACCOUNT")
def alter_account(context: Context, tokens: Tokens) -> Result:
    """SET and UNSET of parameters; everything else about an account is not there to be altered."""
    if not context.access.admin:
        raise insufficient_privileges("ACCOUNT", "INFRA-LOCAL")
    with context.catalog.change():
        account = context.catalog.get("ACCOUNT", ()) or context.catalog.create("ACCOUNT", (), "ACCOUNTADMIN")
        if tokens.accept("UNSET"):
            for key in names(tokens):
                account.params.pop(key, None)
        elif tokens.accept("SET"):
            given = pairs(tokens, PARAMETERS["ACCOUNT"].keys())
            if "NETWORK_POLICY" in given:
                check_network_policy(context, given)
                policy = context.catalog.get("NETWORK POLICY", (given["NETWORK_POLICY"],))
                if policy is not None and not allows(context.catalog, policy, context.session.client):
                    raise invalid_value(
                        f"Network policy {given['NETWORK_POLICY']} cannot be activated. Requestor IP address, "
                        f"{context.session.client}, must be included in the allowed_ip_list."
                    )
            account.params.update(given)
        else:
            raise unsupported("ALTER ACCOUNT with anything but SET and UNSET")
        context.catalog.put(account)
    return status("Statement executed successfully.")


class _Anything(frozenset[str]):
    """Session parameters are accepted whatever their name, as clients send their own."""

    def __contains__(self, key: object) -> bool:
        return True
