"""The tree of errors a user can meet.

Every one says what happened, where, and what to do; the CLI prints the three and exits with `exit_code`. Code that
computes raises these; nothing below `cli/` prints or exits.

    InfraError
    ├── ConfigError       the YAML, a schema file or an option is wrong (may carry several problems)
    ├── SecretError       a secret reference cannot be resolved or a key cannot be read
    ├── SynthError        a stack could not be turned into Terraform JSON
    ├── TerraformError    Terraform or a provider plugin failed
    │   ├── PlanError
    │   ├── ApplyError
    │   ├── StateError        a state cannot be read, written or carried over
    │   ├── InterruptedRun    Ctrl-C or SIGTERM; exit code 130
    │   └── StateLockedError
    ├── LocalError        the laptop platform: ports, downloads, disk, services
    │   └── DownloadError
    ├── ServiceError      Kafka, the registry or Snowflake cannot be reached or said no
    ├── SinkError
    ├── SourceError
    ├── PriceError
    └── SmokeError
"""

from __future__ import annotations

__all__ = [
    "ApplyError",
    "ConfigError",
    "DownloadError",
    "InfraError",
    "InterruptedRun",
    "LocalError",
    "PlanError",
    "PriceError",
    "SecretError",
    "ServiceError",
    "SinkError",
    "SmokeError",
    "SourceError",
    "StateError",
    "StateLockedError",
    "SynthError",
    "TerraformError",
]


class InfraError(Exception):
    """Something a user can act on.

    Args:
        what: one sentence, what happened.
        where: `file:line`, an address, a service; None where the sentence already says it.
        do: what to do about it, an imperative sentence.
        details: further lines worth reading (a service's own words, a list of problems).
    """

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        do: str | None = None,
        details: tuple[str, ...] | list[str] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.do = do
        self.details = tuple(details)

    def __str__(self) -> str:
        """The plain-text form: `where: what`, the details, and what to do, a line each."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        lines = [head, *(f"  {line}" for line in self.details)]
        if self.do:
            lines.append(f"  → {self.do}")
        return "\n".join(lines)


class ConfigError(InfraError):
    """The environment's YAML, a schema file or an option is wrong."""


class SecretError(InfraError):
    """A secret reference cannot be resolved, or what it points at is unusable."""


class SynthError(InfraError):
    """A stack could not be turned into Terraform JSON."""


class TerraformError(InfraError):
    """Terraform or a provider plugin failed."""


class PlanError(TerraformError):
    """A plan could not be made, or was refused."""


class ApplyError(TerraformError):
    """An apply failed or was interrupted."""


class StateError(TerraformError):
    """A state cannot be read, written or carried over; what is there stays as it is."""


class InterruptedRun(TerraformError):
    """A signal stopped the run; the state is consistent."""

    exit_code = 130


class StateLockedError(TerraformError):
    """Another run holds the state."""


class LocalError(InfraError):
    """The laptop platform: ports, disk, Java, services."""


class DownloadError(LocalError):
    """An artifact could not be fetched or is not what it should be."""


class ServiceError(InfraError):
    """Kafka, the registry or Snowflake cannot be reached, or refused."""


class SinkError(InfraError):
    """The sink cannot go on."""


class SourceError(InfraError):
    """A source cannot go on."""


class PriceError(InfraError):
    """The price book or the cost model is unusable."""


class SmokeError(InfraError):
    """The smoke test could not be run (a missed SLO is a result, not an error)."""
