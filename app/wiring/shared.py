"""Opens the parts that every process has, whatever its roles are.

A Postgres that does not answer delays nothing but pages: it is prepared when it comes. Object
storage does not delay the start either, unless it refuses.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app.api.open_connections import OpenConnections, allow_open_files
from app.core.settings import Settings
from app.db.engine import Database
from app.db.folder import close_to_others, make_private
from app.db.roles import DatabaseUrls
from app.db.server import embedded
from app.messages.wanted import WantedSignals
from app.playback.pictures.notes import PictureNotes
from app.preparation import DatabasePreparation
from app.processes.open_store import open_checked_store
from app.projects.keys import KeyCache
from app.projects.rule_cache import RuleCache
from app.storage.measured import MeasuredStore
from app.wiring.symbolication import SymbolicationParts, open_symbolication

if TYPE_CHECKING:
    from app.web.frame.rendering.renderer import Renderer


@dataclass(frozen=True, slots=True)
class SharedParts:
    """The parts that all roles of a process use."""

    settings: Settings
    database: Database
    preparation: DatabasePreparation
    objects: MeasuredStore
    keys: KeyCache
    """The keys of all projects; only a door begins to read them."""
    rules: RuleCache
    picture_notes: PictureNotes
    symbolication: SymbolicationParts
    wanted: WantedSignals
    """The signals that rules of alerts want from digest and closing."""
    connections: OpenConnections
    stack: AsyncExitStack
    """Stops what was opened, in the reverse order."""

    def start(self, worker: "BackgroundWorker") -> None:
        """Start background work, and stop it when the process stops."""
        worker.start()
        self.stack.push_async_callback(worker.stop)


class BackgroundWorker(Protocol):
    """Background work that is started without arguments."""

    def start(self) -> None:
        """Begin to work."""

    async def stop(self) -> None:
        """Stop; what is not done waits for the next process."""


@dataclass(frozen=True, slots=True)
class WorkerPlace:
    """The place of a worker among those of one parent."""

    number: int
    metrics_dir: Path
    """The folder in which each worker has a socket that tells its metrics."""
    database_urls: DatabaseUrls
    """The database that the parent runs or was told of."""
    renderer: "Renderer | None" = None
    """The renderer of pages, made before the workers were forked, so that they share its memory."""


async def open_shared_parts(
    settings: Settings, stack: AsyncExitStack, place: WorkerPlace | None
) -> SharedParts:
    """Open data folder, Postgres and objects, and read the privacy rules."""
    data_dir = settings.data_dir.resolve()
    make_private(data_dir)
    close_to_others(data_dir)
    urls, database, preparation = await _open_database(settings, data_dir, stack, place)
    objects = await open_checked_store(
        settings, data_dir, database, setup_url=urls.app, prepared=preparation.done, stack=stack
    )
    rules = RuleCache()
    rules.start(database)
    stack.push_async_callback(rules.stop)
    wanted = WantedSignals()
    wanted.start(database)
    stack.push_async_callback(wanted.stop)
    connections = OpenConnections(
        limit=allow_open_files(settings.max_connections),
        limit_of_network=settings.max_connections_per_address,
    )
    return SharedParts(
        settings,
        database,
        preparation,
        objects,
        KeyCache(),
        rules,
        PictureNotes(database),
        open_symbolication(settings, data_dir, database, objects, stack),
        wanted,
        connections,
        stack,
    )


async def _open_database(
    settings: Settings, data_dir: Path, stack: AsyncExitStack, place: WorkerPlace | None
) -> tuple[DatabaseUrls, Database, DatabasePreparation]:
    """Open the database; its preparation goes on in the background while it does not answer."""
    if place is None:
        urls = await embedded.start_or_find_postgres(settings, data_dir, stack)
    else:
        urls = place.database_urls
    database = Database.open(urls.app, max_connections=settings.database_connections)
    stack.push_async_callback(database.close)
    preparation = DatabasePreparation(urls, database, settings.erasure_log_path, cell=settings.cell)
    stack.push_async_callback(preparation.stop)
    await preparation.begin()
    return urls, database, preparation
