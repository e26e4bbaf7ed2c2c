"""Column types that Postgres and SQLAlchemy do not have between them."""

import uuid
from typing import Any, override

from sqlalchemy import types


class Hex32(types.TypeDecorator[str]):
    """A 128-bit id: 32 lower-case hex digits in Python, 16 bytes (`uuid`) in Postgres."""

    impl = types.Uuid(as_uuid=True)  # type: ignore[mutable-override]  # how SQLAlchemy does it
    cache_ok = True  # type: ignore[mutable-override]  # how SQLAlchemy does it

    @override
    def process_bind_param(self, value: str | None, dialect: Any) -> uuid.UUID | None:
        return None if value is None else uuid.UUID(hex=value)

    @override
    def process_result_value(self, value: uuid.UUID | None, dialect: Any) -> str | None:
        return None if value is None else value.hex
