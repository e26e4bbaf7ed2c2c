"""Everything the app's SDK sends beside the replay: sessions, transactions, errors, logs.

Source: docs/protocol.md, sections 9.1 to 9.8.
"""

from typing import Final, Literal
from urllib.parse import urlsplit

from app.demo import facts, wire
from app.demo.facts import Session
from app.demo.take import Crumb, Problem, Request, Visit
from app.demo.wire import Part
from app.formats.jsonish import JsonObject

Frame = tuple[str, str, str, int]
"""Module, function, file, line; oldest call first."""

_PACKAGE: Final = facts.APP_ID
_LOOPER: Final[tuple[Frame, ...]] = (
    ("com.android.internal.os.ZygoteInit", "main", "ZygoteInit.java", 946),
    ("android.app.ActivityThread", "main", "ActivityThread.java", 8934),
    ("android.os.Looper", "loop", "Looper.java", 342),
    ("android.os.Handler", "dispatchMessage", "Handler.java", 107),
    ("kotlinx.coroutines.DispatchedTask", "run", "DispatchedTask.kt", 104),
)
_PAY_FRAMES: Final[tuple[Frame, ...]] = (
    *_LOOPER,
    (f"{_PACKAGE}.checkout.CheckoutViewModel$pay$1", "invokeSuspend", "CheckoutViewModel.kt", 88),
    (f"{_PACKAGE}.checkout.PaymentRepository", "pay", "PaymentRepository.kt", 41),
)
_CAUSE_FRAMES: Final[tuple[Frame, ...]] = (
    ("okhttp3.internal.connection.RealCall", "execute", "RealCall.kt", 158),
    (f"{_PACKAGE}.net.ApiClient", "post", "ApiClient.kt", 63),
    (f"{_PACKAGE}.net.ApiClient", "requireOk", "ApiClient.kt", 97),
)
_CRASH_FRAMES: Final[tuple[Frame, ...]] = (
    *_LOOPER,
    (f"{_PACKAGE}.checkout.CheckoutViewModel$pay$1", "invokeSuspend", "CheckoutViewModel.kt", 91),
    (f"{_PACKAGE}.checkout.CheckoutViewModel", "onPaid", "CheckoutViewModel.kt", 117),
    (f"{_PACKAGE}.order.ReceiptFormatter", "title", "ReceiptFormatter.kt", 23),
)
_NULL_RECEIPT: Final = (
    f"Attempt to invoke virtual method 'java.lang.String {_PACKAGE}.order.Receipt.getNumber()'"
    " on a null object reference"
)


def session_part(session: Session, status: Literal["ok", "crashed"]) -> Part:
    """Make the release-health session that begins at launch or ends with the crash."""
    end_ms = session.take.ended_ms
    payload: JsonObject = {
        "sid": session.session_id,
        "did": session.install_id,
        "started": wire.iso(session.at(-40)),
        "status": status,
        "errors": 0,
        "attrs": {"release": facts.APP_RELEASE, "environment": facts.ENVIRONMENT},
    }
    if status == "ok":
        return wire.json_part(
            "session", payload | {"init": True, "timestamp": wire.iso(session.at(-40))}
        )
    ended = {
        "timestamp": wire.iso(session.at(end_ms)),
        "seq": session.at(end_ms),
        "duration": (end_ms + 40) / 1000,
        "errors": 2,
    }
    return wire.json_part("session", payload | ended)


def transaction_part(session: Session, visit: Visit, event_id: str, span_ids: list[str]) -> Part:
    """Make the `ui.load` transaction of a screen, with its requests as spans."""
    first = visit is session.take.visits[0]
    names = [("ui.load.initial_display", f"{visit.activity} initial display", 231)]
    names += [("app.start.cold", "Cold Start", 640)] if first else []
    spans = [
        _span(session, visit, op, span_id)
        | {"description": name, "timestamp": session.seconds(visit.started_ms + took_ms)}
        for (op, name, took_ms), span_id in zip(names, span_ids, strict=False)
    ]
    spans += [
        _request_span(session, visit, request)
        for request in visit.requests
        if request.ended_ms <= visit.ended_ms
    ]
    measured = {"time_to_initial_display": {"value": 231.0, "unit": "millisecond"}}
    measured |= {"app_start_cold": {"value": 838.0, "unit": "millisecond"}} if first else {}
    died = visit.ended_ms == session.take.ended_ms
    payload: JsonObject = {
        "type": "transaction",
        "event_id": event_id,
        "transaction": visit.activity,
        "transaction_info": {"source": "component"},
        "start_timestamp": session.seconds(visit.started_ms),
        "timestamp": session.seconds(visit.ended_ms),
        "spans": spans,
        "measurements": measured,
        "contexts": facts.contexts(session, visit.ended_ms),
    }
    status = "aborted" if died else "ok"
    payload["contexts"]["trace"] = facts.trace_context(visit, status=status)
    return wire.json_part("transaction", payload | facts.scope(session))


def _span(session: Session, visit: Visit, op: str, span_id: str) -> JsonObject:
    return {
        "start_timestamp": session.seconds(visit.started_ms),
        "trace_id": visit.trace_id,
        "span_id": span_id,
        "parent_span_id": visit.span_id,
        "op": op,
        "status": "ok",
        "origin": "auto.ui.activity",
        "data": {"thread.name": "main", "thread.id": "2"},
    }


def _request_span(session: Session, visit: Visit, request: Request) -> JsonObject:
    parts = urlsplit(request.url)
    status = {404: "not_found", 500: "internal_error"}.get(request.status, "ok")
    return _span(session, visit, "http.client", request.span_id) | {
        "start_timestamp": session.seconds(request.started_ms),
        "timestamp": session.seconds(request.ended_ms),
        "description": f"{request.method} {request.url}",
        "status": status,
        "origin": "auto.http.okhttp",
        "data": {
            "url": request.url,
            "host": parts.hostname,
            "path": parts.path,
            "protocol": "HTTP_2",
            "http.request.method": request.method,
            "http.response.status_code": request.status,
            "http.request_content_length": request.sent_bytes,
            "http.response_content_length": request.got_bytes,
        },
    }


def problem_part(session: Session, problem: Problem, event_id: str) -> Part:
    """Make the event of an error that the app handled, or of the crash."""
    is_crash = problem.name == "receipt_missing"
    payload: JsonObject = {
        "event_id": event_id,
        "timestamp": wire.iso(session.at(problem.at_ms)),
        "exception": {"values": _crash_values() if is_crash else _failure_values()},
        "transaction": problem.visit.activity,
        "fingerprint": [],
        "contexts": facts.contexts(session, problem.at_ms),
        "breadcrumbs": _crumbs(session, problem.at_ms),
    }
    status = {"status": "aborted"} if is_crash else {}
    payload["contexts"]["trace"] = facts.trace_context(problem.visit, **status)
    payload |= {"level": "fatal"} if is_crash else {}
    return wire.json_part("event", payload | facts.scope(session))


def _failure_values() -> list[JsonObject]:
    """Write a handled exception: no level and no `handled`, the cause first."""
    cause = _exception("HttpException", "HTTP 500 from POST /v1/payments", f"{_PACKAGE}.net",
                       _CAUSE_FRAMES)  # fmt: skip
    outer = _exception("PaymentFailedException", "Payment of the order could not be completed",
                       f"{_PACKAGE}.checkout", _PAY_FRAMES)  # fmt: skip
    cause["mechanism"] = {"type": "chained", "exception_id": 1, "parent_id": 0}
    outer["mechanism"] = {"type": "chained", "exception_id": 0}
    return [cause, outer]


def _crash_values() -> list[JsonObject]:
    crash = _exception("NullPointerException", _NULL_RECEIPT, "java.lang", _CRASH_FRAMES)
    crash["mechanism"] = {
        "type": "UncaughtExceptionHandler",
        "handled": False,
        "exception_id": 0,
    }
    return [crash]


def _exception(kind: str, value: str, module: str, frames: tuple[Frame, ...]) -> JsonObject:
    shown = [
        {
            "module": module_name,
            "function": function,
            "filename": filename,
            "lineno": line,
            "in_app": module_name.startswith(_PACKAGE),
            "native": False,
        }
        for module_name, function, filename, line in frames
    ]
    return {
        "type": kind,
        "value": value,
        "module": module,
        "thread_id": 2,
        "stacktrace": {"frames": shown},
    }


def _crumbs(session: Session, until_ms: int) -> list[JsonObject]:
    """Write the breadcrumbs again as events carry them: other names, ISO times."""
    found: list[tuple[int, JsonObject]] = [
        (crumb.at_ms, _event_crumb(crumb))
        for crumb in session.take.crumbs
        if crumb.at_ms <= until_ms
    ]
    requests = [request for visit in session.take.visits for request in visit.requests]
    found += [(r.ended_ms, _http_crumb(session, r)) for r in requests if r.ended_ms <= until_ms]
    found.sort(key=lambda pair: pair[0])
    return [{"timestamp": wire.iso(session.at(at_ms)), **crumb} for at_ms, crumb in found][-100:]


def _event_crumb(crumb: Crumb) -> JsonObject:
    level = crumb.level or "info"
    match crumb.category:
        case "ui.tap":
            return {"type": "user", "category": "ui.click", "level": level, "data": crumb.data}
        case "navigation":
            data = {"screen": crumb.data["to"], "state": "resumed"}
            return {"type": "navigation", "category": "ui.lifecycle", "level": level, "data": data}
        case "app.foreground" | "app.background":
            state = {"state": crumb.category.removeprefix("app.")}
            return {"type": "navigation", "category": "app.lifecycle", "level": level,
                    "data": state}  # fmt: skip
        case _:
            message = {"message": crumb.message} if crumb.message else {}
            return {"category": crumb.category, "level": level, "data": crumb.data, **message}


def _http_crumb(session: Session, request: Request) -> JsonObject:
    data: JsonObject = {
        "url": request.url,
        "method": request.method,
        "status_code": request.status,
        "http.start_timestamp": session.at(request.started_ms),
        "http.end_timestamp": session.at(request.ended_ms),
        "response_content_length": request.got_bytes,
    }
    level = "error" if request.status >= 500 else "info"  # noqa: PLR2004 - HTTP's own border
    return {"type": "http", "category": "http", "level": level, "data": data}


def log_part(session: Session, problem: Problem, order: int) -> Part:
    """Make the structured log line that the app writes when a payment fails."""
    attributes = {
        "sentry.sdk.name": facts.SDK_NAME,
        "sentry.sdk.version": facts.SDK_VERSION,
        "sentry.release": facts.APP_RELEASE,
        "sentry.environment": facts.ENVIRONMENT,
        "sentry.replay_id": session.replay_id,
        "sentry.message.template": "payment of order %s failed",
        "sentry.message.parameter.0": str(order),
        "user.id": session.person.user_id,
    }
    line: JsonObject = {
        "timestamp": session.seconds(problem.at_ms),
        "trace_id": problem.visit.trace_id,
        "span_id": problem.visit.span_id,
        "level": "error",
        "severity_number": 17,
        "body": f"payment of order {order} failed",
        "attributes": {k: {"type": "string", "value": v} for k, v in attributes.items()},
    }
    more = {"content_type": "application/vnd.sentry.items.log+json", "item_count": 1}
    return Part("log", wire.encode_json({"items": [line]}), more)
