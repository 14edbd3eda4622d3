"""The pipeline: prepare -> train -> produce -> score -> draw -> board. A finished stage is never run twice.

Here data are prepared, cells are run in this process or by workers, and the board is made; ``stages`` has what one cell
goes through. Under ``accelerate launch`` all processes train, and the first does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from itertools import product
from pathlib import Path

from mribench import device, figures, files, results, signals
from mribench.board import publish
from mribench.board.boards import Board, boards
from mribench.data import check_name, check_suits, open_sets
from mribench.data.globs import Globs
from mribench.data.prepare import in_one_line
from mribench.data.source import check_globs
from mribench.errors import DataError, MribenchError, concerns_one_cell
from mribench.features import Extractor
from mribench.progress import progress, say
from mribench.results import Result
from mribench.runner import dispatch, locks, resources, runspec
from mribench.runner.cell import Cell, is_joint
from mribench.runner.damage import read_outputs
from mribench.runner.early_imports import EarlyImports
from mribench.runner.plan import Plan, resolve
from mribench.runner.resources import Execution
from mribench.runner.stages import finished, run_cell
from mribench.runner.train_cells import train_on_one_gpu
from mribench.runner.trainings import is_untrained, of_variants, trainings
from mribench.runner.watch import Watch, write_boards
from mribench.runner.worker import Job, Outcome
from mribench.sampling import fitting
from mribench.spec import Modality, Prepared

IN_THIS_PROCESS = Execution(jobs=1)


def run_suite(
    spec: runspec.RunSpec,
    execution: Execution = IN_THIS_PROCESS,
    begin: Callable[[Plan, Execution], None] | None = None,
    show: Callable[[Sequence[Board]], None] | None = None,
) -> list[Result]:
    """Run every cell of a spec and return the results, in order. Raises MribenchError in one sentence.

    A cell that fails stops no other, and its error is raised at the end; bad input or a full disk end the run.
    ``begin`` is called once the settings are known to be good, before anything is prepared or trained; ``show`` with
    the boards of the folder, at the end of a run without errors, by the first of several processes.
    """
    plan, made = resolve(spec), list[Board]()
    check_suits(plan.modalities, plan.spec.data)
    check_name(plan.spec.data_name, plan.spec.data)
    check_globs(Globs(plan.spec.include, plan.spec.exclude), plan.spec.data)
    execution = resources.settle(execution, plan.profile, trainings(plan))
    rank, _ = device.world()
    if rank == 0:
        if begin:
            begin(plan, execution)
        open_sets.say_described(plan.spec.modalities, plan.spec.data)
    with locks.suite(plan.out, execution.has_workers) if rank == 0 else nullcontext():
        with dispatch.executor(execution, plan.out) as workers:
            data: dict[str, Prepared] = {}
            imports = EarlyImports(needed=workers is None and trainings(plan) > 0)
            if workers is None or plan.spec.data != "phantom":
                # users' images may be refused: all of them before anything is trained
                data |= {modality.name: _prepared(modality, plan, imports) for modality in plan.modalities}
                fitting.check_measured(plan.tasks, data.values())
            if rank == 0:
                files.write_text(plan.out / "spec.toml", runspec.to_toml(plan.spec))
            imports.wait()
            if workers is None:
                with resources.threads_of_this_process(plan.profile):
                    outcomes = _in_this_process(data, plan)
            else:
                outcomes = _by_workers(data, plan, workers, execution.jobs)
        done = _in_order((result for outcome in outcomes for result in outcome.results), plan)
        if rank == 0 and done:
            _draw_overview(done, data, plan)
            made = boards(results.read_all([plan.out], say))
            publish.write(made, plan.out)
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    if show and made:
        show(made)
    return done


def _in_order(done: Iterable[Result], plan: Plan) -> list[Result]:
    """Cell by cell as the plan has them, whoever ran them."""
    cells = product(plan.modalities, plan.variants, plan.spec.seeds)
    place = {(modality.name, variant.name, seed): i for i, (modality, variant, seed) in enumerate(cells)}
    return sorted(done, key=lambda result: place[result.modality, result.variant, result.seed])


def _cells(modality: Modality, data: Mapping[str, Prepared], plan: Plan) -> list[Cell]:
    """The cells of an organ; ``data`` holds its images, and for joint trainings those of all organs."""
    organs = tuple(sorted(data.items()))
    cells = (
        Cell(modality, data[modality.name], variant, seed, organs=organs if is_joint(variant) else ())
        for variant in plan.variants
        for seed in plan.spec.seeds
    )
    return [cell.with_training(plan) for cell in cells]


def _in_this_process(data: Mapping[str, Prepared], plan: Plan) -> list[Outcome]:
    """One cell after the other, in this process."""
    cells = [cell for modality in plan.modalities for cell in _cells(modality, data, plan)]
    try:
        train_on_one_gpu(cells, plan)
    except MribenchError as error:
        # a cell that diverged does so again when its turn comes; the others go on
        if not concerns_one_cell(error):
            raise
    extract = Extractor(plan.spaces, plan.out / "features")
    outcomes = []
    for number, cell in enumerate(cells, start=1):
        outcomes.append(_attempt(cell, plan, extract))
        others = {other.modality.name for other in cells[number:]}
        if others and cell.modality.name not in others and device.world()[0] == 0:
            write_boards(plan, cell.modality.name)
    return outcomes


def _attempt(cell: Cell, plan: Plan, extract: Extractor) -> Outcome:
    try:
        return Outcome(tuple(run_cell(cell, plan, extract)))
    except MribenchError as error:
        if not concerns_one_cell(error):
            raise
        return Outcome(error=error)


def _by_workers(
    data: dict[str, Prepared], plan: Plan, workers: Executor, processes: int | None
) -> list[Outcome]:
    """Unfinished cells go to workers: an organ's trainings as soon as its images are prepared, which are added to
    ``data``; then what is not trained of the organ before, controls above all; then the joint trainings, each with the
    cells of all organs. The controls of the last two organs are left to the end: they are short and keep all workers
    busy."""
    outcomes: dict[Job, Outcome] = {}
    submitted: list[Job] = []
    untrained_cells = len(plan.modalities) * len(plan.spec.seeds) * sum(map(is_untrained, plan.variants))
    watch = Watch(plan, of_variants(plan), untrained_cells)
    trained: dict[Job, bool] = {}

    def submit(jobs: Iterable[Job]) -> Iterator[Job]:
        for job in jobs:
            submitted.append(job)
            watch.submitted(job.modality)
            yield job

    def unfinished() -> Iterator[Job]:
        untrained: dict[str, list[Job]] = {}
        before = None  # the organ before
        for modality in plan.modalities:
            if modality.name not in data:
                data[modality.name] = _prepared(modality, plan)
            untrained[modality.name] = []
            for cell in _cells(modality, data, plan):
                if cell.is_joint:
                    continue
                job, existing = Job.of([cell], plan), finished(cell, plan)
                outcomes[job], trained[job] = Outcome(tuple(existing or ())), cell.is_trained_here
                if existing is not None:
                    watch.finished_before(cell.is_trained_here)
                elif cell.is_trained_here:
                    yield from submit([job])
                else:
                    untrained[modality.name].append(job)
            if before:
                yield from submit(untrained.pop(before))
                watch.organ_submitted(before)
            before = modality.name
        for cells in _joint_cells(data, plan):
            job, existing = Job.of(cells, plan), [finished(cell, plan) for cell in cells]
            outcomes[job] = Outcome(tuple(result for each in existing for result in each or ()))
            trained[job] = True
            if None in existing:
                yield from submit([job])
            else:
                watch.finished_before(trains=True)
        for organ, jobs in untrained.items():
            yield from submit(jobs)
            watch.organ_submitted(organ)

    new = dispatch.run_jobs(
        unfinished(),
        workers,
        plan.out,
        processes,
        done=lambda job: watch.done(job.modality, trained[job]),
        show=watch.show,
    )
    locks.tidy(plan.out)
    return list((outcomes | dict(zip(submitted, new, strict=True))).values())


def _joint_cells(data: Mapping[str, Prepared], plan: Plan) -> list[list[Cell]]:
    """The cells of each joint training."""
    by_training: dict[Path, list[Cell]] = {}
    for modality in plan.modalities:
        for cell in _cells(modality, data, plan):
            if cell.is_joint:
                by_training.setdefault(cell.train_folder(plan), []).append(cell)
    return list(by_training.values())


def _prepared(modality: Modality, plan: Plan, imports: EarlyImports | None = None) -> Prepared:
    """The prepared dataset; of several processes the first makes it and the others then read it."""
    from mribench.data import prepare_data

    rank, processes = device.world()
    wait = (
        device.accelerator(device.precision(plan.profile)).wait_for_everyone
        if processes > 1
        else lambda: None
    )
    if rank != 0:
        wait()
    with progress(f"prepare {modality.name}", 0) as advance:

        def prepared_so_far(done: int, total: int) -> None:
            signals.raise_if_stopped()
            if imports:
                imports.begin()
            advance(done, total=total)

        spec, profile = plan.spec, plan.profile
        data = prepare_data(
            modality,
            spec.data,
            profile,
            plan.out,
            progress=prepared_so_far,
            name=spec.data_name,
            skip_broken=spec.skip_broken,
            globs=Globs(spec.include, spec.exclude),
            fields=plan.fields,
        )
    if rank == 0:
        wait()
        if data.kind == "real":
            say(f"{modality.name}, {in_one_line(data)}")
    for split in ("train", "validation", "test"):
        if not len(getattr(data, split)):
            raise DataError(
                f"{modality.name}: the {split} split of {data.name} is empty; give images of more subjects"
            )
    return data


def _draw_overview(done: list[Result], data: Mapping[str, Prepared], plan: Plan) -> None:
    """figures/overview.png: every organ's held-out images beside the first trained variant's samples."""
    organs = {}
    for result in done:
        title = result.data["title"]
        if result.task != "generation" or result.is_control or title in organs:
            continue
        if outputs := read_outputs(plan.out / "outputs" / result.provenance["outputs"]):
            organs[title] = data[result.modality].test.images, outputs["images"]
    path = plan.out / "figures" / "overview.png"
    if organs:
        figures.save(path, figures.overview(organs))
