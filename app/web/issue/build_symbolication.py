"""Describes what debug files did for the stack of an event, and which of them it lacks."""

from typing import Final

from app.formats.jsonish import JsonObject
from app.issues.model import IssueKey, StoredEvent
from app.symbolication.model import SymbolicatedEvent
from app.web.issue.page import StackChoice, Symbolication
from app.web.urls import issue_urls, project_urls
from app.web.words.debug_files.hints import build_debug_file_hints

_SENT: Final = "sent"
_SCRIPTS: Final = frozenset({"javascript", "node"})
"""Platforms whose files are also found by release and address, without a debug id."""


def build_symbolication(
    event: StoredEvent,
    key: IssueKey,
    sent: JsonObject,
    symbolicated: SymbolicatedEvent,
    *,
    is_as_sent: bool,
    may_change: bool,
) -> Symbolication:
    """Describe the symbolication of an event.

    Args:
        event: The event.
        key: Its issue.
        sent: The event as it was sent.
        symbolicated: The result of its symbolication.
        is_as_sent: True if the visitor asked for the stack as it was sent.
        may_change: True if the visitor may let it be made readable once more.
    """
    event_key = (*key, event.event_id)
    choice = StackChoice(
        is_as_sent=is_as_sent,
        readable_href=f"{issue_urls.issue_event(*event_key)}#stack",
        sent_href=issue_urls.issue_event(*event_key, stack=_SENT),
    )
    may_help = (
        event.symbolicated is not None or "debug_meta" in sent or event.platform in _SCRIPTS
    ) and not symbolicated.is_pending
    return Symbolication(
        choice=choice if symbolicated.is_changed else None,
        hints=build_debug_file_hints(symbolicated.missing),
        is_pending=symbolicated.is_pending,
        again_href=issue_urls.symbolicate_event(*event_key) if may_change and may_help else None,
        set_up_href=project_urls.upload_set_up(event.project_id),
        debug_files_href=project_urls.debug_files(event.project_id),
    )
