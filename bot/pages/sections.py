"""What a page says of each target: confirmed, not confirmed, or not run."""

from __future__ import annotations

from bot.pages.facts import Absent, Links
from bot.pages.pieces import Piece, Weight, broken
from bot.pages.summary import TargetReport
from bot.pages.target import arms, dimensions, evidence, models, noisy, notes, rows, training, tried
from bot.pages.verdict import weakness
from bot.pages.wording import figures
from bot.pages.wording.gains import direction, number
from bot.pages.wording.text import code, count, label
from harness.handover.shapes import GATED


def confirmed(report: TargetReport, links: Links) -> list[Piece]:
    name = report.name
    top = [f"## {name}: {evidence.strength(report, weakness(report))}", *evidence.numbers(report), ""]
    lock, harness, base = (code(digest[:12]) for digest in (report.lock, report.harness, report.commit))
    return [
        Piece(top, Weight.SECTION, name, "sections"),
        Piece([*broken(evidence.because(report)), ""], Weight.WORDS, name, "evidence in words"),
        *dimensions.pieces(report, links.dimensions.get(name, "")),
        rows.table(report, links),
        *notes.not_judged(report),
        *rows.unproven(report),
        *training.pieces(report, links.training.get(report.name, "")),
        *tried.suspects(report),
        tried.reverted(report, links.charts.get(name, "")),
        *arms.table(report),
        *models.told(report),
        *_method(report),
        Piece([f"Lock unchanged: {lock}; harness {harness}; base {base}.", ""], Weight.WORDS, name, "locks"),
        Piece(_reproduce(report, links.facts.before.get(name, 0)), Weight.FOLDED, name, "how to reproduce"),
    ]


def unconfirmed(report: TargetReport, links: Links) -> list[Piece]:
    early = report.end in GATED | {"underpowered"}
    why = report.end_why if early else report.why
    lines = [f"Why: {code(figures.words(report, why) or 'confirm has not run', 500)}"]
    if report.noise:
        lines += [noisy.measured(report), noisy.repeats(report), noisy.luck(report, report.noise)]
    else:
        lines.append(evidence.held_out(report))
    lines.append(_claim(report))
    heading = f"## {report.name}: {report.end if early else report.verdict or 'not confirmed'}"
    found = [
        Piece([heading, ""], Weight.SECTION, report.name, "sections"),
        Piece([*broken([line for line in lines if line]), ""], Weight.WORDS, report.name, "reasons"),
        *tried.suspects(report),
    ]
    if report.tries and report.verdict != "integrity":
        found.append(tried.reverted(report, links.charts.get(report.name, "")))
    found += training.pieces(report, links.training.get(report.name, ""))
    return [*found, *arms.table(report), *models.told(report), *_method(report)]


def absent(found: Absent) -> Piece:
    """A target that did not run."""
    lines = [f"## {found.target}: did not run", "", f"Why: {found.reason}{_more(found.why)}", ""]
    return Piece(lines, Weight.SECTION, found.target, "sections")


def _more(why: str) -> str:
    return f"; {code(why, 300)}" if why else ""


def _method(report: TargetReport) -> list[Piece]:
    lines = noisy.method(report, report.noise) if report.noise else []
    lines += [line for line in [rows.method(report)] if line]
    if not lines:
        return []
    whole = ["<details><summary>How it was measured</summary>", "", *broken(lines), "", "</details>", ""]
    return [Piece(whole, Weight.FOLDED, report.name, "how it was measured")]


def _reproduce(report: TargetReport, before: int) -> list[str]:
    if report.noise:
        again = ["# the whole result, in fresh pairs", "head"]
    else:
        first = before + (report.rows[0].number if report.rows else 1)
        again = [f"# row {first}, measured again from scratch", str(first)]
    last = [point.experiment for point in report.points[-1:]]  # there is none where only what was carried is left
    return [
        "<details><summary>Reproduce a row, or any experiment</summary>",
        "",
        "```sh",
        again[0],
        f"autoresearch reproduce {report.night}/{report.name}#{again[1]}",
        *(f"# experiment {at}, kept or not" for at in last),
        *(f"autoresearch reproduce {report.night}/{report.name}/{at}" for at in last),
        "# every recorded byte against its chain",
        f"autoresearch log --verify {report.night}",
        "```",
        "",
        f"Seal of confirm: {code(report.seal[:16])}",
        "",
        "</details>",
        "",
    ]


def _claim(report: TargetReport) -> str:
    if not report.base:
        return ""
    tries = count(report.tries, "try", "tries")
    if not report.kept:
        return f"Nothing was kept, in {tries}; ended by: {report.end or 'not yet'}." if report.tries else ""
    if report.noise:
        claim = f"{label(report.compared.name)} {figures.shown(report, report.compared, report.claim)}"
    else:
        before, after = (number(report.rule, report.compared, values) for values in (report.base, report.claimed))
        claim = f"{label(report.compared.name)} {figures.pair(report, before, after)}"
    ended = f"after {tries}; ended by: {report.end or 'not yet'}"
    return f"Claimed by the loop, not confirmed: {claim} ({direction(report.compared)}) {ended}."
