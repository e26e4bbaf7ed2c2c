"""Signs people out, here and at the provider that they came from."""

from app.accounts import provider_checks, sign_ins
from app.administration.people.sign_in_provider import SignInProvider
from app.audit import writes as audit
from app.audit.model import Action
from app.db.engine import Database
from app.openid.sealed_tokens import open_tokens


async def sign_person_out(
    database: Database, provider: SignInProvider | None, token: str
) -> str | None:
    """End the sign-in of a token; does nothing if there is none.

    Returns:
        The address at which the person signs out of the provider too; None if they did not come
        from it, or if it has no such address or does not answer.
    """
    async with database.transaction() as connection:
        signed_in = await sign_ins.find_signed_in(connection, token)
        sealed = await provider_checks.read_sealed_tokens(connection, token)
        await sign_ins.end_sign_in(connection, token)
        if signed_in is not None:
            await audit.add_audit_line(connection, Action.SIGN_OUT, person_id=signed_in.person.id)
    if provider is None or sealed is None:
        return None
    tokens = open_tokens(sealed, token)
    return await provider.openid.find_sign_out_address(tokens.id_token if tokens else None)
