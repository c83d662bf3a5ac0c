from __future__ import annotations

import pytest

from modules.local.standin.errors import SnowflakeError
from modules.local.standin.tokenizer import Tokens, quote, tokenize


def values(sql: str) -> list[str]:
    return [token.value for token in tokenize(sql)]


def test_words_are_upper_cased_and_quoted_names_are_kept() -> None:
    assert values('create table "My T"."a""b" (x)') == ["CREATE", "TABLE", "My T", ".", 'a"b', "(", "X", ")"]


def test_comments_are_dropped_wherever_they_stand() -> None:
    assert values("SELECT /* x */ 1 -- tail {'a': 1}\n, 2 // more") == ["SELECT", "1", ",", "2"]


def test_a_comment_sign_inside_a_string_is_text() -> None:
    assert values("'a -- b' $$it's$$") == ["a -- b", "it's"]


def test_both_ways_of_escaping_a_quote_are_read() -> None:
    assert values(r"'it''s' 'it\'s' 'a\\b' 'line\nbreak'") == ["it's", "it's", "a\\b", "line\nbreak"]


@pytest.mark.parametrize("sql", ["SELECT 'open", 'SELECT "open'])
def test_an_unfinished_quote_is_a_syntax_error(sql: str) -> None:
    with pytest.raises(SnowflakeError) as raised:
        tokenize(sql)
    assert raised.value.code == 1003


def test_names_may_be_dotted_quoted_or_given_as_text() -> None:
    assert Tokens('d."s".T').name() == ("D", "s", "T")
    assert Tokens("IDENTIFIER('d.\"s\"')").name() == ("D", "s")


def test_names_are_printed_with_quotes_only_where_needed() -> None:
    assert quote(("D", "my s", 'a"b', "T1")) == 'D."my s"."a""b".T1'


def test_a_trailing_semicolon_does_not_count() -> None:
    tokens = Tokens("SHOW ROLES ;;")
    tokens.expect("SHOW", "ROLES")
    tokens.end()
