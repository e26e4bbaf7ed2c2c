"""Finds releases whose sessions crash too often."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.alerts import conditions
from app.alerts.composing.addresses import MessageAddresses
from app.alerts.model import AlertRule, AlertRuleSettings
from app.alerts.watch.condition import WatchedCondition
from app.releases.model import SessionCohort
from app.releases.sessions import read_session_counts

_DAYS: Final = timedelta(days=1)
"""Releases are judged by today and yesterday, since today has few sessions after midnight."""
_SLACK: Final = 0.1
"""The share of the allowed crashes by which a release must stay below them for an alert to end."""


async def find_crashing_releases(
    connection: AsyncConnection, rule: AlertRule, addresses: MessageAddresses, now: datetime
) -> list[WatchedCondition]:
    """Return the releases whose share of sessions without a crash is too small now."""
    if rule.project_id is None:
        return []
    counts = await read_session_counts(connection, [rule.project_id], since=(now - _DAYS).date())
    return judge_releases(
        counts,
        rule.settings,
        path=addresses.releases_path(rule.project_id),
        held=await conditions.list_held(connection, rule.id),
    )


def judge_releases(
    counts: Mapping[SessionCohort, int],
    settings: AlertRuleSettings,
    *,
    path: str,
    held: Collection[str] = (),
) -> list[WatchedCondition]:
    """Return the releases in some counts that crash too often.

    Args:
        counts: Sessions by release, environment and status.
        settings: The share, the least sessions, and the environment of a rule.
        path: The page of the releases.
        held: The subjects of the releases that crash too often already. They do so until they are
            a little better than the rule asks for, however few sessions a night has.
    """
    by_release: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for cohort, quantity in counts.items():
        if not settings.environment or cohort.environment == settings.environment:
            by_release[cohort.release][cohort.status] += quantity
    found = []
    for release, statuses in sorted(by_release.items()):
        sessions, crashed = statuses["started"], statuses["crashed"]
        subject = f"release:{release}"[:1_000]
        if sessions < (1 if subject in held else max(1, settings.least_sessions)):
            continue
        share = 100 * max(0, sessions - crashed) / sessions
        slack = _SLACK * (100 - settings.share_percent) if subject in held else 0
        if share >= settings.share_percent + slack:
            continue
        # Cut and not rounded: 98.999 % are not 99 %.
        shown = f"{int(share * 100) / 100:g} %"
        found.append(
            WatchedCondition(
                subject,
                f"{release}: {shown} of sessions without a crash",
                f"{crashed:,} of {sessions:,} sessions since yesterday crashed; the alert asks for"
                f" {settings.share_percent:g} % without one.",
                path,
                over=f"{release} crashes less often again",
                facts=(("Crash-free", shown), ("Sessions", f"{sessions:,}")),
                ids={"release": release},
            )
        )
    return found
