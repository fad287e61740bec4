"""What flags.conf may say. It goes into a compiler's command line, so it is hostile until a list allows it. Locked.

Allowed is what changes how the same program is computed, and nothing that reads, writes or runs anything, or that
changes what the program means. Whatever is on no list is refused, known or not.
"""

from __future__ import annotations

import re

MOST = 100
LINE_WIDTH = 100

LEVELS = frozenset({"-O0", "-O1", "-O2", "-O3", "-Os", "-Og"})

# One string, because 190 pairs of quotes would hide the words.
SWITCHES = frozenset(
    """
    aggressive-loop-optimizations align-functions align-jumps align-labels align-loops auto-inc-dec bit-tests
    branch-count-reg caller-saves code-hoisting combine-stack-adjustments compare-elim conserve-stack
    cprop-registers crossjumping cse-follow-jumps dce defer-pop delete-null-pointer-checks dse early-inlining
    expensive-optimizations finite-loops forward-propagate function-cse gcse gcse-after-reload gcse-las gcse-lm
    gcse-sm guess-branch-probability hoist-adjacent-loads if-conversion if-conversion2 indirect-inlining inline
    inline-functions inline-functions-called-once inline-small-functions ipa-bit-cp ipa-cp ipa-cp-clone ipa-icf
    ipa-icf-functions ipa-modref ipa-pta ipa-pure-const ipa-ra ipa-reference ipa-reference-addressable ipa-sra
    ipa-stack-alignment ipa-vrp ira-hoist-pressure ira-loop-pressure ira-share-save-slots ira-share-spill-slots
    ivopts jump-tables limit-function-alignment live-range-shrinkage loop-interchange loop-unroll-and-jam
    lra-remat modulo-sched modulo-sched-allow-regmoves move-loop-invariants move-loop-stores omit-frame-pointer
    optimize-sibling-calls optimize-strlen partial-inlining peel-loops peephole peephole2 plt
    predictive-commoning prefetch-loop-arrays ree rename-registers reorder-blocks reorder-blocks-and-partition
    reorder-functions rerun-cse-after-loop reschedule-modulo-scheduled-loops sched-critical-path-heuristic
    sched-dep-count-heuristic sched-group-heuristic sched-interblock sched-last-insn-heuristic sched-pressure
    sched-rank-heuristic sched-spec sched-spec-insn-heuristic sched-spec-load sched-stalled-insns
    sched-stalled-insns-dep schedule-fusion schedule-insns schedule-insns2 section-anchors sel-sched-pipelining
    sel-sched-pipelining-outer-loops selective-scheduling selective-scheduling2 shrink-wrap shrink-wrap-separate
    split-ivs-in-unroller split-loops split-paths split-wide-types split-wide-types-early ssa-backprop
    ssa-phiopt store-merging strict-aliasing thread-jumps toplevel-reorder tracer tree-bit-ccp
    tree-builtin-call-dce tree-ccp tree-ch tree-coalesce-vars tree-copy-prop tree-dce tree-dominator-opts
    tree-dse tree-forwprop tree-fre tree-loop-distribute-patterns tree-loop-distribution tree-loop-if-convert
    tree-loop-im tree-loop-ivcanon tree-loop-optimize tree-loop-vectorize tree-partial-pre tree-phiprop tree-pre
    tree-pta tree-reassoc tree-scev-cprop tree-sink tree-slp-vectorize tree-slsr tree-sra tree-switch-conversion
    tree-tail-merge tree-ter tree-vectorize tree-vrp unroll-all-loops unroll-loops unswitch-loops
    variable-expansion-in-unroller version-loops-for-strides web
    """.split()  # noqa: SIM905
)

NUMBERS = {"align-functions": 4096, "align-jumps": 4096, "align-labels": 4096, "align-loops": 4096,
           "sched-stalled-insns": 32, "sched-stalled-insns-dep": 32}  # fmt: skip

WORDS = {
    "-fira-algorithm": {"CB", "priority"},
    "-fira-region": {"one", "all", "mixed"},
    "-freorder-blocks-algorithm": {"simple", "stc"},
    "-fsimd-cost-model": {"unlimited", "dynamic", "cheap", "very-cheap"},
    "-fvect-cost-model": {"unlimited", "dynamic", "cheap", "very-cheap"},
    "-march": {"x86-64", "x86-64-v2", "x86-64-v3"},
    "-mtune": {"generic", "intel", "core2", "haswell", "skylake", "icelake-server", "znver1", "znver2", "znver3"},
    "-mprefer-vector-width": {"none", "128", "256"},
    "-mbranch-cost": {"0", "1", "2", "3", "4", "5"},
}

# Why what is well known is on no list. The first pattern that fits is told.
REASONS = {
    r"@.*": "reads more flags from a file",
    r"-Ofast": "lets arithmetic give other results",
    r"-f(no-)?(fast|unsafe|associative|reciprocal|finite|trapping|rounding)-math.*":
    "lets arithmetic give other results",
    r"-f(no-)?(math-errno|signed-zeros|signaling-nans|single-.*|cx-.*|fp-.*|excess-.*|float-store)": "lets arithmetic "
    "give other results",
    r"-f(no-)?(wrapv.*|trapv|signed-.*|unsigned-.*|short-.*|pack-struct.*|freestanding|hosted|builtin.*|exceptions)":
    "changes what the program means",
    r"-f(no-)?(lifetime-dse.*|allow-store-.*|strict-enums|common|open(mp|acc).*|sanitize.*|trivial-auto.*)":
    "changes what the program means",
    r"-f(no-)?plugin.*": "loads a program into the compiler",
    r"-f(no-)?((auto-)?profile.*|test-coverage|branch-probabilities)": "reads or writes profiles on the disk",
    r"-f(no-)?(dump|save-|opt-info|callgraph-info|stack-usage|lto|use-ld|.*-prefix-map|input-charset|stats).*":
    "makes the compiler read, write or run something else",
    r"-(include|imacros|I|iquote|isystem|idirafter|L|B|isysroot|-sysroot|specs|-specs).*": "reads files",
    r"-(D|U|A|P|X|W[palc],|wrapper|-param|T|u|z).*": "reaches another program, or the source text",
    r"-(o|c|S|E|M|save-temps|x|std|ansi|pg?|g|l|static|shared|pie|r|nostd|nodef|print|dump|v|###|time|pipe).*":
    "changes what is compiled, or what comes of it",
    r"-m(arch|cpu|tune)=native": "means another thing on another machine",
}  # fmt: skip


class Refused(Exception):
    """A line that the compiler is never shown, and why."""


def parse(content: bytes) -> list[str]:
    """The flags of a flags.conf in their order. Raises Refused."""
    try:
        lines = content.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise Refused(f"byte {error.start} is not plain ASCII") from None
    flags = []
    for number, line in enumerate(lines, start=1):
        flag = line.strip(" \t\r")
        if not flag or flag.startswith("#"):
            continue
        if why := problem(flag):
            raise Refused(f"line {number}: {flag[:LINE_WIDTH]!r} {why}")
        flags.append(flag)
    if len(flags) > MOST:
        raise Refused(f"{len(flags)} flags; at most {MOST}")
    return flags


def problem(flag: str) -> str:
    """Why a flag is refused; nothing for one that is allowed."""
    if not re.fullmatch(r"[-@A-Za-z0-9=,.+_/:#]{1,100}", flag):
        return "is not one flag: letters, digits, - and =, one flag a line"
    if flag in LEVELS or _is_switch(flag) or _has_word(flag):
        return ""
    for pattern, why in REASONS.items():
        if re.fullmatch(pattern, flag):
            return why
    return "is on no list of flags that change only how fast the same program runs"


def _is_switch(flag: str) -> bool:
    found = re.fullmatch(r"-f(no-)?([a-z0-9-]+?)(=([0-9]{1,4}))?", flag)
    if not found:
        return False
    negated, name, _value, number = found.groups()
    if number is None:
        return name in SWITCHES
    return not negated and int(number) <= NUMBERS.get(name, -1)


def _has_word(flag: str) -> bool:
    name, given, word = flag.partition("=")
    return bool(given) and word in WORDS.get(name, ())
