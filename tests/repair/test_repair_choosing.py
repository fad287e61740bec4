"""Which offer `repair` tries next, what it leaves and why, and how a draft is changed."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bot.proposers import Outcome, Proposal, Request, Told
from bot.proposers.repair import Bench, Draft, Offer
from bot.proposers.repair.facts import Facts
from bot.proposers.repair.repair import Repair, choices
from bot.proposers.repair.unrepaired import mended_by, unrepaired
from bot.proposers.repair.worth import Worth
from harness.documents import canonical_id, load_bytes
from harness.scorers.gtm import Declared, read
from harness.scorers.gtm.checks import Issue
from harness.scorers.gtm.policy import Policy
from harness.scorers.gtm.references import References
from tests.gtm.build import Json, consent, container, the
from tests.gtm.sites import SITES, messy_shop, server, shop
from tests.gtm.test_gtm_sameness import from_api

FILE = "container.json"
SHOP = Declared("shop")


def text(data: Json) -> bytes:
    return json.dumps(data, indent=2).encode()


def bench(data: Json, policy: Policy | None = None, declared: Declared = SHOP) -> Bench:
    return Bench.of(container(data), declared, policy or Policy())


@dataclass(frozen=True)
class Notes:
    """An operator that writes so many notes, each of the worth of the first issues of its code."""

    name: str
    codes: frozenset[str]
    count: int
    worth: int

    def offers(self, bench: Bench) -> Iterator[Offer]:
        mends = tuple(bench.issues(*self.codes)[: self.worth])
        notes = bench.view.container.all("tag")[0].data.get("notes", "")
        for number in (number for number in range(self.count) if f"{self.name} {number}," not in notes):
            yield Offer(f"note {number}", mends, lambda draft, number=number: self._write(draft, number))

    def _write(self, draft: Draft, number: int) -> None:
        tag = draft.entities("tag")[0]
        tag["notes"] = tag.get("notes", "") + f"{self.name} {number}, "

    def why_not(self, _bench: Bench, _issue: Issue) -> str:
        return ""


MANY = Notes("many", frozenset({"folder-missing"}), 4, 30)
FEW = Notes("few", frozenset({"folder-missing"}), 2, 1)


class Night:
    """Asks one by one. gains: whether what the proposal says is kept."""

    def __init__(self, *operators: Notes, gains: frozenset[str] = frozenset()) -> None:
        self.content, self.gains = text(messy_shop()), gains
        facts = Facts.of(container(messy_shop()), SHOP, Policy())
        self.proposer = Repair(FILE, facts, operators)
        self.tried = {canonical_id(self.content, FILE)}
        self.told: list[Told] = []

    def next(self) -> str:
        found = self.proposer.ask(Request(self.content, {}, len(self.told) + 1, 16, self.tried))
        if not found:
            return ""
        assert canonical_id(found[0].content, FILE) not in self.tried
        return self._tell(found[0])

    def _tell(self, proposal: Proposal) -> str:
        kept = proposal.description in self.gains
        outcome = Outcome(len(self.told) + 1, *(("keep", "better") if kept else ("discard", "worse")), {}, {})
        self.proposer.tell([outcome])
        self.told.append(Told(proposal.content, outcome, proposal.description))
        self.tried.add(canonical_id(proposal.content, FILE))
        self.content = proposal.content if kept else self.content
        return proposal.description

    def all(self) -> list[str]:
        return list(iter(self.next, ""))


def test_the_weighted_gap_decides() -> None:
    """What it is worth is the weight of the dimension times its gap, in the share of issues that are mended."""
    found = bench(messy_shop())
    folders = next(one for one in found.scored.dimensions if one.name == "folders")
    issues = found.issues("folder-missing")
    assert folders.score is not None
    whole, half = (Worth(found).of(Offer("", tuple(those), lambda _draft: None)) for those in (issues, issues[::2]))
    others = [one for one in found.scored.issues if one.dimension == "folders" and one not in issues]
    if not others:
        assert whole == pytest.approx(folders.weight * (1 - folders.score) * found.scored.credit)
    assert half == pytest.approx(whole * len(issues[::2]) / len(issues))
    assert Worth(found).of(Offer("", (), lambda _draft: None)) == 0
    assert Night(FEW, MANY).next() == "many: note 0"


def test_it_switches_where_two_in_a_row_gained_nothing() -> None:
    assert Night(FEW, MANY).all()[:6] == [
        "many: note 0", "many: note 1", "few: note 0", "few: note 1", "many: note 2", "many: note 3",
    ]  # fmt: skip
    gaining = Night(FEW, MANY, gains=frozenset({"many: note 1"})).all()
    assert gaining[:5] == ["many: note 0", "many: note 1", "many: note 2", "many: note 3", "few: note 0"]


def test_what_gained_nothing_has_a_second_chance_upon_another_incumbent_and_then_no_more() -> None:
    still = Night(MANY).all()
    assert sorted(still) == sorted(set(still))
    moved = Night(MANY, FEW, gains=frozenset({"few: note 0", "few: note 1"})).all()
    assert max(moved.count(words) for words in set(moved) if words.startswith("many")) == 2


def test_a_night_that_is_recalled_goes_on_as_it_would_have() -> None:
    gains = frozenset({"many: note 1", "few: note 1"})
    whole = Night(MANY, FEW, gains=gains).all()
    for stop in range(len(whole)):
        night = Night(MANY, FEW, gains=gains)
        begun = [night.next() for _ in range(stop)]
        night.proposer = Repair(FILE, Facts.of(container(messy_shop()), SHOP, Policy()), (MANY, FEW))
        night.proposer.recall([Told(text(messy_shop()), Outcome(0, "keep", "baseline", {}, {})), *night.told])
        assert begun + night.all() == whole


@pytest.mark.parametrize("make", [messy_shop, server, shop])
def test_every_issue_is_offered_to_be_mended_or_has_a_reason(make) -> None:  # type: ignore[no-untyped-def]  # a site
    for policy in (Policy(), Policy(remove=frozenset({"variable", "trigger", "folder", "tag"}), pause=True)):
        found = bench(make(), policy)
        left = unrepaired(found)
        offered = mended_by(one.offer for one in choices(found))
        assert {issue for issue, _why in left} | (offered & set(found.scored.issues)) == set(found.scored.issues)
        assert not offered & {issue for issue, _why in left}
        assert all(why.strip() for _issue, why in left)


def test_every_offer_names_its_issues_and_keeps_to_the_policy() -> None:
    """One offer in four: what it mends is there, and no rule of the policy is broken by it."""
    for make, declared in SITES.values():
        facts = Declared(**declared)
        data = make() if make is not shop else messy_shop()
        policy = Policy(remove=frozenset({"variable", "trigger", "folder"}), pause=True)
        found = bench(data, policy, facts)
        for one in choices(found)[::4]:
            assert set(one.offer.mends) <= set(found.scored.issues)
            draft = Draft(found.view.container.data)
            one.offer.apply(draft)
            assert policy.problems_of(found.view.container.data, draft.data) == (), one.words


def test_the_file_keeps_its_style_and_what_is_not_touched_its_text() -> None:
    lines = text(messy_shop()).decode().splitlines()
    facts = Facts.of(container(messy_shop()), SHOP, Policy())
    proposal = Repair(FILE, facts).ask(Request(text(messy_shop()), {}, 1, 1, set()))[0]
    changed = list(difflib.unified_diff(lines, proposal.content.decode().splitlines(), n=0))
    assert 0 < len(changed) < len(lines) / 3
    before = {one.id: one.data for one in container(messy_shop()).all("variable")}
    after = {one.id: one.data for one in read(proposal.content, FILE).all("variable")}
    assert sum(before[id_] == after.get(id_) for id_ in before) > len(before) / 2


def test_a_rename_carries_every_reference() -> None:
    data = shop()
    draft = Draft(data)
    for kind, name in (("variable", "DLV - event_id"), ("tag", "Meta - base"), ("trigger", "CE - purchase"),
                       ("variable", "Const - Meta pixel")):  # fmt: skip
        draft.rename(kind, str(the(data, kind, name)[f"{kind}Id"]), f"{name} of ours")
    assert not References(read(text(draft.data), FILE)).unresolved
    assert "{{DLV - event_id}}" not in json.dumps(draft.data)
    assert the(data, "variable", "DLV - event_id"), "the given data is left alone"
    for name in ("DLV - ecommerce.value", "{{x}}", 'a"b', "", " a"):
        with pytest.raises(ValueError, match=r"named|can say"):
            draft.rename("variable", str(the(data, "variable", "DLV - event_id")["variableId"]), name)


def test_the_second_of_two_of_one_name_carries_nothing() -> None:
    data = shop()
    twin = {**the(data, "variable", "DLV - event_id"), "variableId": "900"}
    data["containerVersion"]["variable"].append(twin)
    draft = Draft(data)
    draft.rename("variable", "900", "DLV - another")
    assert "{{DLV - another}}" not in json.dumps(draft.data)
    assert not References(read(text(draft.data), FILE)).unresolved


def test_ids_are_one_above_the_highest_of_their_kind_in_the_base_too() -> None:
    data = shop()
    highest = max(int(one["variableId"]) for one in data["containerVersion"]["variable"])
    facts = Facts.of(container(data), SHOP, Policy())
    draft = Draft(data, facts.taken)
    draft.remove("variable", str(highest))
    assert draft.new("variable", {"name": "a", "type": "c"}) == str(highest + 1)
    assert draft.new("variable", {"name": "b", "type": "c"}) == str(highest + 2)
    assert Draft({"containerVersion": {"tag": []}}).new("folder", {"name": "f"}) == "1"
    with pytest.raises(KeyError):
        draft.entity("variable", str(highest))


def test_a_parameter_is_set_where_there_was_no_list_of_them() -> None:
    for before in ({}, {"parameter": None}, {"parameter": 7}):
        entity: Json = dict(before)
        Draft(shop()).set_parameter(entity, "value", "1")
        assert entity["parameter"] == [{"type": "TEMPLATE", "key": "value", "value": "1"}]


def test_words_are_written_as_the_file_writes_them() -> None:
    for data, words in (
        (shop(), ("TEMPLATE", "NEEDED", "CUSTOM_EVENT")),
        (from_api(shop()), ("template", "needed", "customEvent")),
    ):
        draft = Draft(data)
        tag = draft.entities("tag")[3]
        draft.set_parameter(tag, "extra", "1")
        draft.consent(tag, ["ad_storage"])
        draft.set_parameter(tag, "rows", [{"parameter": "value", "parameterValue": "1"}])
        id_ = draft.new("trigger", {"name": "t", "type": "CUSTOM_EVENT"})
        assert next(one for one in tag["parameter"] if one["key"] == "extra")["type"] == words[0]
        assert tag["consentSettings"]["consentStatus"] == words[1]
        assert draft.entity("trigger", id_)["type"] == words[2]
    draft = Draft(shop())
    tag = draft.entities("tag")[3]
    draft.consent(tag, ["ad_storage"])
    assert tag["consentSettings"] == consent("ad_storage")
    draft.built_in("CLICK_ID")
    assert read(text(draft.data), FILE).built_ins["Click ID"] == "CLICK_ID"


def test_nothing_depends_on_anything_but_the_container() -> None:
    """Twice the same offers, and the same contents."""

    def contents() -> str:
        found = bench(messy_shop())
        digest = hashlib.sha256()
        for one in choices(found)[::12]:
            draft = Draft(found.view.container.data)
            one.offer.apply(draft)
            digest.update(f"{one.words} {one.worth!r} {json.dumps(draft.data)}".encode())
        return digest.hexdigest()

    assert contents() == contents()
    assert load_bytes(text(messy_shop()), FILE) == messy_shop()
