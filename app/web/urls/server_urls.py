"""Addresses of the pages for admins of the server."""

from typing import Final

from app.core.ids import PersonId
from app.web.urls.query import with_query

SERVER: Final = "/server"
"""Leads on to the people."""
STORAGE: Final = "/server/storage"
"""GET shows what fills the storage; POST `default_days` and `longest_days` saves rules for all."""
LOG: Final = "/server/log"
PEOPLE: Final = "/server/people"
INVITE: Final = "/server/people/invite"
"""GET shows the form; POST `email`, `name`, `project`, `role`, `admin` and `days` adds a person."""

HEALTH: Final = "/server/health"
CELLS: Final = "/server/cells"
"""GET lists all cells; `project` finds the one to which an id belongs."""


def health(*, first: int = 0) -> str:
    """Return the address of the server's health, with quarantine from a given row on."""
    return with_query(HEALTH, {"from": str(first or "")}) + ("#quarantine" if first else "")


def retry_quarantined(quarantined_id: int) -> str:
    """Return the address at which POST digests a quarantined envelope again."""
    return f"{HEALTH}/quarantine/{quarantined_id}/retry"


def forget_process(process_id: str) -> str:
    """Return the address at which POST takes a dead process from the list."""
    return f"{HEALTH}/processes/{process_id}/forget"


def server_log(**query: str) -> str:
    """Return the address of the log of the server, filtered by what is not empty."""
    return with_query(LOG, query)


def export_server_log(form: str, **query: str) -> str:
    """Return the address of the log of the server as a file in a form, filtered in the same way."""
    return with_query(f"{LOG}/export/{form}", query)


def people(*, search: str = "", show: str = "", first: int = 0) -> str:
    """Return the address of the list of people, filtered, from a given row on."""
    return with_query(PEOPLE, {"search": search, "show": show, "from": str(first or "")})


def person(person_id: PersonId) -> str:
    """Return the address of the page of a person."""
    return f"{PEOPLE}/{person_id}"


def make_link(person_id: PersonId) -> str:
    """Return the address at which POST `days` makes a sign-in link, shown in the answer alone."""
    return f"{person(person_id)}/link"


def withdraw_link(person_id: PersonId) -> str:
    """Return the address at which POST withdraws the link that is not used yet."""
    return f"{person(person_id)}/link/withdraw"


def deactivate(person_id: PersonId) -> str:
    """Return the address at which POST locks a person out."""
    return f"{person(person_id)}/deactivate"


def reactivate(person_id: PersonId) -> str:
    """Return the address at which POST lets a person sign in again."""
    return f"{person(person_id)}/reactivate"


def set_admin(person_id: PersonId) -> str:
    """Return the address at which POST `admin` (yes, no) gives or takes the right of an admin."""
    return f"{person(person_id)}/admin"


def set_role(person_id: PersonId) -> str:
    """Return the address at which POST `project` and `role` gives a role; no role takes it away."""
    return f"{person(person_id)}/role"


def end_sign_in(person_id: PersonId, handle: str) -> str:
    """Return the address at which POST ends a sign-in."""
    return f"{person(person_id)}/sign-ins/{handle}/end"


def end_sign_ins(person_id: PersonId) -> str:
    """Return the address at which POST ends all sign-ins of a person."""
    return f"{person(person_id)}/sign-ins/end"
