"""The notice above a page that says what a form has done.

A form is answered with a redirection. The address that it leads to carries a code, and for some
codes a number: `?done=replays-deleted&count=3`.
"""

from typing import Final
from urllib.parse import parse_qsl

from app.web.frame.rendering.chrome import Notice
from app.web.words import phrases

_NOTICES: Final = {
    "replay-deleted": Notice("Replay deleted."),
    "erasure-begun": Notice("It is out of sight from now on. This page shows what remains to do."),
    "issue-resolved": Notice("Issue resolved. An event from a later release will reopen it."),
    "issue-ignored": Notice("Issue ignored. It keeps counting but stays hidden."),
    "issue-open": Notice("Issue reopened."),
    "ticket-kept": Notice("Ticket kept."),
    "ticket-forgotten": Notice("Address removed. The ticket itself is still in its tracker."),
    "tracker-added": Notice("Tracker added: reports offer new tickets in it."),
    "tracker-saved": Notice("Tracker saved."),
    "tracker-deleted": Notice("Tracker deleted. Tickets that were kept stay."),
    "issue-deleted": Notice("Issue deleted, with its events and their files."),
    "password-saved": Notice("Password saved. All your other sign-ins have ended."),
    "sign-in-ended": Notice("The sign-in has ended."),
    "sign-ins-ended": Notice("All their sign-ins have ended."),
    "other-sign-ins-ended": Notice("All your other sign-ins have ended."),
    "link-withdrawn": Notice("Link withdrawn: it lets nobody in any more."),
    "person-deactivated": Notice("Deactivated: they are signed out everywhere and stay out."),
    "person-reactivated": Notice("Reactivated: they can sign in again."),
    "admin-made": Notice("They are an admin of this server now."),
    "admin-unmade": Notice("They are no longer an admin of this server."),
    "member-added": Notice("Added to the project."),
    "project-made": Notice("The project is ready: point an app at its DSN."),
    "project-renamed": Notice("Project renamed."),
    "member-set": Notice("Role saved."),
    "invited": Notice("Invitation sent to the Projects page of the person with this address."),
    "invitation-withdrawn": Notice("Invitation withdrawn."),
    "invitation-accepted": Notice("You are now a member of the project."),
    "invitation-declined": Notice("Invitation declined."),
    "member-removed": Notice("They are no longer a member."),
    "bodies-saved": Notice("Saved. It applies to the next page that a viewer opens."),
    "key-added": Notice("Key added: apps can send with its DSN now."),
    "key-renamed": Notice("Key renamed. Its DSN is the same."),
    "key-on": Notice("The key is on: what apps send with it is accepted."),
    "key-off": Notice("The key is off: what apps send with it is refused."),
    "token-revoked": Notice("Token revoked: it never works again."),
    "invitation-mailed": Notice("Invited. The mail is on its way."),
    "link-mailed": Notice("The mail with the link is on its way."),
    "alert-begun": Notice("Done: messages go there from now on. Send a test to see one."),
    "alert-target-added": Notice("Target added. Add an alert that tells it something."),
    "alert-target-saved": Notice("Target saved."),
    "alert-target-deleted": Notice("Target deleted. Nothing is sent there any more."),
    "alert-secret-replaced": Notice("New secret. The one before is good for another day."),
    "alert-test-sent": Notice("The test has arrived."),
    "alert-test-failed": Notice("The test did not arrive. The log says why.", "problem"),
    "alert-test-waiting": Notice("The test is on its way. The log says what becomes of it."),
    "alert-added": Notice("Alert added. It finds what happens from now on."),
    "alert-saved": Notice("Alert saved."),
    "alert-deleted": Notice("Alert deleted."),
    "alert-on": Notice("The alert is on."),
    "alert-off": Notice("The alert is off. What it had found is dropped."),
    "alert-pictures-on": Notice("Messages show the picture of a replay from now on."),
    "alert-pictures-off": Notice("Messages show no pictures. Those sent before no longer open."),
    "process-forgotten": Notice("Removed from the list of processes."),
    "envelope-retried": Notice("Read again. If it fails again, it comes back within a minute."),
    "envelope-asked-for": Notice(
        "Noted. As long as the envelope is in the list, the list says what becomes of it."
    ),
    "name-saved": Notice("Name saved."),
    "privacy-saved": Notice("Privacy rules saved. They apply to what arrives from now on."),
    "storage-limited": Notice("Storage limit saved."),
    "clip-begun": Notice("The clip is being rendered. This page shows when it is ready."),
    "clip-ready": Notice("This clip was made before, and is ready."),
    "clip-deleted": Notice("Clip deleted."),
    "replay-pinned": Notice("Replay pinned: no rule deletes it."),
    "replay-unpinned": Notice("Pin removed: rules apply to this replay again."),
    "shares-on": Notice("Share links are on: those that exist work again."),
    "shares-off": Notice("Share links are off: none of this project answers any more."),
    "share-revoked": Notice("Taken back: it shows nothing any more."),
    "hold-set": Notice("Legal hold set: nobody and no rule can delete this replay."),
    "hold-released": Notice("Legal hold released."),
    "symbolicated-soon": Notice("The stack is being made readable with the files that are here."),
    "retention-saved": Notice("Rules saved."),
    "retention-running": Notice("Rules saved. What they no longer keep is being deleted."),
}
"""The notices by the code in the address."""
_COUNTED_NOTICES: Final = {
    "replays-deleted": ("replay", "deleted"),
    "marked-seen": ("replay", "marked as seen"),
    "replays-pinned": ("replay", "pinned"),
    "replays-held": ("replay", "under legal hold"),
    "links-revoked": ("share link", "taken back"),
    "pictures-revoked": ("picture", "taken back"),
    "debug-files-deleted": ("debug file", "deleted"),
    "debug-files-uploaded": (
        "debug file",
        "uploaded. Crashes that missed what is new become readable soon",
    ),
}
"""Words for an action on several things, whose number is in the address."""
_COUNT_DIGITS: Final = 5
_NOTICE_PAIRS: Final = ("done=", "count=")


def find_notice(query: str) -> Notice | None:
    """Return the notice that the query of an address asks for, if any."""
    parameters = dict(parse_qsl(query))
    done, count = parameters.get("done", ""), parameters.get("count", "")
    if done not in _COUNTED_NOTICES:
        return _NOTICES.get(done)
    noun, deed = _COUNTED_NOTICES[done]
    is_number = count.isascii() and count.isdecimal() and len(count) <= _COUNT_DIGITS
    things = phrases.count(int(count), noun) if is_number else f"{noun.capitalize()}s"
    return Notice(f"{things} {deed}.")


def add_notice(path: str, done: str | None, count: int | None) -> str:
    """Return an address that asks for a notice instead of the one that it may have asked for.

    Args:
        path: The address; it may carry the notice of an earlier form.
        done: The code of the notice; None for no notice.
        count: The number in the notice, if it has one.
    """
    address, hash_mark, fragment = path.partition("#")
    page_path, _, query = address.partition("?")
    pairs = [pair for pair in query.split("&") if pair and not pair.startswith(_NOTICE_PAIRS)]
    if done:
        pairs.append(f"done={done}")
    if count is not None:
        pairs.append(f"count={count}")
    mark = "?" if pairs else ""
    return f"{page_path}{mark}{'&'.join(pairs)}{hash_mark}{fragment}"
