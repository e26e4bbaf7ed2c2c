"""The commands and their groups; turns their errors into messages."""

import os
from typing import Annotated

import typer

from app import __version__
from app.cli import (
    backup,
    demo,
    doctor,
    environment,
    erase,
    members,
    people,
    processes,
    projects,
    retention,
    serve,
    storage,
    symbolicate,
    tokens,
)
from app.core import log
from app.core.errors import ReplayError

app = typer.Typer(
    name="playhead",
    help="Self-hosted session replay for mobile apps, fed by unmodified Sentry SDKs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("migrate")(serve.migrate)
app.command("demo")(demo.play_demo)
members.add_commands(projects.projects)
app.add_typer(projects.projects, name="project")
app.add_typer(projects.keys, name="key")
app.add_typer(tokens.tokens, name="token")
app.add_typer(people.people, name="user")
app.add_typer(retention.retention, name="retention")
app.add_typer(processes.processes, name="processes")
app.add_typer(storage.storage, name="storage")
app.command("symbolicate")(symbolicate.symbolicate)
app.command("doctor")(doctor.doctor)
app.add_typer(erase.erase, name="erase")
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)


def _print_version(is_wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if is_wanted:
        environment.out.print(f"playhead {__version__}")
        raise typer.Exit


@app.callback()
def _set_up(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", help="Also print log lines.")] = False,
    version: Annotated[  # noqa: ARG001 - typer ends the program before it is read
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    log.set_up_logging(json_lines=False, level="INFO" if verbose else "WARNING")


def main() -> None:
    """Run the command that the arguments name; an error is printed as one line, with status 1."""
    # Recordings and logs are private: files that are made here are for their owner alone.
    os.umask(0o077)
    try:
        app(prog_name="playhead")
    except (ReplayError, OSError) as error:
        environment.exit_with_message(str(error))
