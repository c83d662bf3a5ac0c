"""Functions the stand-in answers itself: CURRENT_ROLE() and the like, IS_ROLE_IN_SESSION, some of SYSTEM$….

Other SYSTEM$ functions are refused as unsupported.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from modules.local.standin import streams
from modules.local.standin.errors import unsupported
from modules.local.standin.statements.context import Context
from modules.local.standin.statements.governance import get_tag
from modules.local.standin.statements.session import CONTEXT_FUNCTIONS, context_value
from modules.local.standin.tokenizer import Tokens

__all__ = ["answer_functions"]


def _pipe_status(context: Context, name: str) -> str:
    pipe = context.access.find("PIPE", context.object_name(Tokens(name).name()))
    paused = pipe.props.get("PIPE_EXECUTION_PAUSED") == "true"
    return json.dumps({"executionState": "PAUSED" if paused else "RUNNING", "pendingFileCount": 0})


def _resume(context: Context, name: str) -> str:
    pipe = context.access.find("PIPE", context.object_name(Tokens(name).name()))
    context.access.require("OPERATE", pipe)
    with context.catalog.change():
        pipe.props.pop("PIPE_EXECUTION_PAUSED", None)
        context.catalog.put(pipe)
    return "{}"


_WITH_ARGUMENTS: dict[str, Callable[..., str | bool | None]] = {
    "IS_ROLE_IN_SESSION": lambda context, role: (role,) in context.access.roles,
    "SYSTEM$GET_TAG": get_tag,
    "SYSTEM$PIPE_STATUS": _pipe_status,
    "SYSTEM$PIPE_FORCE_RESUME": _resume,
    "SYSTEM$STREAM_HAS_DATA": streams.has_data,
}


def answer_functions(context: Context, expression: Any) -> bool:
    """Replace these functions by their values; whether anything changed."""
    from sqlglot import exp

    changed = False
    for node in list(expression.find_all(exp.Func)):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).upper()
        if name not in CONTEXT_FUNCTIONS and name not in _WITH_ARGUMENTS:
            if name.startswith("SYSTEM$"):
                raise unsupported(name)
            continue
        literal = _literal(_value(context, name, node))
        if isinstance(node.parent, exp.Select) and node.arg_key == "expressions":
            shown = node.sql(dialect="snowflake").upper() if name in _WITH_ARGUMENTS else f"{name}()"
            literal = exp.alias_(literal, shown, quoted=True)
        node.replace(literal)
        changed = True
    for projection in expression.expressions if isinstance(expression, exp.Select) else ():
        text = projection.sql(dialect="snowflake").upper()
        if isinstance(projection, exp.Func) and text.endswith(")"):
            # Snowflake names a column without an alias by its text in upper case: COUNT(*).
            projection.replace(exp.alias_(projection.copy(), text, quoted=True))
            changed = True
    return changed


def _value(context: Context, name: str, node: Any) -> str | bool | None:
    from sqlglot import exp

    if name in CONTEXT_FUNCTIONS:
        return context_value(context, name)
    arguments = node.expressions if isinstance(node, exp.Anonymous) else list(node.args.values())
    if not all(isinstance(one, exp.Literal) for one in arguments):
        raise unsupported(f"{name} of anything but constants")
    return _WITH_ARGUMENTS[name](context, *(one.name for one in arguments))


def _literal(value: str | bool | None) -> Any:
    from sqlglot import exp

    if isinstance(value, bool):
        return exp.Boolean(this=value)
    return exp.Null() if value is None else exp.Literal.string(value)
