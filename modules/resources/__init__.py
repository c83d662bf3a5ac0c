"""Typed Terraform resource classes, generated from the provider schemas (`schemas/`, `generate.py`, `base.py`).

Import a class from its provider's module (`modules.resources.kafka`); the expressions are in `expressions`. Nothing is
imported here, so that the schemas can be read (`snapshot`) without cdktf.
"""
