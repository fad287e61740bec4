"""Evaluators in several languages, and every way in which one can fail on a candidate: a crash, never a number.

The editable file says how the evaluator is to behave, so that one night meets every case: a tiny space is walked to its
end, and each of its points is one experiment.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot import config
from bot.night.folder import Night, nights
from harness import folds, measure, view
from harness.events import Event, verify_order
from harness.measure import Ask, Measurer
from harness.reports import CRASH_KINDS, Measurement
from harness.repository import CommitSource, Repository
from tests.support import autoresearch, make_repository

FOLDER = "targets/experiments/modes"


def target_yaml(
    evaluate: str, modes: list[str], *, metrics: str = "{name: score, goal: maximize}", more: str = ""
) -> str:
    choices = ", ".join(f'"{mode}"' for mode in modes)
    return (
        f"name: modes\nfile: spec.yaml\nspace: {{/mode: {{choice: [{choices}]}}}}\nevaluate: {{{evaluate}}}\n"
        f"metrics: [{metrics}]\n{more}"
    )


def repository_with(
    tmp_path: Path, yaml: str, evaluators: Mapping[str, str | bytes], *, executable: bool = False, mode: str = "fine"
) -> Repository:
    files: dict[str, str | bytes] = {f"{FOLDER}/target.yaml": yaml, f"{FOLDER}/spec.yaml": f'mode: "{mode}"\n'}
    files |= {f"{FOLDER}/{name}": content for name, content in evaluators.items()}
    repository = make_repository(tmp_path, files)
    if executable:
        for name in evaluators:
            (repository.root / FOLDER / name).chmod(0o755)
        commit_all(repository)
    return repository


def commit_all(repository: Repository) -> None:
    for command in (
        ["add", "--all"],
        ["-c", "user.name=Ada", "-c", "user.email=a@example.org", "commit", "-qm", "Change"],
    ):
        subprocess.run(["git", *command], cwd=repository.root, check=True)


@contextmanager
def measuring(repository: Repository, scratch: Path) -> Iterator[Measurer]:
    source = CommitSource(repository, repository.commit())
    found = config.load_targets(source)[0]
    checkout = view.build(source, found, scratch / "checkout", hidden=False)
    measurer = measure.measurer(found, checkout, scratch / "scratch", repository)
    try:
        yield measurer
    finally:
        measurer.close()


def measured(repository: Repository, tmp_path: Path, *modes: str) -> list[Measurement]:
    with measuring(repository, tmp_path / "measuring") as measurer:
        return measurer.measure([f'mode: "{mode}"\n'.encode() for mode in modes], Ask(seed=7))


def night(repository: Repository, *arguments: str, code: int = 0) -> Night:
    done = autoresearch(repository, "night", "--quiet", "--seed", "3", *arguments)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    found = nights(repository)[-1]
    assert verify_order(found.segments("modes")) is None
    return found


def experiments(found: Night) -> dict[str, Event]:
    """Mode -> its experiment; each stands once."""
    segments = found.segments("modes")
    by_mode: dict[str, Event] = {}
    for event in folds.of_kind(segments, "experiment"):
        content = folds.restore(segments, event["id"], found.packs("modes"))[1]
        mode = content.decode().split()[1].strip('"')
        assert mode not in by_mode
        by_mode[mode] = event
    return by_mode


def assert_crashes(found: Night, expected: Mapping[str, str]) -> None:
    """Each mode is exactly one crash of its kind without a number; `better` is kept, `worse` is not."""
    by_mode = experiments(found)
    assert set(by_mode) == {*expected, "better", "worse"}
    told = {mode: event["reason"] for mode, event in by_mode.items() if event["status"] == "crash"}
    assert told == dict(expected)
    for mode in expected:
        assert by_mode[mode]["metrics"] == {}, mode
        assert by_mode[mode]["parts"] == {}, mode
        assert by_mode[mode]["why"], mode
    assert set(told.values()) <= set(CRASH_KINDS)
    assert (by_mode["better"]["status"], by_mode["better"]["metrics"]["score"]) == ("keep", 2.0)
    assert by_mode["worse"]["status"] == "discard"
    assert folds.run_end(found.segments("modes")) == "exhausted"
    assert folds.confirm_end(found.segments("modes")) == "confirmed"


# --- process form ---

DESCRIPTOR_SH = r"""#!/bin/sh
mode=$(sed -n 's/^mode: //p' "$AUTORESEARCH_FILE" | tr -d '"')
say() { printf '%s\n' "$1" > "/dev/fd/$AUTORESEARCH_REPORT"; }
case $mode in
  fine) say '{"metrics": {"score": 1}}' ;;
  better) say '{"metrics": {"score": 2, "seen": 3}, "parts": {"easy": 0.5}}' ;;
  worse) say '{"metrics": {"score": 0.5}}' ;;
  nan) say '{"metrics": {"score": NaN}}' ;;
  infinity) say '{"metrics": {"score": -Infinity}}' ;;
  overflow) say '{"metrics": {"score": 1e999}}' ;;
  digits) say "{\"metrics\": {\"score\": 1$(printf '%0400d' 0)}}" ;;
  part) say '{"metrics": {"score": 9}, "parts": {"easy": NaN}}' ;;
  nothing) : ;;
  chatter) echo 'score: 9' ;;
  two) say '{"metrics": {"score": 9}}'; say '{"metrics": {"score": 9}}' ;;
  duplicate) say '{"metrics": {"score": 9, "score": 9}}' ;;
  missing) say '{"metrics": {"scores": 9}}' ;;
  string) say '{"metrics": {"score": "9"}}' ;;
  bool) say '{"metrics": {"score": true}}' ;;
  null) say '{"metrics": {"score": null}}' ;;
  broken) say '{"metrics": {"score": 9' ;;
  bare) say '9' ;;
  flood) say '{"metrics": {"score": 9}}'; head -c 3000000 /dev/zero ;;
  reports) head -c 20000000 /dev/zero > "/dev/fd/$AUTORESEARCH_REPORT" ;;
  exit3) say '{"metrics": {"score": 9}}'; echo 'the data is gone' >&2; exit 3 ;;
  segv) say '{"metrics": {"score": 9}}'; kill -SEGV $$ ;;
  hang) say '{"metrics": {"score": 9}}'; sleep 60 ;;
esac
"""
DESCRIPTOR = {
    "nan": "nan", "infinity": "nan", "overflow": "nan", "digits": "nan", "part": "nan", "nothing": "missing",
    "chatter": "missing", "two": "twice", "duplicate": "twice", "missing": "missing", "string": "malformed",
    "bool": "malformed", "null": "malformed", "broken": "malformed", "bare": "malformed", "flood": "flood",
    "reports": "flood", "exit3": "exit", "segv": "signal", "hang": "timeout",
}  # fmt: skip


def test_a_shell_script_that_reports_on_its_descriptor(tmp_path: Path) -> None:
    modes = ["fine", "better", "worse", *DESCRIPTOR]
    yaml = target_yaml("command: [./evaluate.sh], timeout: 1500ms", modes)
    repository = repository_with(tmp_path, yaml, {"evaluate.sh": DESCRIPTOR_SH}, executable=True)
    found = night(repository)
    assert_crashes(found, DESCRIPTOR)
    why = {mode: event["why"] for mode, event in experiments(found).items()}
    assert "exit 3" in why["exit3"]
    assert "the data is gone" in why["exit3"]
    assert "signal 11" in why["segv"]
    assert "1.5 s" in why["hang"]


BLOCK_SH = r"""
mode=$(sed -n 's/^mode: //p' "$AUTORESEARCH_FILE" | tr -d '"')
echo "measuring $mode"
case $mode in
  fine) printf -- '---\nscore: 1\n' ;;
  better) printf 'score: 7\n---\nscore: 7\n---\nscore: 2\nother: -1e-3\n\n' ;;
  worse) printf -- '---\nscore: .5' ;;
  nan) printf -- '---\nscore: nan\n' ;;
  infinity) printf -- '---\nscore: -Infinity\n' ;;
  overflow) printf -- '---\nscore: 1e999\n' ;;
  nothing) : ;;
  open) printf -- 'score: 9\n' ;;
  empty) printf -- '---\n' ;;
  duplicate) printf -- '---\nscore: 9\nscore: 9\n' ;;
  missing) printf -- '---\nscores: 9\n' ;;
  string) printf -- '---\nscore: nine\n' ;;
  bool) printf -- '---\nscore: true\n' ;;
  trailing) printf -- '---\nscore: 9\nDone.\n' ;;
  name) printf -- '---\nscore: 9\nthe score: 9\n' ;;
  flood) printf -- '---\nscore: 9\n'; head -c 3000000 /dev/zero ;;
  exit3) printf -- '---\nscore: 9\n'; exit 3 ;;
esac
"""
BLOCK = {
    "nan": "nan", "infinity": "nan", "overflow": "nan", "nothing": "missing", "open": "missing", "empty": "missing",
    "duplicate": "twice", "missing": "missing", "string": "malformed", "bool": "malformed", "trailing": "malformed",
    "name": "malformed", "flood": "flood", "exit3": "exit",
}  # fmt: skip


def test_a_shell_script_that_ends_in_a_closing_block(tmp_path: Path) -> None:
    yaml = target_yaml("command: [sh, evaluate.sh]", ["fine", "better", "worse", *BLOCK])
    found = night(repository_with(tmp_path, yaml, {"evaluate.sh": BLOCK_SH}))
    assert_crashes(found, BLOCK)


C_SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
  char line[256], mode[64] = "";
  FILE *spec = fopen(getenv("AUTORESEARCH_FILE"), "r");
  int report = atoi(getenv("AUTORESEARCH_REPORT"));
  if (!spec || strcmp(getenv("AUTORESEARCH_SPLIT"), "search")) return 9;
  if (strcmp(getenv("AUTORESEARCH_FIDELITY"), "1.0")) return 8;
  while (fgets(line, sizeof line, spec)) sscanf(line, "mode: \"%63[a-z]", mode);
  if (!strcmp(mode, "null")) { volatile int *nowhere = NULL; *nowhere = 1; }
  if (!strcmp(mode, "abort")) abort();
  dprintf(report, "{\"metrics\": {\"score\": %s, \"seed\": %s}}\n",
          !strcmp(mode, "better") ? "2" : !strcmp(mode, "worse") ? "0.5" : !strcmp(mode, "nan") ? "nan" : "1.0",
          getenv("AUTORESEARCH_SEED"));
  return !strcmp(mode, "exit") ? 3 : 0;
}
"""


def test_a_program_in_c_that_is_committed_as_an_executable(tmp_path: Path) -> None:
    (tmp_path / "evaluate.c").write_text(C_SOURCE, encoding="ascii")
    subprocess.run(["cc", "-O1", "-o", tmp_path / "evaluate", tmp_path / "evaluate.c"], check=True)
    program = (tmp_path / "evaluate").read_bytes()
    expected = {"null": "signal", "abort": "signal", "nan": "malformed", "exit": "exit"}
    yaml = target_yaml("command: [./evaluate]", ["fine", "better", "worse", *expected])
    repository = repository_with(tmp_path, yaml, {"evaluate": program}, executable=True)
    found = night(repository)
    assert_crashes(found, expected)
    assert experiments(found)["worse"]["metrics"] == {"score": 0.5, "seed": 3.0}


def test_a_program_that_cannot_be_started_is_told_as_such(tmp_path: Path) -> None:
    yaml = target_yaml("command: [./evaluate.sh]", ["fine", "better"])
    repository = repository_with(tmp_path, yaml, {"evaluate.sh": DESCRIPTOR_SH})
    done = autoresearch(repository, "night", "--quiet")
    assert done.returncode == 4
    assert "evaluate.sh" in done.stderr
    assert "Traceback" not in done.stderr
    assert folds.run_end(nights(repository)[-1].segments("modes")) == "infra"


# --- serve form ---

SERVE_PY = r"""
import json, os, signal, sys, time

def result(path):
    mode = open(path).read().split('"')[1]
    score = {"fine": 1, "better": 2, "worse": 0.5}.get(mode, 9)
    if mode == "exit3":
        sys.stderr.write("cannot go on\n")
        os._exit(3)
    if mode == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    if mode == "hang":
        time.sleep(60)
    if mode == "quiet-end":
        os._exit(0)
    special = {
        "nan": {"metrics": {"score": float("nan")}}, "infinity": {"metrics": {"score": float("inf")}},
        "missing": {"metrics": {"scores": 9}}, "string": {"metrics": {"score": "9"}},
        "bool": {"metrics": {"score": True}}, "refused": {"crash": "no such mode"},
        "both": {"crash": "x", "metrics": {"score": 9}},
        "number": 9, "nothing": None, "inner-nan": {"metrics": {"score": 9}, "rows": {"score": [[1, None]]}},
    }
    return mode, special.get(mode, {"metrics": {"score": score}})

for line in sys.stdin:
    request = json.loads(line)
    found = [result(item["path"]) for item in request["items"]]
    modes = {mode for mode, _ in found}
    answer = {"id": request["id"], "results": [said for _, said in found]}
    if "wrong-id" in modes:
        answer["id"] += 1
    if "text-id" in modes:
        answer["id"] = str(answer["id"])
    if "few" in modes:
        answer["results"].pop()
    if "many" in modes:
        answer["results"].append({"metrics": {"score": 9}})
    text = json.dumps(answer) + "\n"
    if "garbage" in modes:
        text = "scores: 9\n"
    if "empty" in modes:
        text = "\n"
    if "twice" in modes:
        text += text
    if "flood" in modes:
        text = "x" * (65 << 20) + "\n"
    if "half" in modes:
        sys.stdout.write(text[:9])
        sys.stdout.flush()
        os._exit(0)
    sys.stdout.write(text)
    sys.stdout.flush()
    if "late" in modes:
        time.sleep(0.05)
        print("one more line", flush=True)
"""
SERVE = {
    "exit3": "exit", "segv": "signal", "hang": "timeout", "quiet-end": "exit", "half": "exit", "missing": "missing",
    "string": "malformed", "bool": "malformed", "refused": "refused", "both": "malformed", "number": "malformed",
    "nothing": "malformed", "inner-nan": "malformed", "wrong-id": "malformed", "text-id": "malformed",
    "few": "malformed", "many": "malformed", "garbage": "malformed", "empty": "malformed", "twice": "twice",
    "flood": "flood", "nan": "nan", "infinity": "nan",
}  # fmt: skip


def test_a_long_lived_evaluator_in_python(tmp_path: Path) -> None:
    """Most of these share a batch with good candidates, and with each other: only the one at fault is a crash."""
    yaml = target_yaml("serve: [python, evaluate.py], timeout: 1500ms", ["fine", "better", "worse", *SERVE])
    found = night(repository_with(tmp_path, yaml, {"evaluate.py": SERVE_PY}))
    assert_crashes(found, SERVE)


def test_one_bad_candidate_takes_no_other_with_it(tmp_path: Path) -> None:
    yaml = target_yaml("serve: [python, evaluate.py], timeout: 20s", ["fine", "better", "worse", *SERVE])
    repository = repository_with(tmp_path, yaml, {"evaluate.py": SERVE_PY})
    with measuring(repository, tmp_path / "measuring") as measurer:
        for bad in sorted(set(SERVE) - {"hang", "flood"}):
            modes = ("better", bad, "worse", "fine")
            found = measurer.measure([f'mode: "{mode}"\n'.encode() for mode in modes], Ask())
            assert [dict(m.metrics) for m in found] == [{"score": 2.0}, {}, {"score": 0.5}, {"score": 1.0}], bad
            assert [m.crash for m in found] == ["", SERVE[bad], "", ""]


def test_a_line_that_comes_late_is_not_the_next_candidates_fault(tmp_path: Path) -> None:
    yaml = target_yaml("serve: [python, evaluate.py]", ["fine", "better", "worse", "late"])
    repository = repository_with(tmp_path, yaml, {"evaluate.py": SERVE_PY})
    with measuring(repository, tmp_path / "measuring") as measurer:
        for mode, score in (("late", 9.0), ("better", 2.0), ("late", 9.0), ("fine", 1.0)):
            found = measurer.measure([f'mode: "{mode}"\n'.encode()], Ask())
            assert [(m.crash, dict(m.metrics)) for m in found] == [("", {"score": score})]
            subprocess.run(["sleep", "0.1"], check=True)


BROKEN_BY_ONE = r"""
import json, sys

behind = 0
for line in sys.stdin:
    request = json.loads(line)
    modes = [open(item["path"]).read().split('"')[1] for item in request["items"]]
    if "bad" in modes:
        behind = 1
    results = [{"metrics": {"score": 1.0}}] * len(modes)
    print(json.dumps({"id": request["id"] - behind, "results": results}), flush=True)
"""


def test_what_a_candidate_broke_is_not_the_next_ones_fault(tmp_path: Path) -> None:
    yaml = target_yaml("serve: [python, evaluate.py]", ["fine", "better", "bad"])
    repository = repository_with(tmp_path, yaml, {"evaluate.py": BROKEN_BY_ONE})
    with measuring(repository, tmp_path / "measuring") as measurer:
        crashes = [measurer.measure([f'mode: "{mode}"\n'.encode()], Ask())[0].crash for mode in ("fine", "bad", "fine")]
    assert crashes == ["", "malformed", ""]
    assert [m.crash for m in measured(repository, tmp_path / "again", "bad", "fine", "bad")] == [
        "malformed",
        "",
        "malformed",
    ]


SERVE_SH = r"""
while read -r line; do
  results= comma=
  for path in $(printf '%s' "$line" | grep -o '"path": "[^"]*"' | cut -d'"' -f4); do
    case $(cat "$path") in
      *better*) one='{"metrics": {"score": 2}}' ;;
      *worse*) one='{"metrics": {"score": 0.5}, "parts": {"half": 0.25}}' ;;
      *refused*) one='{"crash": "said so"}' ;;
      *exit*) exit 3 ;;
      *) one='{"metrics": {"score": 1}}' ;;
    esac
    results="$results$comma$one" comma=', '
  done
  id=$(printf '%s' "$line" | sed 's/.*"id": \([0-9]*\).*/\1/')
  printf '{"id": %s, "results": [%s]}\n' "$id" "$results"
done
"""


def test_a_long_lived_evaluator_in_shell(tmp_path: Path) -> None:
    expected = {"exit": "exit", "refused": "refused"}
    yaml = target_yaml("serve: [sh, evaluate.sh], timeout: 20s", ["fine", "better", "worse", *expected])
    found = night(repository_with(tmp_path, yaml, {"evaluate.sh": SERVE_SH}))
    assert_crashes(found, expected)
    assert experiments(found)["refused"]["why"] == "said so"
    assert experiments(found)["worse"]["parts"] == {"half": 0.25}


# --- what an evaluator gets, and may not do ---


@pytest.mark.parametrize("form", ["command", "serve"])
def test_an_evaluators_environment_holds_no_secret(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "seen"
    script = f"import json, os, sys\nopen({str(place)!r}, 'a').write(json.dumps(dict(os.environ)) + '\\n')\n" + (
        "from harness import evaluator\n"
        "evaluator.report({'score': 1.0})\n" if form == "command" else
        "from harness import evaluator\n"
        "evaluator.serve(lambda request: [evaluator.Scores({'score': 1.0}) for _ in request.items])\n"
    )  # fmt: skip
    yaml = target_yaml(f"{form}: [python, evaluate.py]", ["fine", "better"])
    repository = repository_with(tmp_path, yaml, {"evaluate.py": script})
    secrets = {"ANTHROPIC_API_KEY": "sk-7531", "GITHUB_TOKEN": "ghp-7531", "MY_OWN": "word-7531", "LD_PRELOAD": ""}
    for name, secret in secrets.items():
        monkeypatch.setenv(name, secret)
    inherited = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
    assert inherited.count("7531") == 3  # without the harness between them a child would see them all
    night(repository)
    seen = place.read_text(encoding="utf-8")
    assert seen.count("AUTORESEARCH_FILE") >= 1 or form == "serve"
    assert '"PATH"' in seen
    assert "7531" not in seen
    names = {name for line in seen.splitlines() for name in json.loads(line)}
    assert not names & set(secrets)
    assert not any("TOKEN" in name or "KEY" in name or "MUTEX" in name for name in names)


TAMPER = r"""
import os, pathlib, sys
from harness import evaluator

run = evaluator.settings()
mode = run.file.read_text().split('"')[1]
data = pathlib.Path("data.txt")
if mode == "bad":
    HOW
evaluator.report({"score": {"fine": 1.0, "better": 2.0}.get(mode, 3.0)})
"""
HOW = {
    "rewritten": "os.chmod(data, 0o644); data.write_text('sneaky\\n')",
    "removed": "data.unlink()",
    "same size and time": (
        "was = data.stat(); os.chmod(data, 0o644); data.write_text('1234\\n'); "
        "os.utime(data, ns=(was.st_atime_ns, was.st_mtime_ns))"
    ),
}


@pytest.mark.parametrize("how", HOW)
def test_an_evaluator_that_changes_a_locked_file_ends_the_night(tmp_path: Path, how: str) -> None:
    yaml = target_yaml("command: [python, evaluate.py]", ["fine", "better", "bad", "one", "two", "three", "four"])
    files = {"evaluate.py": TAMPER.replace("HOW", HOW[how]), "data.txt": "data\n"}
    repository = repository_with(tmp_path, yaml, files)
    found = night(repository, code=5)
    segments = found.segments("modes")
    assert folds.run_end(segments) == "integrity"
    tried = folds.of_kind(segments, "experiment")
    assert tried
    modes = [folds.restore(segments, event["id"])[1].split(b'"')[1] for event in tried]
    assert modes[-1] == b"bad"
    assert not folds.of_kind(segments, "proposed")
    assert folds.confirm_end(segments) != "confirmed"
    assert not branches(repository)


def branches(repository: Repository) -> list[str]:
    listed = repository.git("branch", "--list", "--format=%(refname:short)", "autoresearch/*").decode().split()
    return [name for name in listed if name != "autoresearch/results"]


def test_two_scores_for_one_file_are_no_night(tmp_path: Path) -> None:
    script = (
        "import os\nfrom harness import evaluator\nevaluator.report({'score': float(os.getpid()), 'steady': 1.0})\n"
    )
    yaml = target_yaml("command: [python, evaluate.py]", ["fine", "better"])
    repository = repository_with(tmp_path, yaml, {"evaluate.py": script})
    done = autoresearch(repository, "night", "--quiet")
    assert done.returncode == 4
    assert "the same file got two scores" in done.stderr
    assert "score" in done.stderr
    assert "two scores" in done.stderr
    found = nights(repository)[-1].segments("modes")
    assert folds.run_end(found) == "infra"
    assert not folds.of_kind(found, "experiment")
    assert not branches(repository)


@pytest.mark.parametrize(("mode", "kind"), [("exit3", "exit"), ("hang", "timeout")])
def test_an_evaluator_that_fails_on_the_unchanged_file_is_no_night(tmp_path: Path, mode: str, kind: str) -> None:
    yaml = target_yaml("command: [./evaluate.sh], timeout: 300ms", ["fine", mode])
    repository = repository_with(tmp_path, yaml, {"evaluate.sh": DESCRIPTOR_SH}, executable=True, mode=mode)
    done = autoresearch(repository, "night", "--quiet")
    assert done.returncode == 4
    assert f"fails on the unchanged file ({kind})" in done.stderr
    found = nights(repository)[-1].segments("modes")
    assert folds.run_end(found) == "infra"
    assert not folds.of_kind(found, "experiment")


LEFTOVER = r"""
mkdir -p cache && date +%s%N > cache/left; ln -s / root; date > "$HOME/left"; date > left
if [ -n "$(find . -name 'remembered*')" ]; then exit 7; fi
touch remembered "$HOME/remembered"
echo 'mode: "changed"' > "$AUTORESEARCH_FILE"
printf -- '---\nscore: 1\n'
"""


def test_nothing_that_an_experiment_leaves_behind_reaches_the_next(tmp_path: Path) -> None:
    modes = ["fine", "better", "worse"]
    yaml = target_yaml("command: [sh, evaluate.sh]", modes)
    repository = repository_with(tmp_path, yaml, {"evaluate.sh": LEFTOVER})
    assert [m.crash for m in measured(repository, tmp_path, *modes)] == ["", "", ""]
    checkout = tmp_path / "measuring" / "checkout" / FOLDER
    assert sorted(path.name for path in checkout.iterdir()) == ["evaluate.sh", "spec.yaml", "target.yaml"]
    assert Path("/etc").is_dir()
