"""The one tree of errors.

ReplayError
  - Refused          the sender can mend it: becomes 400, 401, 403, 413, 429, and an outcome
    · Malformed  TooLarge  Unauthorised  Forbidden  Limited
  - NotFound         becomes 404, also for what one may not see
  - Unavailable      a keeper is down: retried with backoff in the background, hang-up at the door
    · DatabaseAway
      · DatabaseUnusable   it answers, and somebody must mend its schema, rights or settings
"""


class ReplayError(Exception):
    """The root: everything this program raises on purpose."""


class Refused(ReplayError):
    """The sender can mend it; the message says what was found, expected and where."""

    status = 400
    reason = "invalid"


class Malformed(Refused):
    """The bytes do not follow their format."""

    reason = "malformed"


class TooLarge(Refused):
    """A limit of `core.limits` is exceeded."""

    status = 413
    reason = "too_large"


class Unauthorised(Refused):
    """No key, or one that cannot be read."""

    status = 401
    reason = "no_key"


class Forbidden(Refused):
    """The key is unknown, disabled, or belongs to another project."""

    status = 403
    reason = "unknown_key"


class Limited(Refused):
    """A rate or a quota is used up.

    Attributes:
        reason: Which one.
        wait_s: When it is worth a new try.
        rate_limits: For SDKs: the value of `X-Sentry-Rate-Limits`, or nothing.
    """

    status = 429
    reason = "rate_limited"

    def __init__(
        self, message: str, *, reason: str = reason, wait_s: int = 60, rate_limits: str = ""
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.wait_s = wait_s
        self.rate_limits = rate_limits


class NotFound(ReplayError):
    """It does not exist, or the person may not know that it does."""


class Unavailable(ReplayError):
    """A keeper (journal, Postgres, object storage) cannot answer now."""


class DatabaseAway(Unavailable):
    """Postgres cannot be reached, or may not be used yet."""


class DatabaseUnusable(DatabaseAway):
    """Postgres answers, but lacks a table, a right or a setting that this release needs."""
