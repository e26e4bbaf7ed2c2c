"""Puts the layers together: opens what a process consists of, by the roles that it has.

    shared     data folder → Postgres → objects → privacy rules      every process
    door       keys → quotas → journal → digest                      role `door`
    work       pictures, closing, sweep, erasing, retention, …       role `worker`
    pages      the web app                                           role `pages`

`service.py` reads from top to bottom what a process opens, and in which order.
"""

from app.wiring.service import Service, open_service
from app.wiring.shared import WorkerPlace

__all__ = ["Service", "WorkerPlace", "open_service"]
