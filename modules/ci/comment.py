"""The comment on a pull request: what changes and what it costs, one for each environment, found again by its marker.

The text is made of what `infra plan` and `infra cost diff` wrote; it is cut where the service would refuse it.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["LIMIT", "NO_PLAN", "comment", "marker"]

LIMIT = 65_536
"""Characters of a comment on GitHub (its API answers 422 above); GitLab takes a million."""

NO_PLAN = "**There is no plan**: the run failed before it had one, and its log says why."
"""What stands in the comment then: an older plan would be taken for this revision's."""

_FIRST = "<!--"


def marker(environment: str) -> str:
    """The first line of an environment's comment, by which the next run finds it."""
    return f"<!-- infra plan {environment} -->"


def comment(
    environment: str,
    plan: str,
    cost: str = "",
    *,
    content_hash: str = "",
    revision: str = "",
    rehearsed: bool = False,
    limit: int = LIMIT,
) -> str:
    """The comment's text, no longer than `limit` characters; the plan gives way before the cost does, to half of it.

    Args:
        rehearsed: planned with simulated providers, so that nothing of it can be deployed.
    """
    head = [marker(environment), ""]
    words = []
    if content_hash:
        words.append(f"Plan `{content_hash[:12]}`: a merge applies exactly this, while it still holds.")
    if rehearsed:
        words.append("Rehearsed with simulated providers against the base revision: no account was asked.")
    if revision:
        words.append(f"Revision `{revision[:12]}`.")
    foot = f"\n\n<sub>{' '.join(words)}</sub>\n" if words else "\n"
    text = _plain(plan)
    room = limit - len("\n".join(head)) - len(foot)
    money = f"\n\n{_plain(cost)}" if cost.strip() else ""
    money = _cut(money, room - min(len(text), limit // 2))  # a table that long is none to be read in a comment
    return "\n".join(head) + _cut(text, room - len(money)) + money + foot


def _plain(text: str) -> str:
    """Without a marker of its own at its head: this comment has one."""
    lines: Sequence[str] = text.strip().splitlines()
    while lines and lines[0].startswith(_FIRST):
        lines = lines[1:]
    return "\n".join(lines).strip()


def _cut(text: str, room: int) -> str:
    """At the end of a line, with the fences and folds that it leaves open closed again."""
    if len(text) <= room:
        return text
    note = "\n\n… cut here: the whole plan is in the run's log.\n"
    kept = text[: max(0, room - len(note) - 64)]
    kept = kept[: kept.rfind("\n") + 1].rstrip() if "\n" in kept else kept
    if kept.count("```") % 2:
        kept += "\n```"
    folds = kept.count("<details") - kept.count("</details>")
    kept += "\n</details>" * min(max(folds, 0), 4)
    return kept + note
