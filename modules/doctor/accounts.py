"""The state's bucket and the key of kept plans: what a team shares and one machine may not have."""

from __future__ import annotations

from collections.abc import Iterator

from modules.doctor.patient import Patient
from modules.findings import Finding

__all__ = ["plan_key", "state"]


def state(patient: Patient) -> Iterator[Finding]:
    """The bucket is there, keeps versions and may be read."""
    from botocore.exceptions import BotoCoreError, ClientError

    from modules.terraform.s3 import client_of

    environment = patient.load()
    if environment is None or environment.state.s3 is None:
        return
    its = environment.state.s3
    where = f"s3://{its.bucket} ({its.region})"
    try:
        client = client_of(its)
        client.head_bucket(Bucket=its.bucket)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        words = {"404": "there is no such bucket", "403": "this login may not see it", "301": "it is in another region"}
        do = {
            "404": f"`infra state bootstrap --env {environment.name}` makes it",
            "301": "correct state.s3.region",
        }.get(code, "log in to the right account, with s3:ListBucket, s3:GetObject and s3:PutObject on it")
        yield Finding("state", "fail", f"{where}: {words.get(code, f'S3 refuses ({code})')}", do)
        return
    except (BotoCoreError, ValueError) as error:
        yield Finding("state", "fail", f"{where}: {error}", "log in to AWS, or check the network")
        return
    try:
        versioned = client.get_bucket_versioning(Bucket=its.bucket).get("Status") == "Enabled"
    except (ClientError, BotoCoreError):
        yield Finding("state", "warn", f"{where} can be reached; whether it keeps versions may not be asked",
                      "allow s3:GetBucketVersioning")  # fmt: skip
        return
    if versioned:
        yield Finding("state", "ok", f"{where} can be reached and keeps versions")
    else:
        do = f"`infra state bootstrap --env {environment.name}` turns them on"
        yield Finding("state", "warn", f"{where} keeps no versions: a state that was lost stays lost", do)


def plan_key(patient: Patient) -> Iterator[Finding]:
    """`plans:` names a key; whether its reference resolves is a matter of `secrets`."""
    environment = patient.load()
    if environment is None or environment.platform == "local":
        return
    plans = environment.plans
    if plans.kms:
        yield Finding("plan key", "ok", f"kept plans are encrypted with {plans.kms} (AWS KMS)")
    elif plans.key or plans.recipients:
        count = len(plans.recipients) or 1
        opens = "this machine can open them" if plans.key else "this machine cannot open them"
        yield Finding("plan key", "ok", f"kept plans are encrypted for {count} age key{'s' * (count > 1)}; {opens}")
    else:
        do = "`infra plan --new-key FILE` makes one; name it under `plans:`, or a key of KMS"
        yield Finding("plan key", "warn", "no key for kept plans (`infra plan --out`) is named", do)
