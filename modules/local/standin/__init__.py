"""A Snowflake stand-in for the laptop: an HTTP server real Snowflake clients log in to, query and stream rows into.

What runs where: `server` speaks HTTP, `auth` checks key pairs, `statements` answers everything about account objects
from the `catalog`, `engine` runs table SQL on fakesnow/DuckDB, `streaming` serves Snowpipe Streaming's REST API.
It is for one machine and one developer: no TLS, loopback only, no claim to Snowflake's performance or its whole SQL.
"""
