"""A backend with today's SDK for Python, called by a recorded app.

    python_today.py DSN SENTRY_TRACE BAGGAGE [stream]      prints the ids of what it sent, as JSON

With `stream`, spans are sent one by one instead of in a transaction.
"""

import json
import sys
from typing import Any

import sentry_sdk
from sentry_sdk import crons, logger


def drop_secrets(event: Any, _hint: Any) -> Any:
    """Drop the event that nobody may see; the SDK reports that it was dropped."""
    return None if event.get("message") == "drop me" else event


def work() -> str | None:
    """Log a warning, fail, and return the id of the error."""
    logger.warning("stock is low: {left}", left=3)
    with sentry_sdk.new_scope() as scope:
        scope.add_attachment(bytes=b"sku;left\n", filename="stock.csv")
        return sentry_sdk.capture_exception(ValueError("no card given"))


def main(dsn: str, trace: str, baggage: str, *modes: str) -> None:
    """Send one item of every type, inside a trace that a phone began."""
    more: dict[str, Any] = {"trace_lifecycle": "stream"} if "stream" in modes else {}
    sentry_sdk.init(
        dsn=dsn,
        release="api@2.0",
        traces_sample_rate=1.0,
        enable_logs=True,
        before_send=drop_secrets,
        default_integrations=False,
        **more,
    )
    sentry_sdk.get_isolation_scope().start_session()
    headers = {"sentry-trace": trace, "baggage": baggage}
    if "stream" in modes:
        sentry_sdk.traces.continue_trace(headers)
        with sentry_sdk.traces.start_span(name="POST /pay"):
            error_id = work()
    else:
        continued = sentry_sdk.continue_trace(headers, op="http.server", name="POST /pay")
        with sentry_sdk.start_transaction(continued), sentry_sdk.start_span(op="db", name="select"):
            error_id = work()
    sentry_sdk.capture_message("drop me")
    sentry_sdk.metrics.count("payments", 1)
    crons.capture_checkin(monitor_slug="nightly", status="ok")
    sentry_sdk.get_isolation_scope().end_session()
    sentry_sdk.get_client().close(timeout=20)
    print(json.dumps({"error": error_id, "version": sentry_sdk.VERSION}))  # noqa: T201 - the answer


if __name__ == "__main__":
    main(*sys.argv[1:])
