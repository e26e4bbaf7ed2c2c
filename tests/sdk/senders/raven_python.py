"""A backend with Raven, the client before the SDKs, run in the venv of the old SDKs.

raven_python.py DSN      prints the ids of what it sent, as JSON
"""

import importlib
import json
import sys
from typing import Any

# Raven has no types, and it is not installed with the tests.
raven: Any = importlib.import_module("raven")


def main(dsn: str) -> None:
    """Send an error and a message."""
    client = raven.Client(
        # Raven's DSNs had a secret, and it requires one.
        dsn.replace("@", ":secret@"),
        release="legacy@0.9",
        transport=raven.transport.http.HTTPTransport,
        install_sys_hook=False,
    )
    try:
        raise ValueError("no card given")  # noqa: TRY301 - that is what an app does
    except ValueError:
        error_id = client.captureException(tags={"plan": "pro"})
    message_id = client.captureMessage("disk %s full", params=(90,), stack=True, level=30)
    sent = {"error": error_id, "message": message_id, "version": raven.VERSION}
    print(json.dumps(sent))  # noqa: T201 - this is the answer


if __name__ == "__main__":
    main(sys.argv[1])
