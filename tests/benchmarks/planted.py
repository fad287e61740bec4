"""Are planted faults found, is nothing else told, does repair mend? `python -m tests.benchmarks.planted [--mixtures N]`

Every plant of tests/gtm/plants.py goes into every good site where its entities are, alone, and then 3 to 10 of them at
once, drawn by a seed, no two at one entity. Precision: issues that name a planted fault, of all issues. Recall: planted
faults of which an issue names dimension, code and entity. Own: the plant's own repair gives all of the score back.
Repair: the proposer `repair`, with a policy that allows everything, does; of several plants, it ends all issues of the
plant's kind. Rules: the same, of the plants that need no person. Exits 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import copy
import functools
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.repairs import mended
from harness.scorers.gtm import Declared, Scored
from harness.scorers.gtm.dimensions import DIMENSIONS
from tests.gtm.build import Json, scored
from tests.gtm.plants import PLANTS, Plant
from tests.gtm.sites import SITES
from tests.repair.benches import OPEN
from tests.repair.test_operators_plants import BEYOND_RULES

PRECISION, RECALL, REPAIRED = 0.95, 0.95, 0.9  # bars, of everything together
LEAST, MOST = 3, 10
ROUNDING = 1e-9


@dataclass(frozen=True)
class Planting:
    """Plants in one site. data: with them; declared: of the site and of its plants."""

    site: str
    plants: tuple[Plant, ...]
    data: Json
    declared: dict[str, object]

    @property
    def clean(self) -> Scored:
        return scored(SITES[self.site][0](), **self.declared)

    @property
    def scored(self) -> Scored:
        return scored(copy.deepcopy(self.data), **self.declared)


@dataclass
class Tally:
    """Counts of one dimension."""

    planted: int = 0
    found: int = 0
    told: int = 0
    right: int = 0
    own: int = 0
    tried: int = 0
    repaired: int = 0
    mendable: int = 0
    mended: int = 0
    missed: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        for name in ("planted", "found", "told", "right", "own", "tried", "repaired", "mendable", "mended"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.missed += other.missed


def planting(site: str, plants: Sequence[Plant]) -> Planting | None:
    """None where an entity that a plant needs is not in the site, or nothing changed."""
    make, said = SITES[site]
    data = make()
    for plant in plants:
        before = json.dumps(data)
        try:
            plant.plant(data)
        except (StopIteration, KeyError, ValueError, AssertionError):
            return None
        if json.dumps(data) == before:
            return None
    declared = {**said, **{key: value for plant in plants for key, value in plant.declared}}
    return Planting(site, tuple(plants), data, declared)


def alone() -> Iterator[Planting]:
    """Every plant in every site where it applies; where nothing is wrong with it there, it is none."""
    for plant in PLANTS:
        for site in SITES:
            found = planting(site, [plant])
            if found and (site == plant.site or _is_fault(found)):
                yield found


def _is_fault(found: Planting) -> bool:
    """In another site than its own a plant may be no fault, or one of somebody else."""
    (plant,) = found.plants
    version = found.data["containerVersion"]
    names = {one.get("name") for listed in version.values() if isinstance(listed, list) for one in listed}
    falls = (found.scored.of(plant.dimension) or 0) < (found.clean.of(plant.dimension) or 0) - ROUNDING
    return falls and plant.entity in {"", *names}


def mixtures(count: int, seed: int) -> Iterator[Planting]:
    """Several plants at once, each at entities of its own."""
    chance = random.Random(seed)
    singles = {site: [one for one in _singles() if one.site == site] for site in SITES}
    places = {id(one): _places(one) for those in singles.values() for one in those}
    made = 0
    while made < count:
        site = chance.choice(list(SITES))
        wanted, chosen, taken = chance.randint(LEAST, MOST), list[Plant](), set[str]()
        for one in chance.sample(singles[site], len(singles[site])):
            if len(chosen) < wanted and not places[id(one)] & taken:
                chosen += one.plants
                taken |= places[id(one)]
        found = planting(site, chosen)
        if found and len(chosen) >= LEAST:
            made += 1
            yield found


@functools.cache
def _singles() -> tuple[Planting, ...]:
    return tuple(alone())


def _places(one: Planting) -> set[str]:
    """Names of the entities that a plant changes, adds or takes out, and the one that it is about."""
    before, after = SITES[one.site][0]()["containerVersion"], one.data["containerVersion"]
    found = {one.plants[0].entity} - {""}
    for array in {*before, *after}:
        olds, news = before.get(array), after.get(array)
        if isinstance(olds or news, list):
            old, new = (
                {json.dumps(x, sort_keys=True): str(x.get("name")) for x in those or []} for those in (olds, news)
            )
            found |= {name for text, name in (old | new).items() if (text in old) != (text in new)}
    return found


def judged(found: Planting, *, repair: bool = True) -> dict[str, Tally]:
    """By dimension what was planted, found and told, and whether repairs gave the score back."""
    seen, clean = found.scored, found.clean
    told = [(one.dimension, one.code, one.name) for one in seen.issues]
    planted = {(one.dimension, one.code, one.entity) for one in found.plants}
    tally = {name: Tally() for name in DIMENSIONS}
    for one in told:
        tally[one[0]].told += 1
        tally[one[0]].right += one in planted
        if one not in planted:
            tally[one[0]].missed.append(f"{found.site}: told besides {' + '.join(p.name for p in found.plants)}: {one}")
    own = _own(found) >= clean.total - ROUNDING
    after = _automatic(found) if repair else None
    for plant in found.plants:
        mine = tally[plant.dimension]
        is_found = (plant.dimension, plant.code, plant.entity) in told
        mine.planted += 1
        mine.found += is_found
        mine.own += own
        is_whole = after is not None and (_whole(after, clean) if len(found.plants) == 1 else _gone(plant, after))
        mine.repaired += is_whole
        mine.tried += repair
        mine.mendable += repair and plant.name not in BEYOND_RULES
        mine.mended += is_whole and plant.name not in BEYOND_RULES
        if not is_found:
            mine.missed.append(f"{found.site}: not found: {plant.name}")
    return tally


def _whole(after: Scored, clean: Scored) -> bool:
    return after.total >= clean.total - ROUNDING


def _gone(plant: Plant, after: Scored) -> bool:
    """Whether no issue speaks of the plant any more."""
    return not any((one.dimension, one.code) == (plant.dimension, plant.code) for one in after.issues)


def _own(found: Planting) -> float:
    data = copy.deepcopy(found.data)
    for plant in reversed(found.plants):
        try:
            plant.repair(data)
        except (StopIteration, KeyError, ValueError, AssertionError):
            return 0.0
    return scored(data, **found.declared).total


def _automatic(found: Planting) -> Scored:
    content = json.dumps(found.data, indent=2).encode()
    done = mended(content, "container.json", Declared(**found.declared), OPEN)  # type: ignore[arg-type]
    return scored(json.loads(done.content), **found.declared)


def together(found: Iterator[Planting], *, repair: bool = True) -> tuple[dict[str, Tally], int]:
    """Tallies of all, by dimension, and how many plantings there were."""
    whole, count = {name: Tally() for name in DIMENSIONS}, 0
    for one in found:
        count += 1
        for name, tally in judged(one, repair=repair).items():
            whole[name].add(tally)
    return whole, count


def summed(tallies: dict[str, Tally]) -> Tally:
    whole = Tally()
    for one in tallies.values():
        whole.add(one)
    return whole


def share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


def table(tallies: dict[str, Tally]) -> str:
    heads = ["dimension", "planted", "recall", "issues", "precision", "own repair", "repair", "rules"]
    lines = [f"| {' | '.join(heads)} |", f"|---{'|--:' * (len(heads) - 1)}|"]
    for name, one in [*tallies.items(), ("all", summed(tallies))]:
        figures = [one.planted, share(one.found, one.planted), one.told, share(one.right, one.told)]
        figures += [share(one.own, one.planted), share(one.repaired, one.tried), share(one.mended, one.mendable)]
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(map(str, figures))} |")
    return "\n".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--mixtures", type=int, default=100)
    options.add_argument("--seed", type=int, default=2026)
    options.add_argument("--verbose", action="store_true", help="name what was not found and what was told besides")
    chosen = options.parse_args()
    missed = False
    for title, plantings in (
        ("alone", alone()),
        (f"{LEAST} to {MOST} at once", mixtures(chosen.mixtures, chosen.seed)),
    ):
        tallies, count = together(plantings)
        whole = summed(tallies)
        print(f"{title}: {count} containers, {len(PLANTS)} kinds of fault\n\n{table(tallies)}\n")
        if chosen.verbose:
            print("\n".join(sorted(set(whole.missed))), "\n")
        missed |= whole.right < PRECISION * whole.told or whole.found < RECALL * whole.planted
        missed |= whole.mended < REPAIRED * whole.mendable
    print("a bar is missed" if missed else "every bar is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
