"""C3: each act leaves exactly one line in the log, without what a user of an app did."""

from typing import Final

from sqlalchemy import text

from tests.support.builders.wire import REPLAY_ID
from tests.support.page_routes import FORMS, PUT_LAST, PageRoute, fill, page_routes
from tests.support.servers.server import Server

_P: Final = "/projects/{project_id}"
_R: Final = _P + "/replays/{replay_id}"
_I: Final = _P + "/issues/{issue_id}"
_S: Final = "/server/people/{person_id}"
LOOKS: Final[dict[str, str]] = {
    f"{_P}/events/{{event_id}}/files/{{number}}": "file_downloaded",
    f"{_P}/events/{{event_id}}/files/{{number}}/picture.webp": "file_viewed",
    _I: "issue_viewed",
    f"{_I}/events/{{event_id}}": "issue_viewed",
    f"{_P}/log/export/{{form}}": "log_exported",
    "/server/log/export/{form}": "log_exported",
    f"{_P}/quarantine/{{quarantined_id}}": "quarantine_downloaded",
    # What a report tells of the replay of an event is a look at that, too.
    f"{_I}/report": "issue_viewed replay_viewed",
    f"{_I}/report/{{name}}": "issue_downloaded",
    f"{_R}/report/{{name}}": "replay_downloaded",
    _R: "replay_viewed",
    f"{_R}/requests.har": "replay_downloaded",
    f"{_R}/segments/{{segment_id}}.mp4": "replay_downloaded",
    f"{_R}/clips/{{clip_id}}/file": "replay_downloaded",
    "/traces/{trace_id}": "trace_viewed",
    "/traces/{trace_id}/spans/{span_id}": "trace_viewed",
}
"""The line that a look leaves; every other page that is opened leaves none."""
NOTHING: Final[tuple[str, ...]] = ()
ACTS: Final[dict[str, tuple[str, ...]]] = {
    "/account/name": ("person_changed",),
    "/account/password": ("password_changed",),
    "/account/sign-ins/{handle}/end": ("sign_in_ended",),
    "/account/sign-ins/end-others": ("sign_in_ended",),
    "/csp-report": NOTHING,
    "/demo": ("project_added",),
    "/projects/new": ("project_added",),
    f"{_P}/erasures/person": ("person_erased",),
    f"{_P}/erasures/project": ("project_erased",),
    f"{_P}/erasures/range": ("range_erased",),
    f"{_P}/invitation": ("invitation_accepted",),
    f"{_P}/keys": ("key_added",),
    f"{_P}/keys/{{public_key}}/name": ("key_changed",),
    f"{_P}/keys/{{public_key}}/switch": ("key_changed",),
    f"{_P}/tokens": ("token_added",),
    f"{_P}/tokens/{{token_id}}/revoke": ("token_revoked",),
    f"{_P}/alerts/begin": ("alert_target_added", "alert_rule_added"),
    "/server/alerts/begin": ("alert_target_added", "alert_rule_added"),
    f"{_P}/alerts/targets/{{target_id}}": ("alert_target_changed",),
    "/server/alerts/targets/{target_id}": ("alert_target_changed",),
    f"{_P}/alerts/targets/{{target_id}}/test": ("alert_target_tested",),
    "/server/alerts/targets/{target_id}/test": ("alert_target_tested",),
    f"{_P}/alerts/targets/{{target_id}}/secret": ("alert_target_changed",),
    "/server/alerts/targets/{target_id}/secret": ("alert_target_changed",),
    f"{_P}/alerts/targets/{{target_id}}/delete": ("alert_target_deleted",),
    "/server/alerts/targets/{target_id}/delete": ("alert_target_deleted",),
    f"{_P}/alerts/pictures": ("alert_pictures_changed",),
    f"{_P}/alerts/rules/new": ("alert_rule_added",),
    "/server/alerts/rules/new": ("alert_rule_added",),
    f"{_P}/alerts/rules/{{rule_id}}": ("alert_rule_changed",),
    "/server/alerts/rules/{rule_id}": ("alert_rule_changed",),
    f"{_P}/alerts/rules/{{rule_id}}/switch": ("alert_rule_changed",),
    "/server/alerts/rules/{rule_id}/switch": ("alert_rule_changed",),
    f"{_P}/alerts/rules/{{rule_id}}/delete": ("alert_rule_deleted",),
    "/server/alerts/rules/{rule_id}/delete": ("alert_rule_deleted",),
    f"{_P}/debug-files": ("debug_files_added_by_hand",),
    f"{_P}/debug-files/delete": ("debug_files_deleted",),
    f"{_I}/events/{{event_id}}/symbolicate": ("event_symbolicated",),
    f"{_P}/retention": ("retention_changed",),
    f"{_P}/settings/bodies": ("project_changed",),
    f"{_P}/settings/shares": ("project_changed",),
    f"{_P}/open-shares/revoke": ("share_revoked",),
    f"{_P}/settings/invitations/withdraw": ("invitation_withdrawn",),
    f"{_P}/settings/members": ("person_added", "member_set", "link_made"),
    f"{_P}/settings/members/{{person_id}}/remove": ("member_removed",),
    f"{_P}/settings/name": ("project_changed",),
    f"{_P}/settings/privacy": ("privacy_rules_changed",),
    f"{_P}/settings/trackers": ("tracker_added",),
    f"{_P}/settings/trackers/{{tracker_id}}": ("tracker_changed",),
    f"{_P}/settings/trackers/{{tracker_id}}/delete": ("tracker_deleted",),
    f"{_I}/tickets": ("ticket_added",),
    f"{_I}/tickets/{{ticket_id}}/remove": ("ticket_removed",),
    f"{_R}/tickets": ("ticket_added",),
    f"{_R}/tickets/{{ticket_id}}/remove": ("ticket_removed",),
    f"{_P}/settings/privacy/try": ("privacy_rules_tried",),
    f"{_I}/status": ("issue_ignored",),
    f"{_I}/delete": ("issue_deleted",),
    f"{_R}/delete": ("replay_deleted",),
    f"{_R}/clips": ("clip_made",),
    f"{_R}/clips/{{clip_id}}/delete": ("clip_deleted",),
    f"{_R}/holds": ("hold_set",),
    f"{_R}/holds/release": ("hold_released",),
    f"{_R}/pin": ("replay_pinned",),
    f"{_R}/shares": ("share_made",),
    f"{_R}/shares/{{share_id}}/revoke": ("share_revoked",),
    "/replays/matching/delete": ("replays_erased",),
    "/replays/selected": NOTHING,
    "/replays/selected/delete": ("replay_deleted",),
    "/replays/selected/hold": ("hold_set",),
    "/replays/selected/pin": ("replay_pinned",),
    "/server/people/invite": ("person_added", "member_set", "link_made"),
    f"{_S}/admin": ("person_changed",),
    f"{_S}/deactivate": ("person_disabled",),
    f"{_S}/link": ("link_made",),
    f"{_S}/link/withdraw": ("link_withdrawn",),
    f"{_S}/reactivate": ("person_enabled",),
    f"{_S}/role": ("member_set",),
    f"{_S}/sign-ins/end": ("sign_in_ended",),
    f"{_S}/sign-ins/{{handle}}/end": ("sign_in_ended",),
    "/server/health/processes/{process_id}/forget": ("process_forgotten",),
    "/server/health/quarantine/{quarantined_id}/retry": ("quarantine_retried",),
    "/server/storage": ("server_retention_changed",),
    "/sign-in": ("sign_in",),
    "/sign-in/{token}": ("sign_in",),
    # Without a mail server, nothing is mailed.
    "/sign-in/forgotten": NOTHING,
    "/sign-out": ("sign_out",),
    "/theme": NOTHING,
}
"""The lines that a form leaves when it does something; a refused one leaves none."""
NOTHING_TO_DO: Final = {
    "/account/sign-ins/end-others",
    f"{_P}/erasures/person",
    f"{_P}/erasures/range",
    f"{_P}/debug-files/delete",
    f"{_P}/settings/invitations/withdraw",
    f"{_P}/settings/members/{{person_id}}/remove",
    "/replays/selected/hold",
    "/server/storage",
}
"""Forms that find nothing to change with what the test sends, or ask once more before they do."""
ENDS_THE_SIGN_IN: Final = ("/sign-ins/end", "/sign-ins/{handle}/end", "/sign-out")
CONTENT: Final = ("MainActivity", "checkout", "Cart", "NullPointerException", "10.0.0.")
"""Texts that what was sent has in its screens, messages and users."""


def order(route: PageRoute) -> tuple[bool, bool, bool, PageRoute]:
    """Return where a route comes: what leaves less to ask for comes last."""
    path = route.path
    return path.endswith(ENDS_THE_SIGN_IN), path.endswith(PUT_LAST), route.method == "POST", route


async def read_new_lines(server: Server, after: dict[str, int]) -> list[str]:
    """Return the actions of the lines that both logs gained, and remember where they end."""
    actions: list[str] = []
    async with server.database.reading() as connection:
        for table, name in (("audit_lines", "action"), ("view_log", "'replay_viewed'")):
            rows = await connection.execute(
                text(f"select id, {name} as action from {table} where id > :after order by id"),
                {"after": after[table]},
            )
            for row in rows:
                actions.append(row.action)
                after[table] = row.id
    return actions


async def test_every_form_is_in_the_table():
    """A new form, or a new address of one, fails here until it says what it records."""
    assert {route.path for route in page_routes() if route.method == "POST"} == set(ACTS)
    assert set(LOOKS) <= {route.path for route in page_routes() if route.method == "GET"}


async def test_each_act_leaves_its_lines_and_no_others(server: Server):
    """Every page is opened and every form sent, one by one; the log gains what the tables say."""
    good = await fill(server)
    ends = {"audit_lines": 0, "view_log": 0}
    await read_new_lines(server, ends)
    wrong: list[str] = []
    recorded: set[str] = set()
    for route in sorted(page_routes(), key=order):
        if route.path == "/demo":
            continue  # It goes on sending after it is answered.
        path = route.path.format_map(good)
        form = {name: value.format_map(good) for name, value in FORMS.get(route.path, {}).items()}
        if route.method == "GET":
            answer = await server.web.get(path)
            expected = LOOKS.get(route.path, "").split()
        else:
            answer = await server.web.post(path, data=form)
            expected = list(ACTS[route.path])
        lines = await read_new_lines(server, ends)
        recorded.update(lines)
        # Parts of a replay leave a line only if its page was not opened within the hour.
        # A sign-in that was ended before leads to the form.
        leads_to = answer.headers.get("location", "")
        is_refused = answer.status_code >= 400 or leads_to.startswith("/sign-in")
        has_nothing_to_do = is_refused or route.path in NOTHING_TO_DO
        if not (lines == expected or (lines == [] and has_nothing_to_do)):
            wrong.append(f"{route.method} {route.path} ({answer.status_code}): {lines}")
    assert not wrong, "\n".join(wrong)
    acts = {line for lines in ACTS.values() for line in lines}
    acts |= {line for looks in LOOKS.values() for line in looks.split()}
    assert len(recorded & acts) >= 25, sorted(acts - recorded)


async def test_no_line_has_content(server: Server):
    """No line has anything that a user of the app did, typed or saw, whoever looked at it."""
    good = await fill(server)
    for path in sorted(LOOKS):
        await server.web.get(path.format_map(good))
    async with server.database.reading() as connection:
        lines = (
            await connection.execute(
                text("select concat_ws(' ', subject, detail) from audit_lines")
            )
        ).scalars()
        everything = " ".join(lines)
    assert REPLAY_ID in everything
    assert [word for word in CONTENT if word in everything] == []


async def test_a_part_of_a_replay_is_a_look_at_it(server: Server):
    """Whoever asks for the video or the requests alone is noted too, once within an hour."""
    await fill(server)
    ends = {"audit_lines": 0, "view_log": 0}
    await read_new_lines(server, ends)
    for part in ("/index", "/gestures", "/network", "/activity", "/requests/0", "/index"):
        await server.web.get(server.page(REPLAY_ID, part))
    assert await read_new_lines(server, ends) == ["replay_viewed"]
    await server.web.get(server.page("0" * 32, "/index"))
    await server.web.get(server.page(REPLAY_ID))
    assert await read_new_lines(server, ends) == ["replay_viewed"], "opening the page always is"
