"""A service in FastAPI with today's SDK for Python, set up as its documentation says.

fastapi_app.py DSN      serves until it is ended; prints its port first
"""

import socket
import sys

import fastapi
import sentry_sdk
import uvicorn

app = fastapi.FastAPI()


@app.get("/api/items")
async def items() -> list[str]:
    """Answer with the items after a database span."""
    with sentry_sdk.start_span(op="db", name="select name from items"):
        return ["shirt"]


@app.get("/api/pay")
async def pay() -> None:
    """Fail to pay."""
    raise ValueError("no card given")


def main(dsn: str) -> None:
    """Serve on a free port."""
    sentry_sdk.init(dsn=dsn, traces_sample_rate=1.0, release="shop-api@2.9.1")
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - the test waits for it
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    server.run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])
