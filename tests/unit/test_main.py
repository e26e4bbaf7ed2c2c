"""The port is taken before anything else, and held only where nobody else could answer."""

import socket

import pytest
from pydantic import SecretStr

from app.core.settings import Settings
from app.main import PortInUse, open_listener

EXTERNAL = SecretStr("postgresql://playhead@10.0.0.21/playhead")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("database_url", [None, EXTERNAL])
def test_connections_wait_only_for_a_process_that_is_alone(host, database_url):
    """With a Postgres of their own, others may serve: a proxy asks the next one at once."""
    with open_listener(Settings(host=host, port=0, database_url=database_url)) as listener:
        address = listener.getsockname()[:2]
        if database_url is None:
            socket.create_connection(address).close()
            return
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        listener.listen()
        socket.create_connection(address).close()


@pytest.mark.parametrize("database_url", [None, EXTERNAL])
def test_a_port_of_another_process_is_refused(database_url):
    """The second start fails at once, and names the address."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = Settings(host="127.0.0.1", port=port, database_url=database_url)
        with pytest.raises(PortInUse, match=f"cannot listen on 127.0.0.1:{port}: Address already"):
            open_listener(settings)
