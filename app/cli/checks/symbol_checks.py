"""Checks for `playhead doctor` of what makes native crashes readable."""

from pathlib import Path

from app.cli.checks.check_result import CheckLevel, CheckResult
from app.core.errors import ReplayError
from app.core.settings import Settings
from app.storage.outside import open_outside_files
from app.symbolicator import child

_DEBUG_FILES = "debug files"
_SYSTEM = "system symbols"


async def check_symbols(settings: Settings) -> list[CheckResult]:
    """Check the child that reads native debug files, and where symbols of Apple's systems are."""
    results = [await _check_child()]
    if settings.system_symbols:
        results.append(await _check_system_symbols(settings.system_symbols, settings))
    return results


async def _check_child() -> CheckResult:
    try:
        is_whole = await child.is_sandbox_whole()
    except ReplayError as error:
        return CheckResult(_DEBUG_FILES, CheckLevel.FAIL, str(error))
    if not is_whole:
        return CheckResult(_DEBUG_FILES, CheckLevel.WARN, child.UNFILTERED)
    text = "native ones are read in a sandbox: limits and filtered system calls"
    return CheckResult(_DEBUG_FILES, CheckLevel.OK, text)


async def _check_system_symbols(place: str, settings: Settings) -> CheckResult:
    try:
        files = open_outside_files(place, settings)
    except ReplayError as error:
        return CheckResult(_SYSTEM, CheckLevel.FAIL, str(error))
    await files.close()
    if not place.startswith("s3://") and not Path(place).is_dir():  # noqa: ASYNC240 - a command
        return CheckResult(_SYSTEM, CheckLevel.WARN, f"{place} is not a folder of this machine")
    return CheckResult(_SYSTEM, CheckLevel.OK, f"read from {place}")
