"""A backend with an early SDK for Python, run in the venv of that SDK.

old_python.py DSN      prints the ids of what it sent, as JSON
"""

import importlib
import json
import sys
from typing import Any

# mypy would check it against today's SDK, which is installed with the tests.
sentry_sdk: Any = importlib.import_module("sentry_sdk")


def main(dsn: str) -> None:
    """Send a transaction with a span, an error inside it, and a message."""
    sentry_sdk.init(dsn=dsn, traces_sample_rate=1.0, release="api@1.0", default_integrations=False)
    with sentry_sdk.Hub.current.start_span(transaction="checkout", op="task") as transaction:
        with sentry_sdk.Hub.current.start_span(op="db", description="select 1"):
            pass
        error_id = sentry_sdk.capture_exception(ValueError("no card given"))
    message_id = sentry_sdk.capture_message("disk almost full", level="warning")
    sentry_sdk.Hub.current.client.close(timeout=20)
    sent = {"error": error_id, "message": message_id, "trace": transaction.trace_id}
    print(json.dumps({**sent, "version": sentry_sdk.VERSION}))  # noqa: T201 - this is the answer


if __name__ == "__main__":
    main(sys.argv[1])
