"""Asks a provider registry which versions there are, the way Terraform finds it: service discovery over https.

developer.hashicorp.com/terraform/internals/remote-service-discovery and provider-registry-protocol.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from typing import Any
from urllib.parse import urljoin

from modules.errors import ServiceError

__all__ = ["versions_of"]

_SECONDS = 15.0


def versions_of(address: str) -> Sequence[str]:
    """Every version that the address's registry has.

    Raises:
        ServiceError: it does not answer, or does not know the provider.
    """
    import httpx

    host, namespace, name = address.split("/")
    try:
        # As Terraform does: the system's authorities, or those of SSL_CERT_FILE.
        context = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or None)
        with httpx.Client(timeout=_SECONDS, verify=context, follow_redirects=True) as client:
            found = client.get(f"https://{host}/.well-known/terraform.json").raise_for_status()
            base = urljoin(str(found.url), str(found.json()["providers.v1"]))
            answer = client.get(f"{base.rstrip('/')}/{namespace}/{name}/versions").raise_for_status()
        body: Any = answer.json()
        return [str(each["version"]) for each in body["versions"]]
    except httpx.HTTPStatusError as error:
        why = f"HTTP {error.response.status_code}"
    except (httpx.HTTPError, OSError) as error:
        why = str(error) or type(error).__name__
    except (ValueError, KeyError, TypeError):
        why = "its answer is not a registry's"
    raise ServiceError(
        f"{host} does not say which versions of {namespace}/{name} there are: {why}",
        where=host,
        do="check the network and the proxy; without `--online` nobody is asked",
    )
