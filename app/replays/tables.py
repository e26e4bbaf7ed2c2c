"""Tables of replays, their segments, their traces, and what deletion leaves behind.

Every key begins with `project_id`, so a big installation can shard by project.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.db.partitions.days import TODAY
from app.db.schema import metadata
from app.db.types import Hex32
from app.formats.replay.recording_summary import RecordingCounts

_NEVER: Final = text("2147483647")
"""A rank that every segment is below."""

COUNT_COLUMNS: Final = {
    name: "network_failures" if name == "failed_requests" else name
    for name in RecordingCounts._fields
}
"""Columns of the counts of a recording. That of failed requests has kept its first name."""

replays: Final = Table(
    "replays",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("replay_id", Hex32, primary_key=True),
    # The first row of a replay decides both. Its segments lie in the partition of both.
    Column("day", Date, nullable=False, server_default=TODAY),
    Column("retention_class", SmallInteger, nullable=False, server_default=text("3")),
    # When the steps that follow its last segment were done; null while it may still grow.
    Column("closed_at", DateTime(timezone=True)),
    # When its last segment was stored, by the clock of Postgres.
    Column("last_stored_at", DateTime(timezone=True)),
    # When its parts were last moved into objects of its own (`sealing.py`).
    Column("sealed_at", DateTime(timezone=True)),
    Column("first_received_at", DateTime(timezone=True), nullable=False),
    Column("last_received_at", DateTime(timezone=True), nullable=False),
    # The phone's clock, as sent.
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    Column("drift_ms", BigInteger, nullable=False, server_default=text("0")),
    # The extremes among all segments; null if no envelope says when it was sent.
    Column("drift_low_ms", BigInteger),
    Column("drift_high_ms", BigInteger),
    # Where the phone's clock was set (`segments/clock_steps.py`); null if it was not.
    Column("clock_steps", JSONB),
    # The lowest segment decides the type; the lowest complete one the facts; the lowest with a
    # user the user. The rank of the segment that decided makes the update commutative.
    Column("type_rank", Integer, nullable=False, server_default=_NEVER),
    Column("replay_type", Text),
    Column("facts_rank", Integer, nullable=False, server_default=_NEVER),
    Column("facts", JSONB, nullable=False, server_default=text("'{}'")),
    Column("user_rank", Integer, nullable=False, server_default=_NEVER),
    Column("recorded_user", JSONB, nullable=False, server_default=text("'{}'")),
    # When the app last left the screen, and last came back: how the replay ended.
    Column("background_at", DateTime(timezone=True)),
    Column("foreground_at", DateTime(timezone=True)),
    # Marks (`screen_marks.py`): what stands in front keeps their union in the order of visit.
    Column("screens", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("segments", Integer, nullable=False, server_default=text("0")),
    Column("video_segments", Integer, nullable=False, server_default=text("0")),
    Column("video_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("video_bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("frames", Integer, nullable=False, server_default=text("0")),
    *(
        Column(column, Integer, nullable=False, server_default=text("0"))
        for column in COUNT_COLUMNS.values()
    ),
    # Free room in a page lets each update stay in it (a HOT update).
    postgresql_with={"fillfactor": "80"},
)
# Only columns fixed at the first segment are indexed: an index on a column that every segment
# changes costs 1.6 times the write (measured).
Index(
    "ix_replays_newest",
    replays.c.project_id,
    replays.c.first_received_at.desc(),
    replays.c.replay_id.desc(),
)
Index("ix_replays_replay_id", replays.c.replay_id)
Index("ix_replays_day", replays.c.day, replays.c.project_id)
# The list is filtered by these. The first segment of a replay decides its facts and its user, so
# updates by later ones leave these indexes alone.
Index(
    "ix_replays_facts",
    replays.c.facts,
    postgresql_using="gin",
    postgresql_ops={"facts": "jsonb_path_ops"},
    postgresql_with={"fastupdate": "off"},
)
Index(
    "ix_replays_recorded_user",
    replays.c.recorded_user,
    postgresql_using="gin",
    postgresql_ops={"recorded_user": "jsonb_path_ops"},
    postgresql_with={"fastupdate": "off"},
)

segments: Final = Table(
    "segments",
    metadata,
    # Day and class of the replay: the partition (`db/partitions`). Each one has the key below.
    Column("day", Date, nullable=False, server_default=TODAY),
    Column("retention_class", SmallInteger, nullable=False, server_default=text("3")),
    Column("project_id", BigInteger, primary_key=True),
    Column("replay_id", Hex32, primary_key=True),
    Column("segment_id", Integer, primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("drift_ms", BigInteger, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True), nullable=False),
    Column("replay_type", Text),
    Column("sdk_name", Text),
    Column("width_px", SmallInteger),
    Column("height_px", SmallInteger),
    Column("frames", Integer, nullable=False),
    Column("codec", Text),
    Column("video_fault", Text),
    # Not written since packs came; the release before reads it. It goes with the next one.
    Column("object_key", Text),
    Column("pack_id", BigInteger),
    Column("object_offset", BigInteger, nullable=False, server_default=text("0")),
    Column("object_bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("layout", LargeBinary),
    # Null once it lies in a sealed object: the columns below say where.
    Column("recording", LargeBinary),
    Column("recording_pack_id", BigInteger),
    Column("recording_offset", BigInteger),
    Column("recording_bytes", BigInteger),
    Column("breadcrumbs", Integer, nullable=False),
    Column("screens", ARRAY(Text), nullable=False),
    # What was removed before it was stored (`packed_remarks`); null if nothing was.
    Column("removals", LargeBinary),
)
# Links of traces and replays (`trace_links.py`). The project is that of the segment, event,
# transaction or span that names both, which may come before the replay.
replay_traces: Final = Table(
    "replay_traces",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("replay_id", Hex32, primary_key=True),
    Column("trace_id", Hex32, primary_key=True),
)
Index("ix_replay_traces_trace_id", replay_traces.c.trace_id)
Index("ix_replay_traces_replay_id", replay_traces.c.replay_id)

tombstones: Final = Table(
    "tombstones",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("replay_id", Hex32, primary_key=True),
    # The day of the replay; null if a process of the release before deleted it.
    Column("day", Date),
    Column("deleted_at", DateTime(timezone=True), nullable=False),
    Column("deleted_by", BigInteger),
    Column("reason", Text, nullable=False),
    # The receipt: what was removed, and when the last object was found to be gone.
    Column("segments", Integer, nullable=False),
    Column("video_bytes", BigInteger, nullable=False),
    Column("objects", Integer, nullable=False, server_default=text("0")),
    Column("swept_at", DateTime(timezone=True)),
    # The erasure that removes the parts of the replay, and whether some are still here.
    Column("erasure_id", BigInteger),
    Column("has_parts", Boolean, nullable=False, server_default=text("false")),
)
Index(
    "ix_tombstones_erasure",
    tombstones.c.erasure_id,
    tombstones.c.project_id,
    tombstones.c.replay_id,
    postgresql_where=tombstones.c.erasure_id.is_not(None),
)
Index(
    "ix_tombstones_unswept",
    tombstones.c.deleted_at,
    postgresql_where=tombstones.c.swept_at.is_(None),
)

# The pictures drawn of a replay, and when to draw again: a row is both the result and the task.
replay_pictures: Final = Table(
    "replay_pictures",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("replay_id", Hex32, primary_key=True),
    # When to draw next; null when the pictures are up to date.
    Column("due_at", DateTime(timezone=True)),
    # The end of the lease of one process; it is in the past when that process has died.
    Column("leased_until", DateTime(timezone=True)),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
    # What the pictures were drawn from; null when there are none.
    Column("made_at", DateTime(timezone=True)),
    Column("video_segments", Integer),
    Column("error_ms", BigInteger),
    Column("fault", Text),
    # Poster, preview and sheets lie in one object, one after another.
    Column("object_key", Text),
    Column("sizes", JSONB),
    Column("tiles", ARRAY(BigInteger)),
)
Index(
    "ix_replay_pictures_due",
    replay_pictures.c.due_at,
    postgresql_where=replay_pictures.c.due_at.is_not(None),
)

# Replays that may still grow, each with the time at which to look whether it can be closed.
open_replays: Final = Table(
    "open_replays",
    metadata,
    Column("project_id", BigInteger, primary_key=True),
    Column("replay_id", Hex32, primary_key=True),
    Column("check_at", DateTime(timezone=True), nullable=False),
    # The end of the lease of one process; it is in the past when that process has died.
    Column("leased_until", DateTime(timezone=True)),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
    # The steps that were done since it closed, and why the last try failed.
    Column("steps_done", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("fault", Text),
)
Index("ix_open_replays_check_at", open_replays.c.check_at)

# A pack is an object with the videos of a digested batch: a file for each video would cost ten
# times as much. A sealed one holds the recordings and videos of one replay. `live` counts the parts
# that rows point at; when the last one goes, the object goes too.
packs: Final = Table(
    "packs",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("object_key", Text, nullable=False),
    Column("live", Integer, nullable=False),
    Column("is_sealed", Boolean, nullable=False, server_default=text("false")),
    # When `live` became 0. The sweep finds empty packs by it: an index on `live` would be written
    # with each of its changes.
    Column("empty_at", DateTime(timezone=True)),
)
Index("ix_packs_object_key", packs.c.object_key, unique=True)
Index("ix_packs_empty_at", packs.c.empty_at, postgresql_where=packs.c.empty_at.is_not(None))

# Bytes of packs that no row points at any more.
pack_outbox: Final = Table(
    "pack_outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("pack_id", BigInteger, nullable=False),
    Column("object_offset", BigInteger, nullable=False),
    Column("object_bytes", BigInteger, nullable=False),
    Column("project_id", BigInteger, nullable=False),
    Column("replay_id", Hex32, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
    # False for copies of what lies elsewhere too: they go with their pack.
    Column("wipes", Boolean, nullable=False, server_default=text("true")),
)
Index("ix_pack_outbox_replay", pack_outbox.c.project_id, pack_outbox.c.replay_id)
Index("ix_pack_outbox_wipes", pack_outbox.c.pack_id, postgresql_where=pack_outbox.c.wipes)

# Whole objects to be removed, since no row points at them.
object_outbox: Final = Table(
    "object_outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", BigInteger),
    Column("replay_id", Hex32),
    Column("object_key", Text, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
)

# Objects that go at a time, unless a transaction points rows at them and takes them off this list.
expiring_objects: Final = Table(
    "expiring_objects",
    metadata,
    Column("object_key", Text, primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("replay_id", Hex32, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
Index("ix_expiring_objects_expires_at", expiring_objects.c.expires_at)
Index("ix_expiring_objects_replay", expiring_objects.c.project_id, expiring_objects.c.replay_id)

# Addresses of tickets that people keep with a replay; they end with it.
replay_tickets: Final = Table(
    "replay_tickets",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("replay_id", Hex32, nullable=False),
    Column("url", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("added_by", BigInteger),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
)
Index("ix_replay_tickets_replay", replay_tickets.c.project_id, replay_tickets.c.replay_id)
