"""Shows the tickets of an issue or a replay, and the addresses that open new ones."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.core.ticket_address import KeptTicket
from app.projects.trackers import Tracker
from app.reports.model import IssueReport, ReplayReport
from app.reports.tickets.read import ReportTickets
from app.reports.tickets.templates import fill_body, fill_title
from app.reports.tickets.trackers import write_bounded_link
from app.web.urls import project_urls
from app.web.words.phrases import shortened

_GONE = "somebody who has left"


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket that is kept."""

    label: str
    href: str
    """Its address in the tracker."""
    added_by: str
    added_at: datetime
    remove_href: str | None
    """The address at which POST forgets it; None if this person may not."""


@dataclass(frozen=True, slots=True)
class NewTicketLink:
    """The address that opens a new ticket in a tracker, with its fields filled in."""

    name: str
    href: str
    is_cut: bool
    """True if the report did not fit into the address, so that its end is left out."""


@dataclass(frozen=True, slots=True)
class TicketSection:
    """The tickets of an issue or a replay."""

    rows: tuple[TicketRow, ...]
    links: tuple[NewTicketLink, ...]
    keep_href: str | None
    """The address at which POST `url` keeps a ticket; None if this person may not."""
    trackers_href: str | None
    """The settings of the project's trackers; None for those who may not change them."""


def build_ticket_section(
    tickets: ReportTickets,
    report: ReplayReport | IssueReport,
    *,
    whole_url: str,
    keep_href: str,
    remove_href: Callable[[int], str],
    may_change: bool,
    may_set_up: bool,
) -> TicketSection:
    """Describe the tickets of a report.

    Args:
        tickets: Those that are kept, and the project's trackers.
        report: The values that new tickets are filled in with.
        whole_url: The address of the page of the whole report.
        keep_href: The address at which a ticket is kept.
        remove_href: Returns the address at which a ticket is forgotten.
        may_change: True if the visitor may keep and forget tickets.
        may_set_up: True if the visitor may change the project's trackers.
    """
    return TicketSection(
        rows=tuple(
            TicketRow(
                label=ticket.address.label,
                href=ticket.address.url,
                added_by=_name_adder(ticket, tickets),
                added_at=ticket.added_at,
                remove_href=remove_href(ticket.id) if may_change else None,
            )
            for ticket in tickets.kept
        ),
        links=tuple(
            write_new_ticket_link(tracker, report, whole_url=whole_url)
            for tracker in tickets.trackers
        ),
        keep_href=keep_href if may_change else None,
        trackers_href=project_urls.trackers(report.project_id) if may_set_up else None,
    )


def write_new_ticket_link(
    tracker: Tracker, report: ReplayReport | IssueReport, *, whole_url: str
) -> NewTicketLink:
    """Write the address that opens a new ticket in a tracker."""
    settings = tracker.settings
    href, is_cut = write_bounded_link(
        settings,
        fill_title(settings.title_template, report),
        fill_body(settings.body_template, report, settings.kind),
        whole_url=whole_url,
    )
    return NewTicketLink(settings.name, href, is_cut)


def _name_adder(ticket: KeptTicket, tickets: ReportTickets) -> str:
    if ticket.added_by is None:
        return _GONE
    return shortened(tickets.names.get(ticket.added_by, _GONE), limit=60)
