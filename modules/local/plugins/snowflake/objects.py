"""What kinds of objects have in common: CREATE, SHOW, ALTER … SET and UNSET, DROP.

An object kind is a table of properties. Null in the state means "as Snowflake has it by default", so a property that
somebody changed by hand shows as drift whether it is declared or not. The same holds for session and object parameters
(the schema's optional and computed arguments): one that is set on the object itself is read, one that comes from above
is not this object's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from modules.local.plugins.protocol.resource import Diagnostic, Plan, PluginError, Resource, State
from modules.local.plugins.protocol.schema import Block
from modules.local.plugins.protocol.values import UNKNOWN, has_unknown
from modules.local.plugins.snowflake.client import Refusal, Row, SnowflakeSession
from modules.local.plugins.snowflake.names import literal, parse_name, qualified, same_name

__all__ = ["Property", "SqlObject", "already_exists"]


def _plain(text: str) -> str:
    return text


@dataclass(frozen=True)
class Property:
    """One argument that is a property in SQL.

    Args:
        sql: its name in CREATE and ALTER.
        form: how a value is written: a string literal, a bare word or number, an identifier, or a list of literals or
            identifiers.
        column: the column of SHOW (or row of DESCRIBE) it is read from; None when it cannot be read. A list is read
            from text with commas, or from a list.
        default: what Snowflake says when it is not set, in `normal` form.
        normal: brings two spellings of a value together.
        unset: the SET clause that stands for UNSET where Snowflake knows none.
    """

    attribute: str
    sql: str
    form: Literal["text", "word", "name", "texts", "names"] = "text"
    column: str | None = None
    default: str = ""
    normal: Callable[[str], str] = _plain
    alterable: bool = True
    unset: str | None = None

    def written(self, value: Any) -> str:
        if self.form == "texts":
            return f"({', '.join(literal(one) for one in sorted(value))})"
        if self.form == "names":
            return f"({', '.join(qualified(*parse_name(one)) for one in sorted(value))})"
        text = _text(value)
        if self.form == "word":
            return text
        return literal(text) if self.form == "text" else qualified(*parse_name(text))

    def unwanted(self, value: Any) -> bool:
        """Not set: null, an empty list, or the provider's own word for it."""
        return value is None or value == "default" or value == []

    def seen(self, stated: Any, row: Row, kind: Any) -> Any:
        """The value for the state: the stated spelling where it means the same, null where it is the default."""
        if self.column is None or self.column not in row:
            return stated
        raw = row[self.column]
        if self.form in ("texts", "names"):
            return _seen_list(stated, raw, self.form == "names")
        text = "" if raw is None or raw == "null" else self.normal(_text(raw))
        if self.unwanted(stated):
            return stated if text in ("", self.default) else _typed(text, kind)
        return stated if self.normal(_text(stated)) == text else _typed(text, kind)


def _seen_list(stated: Any, raw: Any, named: bool) -> Any:
    found = raw if isinstance(raw, list) else [one.strip() for one in str(raw or "").split(",") if one.strip()]

    def key(one: str) -> Any:
        return parse_name(one) if named else one

    if {key(one) for one in stated or ()} == {key(one) for one in found}:
        return stated
    return [qualified(*parse_name(one)) for one in found] if named else found


class SqlObject(Resource):
    """A kind of object with a name."""

    kind: ClassVar[str]
    words: ClassVar[str] = ""
    """The kind in statements, where it is another word."""
    resource: ClassVar[str] = ""
    """The resource type, where it does not follow from the kind."""
    containers: ClassVar[tuple[str, ...]] = ()
    """Arguments that name what the object lies in, outermost first."""
    properties: ClassVar[tuple[Property, ...]] = (Property("comment", "COMMENT", column="comment"),)
    unsupported: ClassVar[tuple[str, ...]] = ()
    reads_unstated: ClassVar[bool] = True
    """Whether a parameter that is set on the object and nobody stated was set by hand."""

    def __init__(self, session: SnowflakeSession, block: Block) -> None:
        self._session = session
        self._block = block
        self._parameters = tuple(
            name
            for name, attribute in block.attributes.items()
            if attribute.optional and attribute.computed and name != "id"
        )
        self._outputs = tuple(
            name for name, one in block.attributes.items() if one.computed and isinstance(one.type, list)
        )

    # Terraform's side

    def validate(self, config: State) -> Sequence[Diagnostic]:
        return [
            Diagnostic(
                f"the bundled snowflakedb/snowflake plugin does not implement `{name}` of a {self.sql_kind.lower()}",
                "Leave it out, or use the official plugin (`terraform.providers: official`).",
                (name,),
            )
            for name in self.unsupported
            if config[name] is not UNKNOWN and config[name]
        ]

    def plan(self, prior: State | None, planned: State, config: State, changed: frozenset[str]) -> Plan:
        planned = dict(planned)
        # What nobody asked for comes from above: a parameter that somebody set by hand is unset again.
        planned |= {name: None for name in self._parameters if config.get(name) is None}
        planned |= {name: [] for name in self._outputs}
        parts = [planned[name] for name in (*self.containers, "name")]
        known = None if has_unknown(parts) else qualified(*parts)
        planned |= {"id": known or UNKNOWN, "fully_qualified_name": known or UNKNOWN}
        return super().plan(prior, planned, config, changed)

    def create(self, planned: State) -> State:
        name = self.name_of(planned)
        clauses = [self.create_prefix(planned), self.sql_kind, name, self.create_modifiers(planned)]
        wanted = [one for one in self.properties if not one.unwanted(planned[one.attribute])]
        clauses += [f"{one.sql} = {one.written(planned[one.attribute])}" for one in wanted]
        clauses += [f"{key.upper()} = {self._parameter(key, planned[key])}" for key in self._stated(planned)]
        clauses.append(self.create_suffix(planned))
        try:
            self._session.run(" ".join(["CREATE", *(clause for clause in clauses if clause)]))
        except Refusal as refusal:
            raise already_exists(refusal, self.sql_kind.lower(), name, self.type_name()) from None
        return self._identified(planned)

    def read(self, state: State) -> State | None:
        parts = parse_name(state["id"], len(self.containers) + 1)
        row = self.show(parts)
        if row is None:
            return None
        attributes = self._block.attributes
        seen: State = dict(zip((*self.containers, "name"), parts, strict=True))
        for one in self.properties:
            seen[one.attribute] = one.seen(state.get(one.attribute), row, attributes[one.attribute].type)
        seen |= self._seen_parameters(state, qualified(*parts))
        seen |= {name: [] for name in self._outputs}
        seen |= self.read_more(state, row)
        return self._identified(seen)

    def update(self, prior: State, planned: State) -> State:
        # One statement for each change: what was done before a refusal is then known.
        done = dict(prior)
        try:
            before, after = self.name_of(prior), self.name_of(planned)
            if before != after:
                self._session.run(f"ALTER {self.sql_kind} {before} RENAME TO {after}")
                done |= self._identified({name: planned[name] for name in (*self.containers, "name")})
            for one in self.properties:
                if planned[one.attribute] != prior[one.attribute]:
                    self._alter(after, one, planned[one.attribute])
                    done[one.attribute] = planned[one.attribute]
            for key in self._parameters:
                if planned[key] != prior[key]:
                    value = planned[key]
                    change = f"UNSET {key.upper()}" if value is None else self._set(key, value)
                    self._session.run(f"ALTER {self.sql_kind} {after} {change}")
                    done[key] = value
            self.update_more(prior, planned)
        except PluginError as error:
            raise PluginError(error.summary, error.detail, path=error.path, state=done) from None
        return self._identified(planned)

    def delete(self, state: State) -> None:
        self._session.run_if_there(f"DROP {self.sql_kind} IF EXISTS {self.name_of(state)}")

    def import_(self, identifier: str) -> State:
        parts = parse_name(identifier, len(self.containers) + 1)
        if self.show(parts) is None:
            raise PluginError(f"there is no {self.sql_kind.lower()} {qualified(*parts)} to import")
        return {"id": qualified(*parts)}

    # What a kind may do its own way

    @classmethod
    def type_name(cls) -> str:
        """The resource type."""
        return cls.resource or f"snowflake_{cls.kind.lower().replace(' ', '_')}"

    @property
    def parameters_of(self) -> str:
        """The kind in SHOW PARAMETERS."""
        return self.kind

    @property
    def sql_kind(self) -> str:
        return self.words or self.kind

    @property
    def plural(self) -> str:
        return f"{self.sql_kind[:-1]}IES" if self.sql_kind.endswith("CY") else f"{self.sql_kind}S"

    def create_prefix(self, planned: State) -> str:
        return ""

    def create_suffix(self, planned: State) -> str:
        return ""

    def create_modifiers(self, planned: State) -> str:
        return ""

    def read_more(self, state: State, row: Row) -> State:
        return {}

    def update_more(self, prior: State, planned: State) -> None:
        return

    def show(self, parts: tuple[str, ...]) -> Row | None:
        """The object's row, None without it."""
        place = f" IN {self._container_kind} {qualified(*parts[:-1])}" if self.containers else ""
        # LIKE is a pattern and ignores case, so the rows are looked through.
        return self.find(f"SHOW {self.plural} LIKE {literal(parts[-1])}{place}", parts[-1])

    def find(self, statement: str, name: str) -> Row | None:
        return next((row for row in self._session.rows_if_there(statement) or () if row["name"] == name), None)

    def name_of(self, state: Mapping[str, Any]) -> str:
        return qualified(*(state[name] for name in (*self.containers, "name")))

    # Helpers

    @property
    def _container_kind(self) -> str:
        return ("DATABASE", "SCHEMA")[len(self.containers) - 1]

    def _identified(self, state: State) -> State:
        return {**state, "id": self.name_of(state), "fully_qualified_name": self.name_of(state)}

    def _alter(self, name: str, one: Property, value: Any) -> None:
        if not one.alterable:
            return
        if one.unwanted(value):
            change = f"UNSET {one.sql}" if one.unset is None else f"SET {one.unset}"
        else:
            change = f"SET {one.sql} = {one.written(value)}"
        self._session.run(f"ALTER {self.sql_kind} {name} {change}")

    def _stated(self, state: State) -> list[str]:
        return [name for name in self._parameters if state.get(name) not in (None, UNKNOWN)]

    def _parameter(self, name: str, value: Any) -> str:
        return literal(value) if isinstance(value, str) else _text(value)

    def _set(self, name: str, value: Any) -> str:
        return f"SET {name.upper()} = {self._parameter(name, value)}"

    def _seen_parameters(self, state: State, name: str) -> State:
        stated = self._stated(state)
        if not self._parameters or not (stated or self.reads_unstated or state.get("name") is None):
            return {}
        rows = {
            row["key"].lower(): row for row in self._session.rows(f"SHOW PARAMETERS IN {self.parameters_of} {name}")
        }
        seen: State = {}
        for key in self._parameters:
            row = rows.get(key)
            if row is not None and (key in stated or row["level"] == self.parameters_of):
                found = _typed(_text(row["value"]), self._block.attributes[key].type)
                # Parameters that are names may be written with quotation marks.
                same = key in stated and isinstance(found, str) and same_name(str(state[key]), found)
                seen[key] = state[key] if same else found
        return seen


def already_exists(refusal: Refusal, kind: str, name: str, resource_type: str, identifier: str = "") -> PluginError:
    """What to say of a refused CREATE."""
    if not refusal.exists:
        return refusal
    quoted = (identifier or name).replace('"', '\\"')
    return PluginError(
        f"the {kind} {name} already exists",
        "It is not in this state. Drop it, or take it over with\n\n"
        f'import {{\n  to = {resource_type}.<name>\n  id = "{quoted}"\n}}',
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _typed(text: str, kind: Any) -> Any:
    if kind == "number":
        return int(text) if text.lstrip("-").isdigit() else None
    if kind == "bool":
        return text.lower() == "true"
    return text
