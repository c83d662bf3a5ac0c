"""What boto3 raises while a state is read or written, as errors with what to do. No credential is ever repeated."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from modules.errors import StateError

__all__ = ["translated"]

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_WRONG = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidClientTokenId", "UnrecognizedClientException"}
_DENIED = {"AccessDenied", "AccessDeniedException", "403", "AllAccessDisabled"}
_ELSEWHERE = {"PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
_EXPIRED_KINDS = {
    "UnauthorizedSSOTokenError",
    "SSOTokenLoadError",
    "TokenRetrievalError",
    "RefreshWithMFAUnsupportedError",
}
_MISSING_KINDS = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"}
_UNREACHED_KINDS = {
    "EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError",
    "ProxyConnectionError", "SSLError", "HTTPClientError", "ConnectionError",
}  # fmt: skip
_LOG_IN = "log in again (`aws sso login`, or new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN)"
_RIGHTS = "s3:GetObject, s3:PutObject, s3:DeleteObject on its objects and s3:ListBucket on the bucket"


@contextlib.contextmanager
def translated(place: str, bucket: str, environment: str) -> Iterator[None]:
    """Anything boto3 raises inside becomes a StateError.

    Args:
        place: what was being read or written, `s3://…`.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _said_no(error, place, bucket, environment) from None
    except BotoCoreError as error:
        raise _not_asked(error, place) from None


def _said_no(error: Exception, place: str, bucket: str, environment: str) -> StateError:
    answer = getattr(error, "response", {}).get("Error", {})
    code, words = str(answer.get("Code", "")), str(answer.get("Message", "") or "no reason given")
    details = (f"AWS: {code}: {words}",)
    again = "and run the same command again; nothing is lost"
    if code in _EXPIRED:
        return StateError("the AWS credentials have expired", where=place, do=f"{_LOG_IN} {again}", details=details)
    if code in _WRONG:
        return StateError(
            "AWS does not know these credentials", where=place, details=details,
            do="check AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and `state.s3.profile`",
        )  # fmt: skip
    if code in ("NoSuchBucket",):
        return StateError(
            f"there is no bucket {bucket}", where=place, details=details,
            do=f"`infra state bootstrap --env {environment}` makes it; or correct `state.s3.bucket`",
        )  # fmt: skip
    if code in _ELSEWHERE:
        return StateError(
            f"bucket {bucket} is in another region", where=place, do="correct `state.s3.region`", details=details
        )
    if code.startswith("KMS."):
        return StateError(
            "the KMS key of the states cannot be used", where=place, details=details,
            do="check `state.s3.kms_key`, that the key is enabled, and your rights kms:Decrypt and kms:GenerateDataKey",
        )  # fmt: skip
    if code in _DENIED:
        return StateError(
            "AWS refuses access to the states", where=place, details=details,
            do=f"these credentials need {_RIGHTS}; with a KMS key also kms:Decrypt and kms:GenerateDataKey",
        )  # fmt: skip
    return StateError(f"S3 answered {code or 'with an error'}", where=place, do=f"look it up {again}", details=details)


def _not_asked(error: Exception, place: str) -> StateError:
    kinds = {each.__name__ for each in type(error).__mro__}
    words = (" ".join(str(error).split()),)
    if kinds & _EXPIRED_KINDS:
        return StateError("the AWS login has expired", where=place, details=words, do=f"{_LOG_IN} and run it again")
    if kinds & _MISSING_KINDS:
        return StateError(
            "there are no AWS credentials to read the states with", where=place, details=words,
            do="log in with `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )  # fmt: skip
    if kinds & _UNREACHED_KINDS:
        return StateError(
            "S3 cannot be reached", where=place, do="check the network and the proxy, then run it again", details=words
        )
    return StateError("the states cannot be read or written", where=place, do="mend what AWS says", details=words)
