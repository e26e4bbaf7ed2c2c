"""Five hundred different secrets over all fields and kinds of items, of which none is stored."""

from typing import Final, override

from tests.api.ingest.test_canaries import Canaries, read_columns, searchable_bytes, send_items
from tests.support.builders.secrets import NAME_FORMS, TEXT_FORMS, Secret, make_word
from tests.support.servers import server as servers
from tests.support.servers.server import Server

FEWEST: Final = 500
ROUNDS: Final = 4
"""Each round puts other forms into the same places."""


class PlantedSecrets(Canaries):
    """Puts a secret of its own into every place, and the forms take turns."""

    def __init__(self, first: int) -> None:
        """Begin with the secret of this number."""
        super().__init__("password={}")
        self.next = first
        self.planted: dict[str, str] = {}
        """The text that each needle was sent in."""

    @override
    def bare(self) -> str:
        word = make_word(self.next)
        self._note(Secret(f"(under a secret name) {word}", (word,)))
        return word

    @override
    def text(self, marker: str = "") -> str:
        secret = TEXT_FORMS[self.next % len(TEXT_FORMS)](self.next)
        return f"{marker} {self._note(secret)}"

    @override
    def label(self) -> str:
        return f"shop@4.2.0 {self.name()}"

    @override
    def name(self) -> str:
        return self._note(NAME_FORMS[self.next % len(NAME_FORMS)](self.next))

    def _note(self, secret: Secret) -> str:
        self.next += 1
        self.planted |= dict.fromkeys(secret.needles, secret.text)
        return secret.text


async def test_none_of_500_planted_secrets_is_stored(server: Server):
    """No column, compressed or not, and no object contains one; the items themselves are kept."""
    planted: dict[str, str] = {}
    following = 0
    for _ in range(ROUNDS):
        async with servers.tenant(server) as tenant:
            secrets = PlantedSecrets(following)
            await send_items(tenant, secrets)
            kept = {item for item, outcome, _ in await tenant.outcomes() if outcome == "kept"}
            assert {"event", "replay_video", "transaction", "log", "span", "attachment"} <= kept
        planted |= secrets.planted
        following = secrets.next
    assert len(planted) >= ROUNDS * FEWEST
    places = await read_columns(server)
    places += [(str(path), searchable_bytes(path.read_bytes())) for path in server.objects()]
    everything = b"\n".join(data for _, data in places)
    needles = {needle: text for needle, text in planted.items() if needle.encode() in everything}
    leaks = {
        (place, text)
        for needle, text in needles.items()
        for place, data in places
        if needle.encode() in data
    }
    assert leaks == set()
    assert b"seen-log" in everything, "the search would see what is stored"
