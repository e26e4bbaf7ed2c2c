"""Tables of debug files, of the ids and addresses they are found by, and of their objects.

Every key begins with `project_id`. Nothing here has a foreign key: the deletion of a project is an
erasure, which goes through these tables step by step.
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
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.db.schema import metadata
from app.db.types import Hex32

debug_files: Final = Table(
    "debug_files",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("file_id", Hex32, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("sha1", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("cpu_name", Text, nullable=False),
    Column("code_id", Text),
    Column("features", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("data_type", Text),
    Column("size_bytes", BigInteger, nullable=False),
    Column("stored_bytes", BigInteger, nullable=False),
    Column("release", Text),
    Column("dist", Text),
    Column("remark", Text),
    Column("uploaded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("token_id", BigInteger),
    Column("last_used_day", Date),
    # The release of an event that used it last.
    Column("used_release", Text),
    # The last day on which an event of its release was still kept; noted only for old files.
    Column("needed_day", Date),
    # The last parts of the keys of its objects.
    Column("object_names", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    UniqueConstraint("project_id", "sha1", "kind"),
)
Index(
    "ix_debug_files_newest",
    debug_files.c.project_id,
    debug_files.c.uploaded_at.desc(),
    debug_files.c.file_id.desc(),
)
Index(
    "ix_debug_files_release",
    debug_files.c.project_id,
    debug_files.c.release,
    postgresql_where=debug_files.c.release.is_not(None),
)

debug_ids: Final = Table(
    "debug_ids",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("debug_id", Text, primary_key=True),
    Column("file_id", Hex32, primary_key=True),
    Column("kind", Text, nullable=False),
    # The last part of the key of the object that look-ups of this id read.
    Column("object_name", Text, nullable=False),
    Column("cpu_name", Text, nullable=False),
    Column("code_id", Text),
    Column("features", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("remark", Text),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
Index("ix_debug_ids_file_id", debug_ids.c.project_id, debug_ids.c.file_id)

artifact_urls: Final = Table(
    "artifact_urls",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("release", Text, primary_key=True),
    # Empty for none.
    Column("dist", Text, primary_key=True),
    Column("url", Text, primary_key=True),
    Column("file_id", Hex32, primary_key=True),
    Column("entry", Text, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
Index("ix_artifact_urls_file_id", artifact_urls.c.project_id, artifact_urls.c.file_id)

# Files, or further ids of files, for which events may have waited. The row goes when these events
# are done; who works on one locks it until `claimed_until`.
debug_file_arrivals: Final = Table(
    "debug_file_arrivals",
    metadata,
    Column("arrival_id", BigInteger, Identity(), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("file_id", Hex32, nullable=False),
    Column("kind", Text, nullable=False),
    Column("debug_ids", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("release", Text),
    Column("dist", Text),
    Column("arrived_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("claimed_until", DateTime(timezone=True)),
)
Index("ix_debug_file_arrivals_project_id", debug_file_arrivals.c.project_id)

# Prefixes whose objects go at `due_at`: those of deleted files, and of files that somebody is
# storing, whose row goes with the transaction that adds the file. So no objects stay behind when
# the process dies in between.
debug_file_sweeps: Final = Table(
    "debug_file_sweeps",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    Column("file_id", Hex32, primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False, index=True),
)

# Chunks of files that are being uploaded. They belong to a token: whoever asks for a chunk with
# another one must not learn that it is there.
upload_chunks: Final = Table(
    "upload_chunks",
    metadata,
    Column("token_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sha1", Text, primary_key=True),
    Column("object_key", Text, nullable=False, unique=True),
    Column("size_bytes", Integer, nullable=False),
    Column("last_used_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # When a file was put together of it; null for a loose chunk.
    Column("used_up_at", DateTime(timezone=True)),
)
Index("ix_upload_chunks_last_used_at", upload_chunks.c.last_used_at)

# Files whose chunks are all there, until they are known or found to be broken. Who puts one
# together holds it until `claimed_until`; `attempts` tells an old holder that it has lost it.
upload_assemblies: Final = Table(
    "upload_assemblies",
    metadata,
    Column("assembly_id", BigInteger, Identity(), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("is_bundle", Boolean, nullable=False),
    Column("sha1", Text, nullable=False),
    # The debug id, release and distribution that the uploader gave; empty for none.
    Column("debug_id", Text, nullable=False),
    Column("release", Text, nullable=False),
    Column("dist", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("token_id", BigInteger, nullable=False),
    Column("chunks", ARRAY(Text), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("claimed_until", DateTime(timezone=True)),
    # Why the file cannot be used, for the build log; empty for one that is fine and that nothing
    # reads. The row goes a few minutes later.
    Column("fault", Text),
    Column("failed_at", DateTime(timezone=True)),
    UniqueConstraint(
        "project_id",
        "sha1",
        "is_bundle",
        "debug_id",
        "release",
        "dist",
        name="uq_upload_assemblies",
    ),
)
Index(
    "ix_upload_assemblies_open",
    upload_assemblies.c.assembly_id,
    postgresql_where=upload_assemblies.c.fault.is_(None),
)

# How many files each token has uploaded, by hour: for the limit of a day, and for the audit log.
upload_counts: Final = Table(
    "upload_counts",
    metadata,
    Column("project_id", BigInteger, primary_key=True, autoincrement=False),
    # 0 for what people upload by hand.
    Column("token_id", BigInteger, primary_key=True, autoincrement=False),
    Column("hour", DateTime(timezone=True), primary_key=True),
    Column("files", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("is_logged", Boolean, nullable=False, server_default=text("false")),
)
Index("ix_upload_counts_hour", upload_counts.c.hour)

# What was deleted, why, by whom, and when none of its objects was left.
debug_file_receipts: Final = Table(
    "debug_file_receipts",
    metadata,
    Column("receipt_id", BigInteger, Identity(), primary_key=True),
    Column("project_id", BigInteger, nullable=False),
    Column("file_id", Hex32, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    # The first of them.
    Column("debug_ids", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("release", Text),
    Column("size_bytes", BigInteger, nullable=False),
    Column("stored_bytes", BigInteger, nullable=False),
    Column("uploaded_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("cause", Text, nullable=False),
    # Null if a rule or the command line deleted it.
    Column("person_id", BigInteger),
    Column("objects", BigInteger, nullable=False, server_default=text("0")),
    Column("swept_at", DateTime(timezone=True)),
)
Index(
    "ix_debug_file_receipts_project_id",
    debug_file_receipts.c.project_id,
    debug_file_receipts.c.receipt_id.desc(),
)
Index(
    "ix_debug_file_receipts_unswept",
    debug_file_receipts.c.project_id,
    debug_file_receipts.c.file_id,
    postgresql_where=debug_file_receipts.c.swept_at.is_(None),
)
