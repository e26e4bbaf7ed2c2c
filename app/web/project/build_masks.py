"""Puts into words what the SDKs of a project mask, by the replays that came lately."""

from collections.abc import Sequence
from typing import Final

from app.core.ids import ProjectId
from app.replays.search import query_language
from app.replays.totals.project_totals import MaskCount
from app.web.project.page import MaskRow, MaskSummary
from app.web.urls import list_urls
from app.web.words.phrases import count

_OPEN: Final = "off"
_STATES: Final = {"on": "masked", _OPEN: "not masked"}
_NOT_KNOWN: Final = "not known"


def build_mask_summary(project_id: ProjectId, counts: Sequence[MaskCount]) -> MaskSummary:
    """Build the table of SDKs and masks, and the warning above it."""
    return MaskSummary(
        tuple(_build_row(project_id, each) for each in counts), _describe_open(counts)
    )


def _build_row(project_id: ProjectId, counted: MaskCount) -> MaskRow:
    return MaskRow(
        sdk=" ".join(filter(None, (counted.sdk_name, counted.sdk_version))) or "SDK not known",
        text=_STATES.get(counted.text or "", _NOT_KNOWN),
        images=_STATES.get(counted.images or "", _NOT_KNOWN),
        replays=counted.replays,
        href=list_urls.replays(project_id, query=_write_query(counted)),
        is_open=_OPEN in {counted.text, counted.images},
        last_received_at=counted.last_received_at,
    )


def _write_query(counted: MaskCount) -> str:
    """Write the query that finds these replays."""
    values = (
        ("sdk.name", counted.sdk_name),
        ("sdk.version", counted.sdk_version),
        ("mask.text", counted.text),
        ("mask.images", counted.images),
    )
    return " ".join(
        query_language.write_query(query_language.exact_term(key, value or ""))
        for key, value in values
    )


def _describe_open(counts: Sequence[MaskCount]) -> str | None:
    """Say how many replays show texts or images that nobody masks by default."""
    total = sum(counted.replays for counted in counts)
    parts = [
        f"{what} in {count(open_replays, 'replay')}"
        for what, open_replays in (
            ("texts", sum(each.replays for each in counts if each.text == _OPEN)),
            ("images", sum(each.replays for each in counts if each.images == _OPEN)),
        )
        if open_replays
    ]
    if not parts:
        return None
    sentence = f"{' and '.join(parts)} of {total:,} are not masked by default."
    return f"{sentence[:1].upper()}{sentence[1:]}"
