"""Notes that a replay has closed, if a rule of its project has a query."""

from app.closing.step import ClosedReplay
from app.db.engine import Database
from app.messages import signals
from app.messages.model import AlertSignal, SignalKind
from app.messages.wanted import WantedSignals


class AlertStep:
    """Lets rules with a query judge a replay that has closed."""

    name = "alerts"

    def __init__(self, database: Database, wanted: WantedSignals) -> None:
        self._database = database
        self._wanted = wanted

    async def run(self, replay: ClosedReplay) -> None:
        """Note the replay if a rule wants it. Noting it twice makes no second message.

        Raises:
            ServiceUnavailable: Postgres does not answer.
        """
        project_id, replay_id = replay.key
        if self._wanted.wants(project_id, SignalKind.REPLAY):
            async with self._database.transaction() as connection:
                signal = AlertSignal(project_id, SignalKind.REPLAY, replay_id=replay_id)
                await signals.add_signals(connection, [signal])
