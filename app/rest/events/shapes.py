"""Writes an event in Sentry's shape.

    {id, title, culprit, type, tags, user, contexts, …,
     entries: [{type: "exception", data: {values: [{type, value, stacktrace: {frames}}]}},
               {type: "threads" | "stacktrace" | "message" | …, data: {…}}]}

The stacks are the clear ones. Where symbolication changed one, `rawStacktrace` has the one sent.

Source: `EventSerializer` in Sentry; which members clients fail without was tried with its clients.
"""

from typing import Any, Final

from app.formats import jsonish, timestamps
from app.formats.events import exceptions, messages
from app.formats.events.event import DEFAULT_ENVIRONMENT
from app.formats.jsonish import JsonObject
from app.rest.answers import write_time
from app.rest.events.frames import describe_stack, has_system_frames
from app.symbolication.model import SymbolicatedEvent
from app.triage.event.project_event import ProjectEvent

_MESSAGE_CHARS: Final = 16 * 1024
_NAME_CHARS: Final = 500
_MOST_TAGS: Final = 200
_MOST_BREADCRUMBS: Final = 1_000
_MOST_IMAGES: Final = 2_000


def describe_event(event: ProjectEvent) -> dict[str, Any]:
    """Describe an event with its clear stack."""
    stored, clear = event.stored, event.clear
    release = stored.release
    message = messages.format_message(clear, limit=_MESSAGE_CHARS)
    is_error = bool(exceptions.list_exceptions(clear))
    return {
        "id": stored.event_id,
        "eventID": stored.event_id,
        "groupID": stored.issue_id,
        "projectID": str(stored.project_id),
        "type": "error" if is_error else "default",
        "title": stored.title,
        "message": message or "",
        "culprit": stored.culprit,
        "location": _find_location(clear),
        "platform": stored.platform,
        "dateCreated": write_time(stored.happened_at),
        "dateReceived": write_time(stored.received_at),
        "dist": jsonish.text(clear, "dist", limit=_NAME_CHARS),
        "release": None
        if release is None
        else {"version": release, "shortVersion": release.rpartition("@")[2]},
        "metadata": {
            "title": stored.title,
            "type": stored.exception_type,
            "value": stored.exception_value,
        },
        "user": _describe_user(clear),
        "sdk": {
            name: jsonish.text(jsonish.mapping(clear, "sdk"), name, limit=_NAME_CHARS)
            for name in ("name", "version")
        },
        "tags": _list_tags(event),
        "contexts": {
            name: value
            for name, value in jsonish.mapping(clear, "contexts").items()
            if isinstance(value, dict)
        },
        "context": jsonish.mapping(clear, "extra"),
        "packages": jsonish.mapping(clear, "modules"),
        "fingerprints": [],
        "errors": [],
        "entries": _list_entries(event, message),
    }


def _list_entries(event: ProjectEvent, message: str | None) -> list[dict[str, Any]]:
    clear, sent = event.clear, event.sent
    entries = (
        ("exception", _describe_exceptions(clear, sent)),
        ("threads", _describe_threads(clear, sent)),
        ("stacktrace", describe_stack(clear)),
        ("message", {"formatted": message} if message else None),
        ("breadcrumbs", _describe_breadcrumbs(clear)),
        ("request", _describe_request(clear)),
        ("debugmeta", _describe_images(clear, event.symbolicated)),
    )
    return [{"type": name, "data": data} for name, data in entries if data is not None]


def _describe_exceptions(clear: JsonObject, sent: JsonObject) -> dict[str, Any] | None:
    chain, chain_as_sent = exceptions.list_exceptions(clear), exceptions.list_exceptions(sent)
    if not chain:
        return None
    values = []
    for index, exception in enumerate(chain):
        as_sent = chain_as_sent[index] if index < len(chain_as_sent) else {}
        values.append(
            {
                "type": jsonish.text(exception, "type", limit=_NAME_CHARS),
                "value": jsonish.text(exception, "value", limit=_MESSAGE_CHARS),
                "module": jsonish.text(exception, "module", limit=_NAME_CHARS),
                "rawType": jsonish.text(exception, "raw_type", limit=_NAME_CHARS),
                "mechanism": _describe_mechanism(exception),
                "threadId": jsonish.text(exception, "thread_id", limit=_NAME_CHARS),
                **_describe_stacks(exception, as_sent),
            }
        )
    stacks = [value["stacktrace"] for value in values]
    return {"values": values, "hasSystemFrames": has_system_frames(stacks), "excOmitted": None}


def _describe_threads(clear: JsonObject, sent: JsonObject) -> dict[str, Any] | None:
    threads = jsonish.values_of(clear, "threads")
    threads_as_sent = jsonish.values_of(sent, "threads")
    values = [
        {
            "id": jsonish.text(thread, "id", limit=_NAME_CHARS),
            "name": jsonish.text(thread, "name", limit=_NAME_CHARS),
            "state": jsonish.text(thread, "state", limit=_NAME_CHARS),
            "crashed": bool(jsonish.flag(thread, "crashed")),
            "current": bool(jsonish.flag(thread, "current")),
            "main": jsonish.flag(thread, "main"),
            "heldLocks": jsonish.mapping(thread, "held_locks") or None,
            **_describe_stacks(
                thread, threads_as_sent[index] if index < len(threads_as_sent) else {}
            ),
        }
        for index, thread in enumerate(threads)
        if isinstance(thread, dict)
    ]
    return {"values": values} if values else None


def _describe_stacks(holder: JsonObject, as_sent: object) -> dict[str, Any]:
    """Describe the clear stack of an exception or thread, and the one sent if it differs."""
    sent_stack = describe_stack(as_sent) if isinstance(as_sent, dict) else None
    clear_stack = describe_stack(holder)
    return {
        "stacktrace": clear_stack,
        "rawStacktrace": sent_stack if sent_stack != clear_stack else None,
    }


def _describe_mechanism(exception: JsonObject) -> dict[str, Any] | None:
    mechanism = exceptions.get_mechanism(exception)
    if not mechanism:
        return None
    return {**mechanism, "type": jsonish.text(mechanism, "type", limit=_NAME_CHARS) or "generic"}


def _describe_breadcrumbs(clear: JsonObject) -> dict[str, Any] | None:
    values = [
        {
            "timestamp": _write_timestamp(crumb.get("timestamp")),
            "type": jsonish.text(crumb, "type", limit=_NAME_CHARS) or "default",
            "category": jsonish.text(crumb, "category", limit=_NAME_CHARS),
            "level": jsonish.text(crumb, "level", limit=_NAME_CHARS) or "info",
            "message": jsonish.text(crumb, "message", limit=_MESSAGE_CHARS),
            "data": jsonish.mapping(crumb, "data") or None,
            "event_id": None,
        }
        for crumb in jsonish.values_of(clear, "breadcrumbs")[-_MOST_BREADCRUMBS:]
        if isinstance(crumb, dict)
    ]
    return {"values": values} if values else None


def _describe_request(clear: JsonObject) -> dict[str, Any] | None:
    request = jsonish.mapping(clear, "request")
    if not request:
        return None
    return {**request, "method": request.get("method"), "url": request.get("url") or ""}


def _describe_images(clear: JsonObject, symbolicated: SymbolicatedEvent) -> dict[str, Any] | None:
    """Describe the images of an event, and for each whether its debug file is here."""
    used = {file.debug_id for file in symbolicated.used if file.debug_id}
    missing = {file.debug_id: file.reason for file in symbolicated.missing if file.debug_id}
    images = []
    for image in jsonish.sequence(jsonish.mapping(clear, "debug_meta"), "images")[:_MOST_IMAGES]:
        if not isinstance(image, dict):
            continue
        debug_id = jsonish.text(image, "debug_id", limit=_NAME_CHARS) or jsonish.text(
            image, "uuid", limit=_NAME_CHARS
        )
        key = (debug_id or "").lower()
        status = "found" if key in used else "missing" if key in missing else "unused"
        images.append({**image, "debug_status": status})
    return {"images": images} if images else None


def _describe_user(clear: JsonObject) -> dict[str, Any] | None:
    user = jsonish.mapping(clear, "user")
    if not user:
        return None
    return {
        name: jsonish.text(user, name, limit=_NAME_CHARS)
        for name in ("id", "email", "username", "ip_address", "name")
    }


def _list_tags(event: ProjectEvent) -> list[dict[str, str]]:
    """List the tags of an event, with those that Sentry makes of its members."""
    stored = event.stored
    made = {
        "level": stored.level,
        "environment": stored.environment or DEFAULT_ENVIRONMENT,
        "release": stored.release,
        "dist": jsonish.text(event.sent, "dist", limit=_NAME_CHARS),
        "mechanism": stored.mechanism,
        "handled": None if stored.handled is None else ("yes" if stored.handled else "no"),
        "replayId": stored.replay_id,
    }
    tags = {name: value for name, value in made.items() if value is not None}
    tags |= jsonish.pairs(event.sent, "tags")
    return [{"key": key, "value": tags[key]} for key in sorted(tags)[:_MOST_TAGS]]


def _find_location(clear: JsonObject) -> str | None:
    """Return the file in which it happened."""
    chain = exceptions.list_exceptions(clear)
    frame = exceptions.find_main_frame(clear, chain[-1] if chain else {})
    return None if frame is None else frame.filename


def _write_timestamp(value: object) -> str | None:
    moment = timestamps.read_at(value)
    return write_time(moment)
