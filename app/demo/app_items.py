"""All items that the app's SDK sends beside the replay: sessions, transactions, errors, logs.

Source: docs/protocol.md, sections 9.1 to 9.8.
"""

from typing import Literal
from urllib.parse import urlsplit

from app.demo.session import APP, OutgoingItem, Session, encode_json, make_json_item
from app.demo.shop import ORDER
from app.demo.usage_log import AppBreadcrumb, AppRequest, DemoScreenVisit
from app.formats.jsonish import JsonObject


def session_item(session: Session, status: Literal["ok", "crashed"]) -> OutgoingItem:
    """Make the release-health session that begins at launch or ends with the crash."""
    end_ms = session.usage.ended_ms
    payload: JsonObject = {
        "sid": session.session_id, "did": session.install_id, "started": session.iso(-40),
        "status": status, "attrs": {"release": APP["release"], "environment": "demo"},
    }  # fmt: skip
    if status == "ok":
        payload |= {"errors": 0, "init": True, "timestamp": session.iso(-40)}
    else:
        payload |= {"errors": 2, "timestamp": session.iso(end_ms), "seq": session.at(end_ms),
                    "duration": (end_ms + 40) / 1000}  # fmt: skip
    return make_json_item("session", payload)


def transaction_item(
    session: Session, visit: DemoScreenVisit, event_id: str, span_ids: tuple[str, str]
) -> OutgoingItem:
    """Make the `ui.load` transaction of a screen, with its requests as spans."""
    steps = [("ui.load.initial_display", f"{visit.activity} initial display", 231)]
    measurements = {"time_to_initial_display": {"value": 231.0, "unit": "millisecond"}}
    if visit is session.usage.visits[0]:
        steps.append(("app.start.cold", "Cold Start", 640))
        measurements["app_start_cold"] = {"value": 838.0, "unit": "millisecond"}
    spans = [
        {"start_timestamp": session.seconds(visit.started_ms), "description": description,
         "timestamp": session.seconds(visit.started_ms + took_ms), "trace_id": visit.trace_id,
         "span_id": span_id, "parent_span_id": visit.span_id, "op": op, "status": "ok",
         "origin": "auto.ui.activity", "data": APP["contexts"]["trace"]["data"]}
        for (op, description, took_ms), span_id in zip(steps, span_ids, strict=False)
    ]  # fmt: skip
    spans += [_request_span(session, visit, request) for request in visit.requests
              if request.ended_ms <= visit.ended_ms]  # fmt: skip
    has_died = visit.ended_ms == session.usage.ended_ms
    payload = session.app_payload(visit.ended_ms, visit, status="aborted" if has_died else "ok")
    return make_json_item("transaction", payload | {
        "type": "transaction", "event_id": event_id, "transaction": visit.activity,
        "transaction_info": {"source": "component"}, "spans": spans, "measurements": measurements,
        "start_timestamp": session.seconds(visit.started_ms),
        "timestamp": session.seconds(visit.ended_ms),
    })  # fmt: skip


def _request_span(session: Session, visit: DemoScreenVisit, request: AppRequest) -> JsonObject:
    parts = urlsplit(request.url)
    return {
        "start_timestamp": session.seconds(request.started_ms),
        "timestamp": session.seconds(request.ended_ms), "trace_id": visit.trace_id,
        "span_id": request.span_id, "parent_span_id": visit.span_id, "op": "http.client",
        "description": f"{request.method} {request.url}", "origin": "auto.http.okhttp",
        "status": {404: "not_found", 500: "internal_error"}.get(request.status, "ok"),
        "data": {
            "url": request.url, "host": parts.hostname, "path": parts.path, "protocol": "HTTP_2",
            "http.request.method": request.method, "http.response.status_code": request.status,
            "http.request_content_length": request.sent_bytes,
            "http.response_content_length": request.got_bytes,
        },
    }  # fmt: skip


def error_item(session: Session, at_ms: int, visit: DemoScreenVisit, event_id: str) -> OutgoingItem:
    """Make the event of an error that the app handled, or of the crash that ended it.

    A handled error has no level and no `handled`; its cause comes first.
    """
    payload = session.app_payload(at_ms, visit)
    name = "failure"
    if at_ms == session.usage.ended_ms:
        name, payload["level"] = "crash", "fatal"
        payload["contexts"]["trace"]["status"] = "aborted"
    noted = [(crumb.at_ms, _event_crumb(crumb)) for crumb in session.usage.crumbs]
    noted += [(r.ended_ms, _http_crumb(session, r)) for r in session.usage.requests()]
    crumbs = [{"timestamp": session.iso(noted_ms), **crumb}
              for noted_ms, crumb in sorted(noted, key=lambda pair: pair[0])
              if noted_ms <= at_ms]  # fmt: skip
    return make_json_item("event", payload | {
        "event_id": event_id, "timestamp": session.iso(at_ms), "transaction": visit.activity,
        "fingerprint": [], "breadcrumbs": crumbs[-100:],
        "exception": {"values": [_exception(error) for error in APP[name]]},
    })  # fmt: skip


def _exception(known: JsonObject) -> JsonObject:
    calls = (APP["main thread"] if known["on_main_thread"] else []) + known["calls"]
    frames = [
        {"module": module, "function": function, "filename": filename, "lineno": line,
         "in_app": module.startswith("com.example.verdant"), "native": False}
        for module, function, filename, line in calls
    ]  # fmt: skip
    others = {key: value for key, value in known.items() if key not in ("calls", "on_main_thread")}
    return others | {"thread_id": 2, "stacktrace": {"frames": frames}}


def _event_crumb(crumb: AppBreadcrumb) -> JsonObject:
    """Write a breadcrumb again as events carry it, under another name."""
    category, data = crumb.payload["category"], crumb.payload["data"]
    renamed = {
        "ui.tap": ("user", "ui.click", data),
        "navigation": (
            "navigation",
            "ui.lifecycle",
            {"screen": data.get("to"), "state": "resumed"},
        ),
        "app.foreground": ("navigation", "app.lifecycle", {"state": "foreground"}),
        "app.background": ("navigation", "app.lifecycle", {"state": "background"}),
    }
    if category not in renamed:
        return {"level": "info"} | crumb.payload
    crumb_type, category, data = renamed[category]
    return {"type": crumb_type, "category": category, "level": "info", "data": data}


def _http_crumb(session: Session, request: AppRequest) -> JsonObject:
    data: JsonObject = {
        "url": request.url, "method": request.method, "status_code": request.status,
        "http.start_timestamp": session.at(request.started_ms),
        "http.end_timestamp": session.at(request.ended_ms),
        "response_content_length": request.got_bytes,
    }  # fmt: skip
    level = "error" if request.has_failed else "info"
    return {"type": "http", "category": "http", "level": level, "data": data}


def log_item(session: Session, at_ms: int, visit: DemoScreenVisit) -> OutgoingItem:
    """Make the structured log line that the app writes when a payment fails."""
    attributes = {
        "sentry.sdk.name": APP["sdk"]["name"], "sentry.sdk.version": APP["sdk"]["version"],
        "sentry.release": APP["release"], "sentry.environment": "demo",
        "sentry.replay_id": session.replay_id, "user.id": session.person.user_id,
        "sentry.message.template": "payment of order %s failed",
        "sentry.message.parameter.0": str(ORDER),
    }  # fmt: skip
    line: JsonObject = {
        "timestamp": session.seconds(at_ms), "trace_id": visit.trace_id, "span_id": visit.span_id,
        "level": "error", "severity_number": 17, "body": f"payment of order {ORDER} failed",
        "attributes": {k: {"type": "string", "value": v} for k, v in attributes.items()},
    }  # fmt: skip
    header = {"content_type": "application/vnd.sentry.items.log+json", "item_count": 1}
    return OutgoingItem("log", encode_json({"items": [line]}), header)
