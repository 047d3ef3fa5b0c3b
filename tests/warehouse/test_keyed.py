"""Keys in the types of their columns: a text where numbers are keys finds nobody, and stops nothing."""

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.warehouse import keyed


@pytest.mark.parametrize(("dialect", "text", "key"), [
    ("postgresql", "12", 12), ("postgresql", "-1", -1), ("postgresql", "x", None), ("postgresql", "", None),
    ("mariadb", " 12", None), ("mariadb", "1234567890123456789", 1234567890123456789),
    ("sqlite", "12", 12), ("sqlite", "x", "x"), ("sqlite", "9223372036854775807", 9223372036854775807),
    ("sqlite", "9223372036854775808", "9223372036854775808")])
def test_a_key_of_a_column_of_whole_numbers(dialect: str, text: str, key: int | str | None) -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.BigInteger))
    assert keyed.typed(dialect, table, ["id"], [(text,)]) == [(key,)]
