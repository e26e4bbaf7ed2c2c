"""The made-up shop's backend, seen by the Python SDK: transactions, spans, and one error.

Each request of the app continues its trace here; the baggage carries the replay's id along.
"""

from dataclasses import dataclass
from typing import Final

from app.demo import facts, wire
from app.demo.dice import Dice
from app.demo.facts import Session
from app.demo.take import Request, Visit
from app.demo.wire import Part
from app.formats.jsonish import JsonObject

SDK_NAME: Final = "sentry.python.fastapi"
SDK_VERSION: Final = "2.75.0"
_SDK: Final[JsonObject] = {
    "name": SDK_NAME,
    "version": SDK_VERSION,
    "packages": [{"name": "pypi:sentry-sdk", "version": SDK_VERSION}],
    "integrations": ["asyncpg", "fastapi", "httpx", "redis", "sqlalchemy", "starlette"],
}
_SCOPE: Final[JsonObject] = {
    "sdk": _SDK,
    "platform": "python",
    "release": "verdant-api@1.18.3",
    "environment": facts.ENVIRONMENT,
    "server_name": "api-2",
}
_TRAVEL_MS: Final = 28
"""How long a request is on its way, there and back alike."""
GATEWAY: Final = "https://gateway.cardhouse.example/v2/charges"


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of what a route does; start and end are shares of the time the route takes."""

    op: str
    description: str
    start: float
    end: float
    origin: str
    status: str = "ok"


def _sql(description: str, start: float, end: float) -> Work:
    return Work("db", description, start, end, "auto.db.sqlalchemy")


def _cache(op: str, key: str, start: float, end: float) -> Work:
    return Work(f"cache.{op}", key, start, end, "auto.cache.redis")


_SESSION: Final = _cache("get", "session:u", 0.02, 0.06)
_SAVE_BAG: Final = _sql(
    "INSERT INTO bag_lines (bag_id, sku, quantity) VALUES ($1, $2, $3) ON CONFLICT DO UPDATE",
    0.3, 0.7,
)  # fmt: skip
_READ_ORDER: Final = _sql("SELECT * FROM orders WHERE id = $1 FOR UPDATE", 0.03, 0.06)
_WORK: Final[dict[tuple[str, str], tuple[Work, ...]]] = {
    ("GET", "/v1/catalogue"): (
        _SESSION,
        _cache("get", "catalogue:page", 0.08, 0.14),
        _sql("SELECT sku, name, price_cents, photo FROM products WHERE kind = $1 ORDER BY rank "
             "LIMIT 24", 0.18, 0.62),
        _cache("put", "catalogue:page", 0.84, 0.92),
    ),
    ("GET", "/v1/products/{sku}"): (
        _SESSION,
        _sql("SELECT * FROM products WHERE sku = $1", 0.1, 0.3),
        _sql("SELECT avg(stars), count(*) FROM reviews WHERE sku = $1", 0.34, 0.78),
    ),
    ("POST", "/v1/bag"): (_SESSION, _sql("SELECT stock FROM products WHERE sku = $1", 0.1, 0.24),
                          _SAVE_BAG),
    ("PATCH", "/v1/bag/{sku}"): (_SESSION, _SAVE_BAG),
    ("GET", "/v1/bag"): (
        _SESSION,
        _sql("SELECT sku, quantity FROM bag_lines WHERE bag_id = $1", 0.1, 0.4),
        _sql("SELECT sku, price_cents FROM products WHERE sku = ANY($1)", 0.44, 0.72),
    ),
    ("GET", "/v1/checkout/options"): (
        _SESSION,
        Work("http.client", "GET https://rates.parcelpost.example/quote", 0.12, 0.86,
             "auto.http.httpx"),
    ),
    ("POST", "/v1/payments"): (
        _SESSION,
        _READ_ORDER,
        _cache("get", "idempotency:48213", 0.07, 0.08),
        Work("http.client", f"POST {GATEWAY}", 0.1, 0.97, "auto.http.httpx", "deadline_exceeded"),
    ),
}  # fmt: skip
_PAID_LATE: Final = (
    _SESSION,
    _READ_ORDER,
    _cache("get", "idempotency:48213", 0.04, 0.05),
    Work("http.client", f"GET {GATEWAY}/ch_71f0", 0.06, 0.9, "auto.http.httpx"),
    _sql("UPDATE orders SET state = 'pending' WHERE id = $1", 0.91, 0.94),
    Work("queue.publish", "receipts", 0.95, 0.98, "auto.queue.redis"),
)
"""The second payment finds the first charge, still pending: so there is no receipt yet."""

_ROUTES_SOURCE: Final = """\
@router.post("/v1/payments")
async def pay(order: PaymentIn, who: Customer = Depends(customer)) -> PaymentOut:
    async with orders.locked(order.order) as row:
        row.require_owner(who)
        known = await idempotency.find(row.id)
        charge = known or await gateway.charge(row, order.card_token)
        receipt = await receipts.issue_if_settled(charge)
    return PaymentOut(status=charge.status, order=row.id, receipt=receipt)
"""
_GATEWAY_SOURCE: Final = """\
async def charge(order: Order, token: str) -> Charge:
    body = {"amount": order.total_cents, "source": token, "reference": str(order.id)}
    try:
        answer = await _client.post("/v2/charges", json=body, timeout=LIMIT_S)
    except httpx.ReadTimeout as late:
        raise GatewayTimeout(f"no answer for order {order.id} within {LIMIT_S} s") from late
    return Charge.model_validate(answer.json())
"""
_APP_SOURCE: Final = """\
    async def __call__(self, scope, receive, send):
        scope["app"] = self
        await self.middleware_stack(scope, receive, send)
"""


@dataclass(frozen=True, slots=True)
class _Frame:
    """A line of a source, with what stands around it; `line` counts within the source."""

    filename: str
    module: str
    function: str
    source: str
    first_line: int
    line: int
    is_app: bool = True

    def shown(self) -> JsonObject:
        lines = self.source.splitlines()
        at = self.line - 1
        root = "/srv/verdant" if self.is_app else "/srv/venv/lib/python3.12/site-packages"
        return {
            "filename": self.filename,
            "abs_path": f"{root}/{self.filename}",
            "function": self.function,
            "module": self.module,
            "lineno": self.first_line + at,
            "pre_context": lines[max(0, at - 5) : at],
            "context_line": lines[at],
            "post_context": lines[at + 1 : at + 6],
            "in_app": self.is_app,
        }


_FRAMES: Final = (
    _Frame("fastapi/applications.py", "fastapi.applications", "__call__", _APP_SOURCE, 1052, 3,
           is_app=False),
    _Frame("verdant/routes/payments.py", "verdant.routes.payments", "pay", _ROUTES_SOURCE, 31, 6),
    _Frame("verdant/gateway.py", "verdant.gateway", "charge", _GATEWAY_SOURCE, 58, 6),
)  # fmt: skip


def transaction_part(
    session: Session, visit: Visit, request: Request, event_id: str, dice: Dice
) -> Part:
    """Make the transaction of one request, as the backend measured it."""
    started_ms = session.at(request.started_ms + _TRAVEL_MS)
    took_ms = request.ended_ms - request.started_ms - 2 * _TRAVEL_MS
    span_id = server_span_id(request)
    spans = [
        {
            "trace_id": visit.trace_id,
            "span_id": dice.hex16(),
            "parent_span_id": span_id,
            "op": work.op,
            "description": work.description,
            "origin": work.origin,
            "status": work.status,
            "start_timestamp": wire.iso_precise(started_ms + round(took_ms * work.start)),
            "timestamp": wire.iso_precise(started_ms + round(took_ms * work.end)),
            "data": _work_data(work),
        }
        for work in _work_of(request)
    ]
    payload: JsonObject = {
        "type": "transaction",
        "event_id": event_id,
        "transaction": request.route,
        "transaction_info": {"source": "route"},
        "start_timestamp": wire.iso_precise(started_ms),
        "timestamp": wire.iso_precise(started_ms + took_ms),
        "contexts": _contexts(visit, request),
        "tags": {"http.status_code": str(request.status)},
        "request": _request(request),
        "spans": spans,
    }
    return wire.json_part("transaction", payload | _SCOPE)


def error_part(session: Session, visit: Visit, request: Request, event_id: str) -> Part:
    """Make the error that became the app's HTTP 500."""
    at_ms = session.at(request.ended_ms - _TRAVEL_MS - 12)
    late = {
        "type": "ReadTimeout",
        "value": "timed out",
        "module": "httpx",
        "mechanism": {"type": "chained", "handled": False, "exception_id": 1, "parent_id": 0},
    }
    raised = {
        "type": "GatewayTimeout",
        "value": "no answer for order 48213 within 2.0 s",
        "module": "verdant.gateway",
        "mechanism": {"type": "fastapi", "handled": False, "exception_id": 0},
        "stacktrace": {"frames": [frame.shown() for frame in _FRAMES]},
    }
    payload: JsonObject = {
        "event_id": event_id,
        "level": "error",
        "timestamp": wire.iso_precise(at_ms),
        "transaction": request.route,
        "exception": {"values": [late, raised]},
        "contexts": _contexts(visit, request),
        "request": _request(request),
        "breadcrumbs": {"values": [
            {"type": "log", "category": "verdant.payments", "level": "info",
             "message": "charging card for order 48213",
             "timestamp": wire.iso_precise(session.at(request.started_ms + 260))},
        ]},
    }  # fmt: skip
    return wire.json_part("event", payload | _SCOPE)


def server_span_id(request: Request) -> str:
    """Return the id of the backend's own span: one per request, other than the app's."""
    return f"{int(request.span_id, 16) ^ 0xA5A5_A5A5_A5A5_A5A4:016x}"


def _work_of(request: Request) -> tuple[Work, ...]:
    if request.route == "/v1/payments" and request.status == 200:  # noqa: PLR2004 - HTTP's OK
        return _PAID_LATE
    return _WORK[request.method, request.route]


def _work_data(work: Work) -> JsonObject:
    if work.op == "db":
        return {"db.system": "postgresql", "db.name": "verdant"}
    if work.op == "cache.get":
        return {"cache.key": [work.description], "cache.hit": work is _SESSION}
    if work.op == "http.client":
        method, _, url = work.description.partition(" ")
        return {"http.method": method, "url": url}
    return {}


def _contexts(visit: Visit, request: Request) -> JsonObject:
    failed = request.status >= 500  # noqa: PLR2004 - HTTP's own border
    trace = {
        "trace_id": visit.trace_id,
        "span_id": server_span_id(request),
        "parent_span_id": request.span_id,
        "op": "http.server",
        "origin": "auto.http.starlette",
        "status": "internal_error" if failed else "ok",
        "data": {"http.response.status_code": request.status},
    }
    return {
        "trace": trace,
        "response": {"status_code": request.status},
        "runtime": {"name": "CPython", "version": "3.12.8"},
    }


def _request(request: Request) -> JsonObject:
    shown: JsonObject = {
        "method": request.method,
        "url": request.url,
        "headers": {"host": "api.verdant.example", "user-agent": "okhttp/4.12.0"},
        "env": {"REMOTE_ADDR": "127.0.0.1"},
    }
    return shown | ({"data": request.sent} if request.sent else {})
