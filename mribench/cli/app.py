"""The command ``mribench``: all groups of commands, and how a failure is printed."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mribench import __version__, signals
from mribench.cli import (
    audit,
    board,
    coverage,
    doctor,
    hub,
    plugin,
    questions,
    run,
    sample,
    score,
    scorecard,
    shift,
    speed,
    verify,
)
from mribench.cli.data import app as data_app
from mribench.errors import Interrupted, MribenchError
from mribench.escaping import one_line


class Groups(TyperGroup):
    """Lists the commands under their headings; Typer's own plain help knows one heading."""

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:
        under: dict[str, list[tuple[str, str]]] = {}
        names = self.list_commands(ctx)
        width = formatter.width - max(map(len, names)) - 6  # what is left for a sentence
        for name in names:
            command = self.get_command(ctx, name)
            panel = getattr(command, "rich_help_panel", None)
            heading = panel if isinstance(panel, str) else "Commands"
            under.setdefault(heading, []).append((name, command.get_short_help_str(width)))
        for heading, rows in under.items():
            with formatter.section(heading):
                formatter.write_dl(rows)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mribench {__version__}")
        raise typer.Exit()


app = typer.Typer(
    name="mribench",
    cls=Groups,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def start(
    version: Annotated[
        bool, typer.Option("--version", help="print the version and leave", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Train, sample and score diffusion models on medical images, organ by organ."""


for group in (
    run,
    verify,
    score,
    questions,
    sample,
    board,
    scorecard,
    plugin,
    audit,
    coverage,
    shift,
    doctor,
    speed,
    hub,
):
    group.add_to(app)
app.add_typer(data_app, name="data")

INTERRUPTED = 130  # what typer returns after a KeyboardInterrupt


def main() -> None:
    """Run the app; every expected failure is one sentence on standard error and an exit code."""
    try:
        code = app(prog_name="mribench", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Interrupted as error:
        _fail(str(error), signals.exit_code())
    except MribenchError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        # the reader of the output (head, less) has closed it; the flush at exit must not fail as well
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(_disk_sentence(error), 2)
    except Exception as error:
        # a library that is interrupted while it is imported may raise an error of its own
        if signals.received():
            _fail(signals.INTERRUPTED, signals.exit_code())
        # typer's own usage errors carry an exit code; anything else is a bug and keeps its traceback
        if not hasattr(error, "exit_code"):
            raise
        _fail(error.format_message() if hasattr(error, "format_message") else str(error), error.exit_code)
    if code == INTERRUPTED:
        # CPython remembers a KeyboardInterrupt that left an exec() of source text, as dataclasses use while a library
        # is imported, even if it was caught. `python -m` then ends by the signal and not with this exit code. The
        # next exec() of text clears that memory.
        exec("")
        _fail(signals.INTERRUPTED, signals.exit_code())
    sys.exit(code if isinstance(code, int) else 0)


def _fail(sentence: str, code: int) -> None:
    is_usage = sentence.startswith("Usage:")
    # a foreign message quoted in the sentence may have several lines
    text = sentence if is_usage else f"mribench: {one_line(sentence)}"
    if signals.received():
        signals.tell(text)
    else:
        print(text, file=sys.stderr, flush=True)
    sys.exit(code)


def _disk_sentence(error: OSError) -> str:
    """What the disk refused, and what to do about it."""
    path = f"{error.filename}: " if error.filename else ""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{path}this is a file, and a folder is needed; choose another folder"
    advice = "free space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "check it"
    reason = error.strerror or str(error)
    return f"{path}{reason}; {advice} or choose another folder, finished stages are kept"


if __name__ == "__main__":
    main()
