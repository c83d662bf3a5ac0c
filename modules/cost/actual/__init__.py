"""What was billed beside what was estimated. One file a source of bills; `match.py` puts them beside the lines.

A source hands out `Bill`s (`bills.py`); which bill pays for which line is data (`usage_types.yaml`). Nothing is
dropped: a bill that no line expects and a line that nobody billed are both in the result. Sources are asked by the CLI,
which has the credentials; this package opens no connection to Snowflake itself.
"""
