"""`--bootstrap`: a run against brokers that no environment describes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modules.smoke import Progress, SmokeOptions, SmokeResult

__all__ = ["by_hand"]


def by_hand(
    bootstrap: str,
    client_config: Path | None,
    options: SmokeOptions,
    progress: Callable[[Progress], None],
    *,
    senseless: str | None,
) -> SmokeResult:
    """Measure what is between these brokers and this machine.

    Args:
        senseless: an option that was given and is about an environment.

    Raises:
        ConfigError: options that do not go together, or a wrong file.
    """
    from modules.errors import ConfigError
    from modules.smoke.by_hand import read_client_config, run_by_hand

    if senseless:
        raise ConfigError(
            f"{senseless} and --bootstrap do not go together: brokers given by hand are no environment",
            do="leave one of them out",
        )
    if options.topic is None:
        raise ConfigError(
            "which topic is to be measured?", where="--bootstrap", do="give --topic T: one that is there, for tests"
        )
    settings = {} if client_config is None else read_client_config(client_config)
    return run_by_hand(bootstrap, settings, options, progress)
