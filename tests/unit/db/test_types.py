"""Column types: hex in Python, bytes in Postgres."""

import uuid

from hypothesis import given, strategies as st
from sqlalchemy.dialects import postgresql

from app.db.types import Hex32

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here


@given(st.integers(0, 2**128 - 1))
def test_an_id_comes_back_as_it_was_written(number: int):
    """Every id of 32 lower-case digits is the same after it was stored as a uuid."""
    kept = Hex32().process_bind_param(f"{number:032x}", DIALECT)
    assert kept == uuid.UUID(int=number)
    assert Hex32().process_result_value(kept, DIALECT) == f"{number:032x}"


def test_no_id_stays_none():
    """None is stored as NULL and read as None."""
    assert Hex32().process_bind_param(None, DIALECT) is None
    assert Hex32().process_result_value(None, DIALECT) is None
