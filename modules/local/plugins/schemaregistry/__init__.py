"""The bundled plugin for `cultureamp/schemaregistry`: subjects through the Confluent-compatible REST API.

Run as `python -m modules.local.plugins.schemaregistry` by Terraform. Works against Apicurio's `/apis/ccompat/v7` and
Confluent's registry alike; httpx is imported at the first request only.
"""

from __future__ import annotations
