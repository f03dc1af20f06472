"""The main job: table, bounds, CP-SAT, and the same again without fusion."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from costmodel import evaluate
from costmodel.hardware import PriceList, within_hardware_budgets
from costmodel.table import CandidateTable, build_table, table_frame
from solver.bounds import Bounds, Weights, close_plain, plain_bounds, problem_groupings, surviving_rows, view
from solver.goals import Part, optima
from solver.model import Pair, build_model, pairs_of, solve_model
from solver.multipliers import close_with_budgets
from solver.problem import Points, Problem, Selection
from solver.proof import Proof
from solver.result import Deduction, Outcome, Progress, Result, Seconds, Space
from solver.rounds import can_price_in_rounds, table_in_rounds
from solver.space import count_designs
from solver.totals import check_mix, keeps_all, objective_of
from specs.study import Budgets, Goal, Study

Report = Callable[[Progress], None]


def solve(
    study: Study,
    *,
    time_limit: float | None = None,
    workers: int | None = None,
    baseline: bool = True,
    use_bounds: bool = True,
    on_progress: Report | None = None,
    stop: threading.Event | None = None,
    on_proof: Callable[[Proof], None] | None = None,
    margin: float = 0.0,
    table: CandidateTable | None = None,
) -> Result:
    """Find the best design of a study and prove it.

    Parameters
    ----------
    time_limit
        Seconds for everything; what is not proven by then is returned with its honest gap.
    workers
        CP-SAT workers; as many as there are cores by default.
    baseline
        Also find the optimum without fusion, on its own best hardware and on the same hardware.
    use_bounds
        Let bounds shrink the problem first. Without, CP-SAT proves everything alone: the same optimum, slower.
    on_progress
        Called with `Progress` now and then, also from other threads.
    stop
        Set it to end early.
    on_proof
        Called with what the proof of ``best`` rests on.
    margin
        Leave in that proof's model what may cost up to this fraction more than the optimum.
    table
        A whole table that `solver.session` built for this and other questions.
    """
    run = _Run(study, time_limit, workers, use_bounds, on_progress or (lambda progress: None), stop)
    run.on_proof, run.margin, run.shared = on_proof, margin, table
    return run.result(baseline)


class _StoppedError(Exception):
    """The wish to stop came while the table was being built."""


class _Run:
    """One solve: shared clock, options and table."""

    def __init__(
        self,
        study: Study,
        time_limit: float | None,
        workers: int | None,
        use_bounds: bool,
        report: Report,
        stop: threading.Event | None,
    ) -> None:
        self.study, self.use_bounds, self.report = study, use_bounds, report
        self.begin = time.perf_counter()
        self.deadline = None if time_limit is None else self.begin + time_limit
        self.workers = workers or available_cores()
        self.stop = stop or threading.Event()
        self.bounds_seconds = self.cpsat_seconds = 0.0
        self.deductions: list[Deduction] = []
        self.cycles_cut: tuple[tuple[int, ...], ...] = ()
        self.on_proof: Callable[[Proof], None] | None = None
        self.margin = 0.0
        self.shared: CandidateTable | None = None

    def stopped(self) -> bool:
        return self.stop.is_set() or (self.deadline is not None and time.perf_counter() > self.deadline)

    def table_progress(self, phase: str, done: int, total: int) -> None:
        """Pass progress on, and leave the table when it is time to stop."""
        if self.stopped():
            raise _StoppedError
        self.report(Progress(phase, None, None, done, total))

    def table(self) -> CandidateTable:
        """The table: whole, or without the groups that least costs already exclude."""
        if self.shared is not None:
            return replace(self.shared, study=self.study)
        # Throughput is latency turned over: one total to minimise like any other.
        latency = self.study.goals == ("throughput",)
        study = replace(self.study, goal="latency") if latency else self.study
        frame = table_frame(study)
        if not (self.use_bounds and can_price_in_rounds(frame)):
            return build_table(study, self.table_progress, processes=self.workers)
        # Rounds end by themselves when it is time: what they priced by then still gives a design and a bound.
        table, deduction = table_in_rounds(
            frame, lambda phase, done, total: self.report(Progress(phase, None, None, done, total)), self.stopped
        )
        self.deductions.append(deduction)
        return table

    def result(self, baseline: bool) -> Result:
        try:
            table = self.table()
        except _StoppedError:
            seconds = time.perf_counter() - self.begin
            space = Space(0, 0, 0, 0, 0, 0)
            return Result(self.study, Outcome("unknown"), None, None, space, (), Seconds(seconds, 0.0, 0.0, seconds))
        check_mix(table)
        everything = self._points(table)
        any_group = np.ones(len(table.lattice.groups), dtype=bool)
        part = Part(table, any_group, everything, "fused", self.stopped)
        best, *then = optima(self, part, self.study)
        self.on_proof, self.margin = None, 0.0  # the rest is for comparison
        own = same = None
        if baseline and not self.stopped():
            alone = np.array([layers.bit_count() == 1 for layers in table.lattice.groups])
            apart = replace(part, groups=alone, phase="layer by layer")
            own = optima(self, apart, self.study)[0]
            if best.design is not None:
                point = np.array([table.points.index(best.design.hardware)], dtype=np.intp)
                there = replace(apart, points=point, phase="layer by layer on the same hardware")
                same = optima(self, there, self.study)[0]
        return Result(
            study=self.study,
            best=best,
            then=tuple(then),
            layer_by_layer=own,
            layer_by_layer_same_hardware=same,
            space=Space(
                hardware_points_listed=table.num_points_listed,
                hardware_points=len(everything),
                groups=len(table.lattice.groups),
                group_classes=table.num_classes,
                candidates=table.priced,
                designs=count_designs(self.study, table.lattice, table.num_points_listed),
            ),
            deductions=tuple(self.deductions),
            seconds=Seconds(
                table=table.seconds,
                bounds=self.bounds_seconds,
                cpsat=self.cpsat_seconds,
                total=time.perf_counter() - self.begin,
            ),
        )

    def _points(self, table: CandidateTable) -> Points:
        """The table's points within the study's hardware budgets: all, unless the table serves other studies, too."""
        price_list = PriceList(self.study)
        kept = [within_hardware_budgets(self.study, point, price_list) for point in table.points]
        return np.flatnonzero(kept)

    def optimise(self, part: Part, goal: Goal, budgets: Budgets, quiet: bool = False) -> Outcome:
        """Best design of a part of the space for a goal that adds up over groups."""
        problem, phase = part.problem(goal, budgets), part.phase
        begin = time.perf_counter()
        self.report(Progress(f"{phase}: bounds"))
        pairs, bounds = self._bounded_pairs(problem) if self.use_bounds else self._all_pairs(problem)
        middle = time.perf_counter()
        self.bounds_seconds += middle - begin
        kept_points = len({pair.point for pair in pairs})
        if not quiet:
            self.deductions.append(Deduction(phase, kept_points, len(pairs)))
        outcome = self._prove(problem, bounds, pairs, phase)
        self.cpsat_seconds += time.perf_counter() - middle
        if self.on_proof is not None:
            self.on_proof(Proof(problem, bounds, pairs, self.cycles_cut, outcome))
        return outcome

    def _bounded_pairs(self, problem: Problem) -> tuple[list[Pair], Bounds]:
        """Bounds first; then what they could not exclude, and the best design they found."""
        bounds = plain_bounds(problem)
        if problem.budgeted:
            close_with_budgets(bounds)
        else:
            close_plain(bounds)
        bounds.margin = int(self.margin * bounds.best.objective) if bounds.best is not None else 0
        if bounds.best is not None:  # who asked for any design may stop here
            self.report(Progress("bounds", bounds.best.objective))
        pairs: dict[tuple[int, int, int], Pair] = {}
        for point in [] if problem.stop() else bounds.open_points().tolist():
            if problem.stop():  # what is missing then is never asked for
                break
            at = view(problem, point)
            weights = bounds.weights.get(point, Weights(1, (0,) * len(problem.budgeted)))
            for pair in pairs_of(problem, point, surviving_rows(bounds, at, weights), at.objective):
                pairs[pair.group, pair.row, pair.point] = pair
        if bounds.best is not None:
            at = view(problem, bounds.best.point)
            for piece in bounds.best.pieces:
                rows = [(piece.group, np.array([piece.row]))]
                for pair in pairs_of(problem, at.point, rows, at.objective):
                    pairs[pair.group, pair.row, pair.point] = pair
        return list(pairs.values()), bounds

    def _all_pairs(self, problem: Problem) -> tuple[list[Pair], Bounds]:
        """Every candidate of every allowed group at every point where it fits."""
        groupings = problem_groupings(problem)
        pairs = []
        for block in problem.blocks:
            family = problem.family(block)
            row_class = problem.row_class(family)
            for point in block.points.tolist():
                at = view(problem, point)
                survivors = [
                    (int(group), np.flatnonzero((row_class == problem.table.group_class[group]) & at.fits))
                    for group in np.flatnonzero(problem.groups)
                ]
                pairs += pairs_of(problem, point, survivors, at.objective)
        return pairs, Bounds(problem, groupings, np.zeros(len(problem.table.points), dtype=np.int64))

    def _prove(self, problem: Problem, bounds: Bounds, pairs: list[Pair], phase: str) -> Outcome:
        """Let CP-SAT decide what is left, and check its answer with the plain reading."""
        self.cycles_cut = ()
        self.report(Progress(f"{phase}: CP-SAT", bounds.best.objective if bounds.best else None))
        excluded = bounds.upper  # everything that the bounds dropped costs at least this
        if problem.table.floor is not None and problem.fuses:  # and so does what was never priced
            excluded = int(problem.table.floor[problem.points].min(initial=excluded))
        floor = int(bounds.lower[problem.points].min(initial=excluded))
        if problem.stop():
            if bounds.best is None:
                return Outcome("unknown", bound=floor)
            return self._outcome(problem, bounds.best, min(floor, excluded))
        if not pairs:
            return Outcome("infeasible")
        left = None if self.deadline is None else max(0.01, self.deadline - time.perf_counter())
        built = build_model(problem, pairs)
        solved = solve_model(
            built,
            bounds.best,
            left,
            self.workers,
            lambda best, bound: self.report(Progress(f"{phase}: CP-SAT", best, bound)),
        )
        self.cycles_cut = tuple(built.cycles_cut)
        known = solved.selection or bounds.best
        assert solved.status != "infeasible" or bounds.best is None, "CP-SAT excludes a design that exists"
        bound = max(floor, min(excluded, solved.bound))
        if known is None or known.objective >= problem.cutoff:
            # A design found at or above the cutoff proves nothing by itself: the bound must reach the cutoff.
            decided = solved.status == "infeasible" or bound >= problem.cutoff
            return Outcome("infeasible") if decided else Outcome("unknown", bound=bound)
        return self._outcome(problem, known, min(bound, known.objective))

    def _outcome(self, problem: Problem, selection: Selection, bound: int) -> Outcome:
        """Re-price the selection with `evaluate`: the same integers, or the solve is wrong and says so."""
        design = problem.design(selection)
        cost = evaluate(self.study, design)
        objective = objective_of(problem.goal, cost)
        assert objective == selection.objective, f"evaluate says {objective}, the table {selection.objective}"
        assert keeps_all(self.study, design, cost, problem.budgets)
        return Outcome("optimal" if bound == objective else "feasible", objective, bound, design, cost)


def available_cores() -> int:
    """Cores that this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
