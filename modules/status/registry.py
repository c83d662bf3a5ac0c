"""The Schema Registry: whether it answers, and whether the subjects that were deployed are there."""

from __future__ import annotations

import ssl
from typing import Any

from modules.environment.model import Environment
from modules.errors import InfraError
from modules.platforms.base import Platform, RegistryClient
from modules.status.readings import Missing, Part, Reached, Registry
from modules.topics import schema_specs

__all__ = ["RegistryCollector"]

_SECONDS = 10.0


class RegistryCollector:
    """Asks for the list of subjects: by the Confluent interface, or Glue's."""

    name = "Schema Registry"

    def __init__(self, environment: Environment, platform: Platform, glue: Any = None) -> None:
        self._subjects = [spec.subject for spec in schema_specs(environment)]
        self._platform = platform
        self._glue_client = glue

    def read(self) -> Part:
        if not self._subjects:
            return Part()
        try:
            client = self._platform.registry_client()
        except InfraError as error:
            return Part(missing=(Missing("the Schema Registry", error.what, error.do),))
        return self._glue(client) if client.kind == "glue" else self._confluent(client)

    def close(self) -> None:
        """Nothing is held open."""

    def _found(self, where: str, subjects: set[str]) -> Part:
        lost = tuple(each for each in self._subjects if each not in subjects)
        return Part(reached=(Reached("registry", where, True),), registries=(Registry(where, len(subjects), lost),))

    def _confluent(self, client: RegistryClient) -> Part:
        import httpx

        url = client.url.rstrip("/")
        login = (client.username or "", client.password or "") if client.username else None
        verify = ssl.create_default_context(cafile=client.ca_file) if client.ca_file else True
        try:
            answer = httpx.get(f"{url}/subjects", auth=login, timeout=_SECONDS, verify=verify)
        except (httpx.HTTPError, OSError) as error:
            why = str(error) or type(error).__name__
            return Part(reached=(Reached("registry", url, False, f"it does not answer: {why}"),))
        if answer.status_code in (401, 403):
            missing = Missing(
                "subjects of the Schema Registry", f"it answers {answer.status_code}", "DeveloperRead on its subjects"
            )
            return Part(reached=(Reached("registry", url, True),), missing=(missing,))
        try:
            subjects = {str(each) for each in answer.raise_for_status().json()}
        except (httpx.HTTPStatusError, ValueError, TypeError):
            return Part(reached=(Reached("registry", url, False, f"it answers {answer.status_code}"),))
        return self._found(url, subjects)

    def _glue(self, client: RegistryClient) -> Part:
        from botocore.exceptions import BotoCoreError, ClientError

        from modules.connectors.codec.glue import glue_client

        where = f"Glue registry {client.registry_name}"
        try:
            glue = self._glue_client or glue_client(client)
            pages = glue.get_paginator("list_schemas").paginate(RegistryId={"RegistryName": client.registry_name})
            return self._found(where, {str(each["SchemaName"]) for page in pages for each in page["Schemas"]})
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if "AccessDenied" in code:
                return Part(missing=(Missing(where, f"AWS says {code}", "glue:ListSchemas on the registry"),))
            return Part(reached=(Reached("registry", where, False, f"AWS says {code}"),))
        except (BotoCoreError, InfraError) as error:
            return Part(missing=(Missing(where, str(error), "an AWS login with glue:ListSchemas"),))
