"""Every refusal has its answer and its outcome, at the endpoint and in digest."""

from dataclasses import dataclass

import pytest

from app.core import errors
from app.core.errors import (
    AuthenticationFailed,
    KeyRejected,
    MalformedInput,
    OversizedInput,
    RateLimited,
    RequestRefused,
)
from app.core.limits import LIMITS
from app.projects import spending
from tests.support.builders import envelopes, payloads
from tests.support.builders.wire import EVENT_ID, REPLAY_ID


@dataclass(frozen=True, slots=True)
class Case:
    """A refused body, with the answer and the outcomes that it must have."""

    body: bytes
    status: int
    cause: str
    outcomes: dict[tuple[str, str, str], int]
    key: str | None = "own"


CASES: dict[type[RequestRefused], Case] = {
    MalformedInput: Case(b"no json\n", 400, "malformed", {("envelope", "refused", "malformed"): 1}),
    OversizedInput: Case(
        b'{"a":"%s"}\n' % (b"x" * LIMITS.envelope_header_bytes),
        413,
        "too_large",
        {("envelope", "refused", "too_large"): 1},
    ),
    AuthenticationFailed: Case(envelopes.event_envelope(), 401, "no_key", {}, key=None),
    KeyRejected: Case(envelopes.event_envelope(), 403, "unknown_key", {}, key="f" * 32),
    RateLimited: Case(
        envelopes.replay_video_envelope(),
        429,
        "storage_quota",
        {("replay_video", "limited", "storage_quota"): 1},
    ),
}


def test_every_refusal_has_a_case():
    """A new kind of refusal needs a line in the table."""
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, RequestRefused)
        and kind is not RequestRefused
    }
    assert kinds == set(CASES)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("kind", list(CASES), ids=lambda kind: kind.__name__)
async def test_a_refusal_has_its_answer_and_its_outcome(tenant, kind):
    """The answer has the status of its kind, the reason in JSON, and CORS headers for browsers."""
    case = CASES[kind]
    if kind is RateLimited:
        async with tenant.database.transaction() as connection:
            await spending.set_storage_limit(connection, tenant.app.id, 0)
        quotas = tenant.service.ingest.admission.quotas
        quotas._sum_storage_at_s = 0.0
        await quotas.refresh(tenant.database)
    headers = envelopes.headers(tenant.app.key, encoding=None)
    if case.key is None:
        headers.pop("X-Sentry-Auth")
    elif case.key != "own":
        headers = envelopes.headers(case.key, encoding=None)
    answer = await tenant.post(case.body, headers=headers)
    assert answer.status_code == case.status == kind.status
    assert answer.json()["causes"] == [case.cause]
    assert answer.json()["detail"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert ("retry-after" in answer.headers) is (kind is RateLimited)
    await tenant.settled()
    await tenant.outcomes_reach(case.outcomes)


@pytest.mark.asyncio(loop_scope="session")
async def test_items_of_an_accepted_envelope_are_refused_one_by_one(tenant):
    """An item that cannot be kept does not affect the other items of its envelope."""
    big = payloads.event("b" * 32, extra={"text": ["x" * 1_000] * 1_100})
    body = envelopes.envelope(
        envelopes.envelope_header(event_id=EVENT_ID),
        envelopes.item("event", payloads.event()),
        envelopes.item("event", b"no json"),
        envelopes.item("event", big),
        envelopes.item("replay_recording", b"{}\n[]"),
        envelopes.item("replay_recording", b"{}\n[]"),
    )
    await tenant.take(body)
    assert await tenant.outcomes() == {
        ("event", "kept", ""): 1,
        ("event", "refused", "malformed"): 1,
        ("event", "refused", "too_large"): 1,
        ("replay_recording", "refused", "no_replay_event"): 1,
        ("replay_recording", "refused", "second_in_envelope"): 1,
    }
    page = await tenant.web.get(tenant.page(REPLAY_ID))
    assert page.status_code == 404
