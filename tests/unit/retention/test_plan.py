"""The plan of retention: what goes, what never goes, in which order, and by which way."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given, settings, strategies as st

from app.core.days import OLD_DAY, RetentionClass
from app.core.ids import ProjectId, ReplayId
from app.projects.retention_rules import AtLimit, ProjectRules, ServerRules
from app.replays.model import ReplayKey
from app.replays.totals.sizes import ReplaySize
from app.retention.plan import (
    DeleteCounts,
    DeleteProjectDay,
    DeleteReplays,
    DropPartition,
    OldestReplays,
    ProjectReason,
    RetentionAct,
    RetentionInventory,
    StoredPart,
    is_due,
    make_plan,
)
from app.retention.plan_summary import list_ended_days

TODAY = date(2026, 11, 30)
APP, SHOP = ProjectId(1), ProjectId(2)


@dataclass
class World:
    """A server as a list of replays and of bytes that belong to no replay."""

    rules: dict[ProjectId, ProjectRules]
    server: ServerRules = field(default_factory=ServerRules)
    replays: dict[ReplayKey, ReplaySize] = field(default_factory=dict)
    others: dict[tuple[ProjectId, date, int], int] = field(default_factory=dict)
    """Rows of events, spans and logs by project, day and class; each takes 10 bytes."""
    exempt: set[ReplayKey] = field(default_factory=set)
    rejected: set[ReplayKey] = field(default_factory=set)
    most_read: int = 1_000
    """How many of the oldest replays of a project are read for one plan."""

    def add(
        self, project_id: ProjectId, *, age: int, retention_class: int = 1, size_bytes: int = 100
    ) -> ReplayKey:
        """Add a replay of a day so many days ago; None for the day of releases before."""
        day = TODAY - timedelta(days=age)
        number = len(self.replays)
        key = ReplayKey(project_id, ReplayId(f"{number:032x}"))
        at = datetime.combine(day, time(second=number % 60, microsecond=number), UTC)
        self.replays[key] = ReplaySize(key, day, retention_class, at, size_bytes)
        return key

    def inventory(self) -> RetentionInventory:
        """Describe the world as the executor reads it."""
        day_bytes: defaultdict[tuple[ProjectId, date], int] = defaultdict(int)
        parts: defaultdict[tuple[ProjectId, date, int], list[int]] = defaultdict(lambda: [0, 0])
        for replay in self.replays.values():
            day_bytes[replay.key.project_id, replay.day] += replay.size_bytes
            parts[replay.key.project_id, replay.day, replay.retention_class][0] += 1
        for (project_id, day, retention_class), rows in self.others.items():
            day_bytes[project_id, day] += 10 * rows
            parts[project_id, day, retention_class][1] += rows
        by_project: defaultdict[ProjectId, list[ReplaySize]] = defaultdict(list)
        for replay in sorted(self.replays.values(), key=lambda each: each.first_received_at):
            if replay.key not in self.exempt:
                by_project[replay.key.project_id].append(replay)
        oldest = {
            project_id: OldestReplays(
                replays[: self.most_read], is_complete=len(replays) <= self.most_read
            )
            for project_id, replays in by_project.items()
        }
        return RetentionInventory(
            TODAY,
            self.server,
            self.rules,
            dict(day_bytes),
            [StoredPart(*key, *counts) for key, counts in parts.items()],
            [self.replays[key] for key in self.exempt if key in self.replays],
            oldest,
            [self.replays[key] for key in self.rejected if key in self.replays],
        )

    def plan(self) -> list[RetentionAct]:
        """Make the plan for this world."""
        return make_plan(self.inventory())

    def run(self, acts: Iterable[RetentionAct]) -> None:
        """Do what a plan says, literally: what is not named is not spared."""
        for act in acts:
            match act:
                case DeleteReplays(keys=keys):
                    for key in keys:
                        del self.replays[key]
                case DeleteProjectDay():
                    part = act.project_id, act.day, act.retention_class
                    self._empty(part, spared=act.kept_replays)
                    self.others.pop(part, None)
                case DropPartition():
                    self._drop(act)
                case DeleteCounts():
                    raise AssertionError("this world counts nothing")

    def _drop(self, act: DropPartition) -> None:
        for key, replay in list(self.replays.items()):
            if (replay.day, replay.retention_class) != (act.day, act.retention_class):
                continue
            if key in act.moved_replays or key.project_id in act.moved_projects:
                self.replays[key] = replace(replay, retention_class=RetentionClass.KEPT)
            else:
                del self.replays[key]
        for part in list(self.others):
            if part[1:] == (act.day, act.retention_class):
                rows = self.others.pop(part)
                if part[0] in act.moved_projects:
                    moved = part[0], act.day, int(RetentionClass.KEPT)
                    self.others[moved] = self.others.get(moved, 0) + rows

    def _empty(self, part: tuple[ProjectId, date, int], *, spared: Sequence[ReplayKey]) -> None:
        for key, replay in list(self.replays.items()):
            if (key.project_id, replay.day, replay.retention_class) == part and key not in spared:
                del self.replays[key]

    def count_bytes(self, project_id: ProjectId) -> int:
        """Count what a project stores."""
        return sum(
            size for (owner, _), size in self.inventory().day_bytes.items() if owner == project_id
        )


def keep(days: int | None) -> ProjectRules:
    """Return the rules of a project that keeps so many days."""
    return ProjectRules(follows_server=False, keep_days=days)


def test_a_day_goes_whole_when_all_of_it_is_due():
    """If 30 days are kept, data that came 31 days ago is due, and data of 30 days ago is not."""
    world = World({APP: keep(30)})
    world.add(APP, age=31)
    world.add(APP, age=30)
    assert world.plan() == [
        DropPartition(TODAY - timedelta(days=31), 1, (ProjectReason(APP, "keep 30 days"),))
    ]


def test_what_outlives_a_day_is_moved_out_first():
    """A pinned replay and a project that keeps longer leave the partition before its drop."""
    world = World({APP: keep(7), SHOP: keep(30)})
    for _ in range(8):
        world.add(APP, age=9)
    pinned = world.add(APP, age=9)
    world.add(SHOP, age=9)
    world.exempt.add(pinned)
    (act,) = world.plan()
    assert isinstance(act, DropPartition)
    assert (act.moved_replays, act.moved_projects) == ((pinned,), (SHOP,))


def test_rows_are_deleted_where_much_outlives_the_day():
    """Moving most of a partition costs more than deleting the rest of it."""
    world = World({APP: keep(7), SHOP: keep(30)})
    world.add(APP, age=9)
    world.add(SHOP, age=9)
    world.add(SHOP, age=9)
    assert world.plan() == [
        DeleteProjectDay(APP, TODAY - timedelta(days=9), 1, "keep 7 days"),
    ]


def test_what_was_moved_out_goes_row_by_row_once_it_is_due():
    """Partitions of class 0 are not dropped: what lies there ends at different times."""
    world = World({APP: keep(7)})
    held = world.add(APP, age=9, retention_class=0)
    world.exempt.add(held)
    assert world.plan() == []
    world.add(APP, age=9, retention_class=0)
    assert world.plan() == [
        DeleteProjectDay(APP, TODAY - timedelta(days=9), 0, "keep 7 days", (held,))
    ]


def test_the_cap_of_the_server_beats_the_rule_of_a_project():
    """A project that keeps everything still loses what the server does not keep."""
    world = World({APP: keep(None)}, ServerRules(longest_days=20))
    world.add(APP, age=21, retention_class=3)
    (act,) = world.plan()
    assert isinstance(act, DropPartition)
    assert act.expiring[0].rule == "keep 20 days, the longest that this server keeps anything"


def test_a_project_follows_the_default_of_the_server_until_it_has_a_rule():
    """The default is for projects that chose nothing; those that chose `for ever` keep all."""
    world = World({APP: ProjectRules(), SHOP: keep(None)}, ServerRules(default_days=20))
    world.add(APP, age=21)
    world.add(SHOP, age=21, retention_class=3)
    (act,) = world.plan()
    assert isinstance(act, DropPartition)
    assert act.expiring == (ProjectReason(APP, "keep 20 days, as this server does"),)


def test_the_day_of_older_releases_is_never_due():
    """Rows that have not got their real day yet are not taken for those of 1970."""
    world = World({APP: replace(keep(1), limit_bytes=150, at_limit=AtLimit.DELETE_OLDEST)})
    age = (TODAY - OLD_DAY).days
    first, second = world.add(APP, age=age), world.add(APP, age=age)
    world.others[APP, OLD_DAY, 3] = 5
    (act,) = world.plan()
    assert isinstance(act, DeleteReplays)
    assert act.keys == (first, second)


def test_nothing_goes_at_a_limit_that_turns_new_data_away():
    """A limit set by a release before goes on refusing, and deletes nothing."""
    world = World({APP: ProjectRules(limit_bytes=50)})
    world.add(APP, age=400)
    assert world.plan() == []


def test_single_replays_go_until_there_is_room():
    """Only as many replays of the oldest day go as are needed; pinned ones are skipped."""
    world = World({APP: ProjectRules(limit_bytes=400, at_limit=AtLimit.DELETE_OLDEST)})
    keys = [world.add(APP, age=9) for _ in range(6)]
    world.exempt.add(keys[0])
    (act,) = world.plan()
    assert act == DeleteReplays(APP, tuple(keys[1:4]), "keep 400 bytes, and let the oldest go", 300)


def test_exempt_replays_do_not_hide_those_that_may_go():
    """However many of the oldest are pinned, the oldest of the others make room."""
    rules = ProjectRules(limit_bytes=300, at_limit=AtLimit.DELETE_OLDEST)
    world = World({APP: rules}, most_read=5)
    world.exempt = {world.add(APP, age=9) for _ in range(5)}
    other = world.add(APP, age=9)
    world.run(world.plan())
    assert other not in world.replays
    assert world.replays.keys() == world.exempt


def test_replays_that_no_keep_rule_matches_go():
    """The rule says which queries were tried; what is pinned stays."""
    rules = ProjectRules(keep_queries=("has:error", "screen:Checkout*"), rest_hours=24)
    world = World({APP: rules})
    rejected, pinned, _ = (world.add(APP, age=2) for _ in range(3))
    world.rejected = {rejected, pinned}
    world.exempt = {pinned}
    (act,) = world.plan()
    assert isinstance(act, DeleteReplays)
    assert act.keys == (rejected,)
    assert "has:error or screen:Checkout*" in act.rule


days_kept = st.none() | st.integers(1, 60)
project_ids = st.sampled_from([ProjectId(number) for number in range(1, 5)])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Make servers of up to four projects with all kinds of rules and exemptions."""
    server = ServerRules(draw(days_kept), draw(days_kept))
    rules = {
        ProjectId(number): ProjectRules(
            follows_server=draw(st.booleans()),
            keep_days=draw(days_kept),
            limit_bytes=draw(st.none() | st.integers(0, 3_000)),
            at_limit=draw(st.sampled_from(AtLimit)),
            keep_queries=("has:error",),
            rest_hours=24,
        )
        for number in range(1, 5)
    }
    world = World(rules, server, most_read=draw(st.sampled_from([1_000, 1_000, 5])))
    ages = st.integers(0, 70) | st.just((TODAY - OLD_DAY).days)
    for _ in range(draw(st.integers(0, 40))):
        key = world.add(
            draw(project_ids),
            age=draw(ages),
            retention_class=draw(st.integers(0, 3)),
            size_bytes=draw(st.integers(1, 500)),
        )
        fate = draw(st.sampled_from(["plain", "plain", "plain", "exempt", "rejected", "both"]))
        if fate in {"exempt", "both"}:
            world.exempt.add(key)
        if fate in {"rejected", "both"}:
            world.rejected.add(key)
    for _ in range(draw(st.integers(0, 10))):
        part = draw(project_ids), TODAY - timedelta(days=draw(ages)), draw(st.integers(0, 3))
        world.others[part] = draw(st.integers(1, 30))
    return world


@settings(max_examples=200, deadline=None)
@given(worlds())
def test_what_must_stay_stays_and_what_is_due_goes(world: World):
    """Whatever the rules: exempt replays stay, due ones go, and limits are kept, oldest first."""
    before = dict(world.replays)
    others_before = dict(world.others)
    acts = []
    # What was not read goes by the next plan.
    while further := world.plan():
        world.run(further)
        acts += further
    gone = before.keys() - world.replays.keys()
    ended = set(list_ended_days(acts))

    assert not gone & world.exempt
    for key, replay in before.items():
        days = world.rules[key.project_id].effective_days(world.server)
        if is_due(replay.day, days, TODAY):
            assert key in gone or key in world.exempt
        elif key in gone:
            # By bytes or by a keep rule, and then only where such a rule is.
            rules = world.rules[key.project_id]
            is_by_bytes = rules.limit_bytes is not None and rules.at_limit is AtLimit.DELETE_OLDEST
            assert is_by_bytes or key in world.rejected
            if is_by_bytes and key not in world.rejected:
                _assert_older_went_before(replay, before, gone, world, ended)
    for key in world.rejected - world.exempt:
        assert key in gone
    _assert_rows_went_with_their_days(world, others_before, ended)
    _assert_limits_are_kept(world)


def _assert_rows_went_with_their_days(
    world: World,
    others_before: dict[tuple[ProjectId, date, int], int],
    ended: set[tuple[ProjectId, date]],
) -> None:
    """Events and spans go with a day that is due, and otherwise stay."""
    for (project_id, day, _), rows in others_before.items():
        days = world.rules[project_id].effective_days(world.server)
        left = sum(count for part, count in world.others.items() if part[:2] == (project_id, day))
        if is_due(day, days, TODAY):
            assert not left
        elif (project_id, day) not in ended:
            assert left >= rows


def _assert_older_went_before(
    replay: ReplaySize,
    before: dict[ReplayKey, ReplaySize],
    gone: set[ReplayKey],
    world: World,
    ended: set[tuple[ProjectId, date]],
) -> None:
    """Only exempt replays stay that are older than a deleted one of their project."""
    owner = replay.key.project_id
    for older in before.values():
        is_older = older.day < replay.day or (
            older.day == replay.day
            and older.first_received_at < replay.first_received_at
            and (owner, replay.day) not in ended
        )
        if older.key.project_id == owner and is_older:
            assert older.key in gone or older.key in world.exempt


def _assert_limits_are_kept(world: World) -> None:
    """A project is below its limit, unless all that is left may not go."""
    for project_id, rules in world.rules.items():
        if rules.limit_bytes is None or rules.at_limit is not AtLimit.DELETE_OLDEST:
            continue
        if world.count_bytes(project_id) > rules.limit_bytes:
            left = {key for key in world.replays if key.project_id == project_id}
            assert left <= world.exempt
            assert all(day == OLD_DAY for owner, day, _ in world.others if owner == project_id)
