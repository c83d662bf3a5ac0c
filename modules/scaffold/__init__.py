"""A new environment from a few answers: its YAML with comments, what it is laid on, and what editors need."""

from modules.scaffold.answers import PLATFORMS, Answers, check_answers, option_named
from modules.scaffold.files import Scaffold, to_fill_in
from modules.scaffold.price import priced, workload_compared

__all__ = [
    "PLATFORMS",
    "Answers",
    "Scaffold",
    "check_answers",
    "option_named",
    "priced",
    "to_fill_in",
    "workload_compared",
]
