"""Values of the pages around a project: feedback, releases, settings and log."""

from dataclasses import replace
from datetime import UTC, timedelta

from app.core.ids import EventId, ProjectId
from app.memberships.model import ProjectInvitation, Role
from app.releases.model import Commit, Deploy, ReleaseBuild, SessionCohort
from app.triage.release_health import ReleaseHealth
from app.web.feedback.page import FeedbackPage
from app.web.keys import page as keys
from app.web.log import page as log
from app.web.project import page as project
from app.web.releases import page as releases
from app.web.releases.build import DAYS, build_release_rows
from app.web.settings import page as settings
from app.web.tokens import page as tokens
from app.web.words import parts
from app.web.words.feedback_cards import FeedbackCard
from app.web.words.lists import ProjectOption
from app.web.words.people.one_time_links import OneTimeLinkCard
from app.web.words.people.roles import describe_roles
from tests.unit.web.samples.made_up import DSN, NOW, PROJECT, REPLAY
from tests.unit.web.samples.share_samples import NO_OPEN_SHARES, OPEN_SHARES

_CARD = FeedbackCard(
    EventId("5" * 32), "I tapped Pay twice.\n\nNothing happened.", "Ada", "ada@example.com", NOW,
    "Shop", "CartActivity", "shop@4.2.0", "production", "PaymentException: card", "/e",
    is_error_missing=False, replay_href="/r?t=7", replay_at_ms=7_000,
)  # fmt: skip
_BARE = FeedbackCard(
    EventId("6" * 32), "x" * 300, None, None, NOW, "Shop", None, None, None, None, None,
    is_error_missing=True, replay_href=None, replay_at_ms=None,
)  # fmt: skip
_PROJECTS = (ProjectOption(PROJECT, "Shop", True), ProjectOption(ProjectId(9), "API", False))
FEEDBACK = FeedbackPage(
    "rows", (_CARD, _BARE), _PROJECTS, "", "/feedback?before=x", "/feedback?after=x"
)
FEEDBACK_EMPTY = FeedbackPage("empty", (), (), "", None, None)


def _sessions(release: str, **statuses: int) -> dict[SessionCohort, int]:
    day = NOW.astimezone(UTC).date() - timedelta(days=1)
    return {
        SessionCohort(PROJECT, release, "production", day, status): quantity
        for status, quantity in statuses.items()
    }


_COUNTS = {
    **_sessions("shop@4.2.0+118", started=900, crashed=3, abnormal=1, errored=12),
    **_sessions("shop@4.10.0+131", started=20_730, crashed=553, errored=127),
}
_DEPLOYS = tuple(
    Deploy(number, PROJECT, "shop@4.10.0+131", environment, None, url, None, NOW)
    for number, (environment, url) in enumerate(
        (("production", "https://ci.example.com/8812"), ("beta", None))
    )
)
_BUILDS = {
    "shop@4.10.0+131": ReleaseBuild(
        "shop@4.10.0+131", NOW, NOW, "https://ci.example.com/8810", "9f" * 20, is_archived=False,
        commit_count=41, deploy_count=7, deploys=_DEPLOYS,
        commits=(
            Commit("9f" * 20, "acme/shop", "Ana", "ana@example.com", "Pay with one tap", ""),
            Commit("1c" * 20, "acme/shop", "", "eve@example.com", "Wait for the network " * 9, ""),
        ),
    ),
    "shop@4.11.0-rc.1": ReleaseBuild(
        "shop@4.11.0-rc.1", NOW, None, None, "release/4.11", is_archived=True, commit_count=0,
        commits=(), deploy_count=0, deploys=(),
    ),
}  # fmt: skip
RELEASES = releases.ReleasesPage(
    PROJECT,
    "Shop",
    build_release_rows(PROJECT, ReleaseHealth(_COUNTS, _BUILDS), environment="", now=NOW),
    ("beta", "production"),
    "",
    DAYS,
)
RELEASES_EMPTY = releases.ReleasesPage(PROJECT, "Shop", (), (), "", DAYS)
INVITATION = ProjectInvitation(PROJECT, "Shop", "eve@example.com", Role.VIEWER)
SETTINGS = settings.SettingsPage(
    PROJECT, "Shop",
    (
        settings.MemberForm("Ana Silva", "ana@example.com", Role.OWNER, False, "/remove"),
        settings.MemberForm("Bo", "bo@example.com", Role.VIEWER, True, "/remove"),
    ),
    parts.ListPart("Showing the first 2 of 3 members.", "Next 1 member", "/settings?members=2"),
    (INVITATION,), describe_roles(Role), False, True, True, "A name needs at least one character.",
)  # fmt: skip
_ANA = log.LogLink("Ana Silva", "/log?person=Ana")
_LINES = (
    log.AuditLogRow(
        NOW, _ANA, "Watched a replay", log.LogLink(REPLAY[:12], "/r", is_id=True), None, ""
    ),
    log.AuditLogRow(NOW, _ANA, "Set the role of a member", log.LogLink("Bo"), None, "role: viewer"),
    log.AuditLogRow(
        NOW, log.LogLink("Playhead"), "Failed to sign in", None, log.LogLink("Shop", "/p"),
        "by: openid, reason: " + "a long reason " * 20,
    ),
)  # fmt: skip
_FORM = log.LogForm(
    "/log", "ana", "Name", "2026-08-01", "", REPLAY, (log.KindOption("view", "Views", True),)
)
LOG = log.LogPage(
    "Log", PROJECT, "Shop", _FORM, _LINES, True, "/log", "/log?before=x", "/log?after=y", "/csv",
    "/json", "/r",
)  # fmt: skip
LOG_OF_SERVER = log.LogPage(
    "Log", None, "", _FORM, (), True, "/log", None, None, "/csv", "/json", None,
    "No replay has such an id.",
)  # fmt: skip
LOG_EMPTY = log.LogPage(
    "Log", PROJECT, "Shop", log.LogForm("/log", "", "Name", "", "", "", ()), (), False, "/log",
    None, None, "/csv", "/json", None,
)  # fmt: skip
_KEY_FORM = keys.KeyForm(
    "iOS, store build", DSN, True, NOW, NOW, True, True, True, "/rename", "/switch",
)  # fmt: skip
KEYS = keys.KeysPage(
    PROJECT, "Shop",
    (
        _KEY_FORM,
        replace(_KEY_FORM, label="x" * 90, last_used_at=None, has_been_used=False,
                is_in_use=False, is_last=False),
        replace(_KEY_FORM, label="Old", is_active=False, last_used_at=None),
    ),
    True, " ", "Give the key a name.",
)  # fmt: skip
_TOKEN = tokens.TokenCard(
    "GitHub, releases", "x+/9", "on", "upload", False, "Ana", NOW, None, None, NOW,
    "2001:db8:85a3::8a2e:370:7334", True, "/revoke",
)  # fmt: skip
TOKENS = tokens.TokensPage(
    PROJECT, "Shop",
    (
        _TOKEN,
        replace(_TOKEN, name="y" * 80, may_do="upload and read", is_wide=True, revoke_href=None,
                expires_at=NOW),
        replace(_TOKEN, name="Never used", last_used_at=None, last_address=None, is_in_use=False),
    ),
    (replace(_TOKEN, name="Old", state="revoked", ended_at=NOW, revoke_href=None),
     replace(_TOKEN, name="Older", state="expired", expires_at=NOW, ended_at=NOW,
             revoke_href=None)),
    tokens.TokenForm(name=" ", address="http://localhost:8000", asks_address=True),
    "Give the token a name.",
)  # fmt: skip
NEW_TOKEN = tokens.NewTokenPage(
    PROJECT, "Shop", "GitHub, releases", f"sntrys_{'e' * 180}==_{'a' * 43}",
    "SENTRY_AUTH_TOKEN=sntrys_…\nSENTRY_URL=https://replays.example.com\nSENTRY_ORG=playhead\n"
    "SENTRY_PROJECT=shop",
    "https://replays.example.com", "upload and read", True, NOW,
)  # fmt: skip
PAGES: dict[str, tuple[str, object]] = {
    "projects, invited": (
        "project/list.html",
        project.ProjectsPage((), (INVITATION,), may_create=False),
    ),
    "feedback": ("feedback/page.html", FEEDBACK),
    "feedback, empty": ("feedback/page.html", FEEDBACK_EMPTY),
    "releases": ("releases/page.html", RELEASES),
    "releases, empty": ("releases/page.html", RELEASES_EMPTY),
    "open shares": ("settings/open_shares.html", OPEN_SHARES),
    "open shares, none": ("settings/open_shares.html", NO_OPEN_SHARES),
    "keys": ("keys/page.html", KEYS),
    "keys, all off": ("keys/page.html", replace(KEYS, keys=KEYS.keys[2:], has_active=False)),
    "keys, none": ("keys/page.html", keys.KeysPage(PROJECT, "Shop", (), False)),
    "tokens": ("tokens/page.html", TOKENS),
    "tokens, none": (
        "tokens/page.html",
        tokens.TokensPage(PROJECT, "Shop", (), (), tokens.TokenForm()),
    ),
    "tokens, new": ("tokens/new.html", NEW_TOKEN),
    "settings": ("settings/page.html", SETTINGS),
    "settings, invited": (
        "settings/invited.html",
        settings.InvitedPage(
            PROJECT,
            "Shop",
            OneTimeLinkCard(
                "Invitation link",
                "QA",
                "qa@example.com",
                "https://replays.example.com/sign-in/t",
                NOW,
                is_invitation=True,
                back_href="/projects/1/settings",
                back="Back to Shop",
            ),
        ),
    ),
    "log": ("log/page.html", LOG),
    "log of the server": ("log/page.html", LOG_OF_SERVER),
    "log, empty": ("log/page.html", LOG_EMPTY),
}
"""The template and the page value of each sample, by name."""
