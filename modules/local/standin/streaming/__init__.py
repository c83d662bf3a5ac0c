"""Snowpipe Streaming, high-performance edition, over REST: channels, appends, committed offset tokens.

`api` speaks HTTP, `convert` turns NDJSON into typed columns and finds bad rows, `writer` commits rows and offset token
in one DuckDB transaction. Endpoints and fields are those Snowflake documents (user guide, "Snowpipe Streaming REST
API endpoints"); pipes of one's own and schema evolution are not here yet.
"""
