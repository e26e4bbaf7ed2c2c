"""`playhead retention …`: shows the rules, says what would go, and lets it go."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from app.cli import environment, projects
from app.cli.environment import out, print_table
from app.core.ids import ProjectId
from app.core.settings import Settings
from app.core.units import format_bytes
from app.projects import day_totals, queries
from app.retention import inventory, plan_summary
from app.retention.inventory import RuleSet
from app.retention.plan import (
    DeleteCounts,
    DeleteProjectDay,
    DeleteReplays,
    DropPartition,
    RetentionAct,
)
from app.retention.run import RetentionPlan, plan_now, run_retention
from app.web.words.privacy.retention import describe_rules

retention = typer.Typer(help="Retention: what is kept, and for how long.", no_args_is_help=True)

_DRY_RUN_HELP = "Only say what would go."


@retention.command("show")
def show_rules() -> None:
    """List the rules of all projects, and what they store."""
    table = Table("Id", "Project", "Stored", "Rules", box=None)
    for project_id, name, size_bytes, words in asyncio.run(
        _read_rules_and_sizes(environment.read_settings())
    ):
        table.add_row(str(project_id), name, format_bytes(size_bytes), words)
    print_table(table)


@retention.command("plan")
def show_plan(
    project: Annotated[
        str | None, typer.Argument(metavar="PROJECT", help="Id or slug; all if left out.")
    ] = None,
) -> None:
    """Say what would go now, act by act. Nothing is deleted."""
    planned, project_id = asyncio.run(_plan(environment.read_settings(), project))
    _print_plan(planned, project_id)


@retention.command("run")
def run_rules(
    *, dry_run: Annotated[bool, typer.Option("--dry-run", help=_DRY_RUN_HELP)] = False
) -> None:
    """Apply all rules now, as the server does each hour."""
    settings = environment.read_settings()
    if dry_run:
        planned, _ = asyncio.run(_plan(settings, None))
        _print_plan(planned, None)
        return
    done = asyncio.run(_run_retention(settings))
    if done is None:
        out.print("A running server is applying the rules just now.")
    elif done:
        out.print(f"Done: {done} acts. The running server removes the objects within a minute.")
    else:
        out.print("Nothing is due.")


def describe_act(act: RetentionAct) -> str:
    """Describe an act of a plan in one line."""
    match act:
        case DropPartition():
            projects_words = ", ".join(
                f"project {reason.project_id} ({reason.rule})" for reason in act.expiring
            )
            moved = len(act.moved_replays) + len(act.moved_projects)
            stays = f"; {moved} pinned, held or of longer rules move out first" if moved else ""
            return f"{act.day}: drop the day of {projects_words}{stays}"
        case DeleteProjectDay():
            stays = f"; {len(act.kept_replays)} replays stay" if act.kept_replays else ""
            return f"{act.day}: delete the rows of project {act.project_id} ({act.rule}){stays}"
        case DeleteReplays():
            size = format_bytes(act.size_bytes)
            return (
                f"single replays: {len(act.keys)} of project {act.project_id}, {size} ({act.rule})"
            )
        case DeleteCounts():
            waits = f"; not before {act.waits_until}" if act.waits_until else ""
            return (
                f"counts of {act.first_day} to {act.last_day}: {act.rows:,} rows of project"
                f" {act.project_id} ({act.rule}){waits}"
            )


def _print_plan(planned: RetentionPlan, project_id: ProjectId | None) -> None:
    acts = [
        act for act in planned.acts if project_id is None or _is_act_of_project(act, project_id)
    ]
    for act in acts:
        out.print(describe_act(act))
    if not acts:
        out.print("Nothing is due.")
        return
    replays = plan_summary.count_planned_replays(acts, planned.inventory.parts)
    out.print(f"{len(acts)} acts, {replays} replays. What keep rules reject comes on top.")


def _is_act_of_project(act: RetentionAct, project_id: ProjectId) -> bool:
    if isinstance(act, DropPartition):
        return any(reason.project_id == project_id for reason in act.expiring)
    return act.project_id == project_id


async def _read_rules_and_sizes(settings: Settings) -> list[tuple[ProjectId, str, int, str]]:
    async with environment.open_database(settings) as database, database.reading() as connection:
        rule_set: RuleSet = await inventory.read_rule_set(
            connection, longest_days=settings.keep_days_at_most
        )
        listed = await queries.list_all_projects(connection)
        sizes = await day_totals.sum_projects(connection, [project.id for project in listed])
        return [
            (
                project.id,
                project.name,
                sizes.get(project.id, 0),
                describe_rules(rule_set.projects[project.id], rule_set.server),
            )
            for project in listed
        ]


async def _plan(
    settings: Settings, id_or_slug: str | None
) -> tuple[RetentionPlan, ProjectId | None]:
    async with environment.open_database(settings) as database, database.reading() as connection:
        project_id = None
        if id_or_slug is not None:
            project_id = (await projects.find_project(connection, id_or_slug)).id
        planned = await plan_now(connection, longest_days=settings.keep_days_at_most)
        return planned, project_id


async def _run_retention(settings: Settings) -> int | None:
    async with environment.open_database(settings) as database:
        return await run_retention(database, longest_days=settings.keep_days_at_most)
