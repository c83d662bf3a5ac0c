"""Which part of an environment `--target` means: whole stacks, or addresses in them.

Terraform's own `-target` works within one state; here a target may also be a stack, and the stacks that none names are
left out altogether.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from modules.errors import ConfigError
from modules.terraform.source import declared
from modules.terraform.workdir import WorkingFolder

__all__ = ["choose", "covers"]


def choose(targets: Sequence[str], folders: Mapping[str, WorkingFolder]) -> dict[str, tuple[str, ...]]:
    """Stack → addresses, in the order of `folders`; no addresses: the whole stack. Without targets: all of it.

    An address is that of a resource, an instance of one or a module, as a plan shows it, with `STACK:` before it or
    without.

    Raises:
        ConfigError: a target is neither; close names are suggested.
    """
    if not targets:
        return dict.fromkeys(folders, ())
    known = {name: _addresses(folder) for name, folder in folders.items()}
    whole = {target for target in targets if target in folders}
    found: dict[str, list[str]] = {name: [] for name in whole}
    for target in (each for each in targets if each not in whole):
        stack, _, address = target.rpartition(": ") if ": " in target else target.partition(":")
        if stack not in folders or not address:
            stack, address = "", target
        holders = [
            name
            for name in ([stack] if stack else folders)
            if any(covers(address.strip(), each) for each in known[name])
        ]
        if not holders:
            raise _unknown(target, known)
        for name in holders:
            found.setdefault(name, []).append(address.strip())
    return {name: () if name in whole else tuple(dict.fromkeys(found[name])) for name in folders if name in found}


def _addresses(folder: WorkingFolder) -> set[str]:
    state = folder.state()
    return {item.address for item in declared(folder.document())} | set(state.addresses if state else ())


def covers(target: str, address: str) -> bool:
    """Whether a target means an address: a resource stands for its instances, a module for what is in it, and `[*]`
    for instances that are not known yet."""
    resource = target.split("[", 1)[0]
    return address == target or address.startswith((f"{target}[", f"{target}.")) or address == f"{resource}[*]"


def _unknown(target: str, known: Mapping[str, set[str]]) -> ConfigError:
    names = [*known, *sorted({address for addresses in known.values() for address in addresses})]
    close = difflib.get_close_matches(target, names, n=3, cutoff=0.5)
    hint = f"did you mean `{'`, `'.join(close)}`?" if close else f"stacks are {', '.join(known)}; addresses are as "
    return ConfigError(
        f"`{target}` is neither a stack nor the address of a resource",
        where="--target",
        do=hint if close else f"{hint}`infra plan` shows them",
    )
