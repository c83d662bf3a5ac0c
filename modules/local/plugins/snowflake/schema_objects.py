"""Objects in a database or schema: database roles, views, dynamic tables, stages, pipes, streams, rules, policies."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

from modules.local.plugins.protocol.resource import State
from modules.local.plugins.snowflake.client import Row
from modules.local.plugins.snowflake.names import literal, parse_name, qualified, same_name
from modules.local.plugins.snowflake.objects import Property, SqlObject

__all__ = [
    "DatabaseRoleResource",
    "DynamicTableResource",
    "ExternalStageResource",
    "InternalStageResource",
    "MaskingPolicyResource",
    "NetworkRuleResource",
    "PipeResource",
    "StreamResource",
    "TagResource",
    "ViewResource",
]

_COMMENT = Property("comment", "COMMENT", column="comment")
_SCHEMA = ("database", "schema")


def _query(text: str) -> str:
    """A query without what makes no difference: white space around and between words."""
    return " ".join(text.strip().rstrip(";").split())


def _after_as(text: str) -> str:
    """The query in a CREATE … AS statement; the options before it hold no such word outside of quotes."""
    bare = re.sub(r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\"", lambda match: "x" * len(match.group()), text)
    match = re.search(r"\bAS\b\s*", bare, re.IGNORECASE)
    return text[match.end() :] if match else text


class DatabaseRoleResource(SqlObject):
    kind = "DATABASE ROLE"
    containers = ("database",)
    replace_on = frozenset({"database"})


class NetworkRuleResource(SqlObject):
    kind = "NETWORK RULE"
    containers = _SCHEMA
    replace_on = frozenset({"database", "schema", "type", "mode", "name"})
    properties = (
        Property("type", "TYPE", "word", "type", normal=str.upper, alterable=False),
        Property("mode", "MODE", "word", "mode", normal=str.upper, alterable=False),
        Property("value_list", "VALUE_LIST", "texts", "value_list"),
        _COMMENT,
    )

    def show(self, parts: tuple[str, ...]) -> Row | None:
        row = super().show(parts)
        # The values are only in DESCRIBE.
        return row and {**row, **self._session.rows(f"DESCRIBE NETWORK RULE {qualified(*parts)}")[0]}


class TagResource(SqlObject):
    kind = "TAG"
    containers = _SCHEMA
    replace_on = frozenset({"database", "schema"})
    unsupported = ("masking_policies", "propagate", "on_conflict")
    properties = (_COMMENT,)

    def create_modifiers(self, planned: State) -> str:
        allowed = _allowed(planned)
        return f"ALLOWED_VALUES {', '.join(literal(one) for one in allowed)}" if allowed else ""

    def read_more(self, state: State, row: Row) -> State:
        found = json.loads(row["allowed_values"] or "[]")
        if sorted(found) == sorted(_allowed(state)):
            return {}
        return {("ordered_allowed_values" if state.get("ordered_allowed_values") else "allowed_values"): found}

    def update_more(self, prior: State, planned: State) -> None:
        before, after = _allowed(prior), _allowed(planned)
        name = self.name_of(planned)
        if added := [literal(one) for one in after if one not in before]:
            self._session.run(f"ALTER TAG {name} ADD ALLOWED_VALUES {', '.join(added)}")
        if removed := [literal(one) for one in before if one not in after]:
            change = "DROP ALLOWED_VALUES " + ", ".join(removed) if after else "UNSET ALLOWED_VALUES"
            self._session.run(f"ALTER TAG {name} {change}")


def _allowed(state: State) -> list[str]:
    return list(state.get("ordered_allowed_values") or sorted(state.get("allowed_values") or ()))


class MaskingPolicyResource(SqlObject):
    kind = "MASKING POLICY"
    containers = _SCHEMA
    replace_on = frozenset({"database", "schema", "argument", "return_data_type", "exempt_other_policies"})
    properties = (_COMMENT,)

    def create_modifiers(self, planned: State) -> str:
        arguments = ", ".join(f"{qualified(one['name'])} {one['type']}" for one in planned["argument"])
        return f"AS ({arguments}) RETURNS {planned['return_data_type']} -> {planned['body']}"

    def create_suffix(self, planned: State) -> str:
        exempt = planned["exempt_other_policies"]
        return f"EXEMPT_OTHER_POLICIES = {exempt}" if exempt in ("true", "false") else ""

    def show(self, parts: tuple[str, ...]) -> Row | None:
        row = super().show(parts)
        return row and {**row, **self._session.rows(f"DESCRIBE MASKING POLICY {qualified(*parts)}")[0]}

    def read_more(self, state: State, row: Row) -> State:
        stated = state.get("body")
        seen: State = {"body": stated if stated and _query(stated) == _query(row["body"]) else row["body"]}
        if state.get("return_data_type") is None:
            pairs = [one.rsplit(" ", 1) for one in row["signature"].strip("()").split(", ")]
            seen |= {
                "return_data_type": row["return_type"],
                "argument": [{"name": name, "type": kind} for name, kind in pairs],
            }
        return seen

    def update_more(self, prior: State, planned: State) -> None:
        if prior["body"] != planned["body"]:
            self._session.run(f"ALTER MASKING POLICY {self.name_of(planned)} SET BODY -> {planned['body']}")


class ViewResource(SqlObject):
    kind = "VIEW"
    containers = _SCHEMA
    replace_on = frozenset({"database", "schema", "is_recursive", "is_temporary"})
    unsupported = (
        "aggregation_policy", "row_access_policy", "data_metric_function", "data_metric_schedule", "is_temporary",
    )  # fmt: skip
    properties = (_COMMENT,)

    def create_prefix(self, planned: State) -> str:
        words = [
            word for key, word in (("is_secure", "SECURE"), ("is_recursive", "RECURSIVE")) if planned[key] == "true"
        ]
        return " ".join(words)

    def create_modifiers(self, planned: State) -> str:
        columns = []
        for column in planned["column"] or ():
            comment = f" COMMENT {literal(column['comment'])}" if column["comment"] else ""
            columns.append(f"{qualified(column['column_name'])}{comment}")
        return f"({', '.join(columns)})" if columns else ""

    def create_suffix(self, planned: State) -> str:
        return f"AS {planned['statement']}"

    def create(self, planned: State) -> State:
        made = super().create(planned)
        if planned["change_tracking"] == "true":
            self._session.run(f"ALTER VIEW {self.name_of(planned)} SET CHANGE_TRACKING = true")
        return made

    def read_more(self, state: State, row: Row) -> State:
        stated, text = state.get("statement"), _after_as(row["text"])
        secure, tracking = _true(row["is_secure"]), (row["change_tracking"] or "OFF") == "ON"
        return {
            "statement": stated if stated and _query(stated) == _query(text) else text,
            "is_secure": _switched(state.get("is_secure"), secure),
            "change_tracking": _switched(state.get("change_tracking"), tracking),
        }

    def update(self, prior: State, planned: State) -> State:
        if prior["statement"] == planned["statement"] and prior["column"] == planned["column"]:
            return super().update(prior, planned)
        # Another query is another view; grants on it stay only with COPY GRANTS.
        if prior["name"] != planned["name"]:
            self._session.run(f"ALTER VIEW {self.name_of(prior)} RENAME TO {self.name_of(planned)}")
        comment = f"COMMENT = {literal(planned['comment'])}" if planned["comment"] else ""
        copy = "COPY GRANTS" if planned["copy_grants"] is not False else ""
        clauses = [self.create_prefix(planned), "VIEW", self.name_of(planned), self.create_modifiers(planned), copy]
        clauses += [comment, self.create_suffix(planned)]
        self._session.run(" ".join(["CREATE OR REPLACE", *(clause for clause in clauses if clause)]))
        if planned["change_tracking"] == "true":
            self._session.run(f"ALTER VIEW {self.name_of(planned)} SET CHANGE_TRACKING = true")
        return self._identified(planned)

    def update_more(self, prior: State, planned: State) -> None:
        name = self.name_of(planned)
        if (prior["is_secure"] == "true") is not (planned["is_secure"] == "true"):
            self._session.run(f"ALTER VIEW {name} {'SET' if planned['is_secure'] == 'true' else 'UNSET'} SECURE")
        if (prior["change_tracking"] == "true") is not (planned["change_tracking"] == "true"):
            wanted = str(planned["change_tracking"] == "true").lower()
            self._session.run(f"ALTER VIEW {name} SET CHANGE_TRACKING = {wanted}")


class DynamicTableResource(SqlObject):
    kind = "DYNAMIC TABLE"
    containers = _SCHEMA
    replace_on = frozenset({"database", "schema", "name", "query", "refresh_mode", "initialize"})
    properties = (
        Property("warehouse", "WAREHOUSE", "name", "warehouse", normal=lambda text: qualified(*parse_name(text))),
        _COMMENT,
    )

    def create_modifiers(self, planned: State) -> str:
        words = [f"TARGET_LAG = {_lag(planned)}"]
        words += [
            f"{key.upper()} = {planned[key]}" for key in ("refresh_mode", "initialize") if planned[key] is not None
        ]
        return " ".join(words)

    def create_suffix(self, planned: State) -> str:
        return f"AS {planned['query']}"

    def read_more(self, state: State, row: Row) -> State:
        stated, text = state.get("query"), _after_as(row["text"])
        seen: State = {"query": stated if stated and _query(stated) == _query(text) else text, "owner": row["owner"]}
        lag = row["target_lag"]
        if not state.get("target_lag") or _lag(state).strip("'") != lag:
            down = lag == "DOWNSTREAM"
            seen["target_lag"] = [{"downstream": True if down else None, "maximum_duration": None if down else lag}]
        mode = state.get("refresh_mode")
        if mode is not None and mode.upper() not in ("AUTO", row["refresh_mode"]):
            seen["refresh_mode"] = row["refresh_mode"]
        return seen

    def update_more(self, prior: State, planned: State) -> None:
        if prior["target_lag"] != planned["target_lag"]:
            self._session.run(f"ALTER DYNAMIC TABLE {self.name_of(planned)} SET TARGET_LAG = {_lag(planned)}")


def _lag(state: State) -> str:
    lag = state["target_lag"][0]
    return "DOWNSTREAM" if lag["downstream"] else literal(lag["maximum_duration"])


class InternalStageResource(SqlObject):
    kind = "STAGE"
    resource = "snowflake_stage_internal"
    containers = _SCHEMA
    replace_on = frozenset({"database", "schema", "encryption", "directory"})
    unsupported: ClassVar[tuple[str, ...]] = ("file_format", "encryption")
    properties: ClassVar[tuple[Property, ...]] = (_COMMENT,)

    def create_modifiers(self, planned: State) -> str:
        return _directory(planned)

    def read_more(self, state: State, row: Row) -> State:
        enabled = row["directory_enabled"] == "Y"
        stated = state.get("directory")
        if enabled is bool(stated and _true(stated[0]["enable"])):
            return {}
        kept = stated[0] if stated else dict.fromkeys(self._block.blocks["directory"].block.attributes)
        return {"directory": [{**kept, "enable": enabled}]}


class ExternalStageResource(InternalStageResource):
    resource = "snowflake_stage_external_s3"
    unsupported = ("file_format", "encryption", "credentials")
    properties = (
        Property("url", "URL", column="url"),
        Property("storage_integration", "STORAGE_INTEGRATION", "name", "storage_integration"),
        Property("aws_access_point_arn", "AWS_ACCESS_POINT_ARN"),
        _COMMENT,
    )


def _directory(planned: State) -> str:
    if not planned["directory"]:
        return ""
    directory = planned["directory"][0]
    words = [f"{key.upper()} = {_word(value)}" for key, value in directory.items() if value is not None]
    return f"DIRECTORY = ({' '.join(words)})"


class PipeResource(SqlObject):
    kind = "PIPE"
    containers = _SCHEMA
    replace_on = frozenset(
        {"database", "schema", "name", "copy_statement", "auto_ingest", "aws_sns_topic_arn", "integration"}
    )
    properties = (
        Property("auto_ingest", "AUTO_INGEST", "word", alterable=False),
        Property("aws_sns_topic_arn", "AWS_SNS_TOPIC", alterable=False),
        Property("integration", "INTEGRATION", alterable=False),
        Property("error_integration", "ERROR_INTEGRATION", "name"),
        _COMMENT,
    )

    def create_suffix(self, planned: State) -> str:
        return f"AS {planned['copy_statement']}"

    def create(self, planned: State) -> State:
        made = super().create(planned)
        row = self.show((planned["database"], planned["schema"], planned["name"])) or {}
        return {**made, **{key: row.get(key) for key in ("notification_channel", "owner")}}

    def read_more(self, state: State, row: Row) -> State:
        stated, text = state.get("copy_statement"), row["definition"]
        return {
            "copy_statement": stated if stated and _query(stated) == _query(text) else text,
            "notification_channel": row["notification_channel"],
            "owner": row["owner"],
        }


class StreamResource(SqlObject):
    kind = "STREAM"
    resource = "snowflake_stream_on_table"
    containers = _SCHEMA
    replace_on = frozenset({"database", "schema", "name", "table", "append_only", "show_initial_rows", "at", "before"})
    unsupported = ("at", "before")
    properties = (
        Property("append_only", "APPEND_ONLY", "word", alterable=False),
        Property("show_initial_rows", "SHOW_INITIAL_ROWS", "word", alterable=False),
        _COMMENT,
    )

    def create_modifiers(self, planned: State) -> str:
        return f"ON TABLE {qualified(*parse_name(planned['table'], 3))}"

    def create(self, planned: State) -> State:
        return {**super().create(planned), "stale": False, "stream_type": "DELTA"}

    def read_more(self, state: State, row: Row) -> State:
        seen: State = {"stale": _true(row["stale"]), "stream_type": row["type"]}
        stated = state.get("table")
        if stated is None or not same_name(stated, row["table_name"]):
            seen["table"] = row["table_name"]
        append = row["mode"] == "APPEND_ONLY"
        return {**seen, "append_only": _switched(state.get("append_only"), append)}


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _switched(stated: Any, actual: bool) -> Any:
    """A string argument that is true, false or not set."""
    if stated in (None, "default"):
        return "true" if actual else stated
    return stated if (stated == "true") is actual else str(actual).lower()
