"""What is too good, or too little, to be true. A gain that trips a wire is never kept; a human sees it on the page.

Values: a metric at or beyond its `ceiling`; a gain that ends where a candidate that does nothing ends (`floor`); a gain
out of the family of everything that this night has measured. Changes: comments, seeds and timers alone.
"""

from __future__ import annotations

import difflib
import posixpath
import re
from collections.abc import Iterator, Mapping

from harness.documents import is_data, leaves, load_bytes
from harness.errors import EvaluatorError, InvalidCandidate
from harness.rule import Metric, Rule

FAMILY = 20  # experiments with a score that it takes to know what is usual
OUT_OF_FAMILY = 10.0  # times the largest gain or loss so far

_SEED_NAME = re.compile(  # by how a name ends: random_seed and seed_2, and not seeds_planted or seed_funding
    r"seeds?(_?(\d+|value|number|base|offset|sequence))?$|random_?state(_?\d+)?$|(^|_)p?rng(_?(state|key|\d+))?$"
    r"|(^|_)nonce(_?\d+)?$"
)
_SEED_CALL = re.compile(r"seed\w*\s*\(", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[A-Za-z]\w*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TIMER = re.compile(
    r"perf_counter|monotonic|process_time|\btime\.time\b|clock(_gettime)?\b|\bsleep\b|timeit|performance\.now|Date\.now"
    r"|\bhrtime\b|gettimeofday|\brdtsc",
)
_HASH = re.compile(r"""(^|\s)#[^"'\n]*$""", re.MULTILINE)  # not where a quote follows: it may stand in a string
_SLASHES = re.compile(r"""//[^"'\n]*$|/\*.*?\*/""", re.MULTILINE | re.DOTALL)
_COMMENTS = {
    **dict.fromkeys((".py", ".sh", ".yaml", ".yml", ".toml", ".conf", ".cfg", ".ini", ".rb", ".pl"), _HASH),
    **dict.fromkeys((".js", ".ts", ".c", ".h", ".cc", ".cpp", ".rs", ".go", ".java"), _SLASHES),
    ".css": re.compile(r"/\*.*?\*/", re.DOTALL),
    **dict.fromkeys((".html", ".xml", ".svg"), re.compile(r"<!--.*?-->", re.DOTALL)),
}


def suspect_values(
    rule: Rule, base: Mapping[str, float], found: Mapping[str, float], gain: float, *, largest: float, measured: int
) -> str:
    """Why a gain looks impossible, or nothing. base, found: metrics of the night's unchanged file and the candidate;
    gain: of the headline; largest: the largest gain or loss among the `measured` experiments of this night."""
    for metric in rule.metrics:
        if problem := _impossible(metric, base[metric.name], found[metric.name]):
            return problem
    if measured >= FAMILY and 0 < OUT_OF_FAMILY * largest < gain:
        return f"a gain of {gain:.4g} is out of family: nothing else tonight moved by more than {largest:.4g}"
    return ""


def below_ceilings(target: str, rule: Rule, found: Mapping[str, float]) -> None:
    """Raises EvaluatorError where the unchanged file scores what nothing can score."""
    for metric in rule.metrics:
        if past_ceiling(metric, found[metric.name]):
            raise EvaluatorError(
                f"{target}: the unchanged file reaches the ceiling of {metric.name}, {metric.ceiling:g}",
                next_step="the ceiling is what no honest candidate can score: correct it, or the evaluator",
            )


def past_ceiling(metric: Metric, value: float) -> bool:
    """Whether a value is one that no honest candidate can have."""
    return metric.ceiling is not None and (
        value >= metric.ceiling if metric.goal == "maximize" else value <= metric.ceiling
    )


def suspect_change(before: bytes, after: bytes, name: str) -> str:
    """What alone a change touches, if that is only comments, seeds or timers; else nothing. name: of the file."""
    try:
        one, other = before.decode(), after.decode()
    except UnicodeDecodeError:
        return ""
    if _bare(one, name) == _bare(other, name):
        return "only comments or blank space changed"
    changed = list(_changed_leaves(one, other, name)) if is_data(name) else list(_changed_lines(one, other, name))
    for is_one, what in ((_sets_a_seed, "seeds"), (_TIMER.search, "timers")):
        if changed and all(map(is_one, changed)):
            return f"only {what} changed: {changed[0][:60]}"
    return ""


def _sets_a_seed(text: str) -> bool:
    """Whether a changed line, or a changed leaf's path, speaks of a seed. A name that only begins with the word is
    another thing, unless it is called: seed_everything(7)."""
    names = (_HUMP.sub("_", name).lower() for name in _IDENTIFIER.findall(text.replace("-", "_")))
    return any(map(_SEED_NAME.search, names)) or bool(_SEED_CALL.search(text))


def _impossible(metric: Metric, base: float, value: float) -> str:
    if past_ceiling(metric, value):
        return f"{metric.name} {value:.6g} reaches the ceiling {metric.ceiling:.6g}"
    if metric.floor is None:
        return ""
    if _better(metric, metric.floor, base):  # a time: who does nothing is the fastest
        reached = not _better(metric, metric.floor, value)
    else:
        reached = not _better(metric, value, metric.floor)
    return f"{metric.name} {value:.6g}, and a candidate that does nothing scores {metric.floor:.6g}" if reached else ""


def _better(metric: Metric, one: float, other: float) -> bool:
    return one > other if metric.goal == "maximize" else one < other


def _bare(text: str, name: str) -> list[str]:
    """The lines of a text without comments, blank ones left out. Indentation may mean something, so it stays."""
    return [line.rstrip() for line in _uncommented(text, name).splitlines() if line.strip()]


def _uncommented(text: str, name: str) -> str:
    pattern = _COMMENTS.get(posixpath.splitext(name)[1].lower())
    return pattern.sub(" ", text) if pattern else text


def _changed_leaves(one: str, other: str, name: str) -> Iterator[str]:
    try:
        before, after = (dict(leaves(load_bytes(text.encode(), name))) for text in (one, other))
    except InvalidCandidate:
        yield from _changed_lines(one, other, name)
        return
    yield from (path for path in {**before, **after} if before.get(path) != after.get(path))


def _changed_lines(one: str, other: str, name: str) -> Iterator[str]:
    for line in difflib.ndiff(_bare(one, name), _bare(other, name)):
        if line[0] in "+-":
            yield line[2:].strip()
