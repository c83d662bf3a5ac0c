"""The bundled plugin for `mongey/kafka`: topics, ACLs and SCRAM users through confluent-kafka's AdminClient.

Run as `python -m modules.local.plugins.kafka` by Terraform. confluent_kafka is imported at the first call of the
broker only, since Terraform starts the plugin several times per command just to ask for its schema.
"""

from __future__ import annotations
