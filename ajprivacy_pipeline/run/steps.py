"""The order of a month, once: a run without Dagster walks it; Dagster's graph has the same steps as assets.

Belongs here: which step comes after which. Does not belong here: what a step does (`month`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ajprivacy_pipeline.run.month import MonthRun
from ajprivacy_pipeline.storage.catalogue import LAYERS, Model, layer_models

DECIDING = ("staged", "retention")  # the layers after which everything is decided


@dataclass(frozen=True)
class Step:
    """A step of a month: its name and what it does to the run."""

    name: str
    do: Callable[[MonthRun], object]


def decision_steps(catalogue: Mapping[str, Model]) -> Iterator[Step]:
    """From the extraction to the last decision."""
    yield Step("raw.extraction", MonthRun.extract)
    yield from _models(catalogue, DECIDING)


def month_steps(catalogue: Mapping[str, Model]) -> Iterator[Step]:
    """Yields every step of a month, in order."""
    yield from decision_steps(catalogue)
    yield from _models(catalogue, [layer for layer in LAYERS if layer not in DECIDING])
    yield Step("pseudonymised.zone", MonthRun.pseudonymise)
    yield Step("release", MonthRun.release)
    yield Step("control.months", MonthRun.finish)


def run_decisions(run: MonthRun, only: Collection[str] | None = None) -> None:
    """Read and decide a month; nothing is published, and the month stays unfinished.

    Args:
        run: the month.
        only: the models that are built; None: each of them.
    """
    for step in decision_steps(run.catalogue):
        if only is None or step.name in only or step.name not in run.catalogue:
            step.do(run)


def run_layers(run: MonthRun, layers: Sequence[str]) -> None:
    """Build the models of some layers of a month that is read and staged."""
    for step in _models(run.catalogue, layers):
        step.do(run)


def run_all(run: MonthRun) -> None:
    """Do a whole month."""
    for step in month_steps(run.catalogue):
        step.do(run)


def _models(catalogue: Mapping[str, Model], layers: Sequence[str]) -> Iterator[Step]:
    for layer in layers:
        for model in layer_models(catalogue, (layer,)):
            yield Step(model.name, partial(_run_model, name=model.name))
        if layer == "staged":
            yield Step("staged.quality", MonthRun.quality)


def _run_model(run: MonthRun, name: str) -> object:
    return run.model(name)
