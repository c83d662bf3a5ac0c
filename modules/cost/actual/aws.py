"""What AWS billed, by tag: Cost Explorer, its saved answer, or a Cost and Usage Report as CSV.

Amortised cost, so that what a savings plan covers has the plan's price. Credits, refunds and tax are asked for apart:
they would hide what the resources cost. Cost Explorer knows nothing of single resources, only usage types; those that
several lines share are compared together. Each request costs $0.01 (AWS's own price), two are made for a period.

Source: the Cost Explorer API reference, GetCostAndUsage, read 2026-11.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from modules.cost.actual.bills import Bill, Reading, Unread, decimal_of, summed
from modules.cost.actual.period import Period
from modules.errors import PriceError

__all__ = ["AWS", "read_cost_explorer", "read_file"]

AWS = "AWS Cost Explorer"
_METRIC = "AmortizedCost"
_REQUEST: dict[str, Any] = {"Granularity": "MONTHLY", "Metrics": [_METRIC, "UsageQuantity"]}
_APART = ["Credit", "Refund", "Tax"]
_APART_SERVICE = "record type"
_RIGHTS = "allow `ce:GetCostAndUsage`; in an organisation the management account must let members see their costs"
_LOG_IN = "log in (`aws sso login`, AWS_PROFILE), or give a saved answer: --aws-file FILE"
_UNTAGGED = (
    "nothing is billed under these tags: activate `project` and `environment` as cost allocation tags "
    "(Billing, cost allocation tags; it takes a day, and past days stay untagged)"
)


def read_cost_explorer(period: Period, tags: Mapping[str, str], client: Any = None) -> Reading:
    """Everything that carries all the tags. What cannot be asked is in `unread`, it is not an error.

    Args:
        client: boto3's `ce`; default: one with the credentials this machine has.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    bills: list[Bill] = []
    estimated = False
    try:
        client = client or _client()
        for request in _requests(period, tags):
            for result in _pages(client, request):
                estimated = estimated or bool(result.get("Estimated"))
                bills += _bills_of(result)
    except ClientError as error:
        detail = error.response.get("Error", {})
        code = detail.get("Code", "an error")
        return _refused(f"{code}: {detail.get('Message', '')}", _do(code))
    except (BotoCoreError, ValueError) as error:
        return _refused(str(error), _LOG_IN)
    notes = [] if bills else [_UNTAGGED]
    if estimated:
        notes.append("AWS still counts this period: a month is final some days after its end")
    return Reading("aws", AWS, summed(bills), (_tag_words(tags), *notes))


def read_file(path: Path, period: Period, tags: Mapping[str, str]) -> Reading:
    """A saved answer of `aws ce get-cost-and-usage` (JSON, one answer or a list), or a Cost and Usage Report (CSV).

    Raises:
        PriceError: the file is neither, or has nothing of the period.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise PriceError(f"cannot read the file: {reason}", where=str(path)) from None
    if path.suffix.lower() == ".csv":
        bills = summed(_report_rows(text, path, period, tags))
        return Reading("aws", f"Cost and Usage Report {path.name}", bills, (_tag_words(tags),))
    results = _saved_results(text, path)
    inside = [each for each in results if _inside(each, period)]
    if not inside:
        there = ", ".join(f"{each['TimePeriod']['Start']} to {each['TimePeriod']['End']}" for each in results)
        raise PriceError(
            f"nothing of {period} is in it" + (f", but {there}" if there else ""),
            where=str(path),
            do="give the file's period with --from and --to",
        )
    note = "a saved answer: which tags it was asked for is not in it"
    return Reading(
        "aws", f"{AWS}, saved as {path.name}", summed(b for each in inside for b in _bills_of(each)), (note,)
    )


def _do(code: str) -> str:
    """What mends a refusal of AWS's."""
    if "Token" in code or code in ("UnrecognizedClientException", "InvalidSignatureException"):
        return _LOG_IN
    if "Throttl" in code or code == "LimitExceededException":
        return "wait a minute; Cost Explorer takes few requests a second"
    if code == "DataUnavailableException":
        return "Cost Explorer has nothing yet: it begins a day after it is switched on, and keeps about a year"
    return _RIGHTS


def _client() -> Any:
    import boto3
    from botocore.config import Config

    patience = Config(connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 4})
    return boto3.client("ce", region_name="us-east-1", config=patience)


def _requests(period: Period, tags: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """What was used, by service and usage type; then credits, refunds and tax, by what they are."""
    carries = [{"Tags": {"Key": key, "Values": [value]}} for key, value in tags.items()]
    apart = {"Dimensions": {"Key": "RECORD_TYPE", "Values": _APART}}
    asked = {**_REQUEST, "TimePeriod": {"Start": str(period.start), "End": str(period.end)}}
    by_use = [{"Type": "DIMENSION", "Key": "SERVICE"}, {"Type": "DIMENSION", "Key": "USAGE_TYPE"}]
    yield {**asked, "Filter": {"And": [*carries, {"Not": apart}]}, "GroupBy": by_use}
    by_kind = [{"Type": "DIMENSION", "Key": "RECORD_TYPE"}]
    yield {**asked, "Filter": {"And": [*carries, apart]}, "GroupBy": by_kind}


def _pages(client: Any, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    token: str | None = None
    while True:
        answer = client.get_cost_and_usage(**request, **({"NextPageToken": token} if token else {}))
        yield from answer.get("ResultsByTime", ())
        token = answer.get("NextPageToken")
        if not token:
            return


def _bills_of(result: Mapping[str, Any]) -> Iterator[Bill]:
    for group in result.get("Groups", ()):
        keys, metrics = group["Keys"], group["Metrics"]
        cost = metrics.get(_METRIC) or next(value for name, value in metrics.items() if name.endswith("Cost"))
        amount = decimal_of(cost["Amount"])
        if not amount:
            continue
        service, item = (keys[0], keys[1]) if len(keys) > 1 else (_APART_SERVICE, keys[0])
        yield Bill("aws", service, item, amount, cost.get("Unit", "USD"), _used(metrics.get("UsageQuantity")))


def _used(quantity: Mapping[str, str] | None) -> str:
    """`2,232 Hrs`; Cost Explorer says N/A where a group mixes units."""
    if not quantity or quantity.get("Unit", "N/A") in ("N/A", ""):
        return ""
    return f"{decimal_of(quantity['Amount']):,.2f}".rstrip("0").rstrip(".") + f" {quantity['Unit']}"


def _saved_results(text: str, path: Path) -> list[dict[str, Any]]:
    try:
        data = json.loads(text)
        pages = data if isinstance(data, list) else [data]
        results = [each for page in pages for each in page["ResultsByTime"]]
        for each in results:
            date.fromisoformat(each["TimePeriod"]["Start"][:10])
            for group in each.get("Groups", ()):
                _ = group["Keys"][0], group["Metrics"]
    except (ValueError, KeyError, TypeError, IndexError):
        raise PriceError(
            "this is no answer of `aws ce get-cost-and-usage`",
            where=str(path),
            do="save one grouped by SERVICE and USAGE_TYPE (docs/cost-actual.md has the command), or give a .csv",
        ) from None
    return results


def _inside(result: Mapping[str, Any], period: Period) -> bool:
    start = date.fromisoformat(result["TimePeriod"]["Start"][:10])
    return period.start <= start < period.end


def _report_rows(text: str, path: Path, period: Period, tags: Mapping[str, str]) -> Iterator[Bill]:
    """A Cost and Usage Report's rows (`lineItem/UsageType` or `line_item_usage_type`) that carry the tags."""
    rows = csv.DictReader(text.splitlines())
    names = {_plain(name): name for name in rows.fieldnames or ()}
    needed = ("line_item_usage_type", "line_item_unblended_cost", "line_item_usage_start_date")
    tagged = {key: names.get(f"resource_tags_user_{key}") for key in tags}
    missing = [name for name in needed if name not in names]
    missing += [f"resource_tags_user_{key}" for key, column in tagged.items() if column is None]
    if missing:
        raise PriceError(
            f"the report has no column {', '.join(missing)}",
            where=str(path),
            do="export it with the cost allocation tags",
        )
    for row in rows:
        if any(row[str(tagged[key])] != value for key, value in tags.items()):
            continue
        started = row[names["line_item_usage_start_date"]][:10]
        if not str(period.start) <= started < str(period.end):
            continue
        amount = _amount(row, names, path, rows.line_num)
        kind = row.get(names.get("line_item_line_item_type", ""), "Usage")
        product = names.get("product_product_name") or names.get("line_item_product_code", "")
        currency = row.get(names.get("line_item_currency_code", "")) or "USD"
        if amount and kind in _APART:
            yield Bill("aws", _APART_SERVICE, kind, amount, currency)
        elif amount:
            yield Bill("aws", row.get(product, ""), row[names["line_item_usage_type"]], amount, currency)


def _amount(row: Mapping[str, str], names: Mapping[str, str], path: Path, number: int) -> Decimal:
    """A row's amortised cost where the report has it: what a savings plan covers at the plan's price."""
    covered = row.get(names.get("savings_plan_savings_plan_effective_cost", "")) or ""
    try:
        if covered and decimal_of(covered):
            return decimal_of(covered)
        return decimal_of(row[names["line_item_unblended_cost"]])
    except ArithmeticError:
        raise PriceError(f"`{row[names['line_item_unblended_cost']]}` is no amount", where=f"{path}:{number}") from None


def _plain(name: str) -> str:
    """A column's name in either spelling: `lineItem/UsageType` is `line_item_usage_type`."""
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return "_".join(part for part in words.replace("/", "_").replace(":", "_").split("_") if part)


def _tag_words(tags: Mapping[str, str]) -> str:
    return "by tag: " + ", ".join(f"{key} {value}" for key, value in tags.items())


def _refused(why: str, do: str) -> Reading:
    return Reading("aws", AWS, unread=(Unread(AWS, why, do),))
