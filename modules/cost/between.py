"""Which two sides `infra cost diff A B` means, and their bills.

A side is an environment as the files have it now, or as a git revision has it, at the prices that its own
`environments/prices/` lays over the list's. Revisions are read by `modules/revisions.py`; nothing here writes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from modules.cost.book import PriceBook
from modules.cost.diff import Diff, DiffSet, Side, diff_reports
from modules.cost.report import Report, report
from modules.environment.loader import list_environments, load_environment
from modules.errors import ConfigError, InfraError
from modules.project import Project
from modules.revisions import at_revision, is_revision, merge_base

__all__ = ["Point", "compare_points", "points_of"]

WORKING_TREE = "working tree"

BookOf = Callable[[Project], PriceBook]


@dataclass(frozen=True)
class Point:
    """A revision (None: the files as they are now) and an environment (None: all). `name`: what to call the former."""

    revision: str | None
    environment: str | None
    name: str = ""

    @property
    def label(self) -> str:
        return self.name or self.revision or WORKING_TREE


def points_of(project: Project, words: Sequence[str], environment: str = "") -> tuple[Point, Point]:
    """What the command's words mean: earlier side, later side.

    Nothing: the last commit against the files. One revision: it against the files; two, or `A..B`: one against the
    other; `A...B`: B against where it left A, as a pull request is. Two environments: as the files have them.
    `REVISION:ENVIRONMENT` names both.

    Raises:
        ConfigError: a word is neither an environment nor a revision, or they do not go together.
    """
    named = _ranges(project, words)
    if named is None:
        points = [_point(project, word, environment) for word in words]
        if len(points) < 2:
            points = _completed(words, points, environment)
        named = points[0], points[1]
    before, after = named
    if environment:
        before, after = (_with(point, environment) for point in (before, after))
    if (before.environment is None) != (after.environment is None):
        one, all_ = (words[0], words[1]) if before.environment else (words[1], words[0])
        raise ConfigError(
            f"`{one}` is an environment and `{all_}` a revision: they cannot be compared as they are",
            do=f"write `{all_}:{one.rpartition(':')[2]}` for the revision's, or name two of a kind",
        )
    if before == after:
        raise ConfigError(
            f"both sides are the same: {' and '.join(words) or before.label}", do="name two that may differ"
        )
    return before, after


def _ranges(project: Project, words: Sequence[str]) -> tuple[Point, Point] | None:
    """`A..B` and `A...B`, as git writes them; an end that is left out is HEAD."""
    if len(words) != 1 or ".." not in words[0]:
        return None
    dots = "..." if "..." in words[0] else ".."
    one, _, other = words[0].partition(dots)
    one, other = one or "HEAD", other or "HEAD"
    if dots == "..":
        return Point(one, None), Point(other, None)
    return Point(merge_base(project, one, other), None, f"where {other} left {one}"), Point(other, None)


def _point(project: Project, word: str, environment: str) -> Point:
    revision, colon, name = word.rpartition(":")
    if colon:
        if not revision or not name:
            raise ConfigError(f"`{word}` is half of REVISION:ENVIRONMENT", do="write, say, `main:dev`")
        return Point(revision, name)
    # With --env the environment is named already, so that a word is a revision wherever it can be one.
    there = list_environments(project)
    if word in there and not (environment and is_revision(project, word)):
        return Point(None, word)
    try:
        if is_revision(project, word):
            return Point(word, None)
    except ConfigError as error:
        raise ConfigError(
            f"there is no environment `{word}`, and no revision either: {error.what}",
            where=error.where,
            do=f"choose one of: {', '.join(there)}",
        ) from None
    raise ConfigError(
        f"`{word}` is neither an environment nor a git revision",
        where="environments/",
        do=f"write one of {', '.join(there)}, or a branch, a tag or a commit",
    )


def _completed(words: Sequence[str], points: Sequence[Point], environment: str) -> list[Point]:
    if not points:
        return [Point("HEAD", None), Point(None, environment or None)]
    (point,) = points
    if point.revision is None:
        raise ConfigError(
            f"`{words[0]}` is an environment; compare it with what?",
            do=f"name another (`{words[0]} prod`), or a revision and the environment (`main --env {words[0]}`)",
        )
    return [point, Point(None, point.environment)]


def _with(point: Point, environment: str) -> Point:
    if point.environment not in (None, environment):
        raise ConfigError(
            f"`--env {environment}` and `{point.environment}` name two environments for one side", do="give one of them"
        )
    return Point(point.revision, environment, point.name)


def compare_points(project: Project, before: Point, after: Point, book_of: BookOf) -> DiffSet:
    """The bills of both sides, of the environments they name or of all that either has.

    Raises:
        ConfigError: a revision is not there, or an environment on neither side, or it does not load; where all are
            compared, one that does not load on the earlier side is said in `unread` instead.
        PriceError: as `report`.
    """
    with _opened(project, before) as old, _opened(project, after) as new:
        if before.environment and after.environment:
            both = before.environment == after.environment
            name = before.environment if both else f"{before.environment} → {after.environment}"
            there = [name in list_environments(at) for at in (old, new)]
            # A new environment, or one that is gone: the other side has no bill. Of two names a missing one is a slip.
            one_sided = both and any(there) and not all(there)
            sides = [
                Side(_label(point, both), None if one_sided and not has else _bill(at, point, book_of))
                for at, point, has in ((old, before, there[0]), (new, after, there[1]))
            ]
            return DiffSet(before.label, after.label, (diff_reports(name, sides[0], sides[1]),))
        return _all(old, new, before, after, book_of)


def _all(old: Project, new: Project, before: Point, after: Point, book_of: BookOf) -> DiffSet:
    diffs: list[Diff] = []
    unread: list[tuple[str, str]] = []
    earlier, later = list_environments(old), list_environments(new)
    for name in sorted({*earlier, *later}):
        now = _bill(new, Point(after.revision, name, after.name), book_of) if name in later else None
        then = None
        try:
            then = _bill(old, Point(before.revision, name, before.name), book_of) if name in earlier else None
        except InfraError as error:
            unread.append((name, error.details[0] if error.details else error.what))
            continue
        diffs.append(diff_reports(name, Side(before.label, then), Side(after.label, now)))
    return DiffSet(before.label, after.label, tuple(diffs), tuple(unread))


@contextlib.contextmanager
def _opened(project: Project, point: Point) -> Iterator[Project]:
    if point.revision is None:
        yield project
        return
    with at_revision(project, point.revision) as found:
        yield found


def _label(point: Point, both: bool) -> str:
    """The revision where that is what differs, else the environment with its revision."""
    if both:
        return point.label
    return f"{point.environment}" + (f" at {point.label}" if point.revision else "")


def _bill(project: Project, point: Point, book_of: BookOf) -> Report:
    name = point.environment or ""
    if point.revision is None:
        return report(load_environment(project, name), book_of(project))
    there = list_environments(project)
    if name not in there:
        raise ConfigError(
            f"revision `{point.label}` has no environment `{name}`",
            where=f"{point.label}:environments/",
            do=f"it has {', '.join(there) or 'none'}; leave --env out to compare all that either side has",
        )
    try:
        return report(load_environment(project, name), book_of(project))
    except InfraError as error:
        raise type(error)(
            f"{error.what}, as it is in revision `{point.label}`",
            where=f"{point.label}:{error.where}" if error.where else None,
            details=error.details,
            do="name a revision in which it loads; a past one cannot be mended",
        ) from None
