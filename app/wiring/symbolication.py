"""Opens what makes stacks of events clear: the cache of debug files, and the families."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from app.core.settings import Settings
from app.db.engine import Database
from app.ingest.digest.symbolicate import BatchSymbolicator
from app.storage.outside import open_outside_files
from app.storage.port import ObjectStore
from app.symbolication.cache import DebugFileCache
from app.symbolication.cache_sweeper import CacheSweeper
from app.symbolication.dart import DartFamily
from app.symbolication.event import EventSymbolicator
from app.symbolication.family import SymbolFamily
from app.symbolication.javascript.family import JavaScriptFamily
from app.symbolication.jvm.family import JvmFamily
from app.symbolication.native.family import NativeFamily
from app.symbolication.native.system_symbols import SystemSymbols
from app.symbolication.script_projects import ScriptProjects
from app.symbolicator.child import NativeDeriver
from app.symbolicator.finder import AddressFinder


@dataclass(frozen=True, slots=True)
class SymbolicationParts:
    """The parts of symbolication that digest, the worker and pages share."""

    cache: DebugFileCache
    symbolicator: EventSymbolicator
    for_batches: BatchSymbolicator
    scripts: ScriptProjects


def open_symbolication(
    settings: Settings,
    data_dir: Path,
    database: Database,
    objects: ObjectStore,
    stack: AsyncExitStack,
) -> SymbolicationParts:
    """Make the parts, and begin to read which projects have scripts of releases."""
    cache = DebugFileCache(
        data_dir / "cache" / "debug_files", objects, limit_bytes=settings.debug_file_cache_bytes
    )
    stack.push_async_callback(cache.close)
    finder = AddressFinder()
    stack.push_async_callback(finder.close)
    system = _open_system_symbols(settings, data_dir)
    if system is not None:
        stack.push_async_callback(system.close)
    symbolicator = EventSymbolicator(database, cache, make_families(finder, system))
    sweeper = CacheSweeper(database, cache)
    sweeper.start()
    stack.push_async_callback(sweeper.stop)
    scripts = ScriptProjects(database)
    scripts.start()
    stack.push_async_callback(scripts.stop)
    return SymbolicationParts(
        cache, symbolicator, BatchSymbolicator(symbolicator, scripts.has_scripts), scripts
    )


def make_families(finder: AddressFinder, system: SystemSymbols | None) -> tuple[SymbolFamily, ...]:
    """Make the families of all platforms, in the order in which they are asked."""
    return JvmFamily(), NativeFamily(finder, system), JavaScriptFamily(), DartFamily()


def make_native_deriver(data_dir: Path) -> NativeDeriver:
    """Make what reads native debug files, one at a time in all processes of this machine."""
    return NativeDeriver(data_dir / "uploads" / "reading.lock")


def _open_system_symbols(settings: Settings, data_dir: Path) -> SystemSymbols | None:
    """Open the symbols of Apple's systems, if the settings name any.

    Raises:
        ReplayError: The setting cannot be used.
    """
    if not settings.system_symbols:
        return None
    return SystemSymbols(
        open_outside_files(settings.system_symbols, settings),
        make_native_deriver(data_dir),
        data_dir / "cache" / "system_symbols",
        limit_bytes=settings.debug_file_cache_bytes,
        file_bytes=settings.debug_file_bytes,
    )
