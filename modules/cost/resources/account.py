"""What is kept in an account: keys, secrets, alarms, dashboards, logs, images, files."""

from __future__ import annotations

from modules.cost.resources.bill import Bill, Pricer
from modules.cost.resources.documents import block, blocks, number
from modules.cost.units import Unit

__all__ = ["PRICERS"]

_HIGH_RESOLUTION = 60
_BAND = 3
"""An anomaly's band counts for three metrics: the metric itself, its upper and its lower bound."""


def key(bill: Bill) -> None:
    """A customer-managed key; calls are by use."""
    bill.add("key", 1, Unit.KEY_MONTH, "aws.kms.key", "1 key", what="KMS key")
    bill.used("aws.kms.calls")


def secret(bill: Bill) -> None:
    """The secret and each of its replicas; calls are by use."""
    copies = 1 + len(blocks(bill.resource.arguments, "replica"))
    how = "1 secret" if copies == 1 else f"1 secret + {copies - 1} replicas"
    bill.add("secret", copies, Unit.SECRET_MONTH, "aws.secret", how, what="secret")
    bill.used("aws.secret.calls")


def alarm(bill: Bill) -> None:
    """By the metrics it looks at; looked at more often than once a minute it is of high resolution."""
    its = bill.resource.arguments
    queries = blocks(its, "metric_query")
    looked = [block(each, "metric") for each in queries if blocks(each, "metric")] or [its]
    band = any("ANOMALY_DETECTION_BAND" in str(each.get("expression")) for each in queries)
    metrics = len(looked) * (_BAND if band else 1)
    often = any(0 < (number(each.get("period")) or _HIGH_RESOLUTION) < _HIGH_RESOLUTION for each in looked)
    item, named = ("aws.alarm.high", "high-resolution alarm") if often else ("aws.alarm", "alarm")
    how = f"{metrics} metric" + ("s" if metrics != 1 else "") + (", an anomaly's band is three" if band else "")
    bill.add("alarm", metrics, Unit.ALARM_MONTH, item, how, what=named, missing=f"price of a {named}")


def dashboard(bill: Bill) -> None:
    """A dashboard."""
    bill.add("dashboard", 1, Unit.RESOURCE_MONTH, "aws.dashboard", "1 dashboard", missing="price of a dashboard")


def logs(bill: Bill) -> None:
    """What is taken in and kept."""
    bill.used("aws.logs.in", "aws.logs.kept")


def images(bill: Bill) -> None:
    """What is kept."""
    _kept(bill, "ECR", "aws.ecr")


def bucket(bill: Bill) -> None:
    """What is kept, as S3 Standard, and calls."""
    _kept(bill, "S3", "aws.s3", "aws.s3.put", "aws.s3.get")


def files(bill: Bill) -> None:
    """What is kept, in the standard class."""
    _kept(bill, "EFS", "aws.efs")


def _kept(bill: Bill, service: str, *items: str) -> None:
    bill.used(*items)
    if not bill.by_use:
        bill.gaps.append(f"the price book has no price of {service}")


PRICERS: dict[str, Pricer] = {
    "aws_kms_key": key,
    "aws_kms_external_key": key,
    "aws_kms_replica_key": key,
    "aws_secretsmanager_secret": secret,
    "aws_cloudwatch_metric_alarm": alarm,
    "aws_cloudwatch_dashboard": dashboard,
    "aws_cloudwatch_log_group": logs,
    "aws_ecr_repository": images,
    "aws_s3_bucket": bucket,
    "aws_efs_file_system": files,
}
