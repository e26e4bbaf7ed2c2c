"""Values of the pages for admins of the server."""

from dataclasses import replace

from app.memberships.model import Role
from app.web.account import page as account
from app.web.health import page as health
from app.web.people import page as people
from app.web.words import parts
from app.web.words.people.one_time_links import OneTimeLinkCard
from app.web.words.people.roles import SERVER_ADMIN, describe_roles
from app.web.words.people.sign_in_rows import SignInRow
from tests.unit.web.samples.made_up import NOW, PROJECT

SIGN_IN = SignInRow(NOW, NOW, "Firefox 144 on Linux", "192.0.2.17", is_this=True, end_href="/end")
ACCOUNT = account.AccountPage(
    "Ana Silva", "ana@example.com", 12, has_password=True,
    name_href="/account/name", password_href="/account/password",
    sign_ins=(SIGN_IN, replace(SIGN_IN, is_this=False)),
    problem="The current one is wrong.",
)  # fmt: skip
_ROW = people.PersonRow(
    "Ana Silva", "ana@example.com", "/server/people/1", "active", True, False,
    (), 0, NOW, None,
)  # fmt: skip
_FILTERS = (
    people.FilterOption("", "All (4)", "/server/people", True),
    people.FilterOption("active", "Active (2)", "/server/people?show=active", False),
    people.FilterOption("admins", "Server admins", "/server/people?show=admins", False),
)
PEOPLE = people.PeoplePage(
    (
        _ROW,
        replace(
            _ROW, name="Bo", email=f"{'bo' * 40}@example.com", is_admin=False,
            projects=("Shop (viewer)", "Backend (member)"), more_projects=3, is_from_provider=True,
        ),
        replace(_ROW, name="qa", email="qa@example.com", state="invited", is_admin=False,
                projects=("Shop (viewer)",), last_sign_in_at=None, link_expires_at=NOW),
        replace(_ROW, name="old", state="invited", is_admin=False, last_sign_in_at=None),
        replace(_ROW, name="cy", state="invited", is_admin=False, last_sign_in_at=None,
                is_from_provider=True),
        replace(_ROW, name="Eve", state="deactivated", is_admin=False, last_sign_in_at=None),
    ),
    _FILTERS, "a", "active",
    parts.ListPart("Showing the first 4 of 5 accounts.", "Next 1 account", "/server/people?from=4"),
)  # fmt: skip
PEOPLE_NONE = people.PeoplePage((), _FILTERS, "nobody", "", None)
_PROJECTS = (people.JoinableProject(PROJECT, "Shop", True), people.JoinableProject(PROJECT, "API"))
INVITE = people.InvitePage(
    _PROJECTS, describe_roles(Role), (1, 3, 7, 30), 7, SERVER_ADMIN,
    "qa@example", "QA", True, "'qa@example' is not an e-mail address.",
)  # fmt: skip
LINK = OneTimeLinkCard(
    "Invitation link", "QA", "qa@example.com", f"https://replays.example.com/sign-in/{'t' * 43}",
    NOW, True, "/server/people/4", "To the page of QA",
)  # fmt: skip
PERSON = people.PersonPage(
    "Bo", "bo@example.com", "active", False, False, False, False, True, NOW, NOW, NOW,
    (1, 3, 7, 30), 1, SERVER_ADMIN,
    (people.MembershipForm(PROJECT, "Shop", "/projects/1", Role.VIEWER),),
    _PROJECTS, describe_roles(Role),
    (SIGN_IN, replace(SIGN_IN, is_this=False, address="", browser="curl")), True,
    "/link", "/withdraw", "/off", "/on", "/admin", "/role", "/end",
    "A project keeps at least one owner; make somebody else one first.",
)  # fmt: skip
_CHECK = health.HealthCheck("Accepting", "good", "works", "1,204 envelopes accepted.")
_QUARANTINED = health.ServerQuarantineRow(
    NOW, "Shop", "/projects/1", "replay_video", "ValueError: " + "no such box " * 20, 51_200,
    "/projects/1/quarantine/7", "/server/health/quarantine/7/retry",
)  # fmt: skip
_PROCESS = health.ProcessRow(
    host="door-1", pid=4711, is_own=True, version="1.4.0", is_other_version=False, roles="all",
    state="runs", tone="good", silence="3 s", waiting="nothing", oldest="", room="41.2 GiB",
    clock="right", is_clock_wrong=False, outage="", forget_href=None,
)  # fmt: skip
_PROCESSES = (
    _PROCESS,
    replace(
        _PROCESS, host="door-2", pid=12, is_own=False, version="1.3.0", is_other_version=True,
        roles="door", tone="warn", waiting="1,204 envelopes (31.2 MiB)", oldest="2 min 5 s",
        clock="12.5 s ahead", is_clock_wrong=True,
        outage="object storage does not answer: timed out after 10 s",
    ),
    replace(
        _PROCESS, host="d" * 63, is_own=False, roles="door", state="dead", tone="bad",
        silence="4 min 2 s", waiting="112 envelopes (2.9 MiB)",
        forget_href="/server/health/processes/1/forget",
    ),
    replace(_PROCESS, host="pages-1", is_own=False, roles="pages, worker", waiting="-", room="-"),
)  # fmt: skip
HEALTH = health.HealthPage(
    "1.4.0", True,
    (
        _CHECK,
        replace(_CHECK, name="Disk", tone="warn", state="nearly full", text="1.2 GiB free.",
                what_to_do="Make room on the disk of the data folder."),
        replace(_CHECK, name="Storage", tone="bad", state="does not answer", text="Timed out."),
    ),
    _PROCESSES,
    (health.RefusalRow("unknown_key", 12_345, "No project has this key.", "Compare the DSN."),
     health.RefusalRow("byte_rate", 2, "The key sent more bytes.", "")),
    52,
    (
        _QUARANTINED,
        replace(_QUARANTINED, project_href=None, download_href=None,
                asked_at=_QUARANTINED.received_at, waiting="It is read again within some seconds."),
        replace(_QUARANTINED, is_being_read=True),
        replace(_QUARANTINED, retry_fault="It cannot be read any more: " + "no such box " * 20),
    ),
    parts.ListPart("Showing the first 2 of 52 envelopes.", "Next 50 envelopes", "/server/health"),
    "It cannot be read any more.",
)  # fmt: skip
PAGES: dict[str, tuple[str, object]] = {
    "health": ("health/page.html", HEALTH),
    "health, well": (
        "health/page.html",
        health.HealthPage("1.4.0", True, (_CHECK,), (_PROCESS,), (), 0, (), None),
    ),
    "health, not ready": (
        "health/page.html", replace(HEALTH, is_ready=False, quarantine=(), problem=None)
    ),
    "people": ("people/list.html", PEOPLE),
    "people, nobody": ("people/list.html", PEOPLE_NONE),
    "invite": ("people/invite.html", INVITE),
    "one-time link": ("people/link.html", LINK),
    "one-time link, password": ("people/link.html", replace(LINK, is_invitation=False)),
    "person": ("people/person.html", PERSON),
    "person, invited": (
        "people/person.html",
        replace(PERSON, state="invited", last_sign_in_at=None, memberships=(), sign_ins=(),
                link_expires_at=None, has_password=False, problem=None),
    ),
    "person, deactivated": (
        "people/person.html", replace(PERSON, state="deactivated", sign_ins=()),
    ),
    "person, oneself": ("people/person.html", replace(PERSON, is_admin=True, is_self=True)),
    "person, admin": (
        "people/person.html", replace(PERSON, is_admin=True, memberships=(), sign_ins=()),
    ),
    "person, provider": (
        "people/person.html", replace(PERSON, is_from_provider=True, do_groups_decide=True),
    ),
}  # fmt: skip
"""The template and the page value of each sample, by name."""
