"""Reads the answers of a provider, and turns what goes wrong into words for people."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import httpx2

from app.core import log
from app.core.errors import ProviderUnavailable

MOST_BYTES: Final = 1024 * 1024
"""The longest answer that is read; providers send a few kilobytes."""
TIMEOUT: Final = httpx2.Timeout(5.0, connect=3.0)


async def read_body(response: httpx2.Response) -> bytes:
    """Return the body of a streamed answer.

    Raises:
        ProviderUnavailable: It is longer than 1 MiB.
    """
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise ProviderUnavailable(
                f"the answer of {_name_host(response)} has more than {MOST_BYTES:,} bytes"
            )
    return bytes(body)


async def read_json(response: httpx2.Response) -> Mapping[str, Any]:
    """Return the JSON object of a streamed answer.

    Raises:
        ProviderUnavailable: The status is not 200, or the body is no JSON object.
    """
    if response.status_code != httpx2.codes.OK:
        raise ProviderUnavailable(
            f"{_name_host(response)} answered {response.status_code} to {response.request.url.path}"
        )
    try:
        document = json.loads(await read_body(response))
    except (ValueError, RecursionError) as error:
        raise ProviderUnavailable(
            f"{_name_host(response)} did not answer with JSON to {response.request.url.path}"
        ) from error
    if not isinstance(document, dict):
        raise ProviderUnavailable(
            f"{_name_host(response)} did not answer with a JSON object to "
            f"{response.request.url.path}"
        )
    return document


@contextmanager
def translating_errors() -> Iterator[None]:
    """Turn errors of the network into `ProviderUnavailable`, with the reason in words.

    Raises:
        ProviderUnavailable: The provider cannot be reached, or does not answer in time.
    """
    try:
        yield
    except httpx2.TimeoutException as error:
        raise ProviderUnavailable("the sign-in provider does not answer in time") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        reason = log.shown(str(error)) or type(error).__name__
        raise ProviderUnavailable(f"the sign-in provider cannot be reached: {reason}") from error


def _name_host(response: httpx2.Response) -> str:
    return log.shown(response.request.url.host)
