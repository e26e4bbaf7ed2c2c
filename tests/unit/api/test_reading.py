"""Bodies are read to their limit, a byte past it never, and only so many at once."""

import pytest

from app.api import envelope as door_module
from app.api.envelope import EnvelopeDoor
from app.core.errors import TooLarge, Unavailable

CHUNK = b"0123456789"


class Body:
    """An ASGI `receive` that hands a body out in chunks of ten bytes."""

    def __init__(self, size_bytes: int) -> None:
        self.left_bytes = size_bytes

    async def __call__(self) -> dict[str, object]:
        """Return the next part."""
        part = CHUNK[: self.left_bytes]
        self.left_bytes -= len(part)
        return {"type": "http.request", "body": part, "more_body": self.left_bytes > 0}


@pytest.fixture
def door() -> EnvelopeDoor:
    """A door of which only the reading is used."""
    return EnvelopeDoor(None, None)  # type: ignore[arg-type]  # nothing gets further


def scope(*headers: tuple[bytes, bytes]) -> dict[str, object]:
    """A request with these headers."""
    return {"headers": list(headers)}


async def test_a_body_at_its_limit_is_read_whole(door):
    """With its length announced and without."""
    announced = (b"content-length", b"25")
    for headers in ((), (announced,)):
        assert len(await door._read_body(scope(*headers), Body(25), 25)) == 25
    assert door._reading_bytes == 0


@pytest.mark.parametrize("headers", [(), ((b"content-length", b"26"),)])
async def test_one_byte_past_its_limit_is_too_large(door, headers):
    """Whether or not the sender says so before."""
    body = Body(26)
    with pytest.raises(TooLarge):
        await door._read_body(scope(*headers), body, 25)
    assert (body.left_bytes == 26) is bool(headers)
    assert door._reading_bytes == 0


@pytest.mark.parametrize(("others_bytes", "is_read"), [(75, True), (76, False)])
async def test_bodies_in_flight_are_bounded(door, monkeypatch, others_bytes, is_read):
    """With too much being read already the sender is hung up on, and sends again."""
    monkeypatch.setattr(door_module, "_READING_BYTES", 100)
    door._reading_bytes = others_bytes
    if is_read:
        assert len(await door._read_body(scope(), Body(25), 1_000)) == 25
    else:
        with pytest.raises(Unavailable):
            await door._read_body(scope(), Body(25), 1_000)
    assert door._reading_bytes == others_bytes
