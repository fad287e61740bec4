"""One question from its reservation to its settled answer: priced, cleaned of secrets, asked, judged, metered, kept."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from bot.models import judging, wire
from bot.models.blobs import Blobs
from bot.models.ledger import Ledger, PastCap, Reservation
from bot.models.messages import Answer, Outcome, Prompt, Usage
from bot.models.prices import Price
from bot.models.providers import Provider, Reply, Trouble
from bot.models.redaction import Redactor
from bot.models.retries import Retries
from bot.models.settings import Settings

_JUDGED: tuple[Outcome, ...] = ("answer", "malformed", "truncated", "refused")


@dataclass
class _Bill:
    """What the attempts of one question cost so far, and why where that is not what the provider said."""

    price: Price
    bound: int
    usage: Usage = field(default_factory=Usage)
    usd: Decimal = Decimal(0)
    assumed: list[str] = field(default_factory=list)

    def whole(self, reply: Reply, max_tokens: int) -> None:
        if reply.usage is None:
            self.assumed.append("the provider did not say what it counted: the most it can have cost is counted")
            self.usd += self.price.worst(self.bound, max_tokens)
            return
        self.usage += reply.usage
        self.usd += self.price.cost(reply.usage)

    def failed(self, trouble: Trouble, max_tokens: int) -> None:
        if trouble.paid == "nothing":
            return
        self.usage += trouble.usage
        if trouble.paid == "output":
            most = replace(trouble.usage, output=max(trouble.usage.output, max_tokens))
            self.usd += self.price.cost(most)
            self.assumed.append("the answer broke off: its output is counted at the most it can have cost")
        else:
            self.usd += self.price.worst(self.bound, max_tokens)
            self.assumed.append("no usage came back: the attempt is counted at the most it can have cost")

    def why(self, why: str) -> str:
        told = list(dict.fromkeys(self.assumed)) if self.usd else []
        return "; ".join([why, *told] if why else told)


def _sent(provider: Provider, prompt: Prompt) -> Reply:
    """Raises Trouble, whatever goes wrong: a call that was begun has an outcome and a cost."""
    try:
        return provider.send(prompt)
    except Trouble:
        raise
    except Exception as error:  # noqa: BLE001  an answer that we or a client did not expect
        why = f"an answer that cannot be read: {type(error).__name__}"
        raise Trouble("outage", why, paid="unknown", again=False) from None


class Desk:
    """What answers inside the broker. Safe for several threads."""

    def __init__(
        self, settings: Settings, providers: Mapping[str, Provider], ledger: Ledger, blobs: Blobs, redactor: Redactor,
        retries: Retries = Retries(), *, sleep: Callable[[float], None] = time.sleep,  # noqa: B008  frozen
        chance: random.Random | None = None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._providers = providers
        self._ledger = ledger
        self._blobs = blobs
        self._redactor = redactor
        self._retries = retries
        self._sleep = sleep
        self._chance = chance or random.Random()  # noqa: S311  jitter

    def ask(self, prompt: Prompt, *, keep: bool = True, mark: str = "") -> Answer:
        """keep: whether prompt and reply become blobs. mark: what it is asked for: an answer that was paid for and lost
        is given out again for the same purpose alone. Raises OSError where the ledger takes no reservation: then
        nothing is sent."""
        prompt = self._clean(prompt)
        unpriced = self._refusal(prompt)
        if unpriced:
            return Answer("rejected", why=unpriced)
        data = wire.prompt_data(prompt)
        asked = wire.digest({**data, "mark": mark} if mark else data)
        earlier = self._ledger.earlier(asked)
        if earlier is not None:
            return earlier
        try:
            reservation = self._ledger.reserve(self._worst(prompt), asked, prompt.model)
        except PastCap as cap:
            return Answer("money", why=str(cap))
        return self._answered(prompt, data, reservation, keep=keep)

    def worst_case_usd(self, prompt: Prompt) -> Decimal:
        """0 for a prompt that is not sent at all."""
        prompt = self._clean(prompt)
        return Decimal(0) if self._refusal(prompt) else self._worst(prompt)

    def spent(self) -> dict[str, Decimal]:
        return self._ledger.spent()

    def left(self) -> Decimal | None:
        return self._ledger.left()

    def _clean(self, prompt: Prompt) -> Prompt:
        return wire.prompt_from(self._redactor.data(wire.prompt_data(prompt)))

    def _refusal(self, prompt: Prompt) -> str:
        """Why this prompt is not sent, "" if it is."""
        if prompt.provider not in self._providers:
            known = ", ".join(sorted(self._providers)) or "none"
            return f"no provider is called {prompt.provider!r} here; there are: {known}"
        if self._settings.price(prompt.provider, prompt.model) is None:
            return f"nothing says what {prompt.model!r} costs; state it under models: prices: in autoresearch.yml"
        return ""

    def _price(self, prompt: Prompt) -> Price:
        price = self._settings.price(prompt.provider, prompt.model)
        assert price is not None  # noqa: S101  _refusal came first
        return price

    def _worst(self, prompt: Prompt) -> Decimal:
        bound = self._providers[prompt.provider].input_bound(prompt)
        return self._price(prompt).worst(bound, prompt.max_tokens) * self._retries.attempts

    def _answered(self, prompt: Prompt, data: Any, reservation: Reservation, *, keep: bool) -> Answer:
        began = time.monotonic()
        bill = _Bill(self._price(prompt), self._providers[prompt.provider].input_bound(prompt))
        answer, reply, attempts = self._asked(prompt, bill)
        answer = replace(
            answer, value=self._redactor.data(answer.value, held_only=True), text=self._redactor.text(answer.text),
            why=self._redactor.text(bill.why(answer.why)), usage=bill.usage, cost_usd=bill.usd,
            seconds=round(time.monotonic() - began, 3), attempts=attempts,
        )  # fmt: skip
        try:
            if keep:
                answer = replace(answer, prompt=self._blobs.keep(wire.canonical(data)), reply=self._kept(answer, reply))
            self._ledger.settle(reservation, bill.usd, answer, again=answer.outcome in _JUDGED)
        except OSError as error:  # it is paid for: it goes to the one who asked, and its reservation stands
            return replace(answer, why="; ".join(filter(None, [answer.why, f"it could not be recorded: {error}"])))
        return answer

    def _asked(self, prompt: Prompt, bill: _Bill) -> tuple[Answer, Reply | None, int]:
        provider, waited, attempts = self._providers[prompt.provider], 0.0, 0
        while True:
            attempts += 1
            try:
                reply = _sent(provider, prompt)
            except Trouble as trouble:
                bill.failed(trouble, prompt.max_tokens)
                wait = self._retries.wait(attempts, trouble.after, waited, self._chance) if trouble.again else None
                if wait is None:
                    return Answer(trouble.outcome, why=trouble.why), None, attempts
                waited += wait
                self._sleep(wait)
            else:
                bill.whole(reply, prompt.max_tokens)
                return judging.judged(prompt, reply), reply, attempts

    def _kept(self, answer: Answer, reply: Reply | None) -> str:
        said = {"arguments": reply.arguments, "text": reply.text, **reply.raw} if reply else {}
        content = {"outcome": answer.outcome, "why": answer.why, **said, "usage": wire.answer_data(answer)["usage"]}
        return self._blobs.keep(wire.canonical(self._redactor.data(content)))
