"""STAGE, STORAGE INTEGRATION, EXTERNAL VOLUME and PIPE: declared and shown; no file is ever read or written by them."""

from __future__ import annotations

import json
from typing import Any

from modules.local.standin.catalog import Entity
from modules.local.standin.errors import invalid_value, unsupported
from modules.local.standin.results import stamp
from modules.local.standin.statements.context import Context
from modules.local.standin.statements.objects import ObjectKind, head, register
from modules.local.standin.statements.options import nested, options
from modules.local.standin.tokenizer import Tokens, quote

__all__: list[str] = []

_IAM_USER = "arn:aws:iam::000000000000:user/standin"
"""No such user exists: nothing here reaches AWS."""


# -- storage integrations ----------------------------------------------------------------------------------------------

_INTEGRATION = frozenset(
    {
        "TYPE", "STORAGE_PROVIDER", "STORAGE_AWS_ROLE_ARN", "STORAGE_AWS_EXTERNAL_ID", "STORAGE_AWS_OBJECT_ACL",
        "ENABLED", "STORAGE_ALLOWED_LOCATIONS", "STORAGE_BLOCKED_LOCATIONS", "USE_PRIVATELINK_ENDPOINT",
        "AZURE_TENANT_ID",
    }
)  # fmt: skip


def _check_integration(context: Context, given: dict[str, Any]) -> None:
    provider = given.get("STORAGE_PROVIDER")
    if provider is not None:
        given["STORAGE_PROVIDER"] = provider = provider.upper()
        if provider not in ("S3", "S3GOV", "S3CHINA", "GCS", "AZURE"):
            raise invalid_value(f"invalid value [{provider}] for parameter 'STORAGE_PROVIDER'")
    for key in ("STORAGE_ALLOWED_LOCATIONS", "STORAGE_BLOCKED_LOCATIONS"):
        for location in given.get(key, ()):
            if location != "*" and "://" not in location:
                raise invalid_value(f"invalid value [{location}] for parameter '{key}'")


def _integration_row(context: Context, entity: Entity) -> tuple[Any, ...]:
    enabled = entity.props.get("ENABLED", "true")
    return (entity.name[0], "EXTERNAL_STAGE", "STORAGE", enabled, entity.comment, stamp(entity.created_on))


def _integration_details(context: Context, entity: Entity) -> list[tuple[str, str, str, str]]:
    get = entity.props.get
    rows = [
        ("ENABLED", "Boolean", get("ENABLED", "true"), "false"),
        ("STORAGE_PROVIDER", "String", get("STORAGE_PROVIDER", ""), ""),
        ("STORAGE_ALLOWED_LOCATIONS", "List", ",".join(get("STORAGE_ALLOWED_LOCATIONS", ())), "[]"),
        ("STORAGE_BLOCKED_LOCATIONS", "List", ",".join(get("STORAGE_BLOCKED_LOCATIONS", ())), "[]"),
    ]
    if str(get("STORAGE_PROVIDER", "")).startswith("S3"):
        external = get("STORAGE_AWS_EXTERNAL_ID") or f"INFRA_SFCRole={entity.id}"
        rows += [
            ("STORAGE_AWS_IAM_USER_ARN", "String", _IAM_USER, ""),
            ("STORAGE_AWS_ROLE_ARN", "String", get("STORAGE_AWS_ROLE_ARN", ""), ""),
            ("STORAGE_AWS_EXTERNAL_ID", "String", external, ""),
        ]
        if get("STORAGE_AWS_OBJECT_ACL"):
            rows.append(("STORAGE_AWS_OBJECT_ACL", "String", get("STORAGE_AWS_OBJECT_ACL"), ""))
    rows.append(("USE_PRIVATELINK_ENDPOINT", "Boolean", get("USE_PRIVATELINK_ENDPOINT", "false"), "false"))
    rows.append(("COMMENT", "String", entity.comment, ""))
    return rows


register(
    ObjectKind(
        kind="INTEGRATION",
        words="STORAGE INTEGRATION",
        show_words="STORAGE INTEGRATIONS",
        show="name,type,category,enabled,comment,created_on:ts",
        row=_integration_row,
        properties=_INTEGRATION,
        check=_check_integration,
        describe="property,property_type,property_value,property_default",
        details=_integration_details,
    )
)

# -- external volumes --------------------------------------------------------------------------------------------------


def _location(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or not {"NAME", "STORAGE_PROVIDER", "STORAGE_BASE_URL"} <= given.keys():
        raise invalid_value("a storage location needs NAME, STORAGE_PROVIDER and STORAGE_BASE_URL")
    return given


def _check_volume(context: Context, given: dict[str, Any]) -> None:
    if "STORAGE_LOCATIONS" in given:
        given["STORAGE_LOCATIONS"] = [_location(one) for one in given["STORAGE_LOCATIONS"]]
        names = [one["NAME"] for one in given["STORAGE_LOCATIONS"]]
        if not names or len(set(names)) < len(names):
            raise invalid_value("an external volume needs storage locations with different names")


def _alter_volume(context: Context, entity: Entity, tokens: Tokens) -> bool:
    locations = entity.props["STORAGE_LOCATIONS"]
    if tokens.accept("ADD", "STORAGE_LOCATION"):
        tokens.expect("=")
        entity.props["STORAGE_LOCATIONS"] = [*locations, _location(nested(tokens))]
    elif tokens.accept("REMOVE", "STORAGE_LOCATION"):
        gone = tokens.string()
        entity.props["STORAGE_LOCATIONS"] = [one for one in locations if one["NAME"] != gone]
    else:
        return False
    return True


def _described_location(entity: Entity, location: dict[str, Any]) -> str:
    encryption = location.get("ENCRYPTION", {})
    shown = {key: value for key, value in location.items() if key != "ENCRYPTION"}
    shown["STORAGE_ALLOWED_LOCATIONS"] = [location["STORAGE_BASE_URL"].rstrip("/") + "/*"]
    if location["STORAGE_PROVIDER"].upper().startswith("S3"):
        shown["STORAGE_AWS_IAM_USER_ARN"] = _IAM_USER
        shown.setdefault("STORAGE_AWS_EXTERNAL_ID", f"INFRA_SFCRole={entity.id}")
    shown["ENCRYPTION_TYPE"] = encryption.get("TYPE", "NONE")
    if encryption.get("KMS_KEY_ID"):
        shown["ENCRYPTION_KMS_KEY_ID"] = encryption["KMS_KEY_ID"]
    return json.dumps(shown)


def _volume_details(context: Context, entity: Entity) -> list[tuple[str, str, str, str, str]]:
    rows = [("", "ALLOW_WRITES", "Boolean", entity.props.get("ALLOW_WRITES", "true"), "true")]
    for index, location in enumerate(entity.props["STORAGE_LOCATIONS"], 1):
        described = _described_location(entity, location)
        rows.append(("STORAGE_LOCATIONS", f"STORAGE_LOCATION_{index}", "String", described, ""))
    rows.append(("STORAGE_LOCATIONS", "ACTIVE", "String", entity.props["STORAGE_LOCATIONS"][0]["NAME"], ""))
    if entity.comment:
        rows.append(("", "COMMENT", "String", entity.comment, ""))
    return rows


def _volume_row(context: Context, entity: Entity) -> tuple[Any, ...]:
    return (entity.name[0], entity.props.get("ALLOW_WRITES", "true"), entity.comment)


register(
    ObjectKind(
        kind="EXTERNAL VOLUME",
        show="name,allow_writes,comment",
        row=_volume_row,
        properties=frozenset({"STORAGE_LOCATIONS", "ALLOW_WRITES"}),
        check=_check_volume,
        alter=_alter_volume,
        describe="parent_property,property,property_type,property_value,property_default",
        details=_volume_details,
    )
)

# -- stages ------------------------------------------------------------------------------------------------------------

_STAGE = frozenset(
    {
        "URL", "STORAGE_INTEGRATION", "CREDENTIALS", "ENCRYPTION", "DIRECTORY", "FILE_FORMAT", "COPY_OPTIONS",
        "AWS_ACCESS_POINT_ARN", "USE_PRIVATELINK_ENDPOINT", "ENDPOINT",
    }
)  # fmt: skip


def _check_stage(context: Context, given: dict[str, Any]) -> None:
    if "STORAGE_INTEGRATION" in given:
        given["STORAGE_INTEGRATION"] = Tokens(given["STORAGE_INTEGRATION"]).name()[0]
        context.access.find("INTEGRATION", (given["STORAGE_INTEGRATION"],))
    if "CREDENTIALS" in given:
        # Not kept: a stand-in that reads no file needs no secret.
        given["CREDENTIALS"] = sorted(given["CREDENTIALS"])


def _stage_row(context: Context, entity: Entity) -> tuple[Any, ...]:
    get = entity.props.get
    url = get("URL", "")
    sse = (get("ENCRYPTION") or {}).get("TYPE") == "SNOWFLAKE_SSE"
    kind = "EXTERNAL" if url else ("INTERNAL NO CSE" if sse else "INTERNAL")
    directory = get("DIRECTORY") or {}
    return (
        *head(entity), url, "Y" if "CREDENTIALS" in entity.props else "N", "N", entity.owner, entity.comment, None,
        kind, "AWS" if url.startswith("s3") else None, get("STORAGE_INTEGRATION"), get("ENDPOINT"),
        entity.owner_role_type, "Y" if directory.get("ENABLE") == "true" else "N",
    )  # fmt: skip


def _stage_details(context: Context, entity: Entity) -> list[tuple[str, str, str, str, str]]:
    get = entity.props.get
    rows = []
    file_format = get("FILE_FORMAT") or {}
    if file_format.get("FORMAT_NAME"):
        rows.append(("STAGE_FILE_FORMAT", "FORMAT_NAME", "String", file_format["FORMAT_NAME"], ""))
    else:
        rows += _format_rows(file_format)
    if get("URL"):
        rows.append(("STAGE_LOCATION", "URL", "String", json.dumps([get("URL")]), ""))
        if get("AWS_ACCESS_POINT_ARN"):
            rows.append(("STAGE_LOCATION", "AWS_ACCESS_POINT_ARN", "String", get("AWS_ACCESS_POINT_ARN"), ""))
        private = get("USE_PRIVATELINK_ENDPOINT", "false")
        rows.append(("PRIVATELINK", "USE_PRIVATELINK_ENDPOINT", "Boolean", private, "false"))
    directory = get("DIRECTORY") or {}
    rows.append(("DIRECTORY", "ENABLE", "Boolean", directory.get("ENABLE", "false"), "false"))
    rows.append(("DIRECTORY", "AUTO_REFRESH", "Boolean", directory.get("AUTO_REFRESH", "false"), "false"))
    return rows


_CSV = {
    "TYPE": ("String", "CSV"), "RECORD_DELIMITER": ("String", "\\n"), "FIELD_DELIMITER": ("String", ","),
    "FILE_EXTENSION": ("String", ""), "SKIP_HEADER": ("Integer", "0"), "PARSE_HEADER": ("Boolean", "false"),
    "DATE_FORMAT": ("String", "AUTO"), "TIME_FORMAT": ("String", "AUTO"), "TIMESTAMP_FORMAT": ("String", "AUTO"),
    "BINARY_FORMAT": ("String", "HEX"), "ESCAPE": ("String", "NONE"), "ESCAPE_UNENCLOSED_FIELD": ("String", "\\\\"),
    "TRIM_SPACE": ("Boolean", "false"), "FIELD_OPTIONALLY_ENCLOSED_BY": ("String", "NONE"),
    "NULL_IF": ("List", "[\\\\N]"), "COMPRESSION": ("String", "AUTO"),
    "ERROR_ON_COLUMN_COUNT_MISMATCH": ("Boolean", "true"), "VALIDATE_UTF8": ("Boolean", "true"),
    "SKIP_BLANK_LINES": ("Boolean", "false"), "REPLACE_INVALID_CHARACTERS": ("Boolean", "false"),
    "EMPTY_FIELD_AS_NULL": ("Boolean", "true"), "SKIP_BYTE_ORDER_MARK": ("Boolean", "true"),
    "ENCODING": ("String", "UTF8"), "MULTI_LINE": ("Boolean", "true"),
}  # fmt: skip


def _format_rows(given: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    kind = str(given.get("TYPE", "CSV")).upper()
    known = _CSV if kind == "CSV" else {"TYPE": ("String", kind)}
    rows = []
    for key, (type_, default) in known.items():
        value = given.get(key, default)
        text = f"[{', '.join(value)}]" if isinstance(value, list) else str(value)
        rows.append(("STAGE_FILE_FORMAT", key, type_, text, "CSV" if key == "TYPE" else default))
    extra = (key for key in given if key not in known)
    return rows + [("STAGE_FILE_FORMAT", key, "String", str(given[key]), "") for key in extra]


register(
    ObjectKind(
        kind="STAGE",
        show="created_on:ts,name,database_name,schema_name,url,has_credentials,has_encryption_key,owner,comment,region,"
        "type,cloud,storage_integration,endpoint,owner_role_type,directory_enabled",
        row=_stage_row,
        properties=_STAGE,
        check=_check_stage,
        describe="parent_property,property,property_type,property_value,property_default",
        details=_stage_details,
    )
)

# -- pipes -------------------------------------------------------------------------------------------------------------

_PIPE = frozenset({"AUTO_INGEST", "ERROR_INTEGRATION", "AWS_SNS_TOPIC", "INTEGRATION", "PIPE_EXECUTION_PAUSED"})


def _read_pipe(context: Context, tokens: Tokens) -> dict[str, Any]:
    given = options(tokens, {*_PIPE, "COMMENT"}, until=("AS",))
    tokens.expect("AS")
    definition = tokens.rest()
    if not tokens.at("COPY", "INTO"):
        raise tokens.unexpected()
    target = Tokens(definition)
    target.expect("COPY", "INTO")
    context.access.find("TABLE", context.object_name(target.name()))
    while not tokens.done:
        tokens.next()
    if given.get("AUTO_INGEST") == "false":
        given.pop("AUTO_INGEST")
    return {**given, "definition": definition}


def _alter_pipe(context: Context, entity: Entity, tokens: Tokens) -> bool:
    if tokens.at("REFRESH"):
        raise unsupported("ALTER PIPE … REFRESH")
    return False


def _pipe_row(context: Context, entity: Entity) -> tuple[Any, ...]:
    get = entity.props.get
    return (
        *head(entity), get("definition"), entity.owner, _channel(entity), entity.comment, get("INTEGRATION"), None,
        get("ERROR_INTEGRATION"), entity.owner_role_type, None,
    )  # fmt: skip


def _channel(entity: Entity) -> str | None:
    """The queue that would be told of new files; none exists here."""
    if entity.props.get("AUTO_INGEST") != "true":
        return None
    return str(entity.props.get("AWS_SNS_TOPIC") or f"arn:aws:sqs:local:000000000000:standin-{quote(entity.name[0])}")


_PIPE_COLUMNS = (
    "created_on:ts,name,database_name,schema_name,definition,owner,notification_channel,comment,integration,pattern,"
    "error_integration,owner_role_type,invalid_reason"
)

register(
    ObjectKind(
        kind="PIPE",
        show=_PIPE_COLUMNS,
        row=_pipe_row,
        properties=_PIPE,
        parse=_read_pipe,
        alter=_alter_pipe,
        describe=_PIPE_COLUMNS,
        details=lambda context, entity: [_pipe_row(context, entity)],
    )
)
