"""Runs Terraform: working folders, plans, applies, locks, outputs.

`engine.Deployment` is the way in. Nothing here knows cdktf, Kafka or Snowflake: it is given Terraform JSON and a place
to keep state. Kept empty of imports, since the Terraform child process starts through this package.
"""
