"""The one tree of errors: everything that the program raises on purpose.

ReplayError
  - RequestRefused        what an SDK sent is not kept
    · MalformedInput        400  the bytes do not follow their format
    · OversizedInput        413  a limit is exceeded
    · AuthenticationFailed  401  the request has no key, or none that can be read
    · KeyRejected           403  the key is unknown, switched off, or another project's
    · RateLimited           429  a rate or a quota is used up
  - ActionRefused         what a person asked for cannot be done; the message is for them
    · InvalidInput          400  a form, an address or a command has a value that cannot be used
      · OversizedForm       413  a form is too long
      · UnknownPlace        400  an address names a place that its list does not have
    · SignInFailed          401  a password is wrong, or a sign-in link no longer works
      · TokenRefused        401  the sign-in provider no longer accepts a token that it gave
    · SignInRequired        401  nobody is signed in: a browser is sent to the sign-in form
    · ApiTokenRefused       401  a program has no API token, or one that does not work
    · PermissionDenied      403  a role is missing
    · ReplayHeld            409  a legal hold keeps a replay from being deleted
    · TooManyAttempts       429  too many passwords were wrong, or are being checked
  - NotFound              404  also for what somebody may not know about
    · ExpiredData           410  a rule ended it, or may have; the message says which
    · MovedData             303  it has another address now, to which a browser is sent
  - ServiceUnavailable    503  the journal, Postgres or object storage does not answer
    · DatabaseUnavailable
      · DatabaseUnusable
      · PartitionMissing
    · StorageUnavailable
    · ProviderUnavailable        the sign-in provider does not answer, or not as it should
    · BusyService                too much was asked at once; the message is for the sender
  - DeliveryFailed             a message could not be handed to its receiver

The numbers are HTTP statuses. A `RequestRefused` is also counted as an outcome, under its `reason`.
The ingest endpoints never answer with 503: they close the connection, so that the SDK sends again.
Work in the background is tried again with backoff.
"""


class ReplayError(Exception):
    """The root: everything that this program raises on purpose."""


class RequestRefused(ReplayError):
    """A request or item is not kept; the message says what was found, what was expected, and where.

    Attributes:
        status: The status of the answer.
        reason: The name under which outcomes are counted.
    """

    status = 400
    reason = "invalid"


class MalformedInput(RequestRefused):
    """The bytes do not follow their format."""

    reason = "malformed"


class OversizedInput(RequestRefused):
    """A limit of `core.limits` is exceeded."""

    status = 413
    reason = "too_large"


class AuthenticationFailed(RequestRefused):
    """The request has no key, or one that cannot be read."""

    status = 401
    reason = "no_key"


class KeyRejected(RequestRefused):
    """The key is unknown, switched off, or belongs to another project."""

    status = 403
    reason = "unknown_key"


class RateLimited(RequestRefused):
    """A rate or a quota is used up.

    Attributes:
        reason: The rate or quota that was exceeded.
        wait_s: The seconds after which a new try is worth it.
        rate_limits: The value of `X-Sentry-Rate-Limits` for SDKs; empty for none.
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


class ActionRefused(ReplayError):
    """A person asked for something that cannot be done; the message tells them what to correct.

    Attributes:
        status: The status of the page that shows the message.
    """

    status = 400


class InvalidInput(ActionRefused):
    """A form, an address or a command has a value that cannot be used."""


class OversizedForm(InvalidInput):
    """A form or another body that a page takes is too long."""

    status = 413


class UnknownPlace(InvalidInput):
    """An address names a place in a list that the list does not have.

    Attributes:
        text: The place as the address has it.
    """

    def __init__(self, text: str) -> None:
        super().__init__("the address leads to no place in this list")
        self.text = text


class SignInFailed(ActionRefused):
    """A password is wrong, or a sign-in link is unknown, used or too old."""

    status = 401


class TokenRefused(SignInFailed):
    """The sign-in provider no longer accepts a code or a token that it gave."""


class SignInRequired(ActionRefused):
    """Nobody is signed in, or their sign-in has ended."""

    status = 401


class ApiTokenRefused(ActionRefused):
    """A request of a program has no API token, or one that is unknown, revoked or expired."""

    status = 401


class PermissionDenied(ActionRefused):
    """The person may see the thing, and lacks the role to do this with it."""

    status = 403


class ReplayHeld(ActionRefused):
    """A legal hold keeps a replay from being deleted; the message names it."""

    status = 409


class TooManyAttempts(ActionRefused):
    """Too many passwords were wrong, or too many are being checked at once.

    Attributes:
        wait_s: The seconds after which a new try is worth it.
    """

    status = 429

    def __init__(self, message: str, *, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class NotFound(ReplayError):
    """Raised for what does not exist, and for what the person may not know to exist."""


class MovedData(NotFound):
    """Something else has taken the place of what somebody looks for.

    Attributes:
        old_id: The id in the address, as it stands there.
        new_id: The id that leads on.
    """

    def __init__(self, old_id: str, new_id: str) -> None:
        super().__init__(f"{old_id} was replaced by {new_id}")
        self.old_id = old_id
        self.new_id = new_id


class ExpiredData(NotFound):
    """A rule ended what somebody looks for, or may have; the message is for them.

    Attributes:
        title: The heading of the page that shows the message.
        status: 410 if it is known to have been here, otherwise 404.
    """

    def __init__(self, title: str, message: str, *, status: int = 410) -> None:
        super().__init__(message)
        self.title = title
        self.status = status


class ServiceUnavailable(ReplayError):
    """The journal, Postgres or object storage cannot answer now; a later try may succeed."""


class DatabaseUnavailable(ServiceUnavailable):
    """Postgres cannot be reached, or may not be used yet."""


class DatabaseUnusable(DatabaseUnavailable):
    """Postgres answers, but lacks a table, a right or a setting that this release needs."""


class PartitionMissing(DatabaseUnavailable):
    """The day of a row was dropped while the row was on its way."""


class StorageUnavailable(ServiceUnavailable):
    """The object storage does not answer, refuses, or may not be used yet."""


class BusyService(ServiceUnavailable):
    """Too much was asked at once; the message is for whoever asked.

    Attributes:
        wait_s: The seconds after which a new try is worth it.
    """

    def __init__(self, message: str, *, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class ProviderUnavailable(ServiceUnavailable):
    """The sign-in provider cannot be reached, does not know this server, or talks nonsense."""


class DeliveryFailed(ReplayError):
    """A message could not be handed to its receiver; the message here is for the log of messages.

    It never holds what the receiver answered, so that nobody reads a private network through it.

    Attributes:
        is_final: True if no later try can succeed.
        wait_s: The seconds after which the receiver wants to be asked again, if it said so.
    """

    def __init__(self, message: str, *, is_final: bool = False, wait_s: int | None = None) -> None:
        super().__init__(message)
        self.is_final = is_final
        self.wait_s = wait_s
