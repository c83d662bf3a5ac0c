"""The server of S3 as tests see it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

REGION = "eu-central-1"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Cloud:
    """The server."""

    endpoint: str

    def client(self, service: str = "s3") -> Any:
        import boto3

        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION)

    def bucket(self, *, versioned: bool = True) -> str:
        """A new bucket."""
        name = f"states-{next(_numbers)}"
        client = self.client()
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        if versioned:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def keys(self, bucket: str) -> list[str]:
        return [each["Key"] for each in self.client().list_objects_v2(Bucket=bucket).get("Contents", [])]
