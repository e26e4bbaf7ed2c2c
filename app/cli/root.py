"""The commands and their groups, and the one place where their errors become messages."""

import os
from typing import Annotated

import typer

from app import __version__
from app.cli import demo, doctor, erase, people, projects, serve, surroundings
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
app.command("demo")(demo.demo)
app.add_typer(projects.projects, name="project")
app.add_typer(projects.keys, name="key")
app.add_typer(people.people, name="user")
app.command("doctor")(doctor.doctor)
app.command("erase")(erase.erase)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if wanted:
        surroundings.out.print(f"playhead {__version__}")
        raise typer.Exit


@app.callback()
def _prepare(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print log lines too.")] = False,
    version: Annotated[  # noqa: ARG001 - typer ends the program before it is read
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the release and end."
        ),
    ] = False,
) -> None:
    log.set_up_logging(json_lines=False, level="INFO" if verbose else "WARNING")


def main() -> None:
    """Run the command that the arguments name; errors end as one line and status 1."""
    # Recordings, a log with statements in it: nothing that is made here is for others.
    os.umask(0o077)
    try:
        app(prog_name="playhead")
    except (ReplayError, OSError) as error:
        surroundings.fail(str(error))
