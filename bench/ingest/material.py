"""Makes the contents of envelopes in a given size: video, recording, stack frames and spans."""

import io
import random
import struct
from collections.abc import Callable
from itertools import count
from typing import Any, Final

import av

from tests.support.builders import payloads, recordings
from tests.support.builders.wire import SEGMENT_MS, Json, compact

WIDTH_PX: Final = 400
HEIGHT_PX: Final = 880
_FRAMES: Final = SEGMENT_MS // 1_000
_QUALITIES: Final = range(16, 52, 5)
_SCREENS: Final = ("Cart", "Checkout", "ProductList", "Product", "Login", "Settings", "Search")
_DEVICE: Final = {
    "name": "Pixel 8",
    "brand": "google",
    "manufacturer": "Google",
    "model": "Pixel 8",
    "model_id": "UQ1A.240205.002",
    "archs": ["arm64-v8a"],
    "battery_level": 71.5,
    "orientation": "portrait",
    "charging": False,
    "online": True,
    "simulator": False,
    "memory_size": 7_925_145_600,
    "free_memory": 2_125_145_600,
    "storage_size": 113_276_178_432,
    "screen_width_pixels": 1080,
    "screen_height_pixels": 2400,
    "screen_density": 2.625,
    "screen_dpi": 420,
    "boot_time": "2026-10-01T10:00:00.000Z",
    "timezone": "Europe/Vienna",
    "locale": "en_US",
    "processor_count": 9,
}
_APP: Final = {
    "app_identifier": "net.example.shop",
    "app_name": "Shop",
    "app_version": "4.2.0",
    "app_build": "118",
    "in_foreground": True,
    "app_start_time": "2026-10-01T12:00:00.000Z",
    "permissions": {"INTERNET": "granted", "CAMERA": "not_granted"},
    "view_names": ["CartActivity"],
}
_OS: Final = {"name": "Android", "version": "15", "kernel_version": "6.1.0", "rooted": False}


def make_contexts(trace: Json) -> Json:
    """Return the contexts that a phone sends with everything."""
    return {"device": _DEVICE, "os": _OS, "app": _APP, "trace": trace}


def make_video(size_bytes: int, seed: int) -> bytes:
    """Return H.264 in MP4 as a phone makes it: a frame a second, one key frame, a given size.

    The video has the best quality that fits, and ends in a box of noise that players skip.
    """
    videos = (_encode_video(quality, seed) for quality in _QUALITIES)
    video = next(video for video in videos if len(video) <= size_bytes - 8)
    noise = random.Random(seed).randbytes(size_bytes - len(video) - 8)  # noqa: S311 - no secret
    return video + struct.pack(">I4s", len(noise) + 8, b"free") + noise


def make_recording_events(size_bytes: int, started_ms: int, seed: int) -> list[Json]:
    """Return the events of a segment: moves, breadcrumbs and requests in random order."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    makers = (_make_moves, _make_tap, _make_request)
    return _make_until(size_bytes, lambda n: dice.choice(makers)(started_ms + n * 7 + 7, dice))


def make_error_members(size_bytes: int, seed: int) -> Json:
    """Return the members of an error, with twice as many bytes of frames as of breadcrumbs."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    breadcrumbs = _make_until(size_bytes // 3, lambda _: _make_breadcrumb(dice))
    frames = _make_until(size_bytes * 2 // 3, lambda n: _make_frame(n, dice))
    thrown = {
        "type": dice.choice(("IllegalStateException", "NullPointerException", "IOException")),
        "value": f"Fragment already added: CheckoutFragment{{{dice.getrandbits(32):x}}}",
        "module": "java.lang",
        "stacktrace": {"frames": frames},
        "mechanism": {"type": "UncaughtExceptionHandler", "handled": False},
    }
    return {"exception": {"values": [thrown]}, "breadcrumbs": breadcrumbs}


def make_spans(size_bytes: int, started_ms: int, trace_id: str, seed: int) -> list[Json]:
    """Return the spans of a transaction, each with an id of its own."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    return _make_until(size_bytes, lambda n: _make_span(started_ms + n, trace_id, dice))


def _make_until(size_bytes: int, make: Callable[[int], Json]) -> list[Json]:
    """Make values until their JSON has so many bytes."""
    values: list[Json] = []
    for number in count():
        if size_bytes <= 0:
            break
        values.append(make(number))
        size_bytes -= len(compact(values[-1])) + 1
    return values


def _encode_video(quality: int, seed: int) -> bytes:
    target = io.BytesIO()
    picture = f"mandelbrot=size={WIDTH_PX}x{HEIGHT_PX}:rate=1:start_scale={2 + seed * 0.13}"
    with av.open(picture, format="lavfi") as source, av.open(target, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=1)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.options = {"preset": "veryfast", "profile": "baseline", "crf": str(quality)}
        for _, frame in zip(range(_FRAMES), source.decode(video=0), strict=False):
            yuv_frame = frame.reformat(format="yuv420p")
            yuv_frame.pts = None
            output.mux(stream.encode(yuv_frame))
        output.mux(stream.encode(None))
    return target.getvalue()


def _make_moves(at_ms: int, dice: random.Random) -> Json:
    places = [
        (dice.uniform(0, WIDTH_PX), dice.uniform(0, HEIGHT_PX), -dice.randrange(500))
        for _ in range(dice.randrange(2, 10))
    ]
    return recordings.moves(at_ms, places)


def _make_tap(at_ms: int, dice: random.Random) -> Json:
    button = f"btn_{dice.randrange(50)}"
    data = {"view.class": "androidx.appcompat.widget.AppCompatButton", "view.id": button}
    message = f"{dice.choice(_SCREENS)}.{button}"
    return recordings.breadcrumb("ui.tap", at_ms, message=message, data=data)


def _make_request(at_ms: int, dice: random.Random) -> Json:
    url = f"https://api.example.net/v2/items/{dice.randrange(10**6)}?sort=price"
    return recordings.network_span(at_ms, at_ms + dice.randrange(900), url=url, statusCode=200)


def _make_breadcrumb(dice: random.Random) -> Json:
    url = f"https://api.example.net/v2/items/{dice.randrange(10**6)}"
    data = {"url": url, "method": "GET", "status_code": 200, "request_body_size": 0}
    return {"timestamp": 1_760_000_000, "type": "http", "category": "http", "data": data}


def _make_frame(number: int, dice: random.Random) -> Json:
    screen = dice.choice(_SCREENS)
    return {
        "filename": f"{screen}.kt",
        "function": f"on{dice.choice(_SCREENS)}",
        "lineno": dice.randrange(900),
        "module": f"net.example.shop.ui.{screen.lower()}",
        "in_app": number % 2 == 1,
        "native": False,
    }


def _make_span(started_ms: int, trace_id: str, dice: random.Random) -> dict[str, Any]:
    return payloads.span(
        dice.choice(("http.client", "db.sql.query", "ui.load", "file.read")),
        f"GET https://api.example.net/v2/items/{dice.randrange(10**6)}",
        started_ms,
        duration_ms=dice.randrange(1_000),
        trace_id=trace_id,
        span_id=f"{dice.getrandbits(64):016x}",
        data={
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "thread.name": "main",
        },
    )
