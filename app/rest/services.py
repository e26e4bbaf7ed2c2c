"""The services that the REST API uses, held once per process in `app.state.rest_services`."""

from dataclasses import dataclass, field

from starlette.requests import Request

from app.core.settings import Settings
from app.db.engine import Database
from app.debug_uploads.assembler import Assembler
from app.debug_uploads.services import UploadServices
from app.rest.rates import OpenRequests, ReadingNotes, RequestRates
from app.storage.port import ObjectStore


@dataclass(frozen=True, slots=True)
class RestServices:
    """The database, the storage, and what bounds the requests of each token."""

    settings: Settings
    db: Database
    store: ObjectStore
    uploads: UploadServices
    assembler: Assembler
    rates: RequestRates = field(default_factory=RequestRates)
    open_requests: OpenRequests = field(default_factory=OpenRequests)
    readings: ReadingNotes = field(default_factory=ReadingNotes)


def services_of(request: Request) -> RestServices:
    """Return the services of the process that answers a request."""
    services: RestServices = request.app.state.rest_services
    return services
