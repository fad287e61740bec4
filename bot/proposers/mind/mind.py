"""A proposer that asks a model. It proposes one change at a time, so that each knows what became of the one before.

What a model answers is inspected; what cannot be measured goes back to it with what was wrong, at most twice, and then
counts as a failed proposal with its cost. What was tried and what it led to is all that it remembers, so that a resumed
night asks what an uninterrupted one would have asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from bot.models.messages import FAILED, Answer, Model, Part, Prompt, Turn
from bot.proposers import Outcome, Over, Proposal, Request, Told
from bot.proposers.mind import novelty, repairs
from bot.proposers.mind.answer import read
from bot.proposers.mind.bill import Bill
from bot.proposers.mind.edits import Form, usual_form
from bot.proposers.mind.fence import begins, ends, fenced, one_line
from bot.proposers.mind.history import History, Tried
from bot.proposers.mind.inspection import Inspection, NearRepeat
from bot.proposers.mind.novelty import Discarded
from bot.proposers.mind.prompt import SIMPLER, Anchor, Asked, Layout
from bot.proposers.mind.showing import Showing, Whole
from bot.proposers.mind.wrong import Wrong
from harness.rule import headline_name
from harness.target import Target

CORRECTIONS = 2
OUTAGES = 3  # in a row, after which nobody is there
PASSING = frozenset({"overloaded", "rate-limited", "outage"})
BYTES_PER_TOKEN = 3  # as texts with many numbers have; limits are given in tokens and kept in bytes
MOST_ECHO, MOST_SAID = 8_000, 2_000  # characters of an answer that is shown again, and of what was wrong with it
MOST_TAIL = 16_000  # bytes of a prompt's end that are not known yet: parts, metrics, a change by somebody else
SAID: dict[str, str] = {
    "malformed": "That was no call of the tool `propose` with the arguments that it asks for.",
    "truncated": "That came to the limit of an answer before its end. Say less: fewer and shorter edits.",
    "refused": "There was no answer. A change of one file, which is then measured, is all that is asked for.",
}


@dataclass(frozen=True)
class Options:
    """after: experiments without a keep before `larger` is asked; simplify: every so many of them ask for less code, 0
    for none; tokens of an answer, of the history and of a container's view; form: None for the usual one."""

    provider: str
    model: str
    larger: str = ""
    after: int = 12
    max_tokens: int = 6_000
    history_tokens: int = 12_000
    form: Form | None = None
    simplify: int = 0
    view_tokens: int = 24_000


@dataclass(frozen=True)
class Briefing:
    """What a mind is told before the night. base: the file as the night begins with it; program: the instructions of
    the people whose it is; declined: what they turned down before, in words; showing: how prompts show the file, None
    for the file as it is."""

    base: bytes
    program: str = ""
    declined: Sequence[str] = ()
    showing: Showing | None = None


@dataclass
class _Talk:
    """The exchange about one proposal."""

    asked: Asked
    request: Request
    prompt: Prompt
    value: Answer
    proposal: Proposal
    canons: set[str]
    repairs: int = 0


class Mind:
    """See `bot.proposers.Proposer` and `bot.proposers.Repairer`."""

    steady = False

    def __init__(self, target: Target, briefing: Briefing, model: Model, options: Options) -> None:
        self._target, self._model, self._options, base = target, model, options, briefing.base
        self._most = 2 * len(base) + 4_000  # bytes that the file may have
        form = options.form or usual_form(target.file, base)
        self._showing = briefing.showing or Whole(target.file)
        self._layout = Layout(target, briefing.program, briefing.declined, form, self._showing)
        self._inspection = Inspection(target, base, form, self._most)
        headline = headline_name(target.rule)
        others = [metric.name for metric in target.rule.metrics if metric.name != headline]
        also = others if self._showing.tells_parts else ()
        self._history = History(headline, options.history_tokens * BYTES_PER_TOKEN, also)
        self._file, self._anchor = base, Anchor(base, 0)
        self._since_keep = self._outages = 0
        self._discarded: list[Discarded] = []
        self._talk: _Talk | None = None
        self._pending: list[Proposal] = []
        self._worst: dict[str, Decimal] = {}
        self.worst_case_usd = 0.0
        self._reserve()

    def ask(self, request: Request) -> list[Proposal]:
        if request.count < 1:
            return []
        if self._target.private:
            request = replace(request, metrics={}, parts={})
        self._meet(request.incumbent, request.first, request.metrics)
        bill = Bill(self._asked().model)
        self._pending = [self._proposal(request, bill)]
        return list(self._pending)

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        for proposal, outcome in zip(self._pending, outcomes, strict=True):
            self._learn(proposal.content, proposal.description, outcome)
        self._pending, self._talk = [], None
        self._reserve()

    def recall(self, told: Iterable[Told]) -> None:
        """A baseline after the first is what somebody else made of the file, as the next request met it."""
        met: Told | None = None
        for one in told:
            if one.outcome.experiment == 0:
                met = one
                continue
            if met:
                self._meet(met.content, one.outcome.experiment, met.outcome.metrics)
            met = None
            self._learn(one.content, one.description, one.outcome)
        self._reserve()

    def repair(self, proposal: Proposal, why: str) -> Proposal | None:
        """One call, without corrections. Its own cost alone is in what it returns."""
        talk = self._talk
        if talk is None or proposal.content != talk.proposal.content:
            return None
        if talk.repairs >= repairs.MOST or not repairs.is_dull(why):
            return None
        talk.repairs += 1
        said = f"It crashed for a slip. This is the end of its output:\n{fenced('output', ends(why, MOST_SAID // 2))}"
        prompt = _continued(talk.prompt, talk.value, f"{said}Propose the same idea again, with the slip mended.")
        bill = Bill(prompt.model)
        answer = self._answer(prompt, bill)
        if answer.outcome in FAILED and not bill.cost:
            return None
        try:
            mended = self._candidate(answer, talk.request, bill, talk.canons)
        except Wrong as wrong:
            return _failed(talk.request, bill, f"a repair that cannot be measured: {wrong.what}")
        self._remember(talk, answer, mended)
        return mended

    @property
    def anchored(self) -> int:
        """The experiment after which the file stands in the part of the prompt that does not change."""
        return self._anchor.experiment

    def _meet(self, incumbent: bytes, first: int, metrics: Mapping[str, float]) -> None:
        """Where the file is another than the one that was kept last, somebody else changed it."""
        if incumbent != self._file:
            self._learn(incumbent, "somebody else changed the file", Outcome(first - 1, "keep", "better", metrics, {}))
            self._reserve()

    def _asked(self) -> Asked:
        stalled = self._options.larger and self._since_keep >= self._options.after
        model = self._options.larger if stalled else self._options.model
        return Asked(self._options.provider, model, self._options.max_tokens)

    def _proposal(self, request: Request, bill: Bill) -> Proposal:
        asked = self._asked()
        first = self._layout.prompt(asked, self._anchor, self._history.blocks, request, self._aim())
        prompt, warned, why, before = first, False, "", ""
        for left in range(CORRECTIONS, -1, -1):
            answer = self._answer(prompt, bill)
            if answer.outcome in FAILED:
                return self._gone(answer, request, bill, talked=left < CORRECTIONS)
            try:
                found = self._candidate(answer, request, bill)
                if left and not warned:
                    self._inspection.is_new(found.content, request.incumbent, self._discarded)
            except Wrong as wrong:
                warned, why = warned or isinstance(wrong, NearRepeat), wrong.what
                if (said := _said(answer)) == before:
                    return self._useless(request, bill, CORRECTIONS + 1 - left, f"{why} (twice the same answer)")
                before = said
                prompt = _continued(prompt, answer, _correction(why))
            else:
                canon = self._inspection.canonical(found.content)
                self._talk = _Talk(asked, request, first, answer, found, {canon})
                return found
        return self._useless(request, bill, CORRECTIONS + 1, why)

    def _useless(self, request: Request, bill: Bill, answers: int, why: str) -> Proposal:
        self._talk = None
        return _failed(request, bill, f"nothing that can be measured in {answers} answers; the last: {why}")

    def _answer(self, prompt: Prompt, bill: Bill) -> Answer:
        try:
            if self._model.worst_case_usd(prompt) > self._worst[prompt.model]:
                return Answer("rejected", why="the prompt grew beyond what its cost was reserved for")
        except ConnectionError as gone:
            return Answer("outage", why=str(gone))
        answer = self._model.ask(prompt)
        bill.add(answer)
        return answer

    def _candidate(self, answer: Answer, request: Request, bill: Bill, also: Iterable[str] = ()) -> Proposal:
        """Raises Wrong."""
        if answer.value is None or answer.outcome != "answer":
            raise Wrong(SAID.get(answer.outcome, answer.why))
        content = self._inspection.content(answer.value, request, frozenset(also))
        return Proposal(content, read(answer.value).description, float(bill.cost), spent=bill.spent())

    def _gone(self, answer: Answer, request: Request, bill: Bill, *, talked: bool) -> Proposal:
        """Raises Over where asking again changes nothing, and this ask cost nothing.

        talked: whether there was an answer before; what is rejected then is a talk that outgrew what the model can
        read, and the next one begins short again.
        """
        self._talk = None
        why = f"{answer.outcome}: {answer.why}"
        if not bill.cost:
            if answer.outcome == "money":
                raise Over("money", why)
            if (answer.outcome == "rejected" and not talked) or self._outages + 1 >= OUTAGES:
                raise Over("exhausted", why)
        return _failed(request, bill, why)

    def _aim(self) -> str:
        every = self._options.simplify
        due = every and not self._target.is_data and self._since_keep and self._since_keep % every == 0
        return SIMPLER if due else ""

    def _remember(self, talk: _Talk, answer: Answer, mended: Proposal) -> None:
        talk.value, talk.proposal = answer, mended
        talk.canons.add(self._inspection.canonical(mended.content))
        self._pending = [mended]

    def _learn(self, content: bytes, description: str, outcome: Outcome) -> None:
        change = self._showing.described(self._file, content) if content != self._file else ""
        if outcome.status == "discard" and outcome.reason in novelty.MEASURED:
            what = novelty.change(self._file, content, self._target.file)
            self._discarded.append(Discarded(outcome.experiment, outcome.reason, what))
        passing = outcome.reason == "invalid" and outcome.why.partition(":")[0] in PASSING
        self._outages = self._outages + 1 if passing else 0
        self._since_keep += 1
        if outcome.status == "keep":
            self._file, self._since_keep = content, 0
        compacted = self._history.add(Tried(self._tellable(outcome), description, change))
        if compacted or self._showing.outgrown(self._anchor.content, self._file):
            self._anchor = Anchor(self._file, outcome.experiment)

    def _tellable(self, outcome: Outcome) -> Outcome:
        """No amount that was computed from private rows leaves the machine. Why a proposal was refused does."""
        if not self._target.private:
            return outcome
        return replace(outcome, metrics={}, parts={}, gain=0.0, why=outcome.why if outcome.reason == "invalid" else "")

    def _reserve(self) -> None:
        """What the next proposal can cost at most, by the prompt as it is by now, with long corrections. Where nobody
        is there to say it, it stays what it was: nothing is asked then."""
        names = {self._options.model, self._options.larger} - {""}
        try:
            self._worst = {name: self._worst_call(name) for name in names}
        except ConnectionError:
            self._worst = self._worst or dict.fromkeys(names, Decimal(0))
        self.worst_case_usd = float((1 + CORRECTIONS) * max(self._worst.values()))  # a repair costs less

    def _worst_call(self, name: str) -> Decimal:
        asked = Asked(self._options.provider, name, self._options.max_tokens)
        prompt = self._layout.prompt(asked, self._anchor, self._history.blocks, Request(self._file, {}, 0, 1, ()))
        spare = Part("x" * (MOST_TAIL + CORRECTIONS * (MOST_ECHO + MOST_SAID)))
        return self._model.worst_case_usd(self._layout.of(asked, (*prompt.turns, Turn("user", (spare,)))))


def _failed(request: Request, bill: Bill, why: str) -> Proposal:
    return Proposal(
        request.incumbent, "no candidate", float(bill.cost), spent=bill.spent(), failed=one_line(why, 1_000)
    )


def _said(answer: Answer) -> str:
    """What an answer would do, in other words or not: who says it again after it was told what is wrong with it will
    say it once more."""
    return json.dumps([answer.outcome, (answer.value or {}).get("edits"), answer.text])


def _correction(why: str) -> str:
    data = fenced("what is wrong", begins(why, MOST_SAID // 2))
    return (
        f"That was not measured. What is wrong with it:\n{data}Nothing was changed. Answer again with the tool, with "
        "everything that belongs to it; edits apply to the file as it stands now."
    )


def _continued(prompt: Prompt, answer: Answer, said: str) -> Prompt:
    """The prompt with what was answered and what is said to that."""
    value = answer.value if answer.value is not None and len(json.dumps(answer.value)) <= MOST_ECHO else None
    echo = () if value is not None else tuple(Part(text) for text in [answer.text[:MOST_ECHO]] if text.strip())
    told = Turn("user", (Part(said),))
    if value is None and not echo:
        last = prompt.turns[-1]
        turns = (*prompt.turns[:-1], Turn("user", (*last.parts, *told.parts)))
    else:
        turns = (*prompt.turns, Turn("assistant", echo, value), told)
    return Prompt(
        prompt.provider, prompt.model, prompt.system, turns, prompt.tool, prompt.about, prompt.schema, prompt.max_tokens
    )
