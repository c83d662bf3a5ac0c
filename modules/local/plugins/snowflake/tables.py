"""`snowflake_table`: columns are added, dropped and altered in place; the data stays.

Only another database or schema, a primary key or an identity replaces the table. Column types are compared by meaning
(`VARCHAR` is `VARCHAR(16777216)`), and the order of columns does not matter: Snowflake appends new ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from modules.local.plugins.protocol.resource import Diagnostic, Plan, PluginError, Resource, State
from modules.local.plugins.protocol.values import UNKNOWN, has_unknown
from modules.local.plugins.snowflake.client import Refusal, Row, SnowflakeSession
from modules.local.plugins.snowflake.names import literal, parse_name, qualified
from modules.local.plugins.snowflake.objects import already_exists

__all__ = ["TableResource", "normal_type"]

_TYPE = re.compile(r"([A-Z_0-9 ]+?)\s*(?:\(\s*([0-9, ]*?)\s*\))?\s*(WITH(?:OUT)? TIME ZONE)?")
_SYNONYMS = {
    **dict.fromkeys(("STRING", "TEXT", "NVARCHAR", "NVARCHAR2", "CHAR VARYING", "NCHAR VARYING"), "VARCHAR"),
    **dict.fromkeys(("CHARACTER", "NCHAR"), "CHAR"),
    **dict.fromkeys(("DECIMAL", "NUMERIC", "DEC"), "NUMBER"),
    **dict.fromkeys(("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"), "NUMBER"),
    **dict.fromkeys(("DOUBLE", "DOUBLE PRECISION", "REAL", "FLOAT4", "FLOAT8"), "FLOAT"),
    "DATETIME": "TIMESTAMP_NTZ",
    "TIMESTAMP": "TIMESTAMP_NTZ",
    "VARBINARY": "BINARY",
}
_DEFAULTS = {
    "VARCHAR": "16777216",
    "BINARY": "8388608",
    "NUMBER": "38,0",
    "TIME": "9",
    "TIMESTAMP_NTZ": "9",
    "TIMESTAMP_LTZ": "9",
    "TIMESTAMP_TZ": "9",
}
_ALTERABLE = ("comment", "data_retention_time_in_days", "change_tracking")


def normal_type(text: str) -> str:
    """A column type in one spelling, its precision written out."""
    match = _TYPE.fullmatch(" ".join(text.upper().split()))
    if match is None:
        return text.upper()
    name, size = _SYNONYMS.get(match[1], match[1]), (match[2] or "").replace(" ", "")
    if name == "CHAR":
        name, size = "VARCHAR", size or "1"
    if name == "NUMBER" and size and "," not in size:
        size += ",0"
    size = size or _DEFAULTS.get(name, "")
    # Accounts with the larger limit report it for a VARCHAR without a length.
    if name == "VARCHAR" and size == "134217728":
        size = _DEFAULTS["VARCHAR"]
    return f"{name}({size})" if size else name


class TableResource(Resource):
    replace_on = frozenset({"database", "schema", "primary_key"})

    def __init__(self, session: SnowflakeSession) -> None:
        self._session = session

    def validate(self, config: State) -> Sequence[Diagnostic]:
        found = [_unsupported("tag", ("tag",))] if config["tag"] is not UNKNOWN and config["tag"] else []
        names: set[str] = set()
        columns = config["column"] if isinstance(config["column"], list) else []
        for index, column in enumerate(columns):
            if column is UNKNOWN:
                continue
            name = column["name"]
            if isinstance(name, str):
                if name in names:
                    found.append(Diagnostic(f"the column {name} is declared twice", path=("column", index, "name")))
                names.add(name)
        return found

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        planned = dict(planned)
        parts = [planned[name] for name in ("database", "schema", "name")]
        known = not has_unknown(parts)
        planned["id"] = "|".join(parts) if known else UNKNOWN
        planned["fully_qualified_name"] = qualified(*parts) if known else UNKNOWN
        planned["column"] = [
            {**column, "schema_evolution_record": None} if isinstance(column, dict) else column
            for column in planned["column"]
        ]
        plan = super().plan(prior, planned, config, changed)
        if prior is not None and "column" in changed and _identities(prior) != _identities(planned):
            return plan._replace(requires_replace=plan.requires_replace | {"column"})
        return plan

    def create(self, planned: State) -> State:
        name = _name(planned)
        items = [_column_clause(column) for column in planned["column"]]
        for key in planned["primary_key"]:
            constraint = f"CONSTRAINT {qualified(key['name'])} " if key["name"] else ""
            items.append(f"{constraint}PRIMARY KEY ({', '.join(qualified(one) for one in key['keys'])})")
        clauses = [f"CREATE TABLE {name} ({', '.join(items)})"]
        if planned["cluster_by"]:
            clauses.append(f"CLUSTER BY ({', '.join(planned['cluster_by'])})")
        clauses += [f"{option.upper()} = {_written(planned[option])}" for option in _options(planned)]
        try:
            self._session.run(" ".join(clauses))
        except Refusal as refusal:
            raise already_exists(refusal, "table", name, "snowflake_table", planned["id"]) from None
        return {**planned, "owner": self._owner(planned)}

    def read(self, state: State) -> State | None:
        parts = parse_name(state["id"], 3)
        row = self._show(parts)
        if row is None:
            return None
        name = qualified(*parts)
        described = self._session.rows(f"DESCRIBE TABLE {name} TYPE = COLUMNS")
        stated = state.get("comment")
        seen: State = {
            "id": "|".join(parts),
            "database": parts[0],
            "schema": parts[1],
            "name": parts[2],
            "fully_qualified_name": name,
            "owner": row["owner"],
            "comment": row["comment"] or (stated if not stated else None),
            "column": _seen_columns(state.get("column") or [], described),
        }
        if state.get("data_retention_time_in_days") is not None:
            seen["data_retention_time_in_days"] = int(row["retention_time"] or 0)
        keys = _clustering(row.get("cluster_by") or "")
        if keys != [_key(one) for one in state.get("cluster_by") or ()]:
            seen["cluster_by"] = keys
        tracking = (row.get("change_tracking") or "OFF") == "ON"
        if tracking is not bool(state.get("change_tracking")):
            seen["change_tracking"] = tracking
        return seen

    def update(self, prior: State, planned: State) -> State:
        before, after = _name(prior), _name(planned)
        done = dict(prior)
        try:
            if before != after:
                self._session.run(f"ALTER TABLE {before} RENAME TO {after}")
                done |= {name: planned[name] for name in ("name", "id", "fully_qualified_name")}
            for option in _ALTERABLE:
                if planned[option] != prior[option]:
                    self._session.run(f"ALTER TABLE {after} {_option_change(option, planned[option])}")
                    done[option] = planned[option]
            if planned["cluster_by"] != prior["cluster_by"]:
                keys = ", ".join(planned["cluster_by"] or ())
                self._session.run(f"ALTER TABLE {after} {f'CLUSTER BY ({keys})' if keys else 'DROP CLUSTERING KEY'}")
                done["cluster_by"] = planned["cluster_by"]
            for change in _column_changes(prior["column"], planned["column"]):
                self._session.run(f"ALTER TABLE {after} {change}")
        except PluginError as error:
            # Columns may be half changed; the next read says which.
            raise PluginError(error.summary, error.detail, path=error.path, state=done) from None
        return {**planned, "owner": self._owner(planned)}

    def delete(self, state: State) -> None:
        try:
            self._session.run(f"DROP TABLE IF EXISTS {_name(state)}")
        except Refusal as refusal:
            if not refusal.missing:
                raise

    def import_(self, identifier: str) -> State:
        parts = parse_name(identifier, 3)
        if self._show(parts) is None:
            raise PluginError(f"there is no table {qualified(*parts)} to import")
        return {"id": "|".join(parts)}

    def _show(self, parts: tuple[str, ...]) -> Row | None:
        try:
            statement = f"SHOW TABLES LIKE {literal(parts[2])} IN SCHEMA {qualified(*parts[:2])}"
            return next((row for row in self._session.rows(statement) if row["name"] == parts[2]), None)
        except Refusal as refusal:
            if refusal.missing:
                return None
            raise

    def _owner(self, state: State) -> str | None:
        row = self._show((state["database"], state["schema"], state["name"]))
        return None if row is None else str(row["owner"])


def _clustering(text: str) -> list[str]:
    """The keys in `LINEAR(A, TO_DATE(B))`."""
    inner = text.strip().removeprefix("LINEAR").strip()
    keys: list[str] = []
    depth = 0
    for char in inner[1:-1] if inner.startswith("(") else inner:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and not depth:
            keys.append("")
        elif keys:
            keys[-1] += char
        else:
            keys.append(char)
    return [_key(key) for key in keys]


def _key(text: str) -> str:
    """A clustering key without what makes no difference."""
    return re.sub(r"\s+", "", text if '"' in text else text.upper())


def _unsupported(name: str, path: tuple[str | int, ...]) -> Diagnostic:
    return Diagnostic(
        f"the bundled snowflakedb/snowflake plugin does not implement `{name}` of a table",
        "Leave it out, or use the official plugin (`terraform.providers: official`).",
        path,
    )


def _name(state: State) -> str:
    return qualified(state["database"], state["schema"], state["name"])


def _written(value: Any) -> str:
    return literal(value) if isinstance(value, str) else str(value).lower()


def _options(state: State) -> list[str]:
    """What is said when a table is made; 0 days of Time Travel are a choice, not an absence."""
    days = ["data_retention_time_in_days"] if state["data_retention_time_in_days"] is not None else []
    return [*days, *(option for option in ("change_tracking", "comment") if state[option])]


def _option_change(option: str, value: Any) -> str:
    if value is None and option != "change_tracking":
        return f"UNSET {option.upper()}"
    return f"SET {option.upper()} = {_written(bool(value) if option == 'change_tracking' else value)}"


def _column_clause(column: State) -> str:
    parts = [qualified(column["name"]), column["type"]]
    if column["collate"]:
        parts.append(f"COLLATE {literal(column['collate'])}")
    parts += [_default(one) for one in column["default"]]
    for identity in column["identity"]:
        start, step = (1 if identity[key] is None else identity[key] for key in ("start_num", "step_num"))
        parts.append(f"IDENTITY START {start} INCREMENT {step}")
    if column["nullable"] is False:
        parts.append("NOT NULL")
    if column["masking_policy"]:
        parts.append(f"WITH MASKING POLICY {qualified(*parse_name(column['masking_policy'], 3))}")
    if column["comment"]:
        parts.append(f"COMMENT {literal(column['comment'])}")
    return " ".join(parts)


def _same_policy(left: str | None, right: str | None) -> bool:
    return left == right if not left or not right else parse_name(left) == parse_name(right)


def _default(default: State) -> str:
    if default["constant"] is not None:
        return f"DEFAULT {literal(default['constant'])}"
    if default["sequence"] is not None:
        return f"DEFAULT {qualified(*parse_name(default['sequence']))}.NEXTVAL"
    return f"DEFAULT {default['expression']}"


def _identities(state: State) -> dict[str, Any]:
    return {column["name"]: column["identity"] for column in state["column"] if column["identity"]}


def _column_changes(prior: list[State], planned: list[State]) -> list[str]:
    """ALTER TABLE's clauses that lead from one list of columns to another; the order is not a difference."""
    before, after = ({column["name"]: column for column in columns} for columns in (prior, planned))
    changes = [f"ADD COLUMN {_column_clause(after[name])}" for name in after if name not in before]
    for name in after.keys() & before.keys():
        old, new, column = before[name], after[name], f"ALTER COLUMN {qualified(name)}"
        if normal_type(old["type"]) != normal_type(new["type"]):
            changes.append(f"{column} SET DATA TYPE {new['type']}")
        if (old["nullable"] is False) is not (new["nullable"] is False):
            changes.append(f"{column} {'SET' if new['nullable'] is False else 'DROP'} NOT NULL")
        if (old["comment"] or "") != (new["comment"] or ""):
            changes.append(f"{column} COMMENT {literal(new['comment'] or '')}")
        if not _same_policy(old["masking_policy"], new["masking_policy"]):
            policy = new["masking_policy"] and qualified(*parse_name(new["masking_policy"], 3))
            changes.append(
                f"{column} SET MASKING POLICY {policy} FORCE" if policy else f"{column} UNSET MASKING POLICY"
            )
        if old["default"] != new["default"]:
            changes.append(f"{column} " + (f"SET {_default(new['default'][0])}" if new["default"] else "DROP DEFAULT"))
    # Dropped last: a table must keep at least one column.
    return changes + [f"DROP COLUMN {qualified(name)}" for name in before if name not in after]


def _seen_columns(stated: list[State], described: list[Row]) -> list[State]:
    """The table's columns, in the declared order and spelling where they mean the same."""
    rows = {row["name"]: row for row in described if row.get("kind", "COLUMN") == "COLUMN"}
    known = {column["name"]: column for column in stated}
    order = [name for name in known if name in rows] + [name for name in rows if name not in known]
    return [_seen_column(known.get(name), rows[name]) for name in order]


def _seen_column(stated: State | None, row: Row) -> State:
    nullable, comment, policy = row["null?"] == "Y", row["comment"] or None, row.get("policy name") or None
    seen: State = {
        "name": row["name"],
        "type": row["type"],
        "nullable": nullable,
        "comment": comment,
        "collate": None,
        "masking_policy": policy and qualified(*parse_name(policy)),
        "schema_evolution_record": None,
        "default": [],
        "identity": [],
    }
    if stated is None:
        return seen
    if normal_type(stated["type"]) == normal_type(row["type"]):
        seen["type"] = stated["type"]
    if stated["nullable"] is None and nullable:
        seen["nullable"] = None
    if not stated["comment"] and comment is None:
        seen["comment"] = stated["comment"]
    # Snowflake rewrites defaults into expressions of its own; they are only compared with what was declared.
    if _same_policy(stated["masking_policy"], policy):
        seen["masking_policy"] = stated["masking_policy"]
    kept = ("collate", "default", "identity")
    return {**seen, **{name: stated[name] for name in kept}}
