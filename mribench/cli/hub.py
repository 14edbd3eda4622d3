"""``mribench push``, ``pull``, ``pack`` and ``unpack``: publish and fetch trained cells, boards and records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mribench.hub.push import Pushed

Run = Annotated[Path, typer.Argument(help="the --out folder of a run")]
Cells = Annotated[
    list[str] | None,
    typer.Option(
        "--cell", help="only these cells, such as ORGAN-ddpm-s0 or the pattern '*-s0'; may be repeated"
    ),
]
Private = Annotated[
    bool,
    typer.Option("--private", help="for people under the same agreement: allows data that may not go public"),
]
IKnow = Annotated[
    bool,
    typer.Option("--i-know", help="publish in spite of a MEMORISES verdict, or of terms that nobody checked"),
]


def push(
    run: Run,
    repo: Annotated[
        str | None,
        typer.Option(help="user/name of the repository; of several cells, each has its own, user/name-CELL"),
    ] = None,
    cell: Cells = None,
    results_to: Annotated[
        str | None, typer.Option(help="user/board: append the run's records to this data set repository")
    ] = None,
    private: Private = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="write what would be sent to RUN/hub/ and send nothing")
    ] = False,
    i_know: IKnow = False,
    eval_results: Annotated[
        bool,
        typer.Option(
            "--eval-results", help="also write .eval_results, the scores against the --results-to data set"
        ),
    ] = False,
) -> None:
    """Publish trained cells on the Hugging Face Hub.

    Sends weights, card and records; each cell has a repository and a commit of its own.
    """
    from mribench.hub.push import push as publish
    from mribench.hub.staging import PushRequest

    request = PushRequest(run, repo, tuple(cell or ()), results_to, private, i_know, eval_results)
    for pushed in publish(request, dry_run):
        _say(pushed, dry_run)
    _say_replaced(run)


def _say_replaced(run: Path) -> None:
    from mribench.hub import data_names
    from mribench.progress import say

    if replaced := data_names.sentence(run):
        say(replaced)


def _say(pushed: Pushed, dry_run: bool) -> None:
    from mribench.progress import say

    removed = ", ".join(f"{n} x {kind}" for kind, n in sorted(pushed.removed.items()))
    if removed:
        say(f"{pushed.repo}: removed before it leaves: {removed}")
    for note in pushed.notes:
        say(note)
    if dry_run:
        say(f"{pushed.repo}: would be sent, {sum(pushed.files.values()):,} bytes:")
        for name, size in pushed.files.items():
            say(f"{size:>14,}  {name}")
    print(pushed.address)


def pull(
    repo: Annotated[str, typer.Argument(help="user/name of a model or board that mribench published")],
    revision: Annotated[str | None, typer.Option(help="commit, branch or tag; default: the newest")] = None,
    out: Annotated[Path | None, typer.Option(help="run folder to make; default: runs/<name>")] = None,
) -> None:
    """Download a published model or board as a run folder.

    Takes all files from one commit and compares their checksums.
    """
    from mribench.hub.pull import pull as bring

    print(bring(repo, revision, out))


def pack(
    run: Run,
    out: Annotated[Path | None, typer.Option(help="file to write; default: RUN.tar")] = None,
    cell: Cells = None,
    private: Private = False,
    i_know: IKnow = False,
) -> None:
    """Write trained cells to one file, for sites without upload.

    Adds checksums, and refuses what push refuses.
    """
    from mribench.hub.pack import pack as write
    from mribench.hub.staging import PushRequest

    file, sha256 = write(
        PushRequest(run, None, tuple(cell or ()), private=private, i_know=i_know),
        out or run.resolve().with_name(f"{run.resolve().name}.tar"),
    )
    _say_replaced(run)
    print(f"{sha256}  {file}")


def unpack(
    file: Annotated[Path, typer.Argument(help="what `mribench pack` wrote")],
    out: Annotated[Path | None, typer.Option(help="run folder to make; default: the file's name")] = None,
) -> None:
    """Make a run folder from a packed file.

    Compares every checksum, and writes nothing outside that folder.
    """
    from mribench.hub.pack import unpack as read

    print(read(file, out or file.with_suffix("")))


def add_to(app: typer.Typer) -> None:
    """Register the four commands."""
    for command in (push, pull, pack, unpack):
        app.command()(command)
