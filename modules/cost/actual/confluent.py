"""What Confluent billed: the Costs API (`billing/v1/costs`), or an export of it.

The API answers for the whole organisation; the environment's rows are those whose resource is in its Confluent
environment. Rows without a resource (support, promotions) are the organisation's and are handed on as shared. It takes
a month at most per request, a page at a time, and needs a Cloud API key of an account that is OrganizationAdmin or
BillingAdmin.

Source: Confluent's OpenAPI description of billing/v1 and its billing pages, read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules.cost.actual.bills import Bill, Reading, Unread, decimal_of, summed
from modules.cost.actual.period import Period
from modules.errors import PriceError

if TYPE_CHECKING:
    import httpx

__all__ = ["API", "CONFLUENT", "Scope", "read_costs_api", "read_file"]

CONFLUENT = "Confluent Costs API"
API = "https://api.confluent.cloud"
_PATH = "/billing/v1/costs"
_PAGE = 5000
_RIGHTS = "give the API key's account the role BillingAdmin (or OrganizationAdmin)"
_KEY = "check `confluent.cloud_api_key` and `cloud_api_secret`: a Cloud API key, not a cluster's"
_LATE = "Confluent's costs come up to 72 hours late"
_PLACES = 12


class Scope:
    """Which rows are this environment's: those in its Confluent environment, found by its id or by its cluster's name.

    Args:
        environment_id: `env-…`, from the last deploy; None where it was never deployed from here.
        cluster_name: the cluster's display name, to find the environment by where there is no id.
    """

    def __init__(self, environment_id: str | None, cluster_name: str) -> None:
        self.environment_id = environment_id
        self.cluster_name = cluster_name

    def ids(self, rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
        """The ids of the Confluent environments that are meant."""
        if self.environment_id:
            return frozenset({self.environment_id})
        return frozenset(where for where, name in map(_place, rows) if where and name == self.cluster_name)

    def __str__(self) -> str:
        return self.environment_id or f"the environment that has a cluster `{self.cluster_name}`"


def read_costs_api(period: Period, scope: Scope, login: Callable[[], tuple[str, str]], url: str = API) -> Reading:
    """The environment's rows. What cannot be asked is in `unread`, it is not an error.

    Args:
        login: hands out the Cloud API key's id and secret; asked when they are needed.

    Raises:
        SecretError: from `login`.
    """
    import httpx

    rows: list[Mapping[str, Any]] = []
    try:
        with httpx.Client(base_url=url, auth=login(), timeout=30) as client:
            for start, end in period.months:
                rows += _pages(client, {"start_date": str(start), "end_date": str(end), "page_size": str(_PAGE)})
    except httpx.HTTPStatusError as error:
        return _refused(*_said(error.response))
    except httpx.HTTPError as error:
        return _refused(f"{type(error).__name__}: {error}", f"check the network and any proxy to {url}")
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        return _refused(f"the answer is not what the API describes: {error}", "give an export: --confluent-file FILE")
    notes = [_LATE] if period.running else []
    return _reading(CONFLUENT, rows, period, scope, notes)


def read_file(path: Path, period: Period, scope: Scope) -> Reading:
    """A saved answer of the API (one, or a list of pages), or of `confluent billing cost list -o json`.

    Raises:
        PriceError: it is neither, or has no row of the period.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        pages = data if isinstance(data, list) else [data]
        rows = [row for page in pages for row in page.get("data", [page])]
        inside = [row for row in rows if _inside(row, period)]
        reading = _reading(f"{CONFLUENT}, saved as {path.name}", rows, period, scope, [])
    except OSError as error:
        raise PriceError(f"cannot read the file: {error.strerror}", where=str(path)) from None
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
        raise PriceError(
            "these are no costs of Confluent's",
            where=str(path),
            do="save the Costs API's answer, or `confluent billing cost list --start-date … --end-date … -o json`",
        ) from None
    if not inside:
        raise PriceError(
            f"nothing of {period} is in it", where=str(path), do="give the file's period with --from and --to"
        )
    return reading


def _pages(client: httpx.Client, query: dict[str, str]) -> Iterator[Mapping[str, Any]]:
    """Every row of one request; each page has the address of the next."""
    from urllib.parse import parse_qs, urlparse

    token = ""
    while True:
        answer = client.get(_PATH, params={**query, **({"page_token": token} if token else {})})
        answer.raise_for_status()
        page = answer.json()
        yield from page["data"]
        # Only the token is taken: the key must not follow an address out of an answer.
        following = parse_qs(urlparse((page.get("metadata") or {}).get("next") or "").query).get("page_token", [""])
        if not following[0] or following[0] == token:
            return
        token = following[0]


def _reading(source: str, rows: list[Mapping[str, Any]], period: Period, scope: Scope, notes: list[str]) -> Reading:
    inside = [row for row in rows if _inside(row, period)]
    ids = scope.ids(inside)
    bills, others = [], set()
    for row in inside:
        where, _ = _place(row)
        if where in ids or not where:
            bills.append(_bill(row, shared=not where))
        else:
            others.add(where)
    if not ids:
        known = f"; it billed {', '.join(sorted(others))}" if others else ""
        why = f"nothing in the bill is of {scope}{known}"
        return Reading("confluent", source, unread=(Unread(source, why, "deploy it from here, or give its bill"),))
    words = [f"of {', '.join(sorted(ids))}"]
    if others:
        words.append(f"{len(others)} other environment{'s' if len(others) != 1 else ''} of the organisation left out")
    return Reading("confluent", source, summed(each for each in bills if each.amount), ("; ".join(words), *notes))


def _bill(row: Mapping[str, Any], *, shared: bool) -> Bill:
    amount = row.get("amount")
    paid = decimal_of(amount if amount not in (None, "") else row.get("original_amount") or 0)
    product, line = str(row.get("product") or ""), str(row["line_type"])
    return Bill("confluent", product, line, round(paid, _PLACES), shared="of the whole organisation" if shared else "")


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    """A row's Confluent environment and its resource's name: the API's shape, or the CLI's."""
    resource = row.get("resource")
    if isinstance(resource, Mapping):
        return str((resource.get("environment") or {}).get("id") or ""), str(resource.get("display_name") or "")
    return str(row.get("environment") or ""), str(row.get("resource_name") or "")


def _inside(row: Mapping[str, Any], period: Period) -> bool:
    return str(period.start) <= str(row["start_date"])[:10] < str(period.end)


def _said(answer: httpx.Response) -> tuple[str, str]:
    """What a refusal says, and what to do about it."""
    try:
        errors = answer.json().get("errors") or [{}]
        words = str(errors[0].get("detail") or errors[0].get("title") or "")
    except (ValueError, AttributeError):
        words = ""
    why = f"HTTP {answer.status_code}" + (f": {words}" if words else "")
    return why, {401: _KEY, 403: _RIGHTS, 429: "wait a minute"}.get(answer.status_code, "try again later")


def _refused(why: str, do: str) -> Reading:
    return Reading("confluent", CONFLUENT, unread=(Unread(CONFLUENT, why, do),))
