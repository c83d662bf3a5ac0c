"""Terraform's diagnostics as the errors a user meets: what happened, where, what to do.

Failures with a known way out (a held lock, a malformed state, a missing plugin, a full disk, a stale plan, a service
that does not answer) are recognised by Terraform's own words; the rest is passed on as Terraform said it.
"""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from modules.errors import ApplyError, PlanError, StateLockedError, TerraformError
from modules.terraform.events import Diagnostic
from modules.terraform.snapshots import mounted, state_place
from modules.terraform.store_failures import store_failure

__all__ = [
    "disk_error", "from_os", "malformed_state", "nearly_full", "need_space", "state_locked", "terraform_failure",
]  # fmt: skip

_NEARLY_FULL = 1_000_000
_DISK = re.compile(r"no space left on device|disk quota exceeded|ENOSPC", re.I)
_STATE = re.compile(
    r"unsupported state file format|state file could not be parsed|does not have a .version. attribute"
    r"|failed to (?:load|read) (?:the )?(?:prior )?state|error loading state|state snapshot is (?:invalid|corrupt)"
    r"|no longer parseable|invalid state",
    re.I,
)
_NEWER = re.compile(r"created by (?:Terraform|OpenTofu) v?([\d.]+)[^.]*\.? *which is newer|newer than current", re.I)
_MISSING = re.compile(
    r"failed to query available provider packages|failed to install provider|required plugins are not installed"
    r"|inconsistent dependency lock file|no available releases match|missing or corrupted provider plugins"
    r"|invalid provider registry host|no source available",
    re.I,
)
_LOCKED = re.compile(
    r"match any of the checksums (?:previously )?recorded in the dependency lock file|dependency changes detected"
    r"|locked provider \S+ \S+ does not match",
    re.I,
)
_PLAN_FILE = re.compile(r"failed to load .* as a plan file|failed to read plan|invalid plan file|can't read plan", re.I)
_STALE = re.compile(r"saved plan is stale|plan file can no longer be applied|does not match the given plan", re.I)
_CRASH = re.compile(
    r"plugin did not respond|plugin exited before|unrecognized remote plugin|failed to instantiate provider"
    r"|error while loading schemas|failed to load plugin schemas|timeout while waiting for plugin",
    re.I,
)
_PROTECTED = re.compile(r"Resource (\S+(?: \S+)*?) has lifecycle\.prevent_destroy set")
_EXPIRED = re.compile(
    r"ExpiredToken|RequestExpired|TokenRefreshRequired|failed to refresh cached credentials"
    r"|(?:token|credentials?|session|login|key)\b[^.\n]{0,60}\b(?:has|have|is|are) (?:now )?expired"
    r"|expired (?:token|credentials?|session)",
    re.I,
)
_REFUSED = re.compile(
    r"InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|AuthFailure\b|no valid credential sources"
    r"|JWT token is invalid|incorrect username or password|SASL authentication (?:failed|error)"
    r"|401 Unauthorized|status(?: code)?:? 401\b|invalid API key",
    re.I,
)
_EXISTS = re.compile(
    r"already exists|AlreadyExists|EntityAlreadyExists|ResourceInUseException|TOPIC_ALREADY_EXISTS|40901 Topic"
    r"|resource with the ID .* already exists|409 Conflict",
    re.I,
)
_UNREACHABLE = re.compile(
    r"connection refused|cannot be reached|does not answer|could not connect|failed to connect"
    r"|client has run out of available brokers|no such host|i/o timeout|_TRANSPORT|timed out"
    r"|all brokers? (?:are )?down|max retries exceeded",
    re.I,
)


def terraform_failure(
    diagnostics: Sequence[Diagnostic], *, stack: str, folder: Path, phase: str, output: Sequence[str] = ()
) -> TerraformError:
    """The error for a command that failed.

    Args:
        phase: `init`, `plan` or `apply`; an apply's failure is an `ApplyError`, the others a `PlanError`.
        output: plain lines Terraform printed, used when it gave no diagnostic at all.
    """
    errors = [item for item in diagnostics if item.severity == "error"]
    kind: type[TerraformError] = ApplyError if phase == "apply" else PlanError
    where = f"stack {stack}"
    if not errors and nearly_full(folder):
        # What Terraform would have said was lost with the rest of its output.
        return disk_error(folder, kind)
    if not errors:
        # It died without a diagnostic: killed from outside, or out of memory.
        tail = tuple(line for line in output if line)[-5:]
        return kind(
            f"Terraform ended without saying why ({phase})",
            where=where,
            do="run the same command again; if it stays so, set TF_LOG=debug",
            details=tail,
        )
    texts = _texts(errors)
    whole = "\n".join(f"{item.summary}\n{item.detail}" for item in errors)
    known = _known(errors, whole, kind, where, folder, texts)
    if known is not None:
        return known
    first = errors[0]
    place = f"{where}, {first.address}" if first.address else where
    if not first.address and first.where:
        place = f"{where}, {first.where}"
    detail = " ".join(first.detail.split())
    do = "correct it and run the command again"
    if _UNREACHABLE.search(whole):
        do = (
            "check that the service runs and can be reached (on a laptop: `infra local up`), then run the command again"
        )
        if "`infra local up`" in detail:
            # A bundled plugin says so itself.
            do, detail = detail, ""
    what = f"{first.summary}: {detail}" if detail else first.summary
    return kind(what, where=place, do=do, details=_limited(texts[1:]))


def _known(
    errors: Sequence[Diagnostic], whole: str, kind: type[TerraformError], where: str, folder: Path, texts: Sequence[str]
) -> TerraformError | None:
    """The special cases, the most telling first: a bad state also shows as a failure to lock it."""
    state = folder / "terraform.tfstate"
    if _DISK.search(whole):
        return disk_error(folder, kind)
    if mounted(folder.parent) and (failed := store_failure(errors, folder, kind, where)):
        return failed
    if _NEWER.search(whole):
        return kind(
            "the state was written by a newer Terraform than this one",
            where=state_place(state),
            do="use that version (terraform.binary or INFRA_TERRAFORM), or the one that comes along",
            details=_limited(texts),
        )
    if _STATE.search(whole):
        return malformed_state(state, kind, texts)
    if "Error acquiring the state lock" in whole or "Error locking state" in whole:
        info = dict(re.findall(r"^\s*(ID|Operation|Who|Created):\s*(.+?)\s*$", whole, re.M))
        return state_locked(
            where, who=info.get("Who"), since=info.get("Created"), doing=info.get("Operation"), lock=info.get("ID")
        )
    if _PLAN_FILE.search(whole):
        return kind("the plan file is unreadable", where=where, do="plan again", details=_limited(texts))
    if _STALE.search(whole):
        return kind(
            "the state has changed since the plan was made, so the plan no longer holds",
            where=where,
            do="plan again, review and apply",
        )
    if _CRASH.search(whole):
        return kind(
            "a provider plugin could not be started or died",
            where=where,
            do="run the command again; `infra doctor` checks the plugins",
            details=_limited(texts),
        )
    if protected := list(dict.fromkeys(_PROTECTED.findall(" ".join(whole.split())))):
        return kind(
            "what holds data is protected, and this would destroy it",
            where=where,
            do="undo the change that takes it away or replaces it; or, if it is to go, take the protection off "
            "(`production: false`, on Confluent also `confluent.deletion_protection: false`), deploy that, and run "
            "this again",
            details=_limited(protected),
        )
    if _LOCKED.search(" ".join(whole.split())):
        return kind(
            "a provider plugin is not what the lock file says",
            where=where,
            do="if the change is wanted, `infra providers lock`, review and commit it; else delete the plugin from "
            "mirror and cache, and run the command again",
            details=_limited(texts),
        )
    if login := _login(whole, kind, where, texts):
        return login
    if kind is ApplyError and (there := _existing(errors, kind, where, folder, texts)):
        return there
    if _MISSING.search(whole):
        return kind(
            "a provider plugin is missing",
            where=where,
            do="check the network or the mirror folder, or use `terraform.providers: bundled` on a laptop",
            details=_limited(texts),
        )
    return None


def _login(whole: str, kind: type[TerraformError], where: str, texts: Sequence[str]) -> TerraformError | None:
    """Credentials that ended, before or half-way."""
    if _EXPIRED.search(whole):
        what = "the credentials have expired" + (" half-way" if kind is ApplyError else "")
        do = "log in anew (on AWS: `aws sso login`, or a fresh role session), `infra doctor` shows who you are"
    elif _REFUSED.search(whole):
        what = "the service refuses the credentials"
        do = "check what the environment's YAML refers to (`infra secrets check`, `infra doctor`)"
    else:
        return None
    return kind(what, where=where, do=f"{do}; then run the command again", details=_limited(texts))


def _existing(
    errors: Sequence[Diagnostic], kind: type[TerraformError], where: str, folder: Path, texts: Sequence[str]
) -> TerraformError | None:
    """Objects that are there and in no state, where nothing else failed."""
    if not all(_EXISTS.search(f"{item.summary} {item.detail}") for item in errors):
        return None
    addresses = [item.address for item in errors if item.address]
    first = f"{where}, {addresses[0]}" if addresses else where
    return kind(
        f"{len(errors)} objects exist already and are in no state"
        if len(errors) > 1
        else "the object exists already and is in no state",
        where=first,
        do="plan again: what a deploy from here had begun is taken over; else "
        f"`infra import --env {folder.parent.name} --write` if it is this environment's, or give yours another name",
        details=_limited(texts),
    )


def malformed_state(state: Path, kind: type[TerraformError], texts: Sequence[str] = ()) -> TerraformError:
    """The state cannot be read; it is left as it is, and the newest backup is named."""
    if mounted(state.parent.parent):
        command = f"--env {state.parent.parent.name}"
        do = f"`infra state backups {command}` lists earlier ones, `infra state restore {command}` puts one back"
        return kind("the state is malformed", where=state_place(state), do=do, details=_limited(texts))
    backups = sorted((state.parent / "backups").glob("*.tfstate"))
    do = f"put the newest backup in its place: cp {backups[-1]} {state}" if backups else "restore it from a backup"
    said = (*_limited(texts), *((_held(backups[-1], state.parent.parent.name),) if backups else ()))
    return kind("the state file is malformed", where=str(state), do=do, details=said)


def _held(backup: Path, environment: str) -> str:
    """What the newest backup knows: one from before the last apply knows nothing of what that made."""
    from modules.terraform.copies import AFTER
    from modules.terraform.state import parse_state  # which says by this module what is wrong

    try:
        known = len(parse_state(backup.read_bytes(), str(backup)).addresses)
        held = f"it knows {known or 'no'} resource{'' if known == 1 else 's'}"
    except (TerraformError, ValueError, OSError):
        held = "it cannot be read either"
    if backup.name.endswith(AFTER):
        return f"the newest backup is as the last apply left it; {held}"
    return (
        f"the newest backup is from before the last apply; {held}. What that apply made is taken over by "
        f"`infra import --env {environment} --write` afterwards, before anything is deployed"
    )


def disk_error(folder: Path, kind: type[TerraformError] = ApplyError) -> TerraformError:
    """No space left where state and plans are kept."""
    return kind(
        "the disk is full",
        where=str(folder),
        do="free some space and run the same command again; keep an `errored.tfstate` you find there: it holds what "
        "was done, and the next run takes it over",
    )


def nearly_full(folder: Path) -> bool:
    """Whether there is too little space to write a log or a state."""
    return shutil.disk_usage(folder).free < _NEARLY_FULL


def need_space(folder: Path, bytes_needed: int, kind: type[TerraformError]) -> None:
    """Stop before anything is begun that could not be written down.

    Terraform writes its state in place: a disk that fills up during an apply leaves a state cut in half.

    Raises:
        TerraformError (of `kind`): less than that is free.
    """
    free = shutil.disk_usage(folder).free
    if free < bytes_needed:
        raise kind(
            f"too little disk space: {free / 1e6:.1f} MB free, {bytes_needed / 1e6:.0f} MB wanted for state and plan",
            where=str(folder),
            do="free some space and run the same command again; nothing was changed",
        )


def state_locked(
    where: str,
    *,
    who: str | None = None,
    since: str | None = None,
    doing: str | None = None,
    pid: int | None = None,
    lock: str | None = None,
) -> StateLockedError:
    """Another run holds the state: who, doing what, since when, as far as known."""
    holder = f"process {pid}" if pid else (who or "another run")
    if pid and who:
        holder = f"{who}, process {pid}"
    what = f"the state is locked by {holder}"
    if doing:
        what += f" ({doing.removeprefix('OperationType').lower() if doing.startswith('OperationType') else doing})"
    if since:
        what += f" since {since}"
    return StateLockedError(
        what,
        where=where,
        do="wait until it has finished, then run the command again; `infra unlock` shows the lock, and removes a dead "
        "run's",
        details=(f"lock id {lock}",) if lock else (),
    )


def from_os(error: OSError, folder: Path, kind: type[TerraformError] = PlanError) -> TerraformError:
    """A file operation in a working folder that failed."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_error(folder, kind)
    return kind(
        f"cannot write: {error.strerror or error}",
        where=str(error.filename or folder),
        do="check the folder's rights",
    )


def _texts(errors: Sequence[Diagnostic]) -> list[str]:
    """Each error once: a service that fails several resources alike is told of once, with where else."""
    alike: dict[tuple[str, str], list[Diagnostic]] = {}
    for item in errors:
        alike.setdefault((item.summary, item.detail), []).append(item)
    texts = []
    for first, *others in alike.values():
        texts.append(first.text())
        places = list(dict.fromkeys(place for item in others if (place := item.address or item.where)))
        if places:
            texts.append(f"the same for {', '.join(places[:4])}" + (" …" if len(places) > 4 else ""))
    return texts


def _limited(lines: Sequence[str], most: int = 8, width: int = 400) -> tuple[str, ...]:
    shown = [line if len(line) <= width else line[: width - 1] + "…" for line in lines[:most]]
    if len(lines) > most:
        shown.append(f"… and {len(lines) - most} more")
    return tuple(shown)
