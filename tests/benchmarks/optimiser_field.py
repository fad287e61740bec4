"""The optimisers that `tests.benchmarks.optimisers` compares, each behind ask and tell over lists of whole numbers.

Only our own need to be installed for the project; the others are measured where they are there:
pip install cmaes cma nevergrad optuna scipy
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from bot import proposers
from bot.proposers import Outcome, Request
from harness import space
from harness.documents import canonical_id, load_bytes
from harness.rule import Metric, Rule
from harness.target import Budget, Confirm, Evaluate, Target

LOW, HIGH, START, COUNT = -5, 25, 5, 14
Point = list[int]


class Optimiser(Protocol):
    def ask(self, count: int) -> list[Point]: ...

    def tell(self, values: Sequence[float]) -> None:
        """Values of the last points, in their order; higher is better."""
        ...


class Ours:
    """A proposer of this project, asked and told as the loop does. screened: what falls short of the incumbent at the
    batch's start is told as the evaluator would: "bound" with its value as a bound, "bare" without."""

    def __init__(self, kind: str, seed: int, screened: str = "") -> None:
        self._target, self._screened = _target(kind), screened
        self._proposer = proposers.make(self._target, seed)
        self._incumbent = _spec([START] * COUNT)
        self._best = 0.0
        self._tried = {canonical_id(self._incumbent, "spec.yaml")}
        self._number, self._contents = 0, list[bytes]()

    def begin(self, value: float) -> None:
        self._best = value

    def ask(self, count: int) -> list[Point]:
        request = Request(self._incumbent, {"auc": self._best}, self._number + 1, count, self._tried)
        self._contents = [proposal.content for proposal in self._proposer.ask(request)]
        self._tried |= {canonical_id(content, "spec.yaml") for content in self._contents}
        return [list(load_bytes(content, "spec.yaml")["weights"].values()) for content in self._contents]

    def tell(self, values: Sequence[float]) -> None:
        outcomes, bar = [], self._best
        for content, value in zip(self._contents, values, strict=True):
            self._number += 1
            outcomes.append(self._outcome(value, bar))
            if value > self._best:
                self._best, self._incumbent = value, content
        self._proposer.tell(outcomes)

    def _outcome(self, value: float, bar: float) -> Outcome:
        if self._screened and value < bar:
            return Outcome(self._number, "discard", "screened", {}, {}, value if self._screened == "bound" else None)
        status, reason = ("keep", "better") if value > self._best else ("discard", "worse")
        return Outcome(self._number, status, reason, {"auc": value}, {})


class Cmaes:
    """The library cmaes. name: CMA, SepCMA, CMAwM (with margin), CatCMAwM."""

    def __init__(self, name: str, seed: int, sigma: float, population: int) -> None:
        import cmaes

        self._name, self._asked, self._told = name, list[Any](), list[Any]()
        if name == "CatCMAwM":
            levels = [list(range(LOW, HIGH + 1))] * COUNT
            middle = np.full(COUNT, float(START))
            self._made = cmaes.CatCMAwM(z_space=levels, mean=middle, sigma=sigma, population_size=population, seed=seed)
            return
        more: dict[str, Any] = {"bounds": np.array([[LOW - 0.49, HIGH + 0.49]] * COUNT)}
        if name == "CMAwM":
            more = {"bounds": np.array([[LOW, HIGH]] * COUNT, dtype=float), "steps": np.ones(COUNT)}
        mean = np.full(COUNT, float(START))
        self._made = getattr(cmaes, name)(mean=mean, sigma=sigma, seed=seed, population_size=population, **more)

    def ask(self, count: int) -> list[Point]:
        self._asked, points = [], []
        for _ in range(count):
            found = self._made.ask()
            self._asked.append(found[1] if self._name == "CMAwM" else found)
            points.append(whole(found.z if self._name == "CatCMAwM" else self._asked[-1]))
        return points

    def tell(self, values: Sequence[float]) -> None:
        for asked, value in zip(self._asked, values, strict=True):
            self._told.append((asked, -value))
            if len(self._told) == self._made.population_size:
                self._made.tell(self._told)
                self._told = []


class Nevergrad:
    def __init__(self, name: str, seed: int, budget: int) -> None:
        import nevergrad

        values = nevergrad.p.Array(init=np.full(COUNT, float(START))).set_bounds(LOW, HIGH)
        values.random_state.seed(seed)
        made = nevergrad.optimizers.registry[name]
        self._made = made(parametrization=values, budget=budget, num_workers=16)
        self._asked: list[Any] = []

    def ask(self, count: int) -> list[Point]:
        self._asked = [self._made.ask() for _ in range(count)]
        return [whole(asked.value) for asked in self._asked]

    def tell(self, values: Sequence[float]) -> None:
        for asked, value in zip(self._asked, values, strict=True):
            self._made.tell(asked, -value)


class Optuna:
    """name: of a sampler that needs nothing beyond optuna and cmaes."""

    def __init__(self, name: str, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        more = {"constant_liar": True} if name == "TPESampler" else {"x0": {str(n): START for n in range(COUNT)}}
        self._study = optuna.create_study(
            direction="maximize", sampler=getattr(optuna.samplers, name)(seed=seed, **more)
        )
        self._study.enqueue_trial({str(n): START for n in range(COUNT)})
        self._asked: list[Any] = []

    def ask(self, count: int) -> list[Point]:
        self._asked = [self._study.ask() for _ in range(count)]
        return [[trial.suggest_int(str(n), LOW, HIGH) for n in range(COUNT)] for trial in self._asked]

    def tell(self, values: Sequence[float]) -> None:
        for trial, value in zip(self._asked, values, strict=True):
            self._study.tell(trial, value)


class OneAtATime:
    """An optimiser that calls a function, in a thread of its own: it is asked for one point however many are wanted.

    Its curve counts experiments alone: in the loop each of them would be a batch."""

    def __init__(self, minimise: Callable[[Callable[[Any], float]], None]) -> None:
        self._points: queue.Queue[Point | None] = queue.Queue()
        self._values: queue.Queue[float] = queue.Queue()
        threading.Thread(target=self._run, args=(minimise,), daemon=True).start()

    def _run(self, minimise: Callable[[Callable[[Any], float]], None]) -> None:
        minimise(self._measured)
        self._points.put(None)

    def _measured(self, point: Any) -> float:
        self._points.put(whole(point))
        return -self._values.get()

    def ask(self, count: int) -> list[Point]:  # noqa: ARG002  # one is what it has
        point = self._points.get()
        return [] if point is None else [point]

    def tell(self, values: Sequence[float]) -> None:
        self._values.put(values[0])


def cobyqa() -> OneAtATime:
    from scipy.optimize import minimize

    options = {"initial_tr_radius": 4.0, "final_tr_radius": 0.5, "maxfev": 2000}
    box = [(LOW, HIGH)] * COUNT
    return OneAtATime(lambda f: minimize(f, [START] * COUNT, method="COBYQA", bounds=box, options=options))


def lq_cma(seed: int) -> OneAtATime:
    """CMA-ES with the global linear-quadratic surrogate of the library cma."""
    import cma

    options = {"bounds": [LOW - 0.49, HIGH + 0.49], "seed": seed + 1, "verbose": -9, "verb_log": 0, "maxfevals": 2000}
    return OneAtATime(lambda f: cma.fmin_lq_surr2(f, [float(START)] * COUNT, 4, options=options, inject=True))


def whole(point: Any) -> Point:
    return [int(value) for value in np.clip(np.rint(np.asarray(point, dtype=float)), LOW, HIGH)]


def _spec(weights: Point) -> bytes:
    return ("weights:\n" + "".join(f"  f{n}: {weight}\n" for n, weight in enumerate(weights))).encode()


def _target(kind: str) -> Target:
    weights = space.from_config({"/weights/*": {"int": [LOW, HIGH]}})
    return Target(
        name="t", folder="", file="spec.yaml", program=None, space=weights,
        evaluate=Evaluate("serve", ("true",), 1.0), locked=(), hidden=(), signal="",
        rule=Rule("primary", (Metric("auc", "maximize"),)), sample=True, noise=None, confirm=Confirm(1.0, 12, "leaf"),
        proposer=kind, catalogue=None, budget=Budget(2000, None, 0.0, None), isolated=False, owner=None,
    )  # fmt: skip
