"""What MSK allows, by mode: regions, broker types, versions, partitions, topic settings.

Read 2026-11 unless said, each from AWS's own pages (docs.aws.amazon.com/msk/latest/developerguide/…). A table that AWS
has outgrown refuses what would work; the message names the table's date, and the table is here to be mended.
"""

from __future__ import annotations

__all__ = [
    "BROKERS",
    "FIXED_SETTINGS",
    "LARGEST_DISK",
    "READ",
    "REGIONS",
    "SERVERLESS_PARTITIONS",
    "SERVERLESS_REGIONS",
    "TOPIC_SETTINGS",
    "TWO_ZONES_ONLY",
    "VERSIONS",
    "ZONES",
]

READ = "2026-11"

REGIONS = (
    "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
    "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1",
    "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1",
    "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
)  # fmt: skip
"""Where there is an MSK endpoint (docs.aws.amazon.com/general/latest/gr/msk.html, as botocore 1.44.5 lists it)."""

SERVERLESS_REGIONS = (
    "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
    "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "us-east-1", "us-east-2", "us-west-2",
)  # fmt: skip
"""serverless.html"""

VERSIONS = {"provisioned": ("3.9.x.kraft", "4.0.x.kraft", "4.1.x.kraft", "3.9.x"), "express": ("3.9.x", "3.8.x")}
"""The default first, which is the one AWS recommends; 3.6 is out of support since 2026-06, and 4.x knows KRaft alone
(kafka-versions.html)."""

ZONES = {"provisioned": (2, 3), "express": (3,), "serverless": (2, 3)}
"""In how many zones brokers may be (aws-properties-msk-cluster-brokernodegroupinfo, bestpractices-express)."""

TWO_ZONES_ONLY = frozenset(["us-west-1"])

_STANDARD = {
    "m7g": {"large": 1_500, "xlarge": 1_500, "2xlarge": 3_000, "4xlarge": 6_000, "8xlarge": 6_000, "12xlarge": 6_000,
            "16xlarge": 6_000},
    "m5": {"large": 1_500, "xlarge": 1_500, "2xlarge": 3_000, "4xlarge": 6_000, "8xlarge": 6_000, "12xlarge": 6_000,
           "16xlarge": 6_000, "24xlarge": 6_000},
    "t3": {"small": 300},
}  # fmt: skip
_EXPRESS = {
    "large": 1_500, "xlarge": 2_000, "2xlarge": 4_000, "4xlarge": 8_000, "8xlarge": 16_000, "12xlarge": 24_000,
    "16xlarge": 32_000,
}  # fmt: skip

BROKERS: dict[str, dict[str, int]] = {
    "provisioned": {f"kafka.{family}.{size}": most for family, its in _STANDARD.items() for size, most in its.items()},
    "express": {f"express.m7g.{size}": most for size, most in _EXPRESS.items()},
}
"""Mode → broker type → most partitions a broker, replicas counted (bestpractices.html, limits.html)."""

SERVERLESS_PARTITIONS = 2_400
"""A cluster's leaders, replicas not counted (limits.html)."""

TOPIC_SETTINGS: dict[str, frozenset[str]] = {
    "serverless": frozenset(
        [
            "cleanup.policy",
            "compression.type",
            "max.message.bytes",
            "message.timestamp.after.max.ms",
            "message.timestamp.before.max.ms",
            "message.timestamp.difference.max.ms",
            "message.timestamp.type",
            "retention.bytes",
            "retention.ms",
        ]
    )
}
"""The only settings a topic takes (serverless-config.html)."""

FIXED_SETTINGS = {
    "express": {"min.insync.replicas": "2", "unclean.leader.election.enable": "false"},
    "serverless": {"min.insync.replicas": "2"},
}
"""Settings a mode has fixed, and at what; they are left out where the project would set them itself
(msk-configuration-express-read-only.html)."""

LARGEST_DISK = 16_384 * 2**30
"""Bytes a broker's volume may have (limits.html)."""
