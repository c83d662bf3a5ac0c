"""Tests of modules/connectors/source."""
