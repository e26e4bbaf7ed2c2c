"""Column types: hex in Python, bytes in Postgres."""

import uuid

from hypothesis import given, strategies as st
from sqlalchemy.dialects import postgresql

from app.db.types import Hex32

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here


@given(st.integers(0, 2**128 - 1))
def test_an_id_comes_back_as_it_was_written(number: int):
    """32 lower-case digits to a uuid and back, for every 128-bit number."""
    kept = Hex32().process_bind_param(f"{number:032x}", DIALECT)
    assert kept == uuid.UUID(int=number)
    assert Hex32().process_result_value(kept, DIALECT) == f"{number:032x}"


def test_no_id_stays_none():
    """NULL in, NULL out."""
    assert Hex32().process_bind_param(None, DIALECT) is None
    assert Hex32().process_result_value(None, DIALECT) is None
