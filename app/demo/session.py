"""The recorded session: its customer, its phone, its times, and how the SDKs write them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from app.core import units
from app.core.ids import PublicKey, ReplayId
from app.demo.shop import Customer
from app.demo.usage_log import DemoScreenVisit, UsageLog
from app.formats.jsonish import JsonObject

_SDKS: Final[JsonObject] = json.loads(Path(__file__).with_name("sdk.json").read_bytes())
APP: Final[JsonObject] = _SDKS["app"]
BACKEND: Final[JsonObject] = _SDKS["backend"]
"""Reports of the app's and the backend's SDKs about themselves and their surroundings."""


class OutgoingItem(NamedTuple):
    """One item of an envelope to be sent; `header` has further keys of the item header."""

    type: str
    payload: bytes
    header: JsonObject


class Session(NamedTuple):
    """Values that last from launch to crash; times of the log count from `started_at_ms`."""

    replay_id: ReplayId
    session_id: str
    install_id: str
    sample_rand: str
    public_key: PublicKey
    person: Customer
    started_at_ms: int
    usage: UsageLog

    def at(self, offset_ms: int) -> int:
        """Turn a time of the log into milliseconds since 1970."""
        return self.started_at_ms + offset_ms

    def seconds(self, offset_ms: int) -> float:
        """Turn a time of the log into seconds since 1970."""
        return self.at(offset_ms) / 1000

    def iso(self, offset_ms: int, precision: str = "milliseconds") -> str:
        """Write a time of the log as Java does, or with microseconds as Python does."""
        return write_iso(self.at(offset_ms), precision)

    def trace_header(self, visit: DemoScreenVisit) -> JsonObject:
        """Describe the running trace, which links all envelopes and the backend to the replay."""
        return {
            "trace_id": visit.trace_id, "public_key": self.public_key, "release": APP["release"],
            "environment": "demo", "transaction": visit.activity, "sample_rate": "1",
            "sample_rand": self.sample_rand, "sampled": "true", "replay_id": self.replay_id,
        }  # fmt: skip

    def app_payload(self, offset_ms: int, visit: DemoScreenVisit, **trace: str) -> JsonObject:
        """Describe phone, app, person and screen at a moment, as all payloads of the app do."""
        user = {"id": self.person.user_id, "email": self.person.email, "username": self.person.name}
        state = self.usage.state_at(offset_ms)
        opened = [visit.activity for visit in self.usage.visits if visit.started_ms <= offset_ms]
        app = {"app_start_time": self.iso(-198), "view_names": opened[-1:]}
        device = {
            "id": self.install_id, "battery_level": float(state.battery_percent),
            "connection_type": state.network, "boot_time": self.iso(-93_600_000),
            "orientation": "landscape" if state.is_wide else "portrait",
        }  # fmt: skip
        screen = {"trace_id": visit.trace_id, "span_id": visit.span_id, **trace}
        moment: JsonObject = {"app": app, "device": device, "os": {}, "trace": screen}
        contexts = {name: APP["contexts"][name] | facts for name, facts in moment.items()}
        return {"sdk": APP["sdk"], **APP["scope"], "user": user, "contexts": contexts}


def write_iso(at_ms: int, precision: str = "milliseconds") -> str:
    """Write a time of UTC with `Z`."""
    return units.at_from_ms(at_ms).isoformat(timespec=precision).replace("+00:00", "Z")


def encode_json(value: object) -> bytes:
    """Write JSON without blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def make_json_item(item_type: str, value: object) -> OutgoingItem:
    """Make an item with a JSON payload."""
    return OutgoingItem(item_type, encode_json(value), {"content_type": "application/json"})


def write_envelope(header: JsonObject, items: Sequence[OutgoingItem]) -> bytes:
    """Write an envelope: `header LF (item header LF payload LF)*`."""
    lines = [encode_json(header)]
    for item in items:
        length = len(item.payload)
        lines += [encode_json({**item.header, "type": item.type, "length": length}), item.payload]
    return b"\n".join(lines) + b"\n"
