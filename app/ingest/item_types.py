"""The list of the item types that Playhead keeps, and the sets that are derived from it.

To add a type, write its file in `ingest/items`, add it to `ITEM_TYPES`, and take its line out of
`_IGNORED`. All other sets follow from these two.
"""

from collections.abc import Iterable
from typing import Any, Final

from app.ingest.items.attachment import ATTACHMENT
from app.ingest.items.client_report import CLIENT_REPORT
from app.ingest.items.event import EVENT
from app.ingest.items.feedback import FEEDBACK
from app.ingest.items.item_type import ItemType
from app.ingest.items.log import LOG
from app.ingest.items.replay_event import REPLAY_EVENT
from app.ingest.items.replay_recording import REPLAY_RECORDING
from app.ingest.items.replay_video import REPLAY_VIDEO
from app.ingest.items.session import SESSION
from app.ingest.items.sessions import SESSIONS
from app.ingest.items.span import SPAN
from app.ingest.items.transaction import TRANSACTION
from app.ingest.items.user_report import USER_REPORT

ITEM_TYPES: Final[tuple[ItemType[Any], ...]] = (
    REPLAY_VIDEO,
    REPLAY_EVENT,
    REPLAY_RECORDING,
    EVENT,
    TRANSACTION,
    SPAN,
    ATTACHMENT,
    LOG,
    FEEDBACK,
    USER_REPORT,
    SESSION,
    SESSIONS,
    CLIENT_REPORT,
)
"""In the order in which their rows are stored."""
BY_NAME: Final = {item_type.name: item_type for item_type in ITEM_TYPES}
STORES: Final = tuple(dict.fromkeys(each.store for each in ITEM_TYPES if each.store is not None))
"""The functions that store rows. They are called in this order, so that every process takes its
locks in the same order."""
_IGNORED: Final = {
    "profile": "profile",
    "profile_chunk": "profile_chunk",
    "check_in": "monitor",
    "trace_metric": "trace_metric",
    "statsd": "metric_bucket",
    "metric_buckets": "metric_bucket",
}
"""The category of rate limits of each type that SDKs send and Playhead does not keep."""
IGNORED_TYPES: Final = frozenset(_IGNORED)
"""Types that are answered 200 and counted by their names, but not kept."""

_REPLAY: Final = "replay"

SEGMENT_TYPES: Final = frozenset(each.name for each in ITEM_TYPES if _REPLAY in each.categories)
"""Types whose items are segments of replays, or parts of one."""
IN_OBJECT_STORAGE: Final = frozenset(each.name for each in ITEM_TYPES if each.is_in_object_storage)
"""Types that a project whose storage is full cannot take."""
CONTAINERS: Final = frozenset(each.name for each in ITEM_TYPES if each.is_container)
"""Types whose items are counted by the records in them."""


def _categories_of(item_types: Iterable[ItemType[Any]]) -> tuple[str, ...]:
    """Return the categories of rate limits that some types belong to, each once."""
    return tuple(dict.fromkeys(category for each in item_types for category in each.categories))


CATEGORIES_IN_OBJECT_STORAGE: Final = _categories_of(
    each for each in ITEM_TYPES if each.is_in_object_storage
)
CATEGORIES: Final = tuple(dict.fromkeys((*_categories_of(ITEM_TYPES), *_IGNORED.values())))
"""The categories of everything that SDKs send, kept or not."""
CATEGORIES_BUT_REPLAY: Final = tuple(each for each in CATEGORIES if each != _REPLAY)
"""All but replays: a limit that names them ends the recording on an iPhone."""
