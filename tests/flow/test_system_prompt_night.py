"""A night on `system-prompt`: a stand-in model that keeps to a rule of the house once its prompt says it."""

from __future__ import annotations

from pathlib import Path

from harness import folds
from tests.bikes import ASK, BOOK, HOURS, NO, PRICE, STREET, told
from tests.judging import Judge, World
from tests.support import git

NAME = "system-prompt"
LINES = {
    "Open Tuesday to Saturday, 10 to 18.": HOURS, "14 Mill Lane; answer in the customer's language.": STREET,
    "A check-up is 45 pounds.": PRICE, "Appointments by telephone alone, 020 555 0141.": BOOK,
    "Decline what is no repair of a bicycle.": NO, "Ask back where too little is said.": ASK,
}  # fmt: skip


class Assistant(Judge):
    def _answered(self, system: str, message: str, times: int) -> dict[str, str]:  # noqa: ARG002  as it is asked
        reply = told(message)
        known = any(line in system for line, rule in LINES.items() if rule == reply)
        return {"text": reply if known else "Thank you for your message, have a good day."}


def test_rules_that_the_house_says_are_kept_and_confirmed_on_hidden_messages(tmp_path: Path) -> None:
    with Assistant(lambda _number, _before: "", {}) as provider:
        world = World(tmp_path, provider, experiments=14, proposer="{kind: tune}", name=NAME).with_lines(*LINES)
        code, said = world.run("check", NAME)
        assert code == 0, said
        said = world.night()
    assert folds.run_end(world.last.segments(NAME)) == "experiments"
    base, *_ = world.events("baseline")
    assert 0.2 < base["metrics"]["rubric"] < 0.6
    assert base["parts"]["kept_json"] == base["parts"]["kept_mentions"] == 0.0
    confirmed = world.events("confirm")[-1]
    assert confirmed["verdict"] == "confirmed", confirmed["why"]
    assert confirmed["holdout"]["low"] > 0
    assert confirmed["search"]["head"]["perfect"] > base["metrics"]["perfect"]
    head = git(world.repository, "show", f"autoresearch/{world.last.name}:{world.folder}/system.md")
    assert sum(line in head for line in LINES) >= 3
