"""Reads transactions whose spans are stored as they were sent.

    text ─ split ─► members and spans as texts ─ scrub by hints ─► members read ─► one block

A transaction that is unusual in any way is left to the plain reader, which decodes and reads it
span by span and writes the spans anew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from app.core import ids
from app.core.replay.replay_window import BLOCK_START_SPREAD
from app.formats import json_members
from app.formats.spans import transaction
from app.formats.spans.quick_transaction import SentSpan, SentTransaction, try_split_transaction
from app.formats.spans.transaction import Transaction
from app.formats.wire.envelope import EnvelopeItem
from app.ingest.items import scrubbing
from app.ingest.items.context import EnvelopeContext, ReceivedItem
from app.ingest.items.spans import blocks
from app.ingest.items.stages import run_stage
from app.scrub import walk
from app.scrub.places import PayloadKind
from app.scrub.quick import try_scrub_members
from app.scrub.rules import ScrubRemark, ScrubRules
from app.traces.model import NewTransaction


class _ReadTransaction(msgspec.Struct, frozen=True, gc=False):
    """A transaction whose members are read, and whose spans are not."""

    transaction: Transaction
    sent: SentTransaction
    extent: tuple[datetime, datetime]
    """The start of its first span and the end of its last, the root among them."""
    remarks: tuple[ScrubRemark, ...]
    """The remarks on what was removed from it."""


class _CleanTransaction(msgspec.Struct, frozen=True, gc=False):
    """A transaction without secrets."""

    sent: SentTransaction
    remarks: tuple[ScrubRemark, ...] = ()


def try_read_transactions(received: Sequence[ReceivedItem]) -> list[NewTransaction | None]:
    """Read transactions, all of them stage by stage.

    Returns:
        The rows that store the same as those of the plain reader; None for an unusual transaction.
    """
    contexts = [context for _, context in received]
    sent = run_stage(_decode_transaction, [item for item, _ in received], contexts)
    clean = run_stage(_scrub_transaction, sent, contexts)
    read = run_stage(_read_transaction, clean, contexts)
    return run_stage(_transaction_row, read, contexts)


def _decode_transaction(item: EnvelopeItem, context: EnvelopeContext) -> SentTransaction | None:
    return None if context.taps.hides_any else try_split_transaction(item.payload)


def _scrub_transaction(sent: SentTransaction, context: EnvelopeContext) -> _CleanTransaction | None:
    """Return a transaction without secrets; only spans with a hint of one are decoded."""
    event_id = ids.read_hex32(json_members.decode_member(sent.members.get("event_id", b"null")))
    if not (event_id or context.header.event_id):
        return None  # its id is made of the whole transaction
    filled = scrubbing.fill_member_addresses(
        sent.members, b"", context, names=scrubbing.ADDRESS_MEMBERS
    )
    remarks: list[ScrubRemark] = []
    members = try_scrub_members(
        filled, context.rules, kind=PayloadKind.TRANSACTION, remarks=remarks
    )
    if members is None:
        return None
    if members is sent.members and walk.is_clean(sent.all_span_texts, context.rules):
        return _CleanTransaction(sent)
    spans = list(sent.spans)
    for place in _find_hinted(sent.span_texts, range(len(spans)), context.rules):
        span = json_members.decode_member(msgspec.json.encode(spans[place]))
        clean = walk.scrub_json(span, context.rules, kind=PayloadKind.SPAN)
        remarks += clean.remarks
        spans[place] = msgspec.json.decode(msgspec.json.encode(clean.value), type=SentSpan)
    return _CleanTransaction(replace(sent, members=members, spans=spans), tuple(remarks))


def _find_hinted(texts: Sequence[bytes], places: range, rules: ScrubRules) -> Iterable[int]:
    """Find the texts with a hint of a secret by halves, since most halves have none at all."""
    if not places or walk.is_clean(b"\n".join(texts[places.start : places.stop]), rules):
        return
    if len(places) == 1:
        yield places.start
        return
    middle = len(places) // 2
    yield from _find_hinted(texts, places[:middle], rules)
    yield from _find_hinted(texts, places[middle:], rules)


def _read_transaction(
    clean: _CleanTransaction, context: EnvelopeContext
) -> _ReadTransaction | None:
    """Read the members; None if the spans do not all fit into the block of the root."""
    sent = clean.sent
    members = json_members.decode_members(sent.members, transaction.TRANSACTION_MEMBERS)
    read = transaction.read_transaction(members, context.header, sent_at=context.sent_at)
    root = read.root
    started_at = min(root.started_at, sent.first_at or root.started_at)
    ended_at = max(read.ended_at, sent.last_at or read.ended_at)
    fits_one_block = (
        sent.trace_id in (None, read.trace_id)
        and root.replay_id == read.replay_id
        and ended_at - started_at <= BLOCK_START_SPREAD
    )
    if not fits_one_block:
        return None
    return _ReadTransaction(read, sent, (started_at, ended_at), clean.remarks)


def _transaction_row(read: _ReadTransaction, context: EnvelopeContext) -> NewTransaction:
    context.count_removals(read.remarks)
    return blocks.lay_out_sent_transaction(read.transaction, read.sent, context, extent=read.extent)
