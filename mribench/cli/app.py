"""The command line: parse, call one function, print. Heavy imports stay inside the commands."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from mribench.cli import complete, hub
from mribench.cli import speed as speed_commands
from mribench.cli.audit import app as audit_app
from mribench.cli.data import app as data_app
from mribench.cli.options import names, numbers, split
from mribench.cli.plugin import app as plugin_app
from mribench.errors import InputError, MribenchError

app = typer.Typer(
    name="mribench",
    help="Train, sample and score diffusion models on medical images, organ by organ.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data_app, name="data")
app.add_typer(audit_app, name="audit")
app.add_typer(plugin_app, name="plugin")

# what typer returns after Ctrl-C
INTERRUPTED = 130


def main() -> None:
    """Run the app; every expected failure is one sentence on standard error and an exit code."""
    try:
        code = app(prog_name="mribench", standalone_mode=False)
        sys.stdout.flush()
    except MribenchError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        # whoever read the output (head, less) has seen enough; the flush at exit must not fail as well
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(_disk(error), 2)
    except Exception as error:
        # typer's own usage errors carry an exit code; anything else is a bug and keeps its traceback
        if not hasattr(error, "exit_code"):
            raise
        _fail(error.format_message() if hasattr(error, "format_message") else str(error), error.exit_code)
    if code == INTERRUPTED:
        # CPython ends `python -m` by the signal if a KeyboardInterrupt ever left an exec of text, as dataclasses do
        # while a library is imported, although it was caught since; it forgets that at the next exec
        exec("")
        _fail("interrupted; finished stages are kept, run the same command to go on", INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(sentence: str, code: int) -> None:
    usage = sentence.startswith("Usage:")
    # one line, whatever a foreign message quoted inside brought along
    print(sentence if usage else f"mribench: {' '.join(sentence.split())}", file=sys.stderr, flush=True)
    sys.exit(code)


def _disk(error: OSError) -> str:
    """What the disk refused, and what to do about it."""
    where = f"{error.filename}: " if error.filename else ""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{where}a file stands where a folder is needed; choose another folder"
    advice = "free space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "check it"
    reason = error.strerror or str(error)
    return f"{where}{reason}; {advice} or choose another folder, finished stages are kept"


@app.command()
def run(
    modalities: names("comma-separated, or all", "modalities", "all") = None,
    variants: names("comma-separated trained variants, e.g. ddpm", "variants") = None,
    samplers: names("comma-separated, with steps: ddim-50,dpm-solver-20", "samplers") = None,
    seeds: Annotated[str | None, typer.Option(help="comma-separated training seeds, e.g. 0,1,2")] = None,
    profile: Annotated[
        str | None, typer.Option(help="smoke, quick, standard or paper", autocompletion=complete.profiles)
    ] = None,
    data: Annotated[str | None, typer.Option(help="phantom, a registry id, or a file or folder")] = None,
    out: Annotated[str | None, typer.Option(help="folder of the run; the same folder goes on")] = None,
    tasks: names("comma-separated: generation,denoising,audit", "tasks") = None,
    metrics: names("comma-separated metrics beside those of the tasks", "metrics") = None,
    features: names("comma-separated feature spaces of the distribution metrics", "features") = None,
    controls: names("comma-separated controls; '' for none", "variants") = None,
    precision: Annotated[
        str | None, typer.Option(help="fp32, bf16 or fp16; default: what the device does best")
    ] = None,
    train_steps: Annotated[
        int | None, typer.Option(help="replace the profile's number of training steps")
    ] = None,
    track: Annotated[str | None, typer.Option(help="send loss curves to a tracker, e.g. tensorboard")] = None,
    spec: Annotated[Path | None, typer.Option(help="TOML file with the same keys; options here win")] = None,
    jobs: Annotated[
        int | None,
        typer.Option(help="cells at once on this machine; default: what its cores and memory allow"),
    ] = None,
    executor: Annotated[
        str,
        typer.Option(help="local, slurm, slurm:timeout_min=600,slurm_partition=gpu or dask:tcp://host:8786"),
    ] = "local",
) -> None:
    """Prepare data, train, sample, score, and print the board. Run it again to go on where it stopped."""
    from mribench.runner import runspec
    from mribench.runner.resources import Execution
    from mribench.runner.run import run_suite

    base = runspec.from_toml(spec) if spec else None
    given = {
        "modalities": split(modalities),
        "variants": split(variants),
        "samplers": split(samplers),
        "tasks": split(tasks),
        "features": split(features),
        "metrics": split(metrics),
        "controls": split(controls),
        "seeds": numbers(seeds),
        "profile": profile,
        "train_steps": train_steps,
        "precision": precision,
        "data": data,
        "out": out,
        "track": track,
    }
    resolved = runspec.make(base, **given)
    run_suite(resolved, Execution(executor, jobs))
    if os.environ.get("RANK", "0") == "0":
        _print_boards([Path(resolved.out)])
        print(Path(resolved.out) / "leaderboard.html")


@app.command("list")
def list_plugins(
    group: Annotated[
        str | None,
        typer.Argument(
            help="modalities, variants, samplers, tasks, metrics, features, readers",
            autocompletion=complete.groups,
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="only these names; a pattern such as 'hc*'")] = None,
    distribution: Annotated[
        str | None,
        typer.Option(
            help="only from this distribution; a pattern as well", autocompletion=complete.distributions
        ),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="table, or json with the file of each")] = "table",
) -> None:
    """Every installed plugin: its package, and what is broken. Imports none."""
    from mribench.cli import console
    from mribench.plugins import lookup

    if form not in ("table", "json"):
        raise InputError(f"unknown format {form!r}; expected table or json")
    found = lookup.choose(group, name, distribution)
    console.plugins(found) if form == "table" else console.records(found)


@app.command()
def leaderboard(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="run folders and kept boards; several are merged where comparable"),
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            help="a run folder, a kept board, a folder of these, or a published user/name[@revision]; repeat it",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="another folder, of a kept board: all records in one file, and pictures"),
    ] = None,
    html: Annotated[
        bool, typer.Option(help="also the page, leaderboard.html, to be opened from disk")
    ] = True,
    speed: Annotated[
        Path | None, typer.Option(help="folder of speed records, MACHINE/speed.json, for the page")
    ] = None,
    tables: Annotated[
        bool | None,
        typer.Option(
            "--tables/--no-tables",
            help="also leaderboard.csv and .json; default: yes, but not in a kept board",
        ),
    ] = None,
) -> None:
    """Make tables and page from the results in run folders and kept boards.

    Writes leaderboard.html, .md, .csv and .json, and prints the boards.

    With --from, local and published results are merged and printed; --out keeps them.
    """
    from mribench import results
    from mribench.board import publish

    if sources:
        _merged([*map(str, folders or ()), *sources], out, html, speed, tables)
        return
    if not folders:
        raise InputError("no run folder given; name one, or --from a folder of runs or a published user/name")
    if out:
        written = publish.publish(folders, out, html, speed, tables)
    else:
        home = folders[0].parent if folders[0].is_file() else folders[0]
        written = publish.write(results.read_all(folders), home, html, speed, tables)
    for path in written:
        print(path)
    _print_boards(folders)


def _merged(
    sources: list[str], out: Path | None, html: bool, speed: Path | None, tables: bool | None
) -> None:
    from mribench.board import boards as board
    from mribench.board import publish
    from mribench.cli import console
    from mribench.hub.merge import gathered
    from mribench.progress import say

    found = gathered(sources)
    for note in found.notes:
        say(note)
    if out:
        for path in publish.collect(found.results, found.folders, out, html, speed, tables):
            print(path)
    console.boards(board.boards(found.results))


def _print_boards(folders: list[Path]) -> None:
    from mribench import results
    from mribench.board import boards as board
    from mribench.cli import console

    console.boards(board.boards(results.read_all(folders)))


@app.command()
def trust(
    modalities: names("comma-separated, or all", "modalities", "all") = "all",
    features: names("comma-separated feature spaces", "features") = None,
    data: Annotated[str, typer.Option(help="phantom, a registry id, or a file or folder")] = "phantom",
    profile: Annotated[str, typer.Option(help="whose images: smoke, quick, standard or paper")] = "quick",
    out: Annotated[Path, typer.Option(help="folder for the records and the table")] = Path("runs/trust"),
) -> None:
    """Test which feature spaces may rank.

    Those that are blind to what no eye can see, and to nothing that any eye can.
    """
    from mribench import profiles
    from mribench.plugins import lookup
    from mribench.runner import runspec
    from mribench.trust.survey import survey

    asked = lookup.names("modalities") if modalities == "all" else split(modalities)
    organs = lookup.load_all("modalities", asked).values()
    spaces = lookup.load_all("features", split(features) or runspec.FEATURES).values()
    path = survey(organs, list(spaces), data, profiles.get(profile), out)
    print(path.read_text())


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="result file, run folder, kept board, or FOLDER:VARIANT")],
    second: Annotated[str, typer.Argument(help="the same of what it is compared with")],
    format: Annotated[str, typer.Option(help="table or json")] = "table",
) -> None:
    """Say whether two results compare, and what is significant.

    What makes them incomparable is named; if nothing does, every difference has its interval.
    """
    import json

    from mribench.board import compare as comparing
    from mribench.cli import console

    if format not in ("table", "json"):
        raise InputError(f"unknown format {format!r}; expected table or json")
    found = comparing.compare(comparing.select(first), comparing.select(second))
    if format == "json":
        print(json.dumps(comparing.as_json(found), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        console.comparison(found)


@app.command()
def verify(
    result: Annotated[
        str, typer.Argument(help="a result file in a run folder, a run folder, or a published user/name")
    ],
    rescore: Annotated[
        bool, typer.Option("--rescore", help="score the kept outputs again, generate nothing")
    ] = False,
    data: Annotated[
        str | None, typer.Option(help="source of the images, where the prepared ones are gone")
    ] = None,
) -> None:
    """Generate and score again from the recorded seeds.

    Each result is reproduced, within interval, or not (exit code 1).
    """
    from mribench.cli import console
    from mribench.hub.pull import as_folder
    from mribench.runner import verify as verifying

    answers = []
    with as_folder(result) as path:
        for out, one in verifying.find(path):
            verification = verifying.verify(out, one, data, rescore)
            console.verification(verification)
            answers.append(verification.answer)
    console.answers(answers)
    if "not reproduced" in answers:
        raise typer.Exit(1)


@app.command()
def doctor() -> None:
    """Check packages, torch, device, weights and plugins. Exit code 1 if something is broken."""
    from mribench.cli import console
    from mribench.cli import doctor as checks

    found = checks.run()
    console.checks(found)
    if any(check.state == "broken" for check in found):
        raise typer.Exit(1)


speed_commands.add_to(app)
hub.add_to(app)

if __name__ == "__main__":
    main()
