"""USER: create, alter (keys too), drop, show, describe."""

from __future__ import annotations

from modules.local.standin.auth import fingerprint, public_key_body
from modules.local.standin.catalog import Entity
from modules.local.standin.errors import SnowflakeError, already_exists, does_not_exist, insufficient_privileges
from modules.local.standin.parameters import PARAMETERS
from modules.local.standin.results import SCL, Result, rows_of, stamp, status
from modules.local.standin.statements.alter import alter_properties, dropped_already
from modules.local.standin.statements.context import Context, handles
from modules.local.standin.statements.options import pairs
from modules.local.standin.statements.show import parse_show
from modules.local.standin.tokenizer import Tokens, quote

__all__ = ["check_network_policy"]

_PARAMETERS = frozenset(PARAMETERS["USER"])
_SECRETS = frozenset({"PASSWORD"})
_PROPERTIES = frozenset(
    {
        "LOGIN_NAME", "DISPLAY_NAME", "FIRST_NAME", "MIDDLE_NAME", "LAST_NAME", "EMAIL", "MUST_CHANGE_PASSWORD",
        "DISABLED", "DAYS_TO_EXPIRY", "MINS_TO_UNLOCK", "DEFAULT_WAREHOUSE", "DEFAULT_NAMESPACE", "DEFAULT_ROLE",
        "DEFAULT_SECONDARY_ROLES", "MINS_TO_BYPASS_MFA", "DISABLE_MFA", "RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2", "TYPE",
        "EXT_AUTHN_DUO", "EXT_AUTHN_UID", "ALLOWED_INTERFACES", "WORKLOAD_IDENTITY",
    }
)  # fmt: skip
_TYPES = ("PERSON", "SERVICE", "LEGACY_SERVICE", "NULL")
_NOT_FOR_SERVICE = ("FIRST_NAME", "MIDDLE_NAME", "LAST_NAME", "MUST_CHANGE_PASSWORD", "PASSWORD")


def _check(given: dict[str, str]) -> None:
    for slot in ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"):
        if slot in given:
            try:
                given[slot] = public_key_body(given[slot])
            except ValueError:
                raise SnowflakeError(
                    390250,
                    "22023",
                    "SQL compilation error:\n"
                    f"New public key rejected by current policy. Reason: 'Invalid public key' ({slot}).",
                ) from None
    if "TYPE" in given:
        given["TYPE"] = given["TYPE"].upper()
        if given["TYPE"] not in _TYPES:
            raise SnowflakeError(
                1008, "22023", f"SQL compilation error:\ninvalid value [{given['TYPE']}] for parameter 'TYPE'"
            )
        if given["TYPE"] == "SERVICE":
            for key in _NOT_FOR_SERVICE:
                if key in given:
                    raise SnowflakeError(
                        1420, "22023", f"SQL compilation error:\nCannot set {key} on users with TYPE=SERVICE."
                    )
    # Logins are by key pair only; a password is accepted and forgotten.
    given.pop("PASSWORD", None)


def check_network_policy(context: Context, given: dict[str, str]) -> None:
    """A policy that is set must exist; its name is kept as the catalogue has it."""
    if "NETWORK_POLICY" in given:
        name = Tokens(given["NETWORK_POLICY"]).name()
        if context.catalog.get("NETWORK POLICY", name) is None:
            raise does_not_exist("Network policy", quote(name))
        given["NETWORK_POLICY"] = name[0]


@handles("CREATE USER")
def create(context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_not_exists()
    name = (tokens.identifier(),)
    given = pairs(tokens, _PARAMETERS | _PROPERTIES | _SECRETS | {"COMMENT"})
    _check(given)
    check_network_policy(context, given)
    with context.catalog.change():
        existing = context.catalog.get("USER", name)
        if existing is not None:
            if tolerant:
                return status(f"{quote(name)} already exists, statement succeeded.")
            if "REPLACE" not in tokens.modifiers:
                raise already_exists(quote(name))
        context.access.require_on_account("CREATE USER")
        if existing is not None:
            context.access.require_owner(existing)
            context.catalog.drop(existing)
        comment = given.pop("COMMENT", "")
        params = {key: given.pop(key) for key in list(given) if key in _PARAMETERS}
        given.setdefault("LOGIN_NAME", name[0])
        context.catalog.create("USER", name, context.session.role, comment=comment, props=given, params=params)
    return status(f"User {quote(name)} successfully created.")


@handles("DROP USER")
def drop(context: Context, tokens: Tokens) -> Result:
    tolerant = tokens.if_exists()
    name = (tokens.identifier(),)
    tokens.end()
    with context.catalog.change():
        entity = context.catalog.get("USER", name)
        if entity is None:
            if tolerant:
                return dropped_already(name)
            raise does_not_exist("User", quote(name))
        context.access.require_owner(entity)
        if name[0] == context.session.user:
            raise insufficient_privileges("USER", name[0])
        context.catalog.drop(entity)
    for session in context.sessions.all():
        if session.user == name[0]:
            context.sessions.close(session)
    return status(f"{quote(name)} successfully dropped.")


@handles("ALTER USER")
def alter(context: Context, tokens: Tokens) -> Result:
    def check(given: dict[str, str]) -> None:
        _check(given)
        check_network_policy(context, given)

    return alter_properties(context, tokens, "USER", _PARAMETERS, _PROPERTIES | _SECRETS, check=check)


def _bool(entity: Entity, key: str) -> str:
    return str(entity.props.get(key, "false")).lower()


@handles("SHOW USERS")
def show(context: Context, tokens: Tokens) -> Result:
    picked = parse_show(context, tokens).pick(context, context.catalog.of_kind("USER"))
    rows = []
    for entity in picked:
        get = entity.props.get
        secondary = get("DEFAULT_SECONDARY_ROLES", "ALL")
        has_key = bool(get("RSA_PUBLIC_KEY") or get("RSA_PUBLIC_KEY_2"))
        rows.append(
            (
                entity.name[0], stamp(entity.created_on), get("LOGIN_NAME", entity.name[0]),
                get("DISPLAY_NAME", entity.name[0]), get("FIRST_NAME", ""), get("LAST_NAME", ""), get("EMAIL", ""),
                get("MINS_TO_UNLOCK", ""), get("DAYS_TO_EXPIRY", ""), entity.comment, _bool(entity, "DISABLED"),
                _bool(entity, "MUST_CHANGE_PASSWORD"), "false", get("DEFAULT_WAREHOUSE", ""),
                get("DEFAULT_NAMESPACE", ""), get("DEFAULT_ROLE", ""),
                "[]" if secondary in ("", "null") else f'["{secondary}"]', "false", "", get("MINS_TO_BYPASS_MFA", ""),
                entity.owner, None, None, None, "false", str(has_key).lower(), get("TYPE"), "false", "false",
            )
        )  # fmt: skip
    names = (
        "name,created_on:ts,login_name,display_name,first_name,last_name,email,mins_to_unlock,days_to_expiry,comment,"
        "disabled,must_change_password,snowflake_lock,default_warehouse,default_namespace,default_role,"
        "default_secondary_roles,ext_authn_duo,ext_authn_uid,mins_to_bypass_mfa,owner,last_success_login:ts,"
        "expires_at_time:ts,locked_until_time:ts,has_password,has_rsa_public_key,type,has_mfa,has_workload_identity"
    )
    return rows_of(names, rows)


_DESCRIBED = (
    "NAME", "COMMENT", "DISPLAY_NAME", "TYPE", "LOGIN_NAME", "FIRST_NAME", "MIDDLE_NAME", "LAST_NAME", "EMAIL",
    "PASSWORD", "MUST_CHANGE_PASSWORD", "DISABLED", "SNOWFLAKE_LOCK", "SNOWFLAKE_SUPPORT", "DAYS_TO_EXPIRY",
    "MINS_TO_UNLOCK", "DEFAULT_WAREHOUSE", "DEFAULT_NAMESPACE", "DEFAULT_ROLE", "DEFAULT_SECONDARY_ROLES",
    "EXT_AUTHN_DUO", "EXT_AUTHN_UID", "MINS_TO_BYPASS_MFA", "MINS_TO_BYPASS_NETWORK_POLICY", "RSA_PUBLIC_KEY",
    "RSA_PUBLIC_KEY_FP", "RSA_PUBLIC_KEY_2", "RSA_PUBLIC_KEY_2_FP", "PASSWORD_LAST_SET_TIME",
    "CUSTOM_LANDING_PAGE_URL", "CUSTOM_LANDING_PAGE_URL_FLUSH_NEXT_UI_LOAD", "HAS_MFA", "HAS_WORKLOAD_IDENTITY",
)  # fmt: skip
_FALSE = frozenset(
    {"MUST_CHANGE_PASSWORD", "DISABLED", "SNOWFLAKE_LOCK", "SNOWFLAKE_SUPPORT", "EXT_AUTHN_DUO", "HAS_MFA",
     "HAS_WORKLOAD_IDENTITY", "CUSTOM_LANDING_PAGE_URL_FLUSH_NEXT_UI_LOAD"}
)  # fmt: skip


def _described(entity: Entity, key: str) -> tuple[str, str]:
    """A property's value and default; what is unset is the word null, never SQL's NULL."""
    default = "false" if key in _FALSE else "null"
    if key == "NAME":
        return entity.name[0], default
    if key == "COMMENT":
        return entity.comment or default, default
    if key.endswith("_FP"):
        body = entity.props.get(key.removesuffix("_FP"))
        return (fingerprint(body) if body else default), default
    if key == "DEFAULT_SECONDARY_ROLES":
        stated = entity.props.get(key, "ALL")
        return ("[]" if stated in ("", "null") else f'["{stated}"]'), '["ALL"]'
    if key == "DISPLAY_NAME":
        return entity.props.get(key, entity.name[0]), default
    return str(entity.props.get(key, default)), default


@handles("DESCRIBE USER", "DESC USER")
def describe(context: Context, tokens: Tokens) -> Result:
    name = (tokens.identifier(),)
    tokens.end()
    entity = context.access.find("USER", name)
    if not context.access.owns(entity) and context.session.user != name[0]:
        raise insufficient_privileges("USER", quote(name))
    rows = [(key, *_described(entity, key), key.replace("_", " ").capitalize()) for key in _DESCRIBED]
    return rows_of("property,value,default,description", rows, SCL + 0x500)
