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
from solver.known import Known, known_bounds
from solver.memory import Memory
from solver.model import Pair, build_model, pairs_of, solve_model
from solver.multipliers import close_with_budgets
from solver.precisions import least_of_all
from solver.problem import Points, Problem, Selection
from solver.proof import Proof
from solver.relaxed import StoppedError
from solver.result import Deduction, Outcome, Progress, Result, Seconds, Space
from solver.rounds import can_price_in_rounds, table_in_rounds
from solver.rounds_of_totals import can_price_totals_in_rounds, totals_in_rounds
from solver.space import space_of
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
    memory: Memory | None = None,
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
    memory
        What these questions found out for each other.
    """
    report, stop = on_progress or (lambda progress: None), stop or threading.Event()
    choices = study.precision_choices
    if table is not None and len(choices) > 1:
        raise ValueError("a table speaks of one precision, the study of several")
    runs = [
        Run(replace(study, precision=precision), time_limit, workers, use_bounds, report, stop) for precision in choices
    ]
    for run in runs:
        run.on_proof, run.margin, run.shared, run.memory = on_proof, margin, table, memory
    return least_of_all(runs, baseline) if len(runs) > 1 else runs[0].result(baseline)


class Run:
    """One solve of a study with one precision: shared clock, options and table."""

    def __init__(
        self,
        study: Study,
        time_limit: float | None,
        workers: int | None,
        use_bounds: bool,
        report: Report,
        stop: threading.Event,
    ) -> None:
        self.study, self.use_bounds, self.report = study, use_bounds, report
        self.begin = time.perf_counter()
        self.deadline = None if time_limit is None else self.begin + time_limit
        self.workers = workers or available_cores()
        self.stop = stop
        self.bounds_seconds = self.cpsat_seconds = 0.0
        self.deductions: list[Deduction] = []
        self.cycles_cut: tuple[tuple[int, ...], ...] = ()
        self.on_proof: Callable[[Proof], None] | None = None
        self.margin = 0.0
        self.shared: CandidateTable | None = None
        self.memory: Memory | None = None

    def stopped(self) -> bool:
        return self.stop.is_set() or (self.deadline is not None and time.perf_counter() > self.deadline)

    def table_progress(self, phase: str, done: int, total: int) -> None:
        """Pass progress on, and leave the table when it is time to stop."""
        if self.stopped():
            raise StoppedError
        self.rounds_progress(phase, done, total)

    def rounds_progress(self, phase: str, done: int, total: int) -> None:
        """Pass progress on: rounds end by themselves when it is time, with a design and a bound."""
        self.report(Progress(phase, None, None, done, total))

    def table(self, budgets: Budgets) -> tuple[CandidateTable, Known | None]:
        """The table: whole, or without the groups that least costs already exclude."""
        study = replace(self.study, budgets=budgets)
        if self.shared is not None:
            return replace(self.shared, study=study), None
        if study.goals == ("throughput",):  # latency turned over: one total to minimise like any other
            study = replace(study, goal="latency")
        frame = table_frame(study)
        known = None
        if self.use_bounds and can_price_in_rounds(frame):
            table, deduction = table_in_rounds(frame, self.rounds_progress, self.stopped, self.workers)
        elif self.use_bounds and can_price_totals_in_rounds(frame):
            table, deduction, known = totals_in_rounds(frame, self.rounds_progress, self.stopped)
        else:
            return build_table(study, self.table_progress, processes=self.workers), None
        self.deductions.append(deduction)
        return table, known

    def part(self, budgets: Budgets) -> Part | None:
        """The whole space, with a table for these budgets; None if it was time to stop before there was one."""
        try:
            table, known = self.table(budgets)
        except StoppedError:
            return None
        check_mix(table)
        any_group = np.ones(len(table.lattice.groups), dtype=bool)
        return Part(table, any_group, self._points(table), "fused", self.stopped, known, self.memory)

    def result(self, baseline: bool) -> Result:
        part = self.part(self.study.budgets)
        if part is None:
            seconds = time.perf_counter() - self.begin
            space = Space(0, 0, 0, 0, 0, 0)
            return Result(self.study, Outcome("unknown"), None, None, space, (), Seconds(seconds, 0.0, 0.0, seconds))
        best, *then = optima(self, part, self.study)
        self.on_proof, self.margin = None, 0.0  # the rest is for comparison
        own = same = None
        if baseline and not self.stopped():
            own = optima(self, part.alone(), self.study)[0]
            if best.design is not None:
                same = optima(self, part.alone_on(best.design.hardware), self.study)[0]
        return Result(
            study=self.study,
            best=best,
            then=tuple(then),
            layer_by_layer=own,
            layer_by_layer_same_hardware=same,
            space=space_of(part),
            deductions=tuple(self.deductions),
            seconds=Seconds(
                table=part.table.seconds,
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
        pairs, bounds = self._bounded_pairs(problem, part.known) if self.use_bounds else self._all_pairs(problem)
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

    def _bounded_pairs(self, problem: Problem, known: Known | None) -> tuple[list[Pair], Bounds]:
        """Bounds first; then what they could not exclude, and the best design they found."""
        if known is not None:
            bounds = known_bounds(problem, known)
        else:
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
        cost = problem.memory.cost_of(problem, selection) if problem.memory is not None else None
        cost = cost or evaluate(self.study, design)
        objective = objective_of(problem.goal, cost)
        assert objective == selection.objective, f"evaluate says {objective}, the table {selection.objective}"
        assert keeps_all(self.study, design, cost, problem.budgets)
        if problem.memory is not None:
            problem.memory.keep_design(problem, selection, design, cost)
        return Outcome("optimal" if bound == objective else "feasible", objective, bound, design, cost)


def available_cores() -> int:
    """Cores that this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
