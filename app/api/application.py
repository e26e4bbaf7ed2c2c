"""Makes the web application of a process, still without routes."""

from fastapi import FastAPI


def make_application() -> FastAPI:
    """Make an application that answers nothing yet."""
    return FastAPI(
        openapi_url=None,
        # A redirect to the address without its last slash would lead to whatever host `Host` names.
        redirect_slashes=False,
        # FastAPI's own spans and logs hold addresses, which have a secret in sign-in links, and the
        # messages of errors. `core/tracing.py` makes ours.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
