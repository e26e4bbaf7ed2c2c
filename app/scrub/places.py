"""The places in the payloads of SDKs, and what each holds: structure, text or data.

A place that is not named here holds data and gets all rules. Structure is kept as it is: ids,
times, types, names of screens and files. Only a single value counts as structure; if a map or a
list stands in such a place, it is data again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from app.scrub.text_scrubber import TextKind


class PayloadKind(StrEnum):
    """Kind of a payload that is scrubbed."""

    EVENT = "event"
    TRANSACTION = "transaction"
    SPAN = "span"
    REPLAY_EVENT = "replay_event"
    RECORDING = "recording"
    LOG = "log"
    VIEW_HIERARCHY = "view_hierarchy"


class PlaceRole(StrEnum):
    """Role of a place, which tells how its values are treated."""

    DATA = "data"
    STRUCTURE = "structure"
    CLOSED = "closed"
    """Structure with everything inside it."""
    ADDRESS = "address"
    """IP address of the sender, which is removed if the project wants that."""
    COOKIES = "cookies"
    HEADERS = "headers"
    """Names with values, as a map or as pairs or as a flat list."""
    OWNER = "owner"
    """Name of a device, which may contain the name of its owner."""


@dataclass(frozen=True, slots=True)
class JsonPlace:
    """A place in a JSON value; a list and its items are the same place."""

    role: PlaceRole = PlaceRole.DATA
    text_kind: TextKind = TextKind.FREE
    fields: Mapping[str, "JsonPlace"] = field(default_factory=dict)


def _keep_fields(*names: str) -> dict[str, JsonPlace]:
    """Return fields whose values are structure, and so are kept."""
    return dict.fromkeys(names, _STRUCTURE)


_STRUCTURE: Final = JsonPlace(PlaceRole.STRUCTURE)
_CLOSED: Final = JsonPlace(PlaceRole.CLOSED)
_TEXT: Final = JsonPlace(text_kind=TextKind.TEXT)
_NAME: Final = JsonPlace(text_kind=TextKind.NAME)
_CODE: Final = JsonPlace(text_kind=TextKind.CODE)
_LABEL: Final = JsonPlace(text_kind=TextKind.LABEL)
_LABELS: Final = dict.fromkeys(("release", "dist", "environment"), _LABEL)
_ADDRESS: Final = JsonPlace(PlaceRole.ADDRESS)
_HEADERS: Final = JsonPlace(PlaceRole.HEADERS, fields=_keep_fields("User-Agent", "user-agent"))
DATA_PLACE: Final = JsonPlace(fields={"rawHeaders": _HEADERS})
_TIMES: Final = _keep_fields("timestamp", "start_timestamp", "end_timestamp", "received")
_IDS: Final = _keep_fields(
    "trace_id", "span_id", "parent_span_id", "event_id", "op", "origin", "status"
)

_MESSAGE: Final = JsonPlace(fields={"body": DATA_PLACE, "headers": _HEADERS, "size": _STRUCTURE})
_CRUMB_DATA: Final = JsonPlace(
    fields={
        **_keep_fields("view.id", "view.class", "view.tag", "statusCode", "status_code"),
        **dict.fromkeys(("screen", "state", "to", "from", "route", "path", "node"), _TEXT),
        "request": _MESSAGE,
        "response": _MESSAGE,
    }
)
_CRUMB: Final = JsonPlace(
    fields={
        **_TIMES,
        **_keep_fields("type", "category", "level", "event_id", "origin"),
        "message": _TEXT,
        "data": _CRUMB_DATA,
    }
)
_NETWORK: Final = JsonPlace(
    fields={
        **_keep_fields("op", "startTimestamp", "endTimestamp"),
        "description": _TEXT,
        "data": _CRUMB_DATA,
    }
)
_OPTIONS: Final = JsonPlace(
    fields={
        **dict.fromkeys(("maskedViewClasses", "unmaskedViewClasses"), _CLOSED),
        **dict.fromkeys(("networkRequestHeaders", "networkResponseHeaders"), _CLOSED),
        **dict.fromkeys(("nativeSdkName", "nativeSdkVersion"), _STRUCTURE),
    }
)
_FRAME: Final = JsonPlace(
    fields={
        **_keep_fields(
            "function", "raw_function", "module", "filename", "abs_path", "package", "platform"
        ),
        **_keep_fields(
            "symbol", "symbol_addr", "image_addr", "instruction_addr", "addr_mode", "lang"
        ),
        "context_line": _CODE,
        "pre_context": _CODE,
        "post_context": _CODE,
    }
)
_STACK: Final = JsonPlace(fields={"frames": _FRAME, "registers": _CLOSED})
_MECHANISM: Final = JsonPlace(fields=_keep_fields("type", "source", "handled", "synthetic"))
_EXCEPTION: Final = JsonPlace(
    fields={
        **_keep_fields("module", "thread_id"),
        "type": _TEXT,
        "value": _TEXT,
        "mechanism": _MECHANISM,
        "stacktrace": _STACK,
        "raw_stacktrace": _STACK,
    }
)
_THREAD: Final = JsonPlace(
    fields={
        **_keep_fields("id", "state"),
        "name": _TEXT,
        "stacktrace": _STACK,
        "raw_stacktrace": _STACK,
    }
)
_ATTRIBUTE: Final = JsonPlace(fields=_keep_fields("value", "type", "unit"))
_ATTRIBUTES: Final = JsonPlace(
    fields={
        **dict.fromkeys(
            (
                *(f"sentry.{name}" for name in ("op", "origin", "source")),
                *(f"sentry.sdk.{name}" for name in ("name", "version")),
                *("sentry.replay_id", "sentry.segment.id", "sentry.trace_lifecycle"),
                *("sentry.trace.parent_span_id", "sentry.severity_text", "logger.name"),
                *("code.file.path", "code.function.name", "code.namespace", "thread.name"),
                *("code.filepath", "code.function", "user_agent.original", "thread.id"),
                *("device.model", "device.brand", "device.family", "os.name", "os.version"),
            ),
            _ATTRIBUTE,
        ),
        **{
            f"sentry.{name}": JsonPlace(fields={**_ATTRIBUTE.fields, "value": label})
            for name, label in _LABELS.items()
        },
        "user.id": JsonPlace(fields={"value": _NAME, "type": _STRUCTURE}),
        "user.email": JsonPlace(fields={"value": _NAME, "type": _STRUCTURE}),
        "user.name": JsonPlace(fields={"value": _NAME, "type": _STRUCTURE}),
    }
)
_SPAN: Final = JsonPlace(
    fields={
        **_TIMES,
        **_IDS,
        **_keep_fields(
            "segment_id", "is_segment", "kind", "profile_id", "hash", "same_process_as_parent"
        ),
        "description": _TEXT,
        "name": _TEXT,
        "data": DATA_PLACE,
        "attributes": _ATTRIBUTES,
        "measurements": _CLOSED,
    }
)
_CONTEXTS: Final = JsonPlace(
    fields={
        "trace": JsonPlace(fields={**_IDS, "data": DATA_PLACE}),
        "replay": JsonPlace(fields=_keep_fields("replay_id", "type")),
        "app": JsonPlace(
            fields={
                **_keep_fields(
                    "app_identifier", "app_name", "app_version", "app_build", "build_type"
                ),
                **_keep_fields("app_start_time", "app_id", "device_app_hash", "type"),
                "view_names": _TEXT,
                "permissions": _CLOSED,
            }
        ),
        "device": JsonPlace(
            fields={
                "name": JsonPlace(PlaceRole.OWNER, TextKind.TEXT),
                **_keep_fields(
                    "model", "model_id", "family", "brand", "manufacturer", "arch", "id"
                ),
                **_keep_fields("orientation", "boot_time", "timezone", "locale", "cpu_description"),
                "archs": _CLOSED,
            }
        ),
        "os": JsonPlace(fields=_keep_fields("name", "version", "build", "kernel_version", "type")),
        "feedback": JsonPlace(
            fields={
                **_keep_fields("associated_event_id", "replay_id", "source"),
                "contact_email": _NAME,
                "name": _NAME,
                "message": _TEXT,
                "url": _TEXT,
            }
        ),
        "runtime": JsonPlace(
            fields=_keep_fields("name", "version", "build", "raw_description", "type")
        ),
    }
)
_USER: Final = JsonPlace(
    fields={
        "id": _NAME,
        "username": _NAME,
        "name": _NAME,
        "email": _NAME,
        "ip_address": _ADDRESS,
    }
)
_REQUEST: Final = JsonPlace(
    fields={
        "method": _STRUCTURE,
        "url": _TEXT,
        "query_string": _TEXT,
        "headers": _HEADERS,
        "cookies": JsonPlace(PlaceRole.COOKIES),
        "env": JsonPlace(fields={"REMOTE_ADDR": _ADDRESS}),
    }
)
_SDK: Final = JsonPlace(
    fields={
        **_keep_fields("name", "version"),
        **dict.fromkeys(("packages", "integrations", "features"), _CLOSED),
        "settings": JsonPlace(fields=_keep_fields("infer_ip")),
        "client_ip": _ADDRESS,
    }
)


_IMAGE: Final = JsonPlace(
    fields={
        **_keep_fields("type", "debug_id", "code_id", "uuid", "arch", "image_addr", "image_vmaddr"),
        **_keep_fields("image_size", "debug_checksum", "cpu_type", "cpu_subtype"),
        **dict.fromkeys(("code_file", "debug_file", "name"), _LABEL),
    }
)


def _values(place: JsonPlace) -> JsonPlace:
    """Return the place of a list that may also be written as `{"values": […]}`."""
    return JsonPlace(place.role, place.text_kind, {**place.fields, "values": place})


_EVENT: Final = JsonPlace(
    fields={
        **_TIMES,
        **_keep_fields("event_id", "type", "platform", "level"),
        **_LABELS,
        **_keep_fields("logger", "version", "replay_id", "replay_type", "segment_id", "project"),
        **_keep_fields("replay_start_timestamp", "error_ids", "trace_ids"),
        **dict.fromkeys(("modules", "measurements", "transaction_info"), _CLOSED),
        "debug_meta": JsonPlace(fields={"images": _IMAGE, "sdk_info": _CLOSED}),
        "sdk": _SDK,
        "message": _TEXT,
        "logentry": JsonPlace(fields={"message": _TEXT, "formatted": _TEXT}),
        "transaction": _TEXT,
        "culprit": _TEXT,
        "server_name": _TEXT,
        "urls": _TEXT,
        "segment_names": _TEXT,
        "user": _USER,
        "request": _REQUEST,
        "contexts": _CONTEXTS,
        "breadcrumbs": _values(_CRUMB),
        "exception": _values(_EXCEPTION),
        "threads": _values(_THREAD),
        "stacktrace": _STACK,
        "spans": _SPAN,
    }
)
_LOG: Final = JsonPlace(
    fields={
        **_TIMES,
        **_keep_fields("trace_id", "span_id", "level", "severity_number", "severity_text"),
        "body": _TEXT,
        "attributes": _ATTRIBUTES,
    }
)
_VIEW_FIELDS: Final[dict[str, JsonPlace]] = {
    **_keep_fields("type", "visibility", "rendering_system", "x", "y", "z", "width", "height"),
    **dict.fromkeys(("identifier", "tag"), _TEXT),
}
_VIEW: Final = JsonPlace(fields=_VIEW_FIELDS)
_VIEW_FIELDS.update(dict.fromkeys(("windows", "children"), _VIEW))
_ROOTS: Final[Mapping[PayloadKind, JsonPlace]] = {
    **dict.fromkeys((PayloadKind.EVENT, PayloadKind.TRANSACTION, PayloadKind.REPLAY_EVENT), _EVENT),
    # A list of rrweb events is not walked from here, but event by event: `walk.scrub_recording`.
    PayloadKind.RECORDING: _EVENT,
    PayloadKind.VIEW_HIERARCHY: _VIEW,
    PayloadKind.SPAN: JsonPlace(fields={**_SPAN.fields, "items": _SPAN, "version": _STRUCTURE}),
    PayloadKind.LOG: JsonPlace(fields={**_LOG.fields, "items": _LOG, "version": _STRUCTURE}),
}


def _rrweb(payload: JsonPlace) -> JsonPlace:
    """Return the place of an rrweb event with this payload."""
    data = JsonPlace(fields={"tag": _STRUCTURE, "payload": payload, "href": _TEXT})
    return JsonPlace(fields={"type": _STRUCTURE, "timestamp": _STRUCTURE, "data": data})


RRWEB_PLACES: Final = {
    "breadcrumb": _rrweb(_CRUMB),
    "performanceSpan": _rrweb(_NETWORK),
    "options": _rrweb(_OPTIONS),
}
"""Places of rrweb events by their tag."""
OTHER_RRWEB_PLACE: Final = _rrweb(DATA_PLACE)


def root_place(kind: PayloadKind) -> JsonPlace:
    """Return the place of a whole value of this kind."""
    return _ROOTS[kind]
