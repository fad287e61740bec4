"""measure.yaml: which section counts, and that a mistake in it is named with its file and its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import EvaluatorError
from harness.scorers.gpt import settings
from harness.scorers.gpt.settings import MIB

BOTH = """
windows: 32
threads: 2
cpu: {seconds: 4, context: 64}
cuda: {seconds: 20, context: 512, memory_mb: 8000}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "measure.yaml"
    path.write_text(text)
    return path


def test_each_device_has_its_section_and_what_holds_everywhere(tmp_path: Path) -> None:
    path = written(tmp_path, BOTH)
    cpu, cuda = settings.read(path), settings.read(path, "cuda")
    assert (cpu.seconds, cpu.unit, cpu.device, cpu.context, cpu.windows, cpu.threads) == (4, "cpu", "cpu", 64, 32, 2)
    assert (cuda.seconds, cuda.unit, cuda.device, cuda.context, cuda.windows) == (20, "wall", "cuda", 512, 32)
    assert (cuda.compile, cuda.memory) == (180, 8000 * MIB)


def test_a_card_has_a_budget_by_default_and_a_processor_has_none(tmp_path: Path) -> None:
    path = written(tmp_path, "context: 64\n")
    assert settings.read(path, "cuda").seconds == 300
    with pytest.raises(EvaluatorError, match=r"measure\.yaml:1:1: cpu\.seconds: is missing"):
        settings.read(path, "cpu")


@pytest.mark.parametrize(("seconds", "most"), [(2, 1.0), (60, 15.0)])
def test_answering_may_take_a_quarter_of_the_budget_or_a_second(seconds: float, most: float, tmp_path: Path) -> None:
    assert settings.read(written(tmp_path, f"cpu: {{seconds: {seconds}}}\n")).answer == most
    assert settings.read(written(tmp_path, f"cpu: {{seconds: {seconds}, answer: 9}}\n")).answer == 9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- 1\n", "measure.yaml is no mapping"),
        ("cpu: 4\n", "measure.yaml:1:6: cpu: is no mapping"),
        ("cpu: {seconds: 0.1}\n", r"measure\.yaml:1:16: cpu\.seconds: is 0\.1; at least 0\.5"),
        ("cpu: {seconds: true}\n", r"cpu\.seconds: is true"),
        ("cpu: {seconds: often}\n", r'cpu\.seconds: is "often"'),
        ("cpu: {seconds: 4, unit: steps}\n", r'cpu\.unit: is "steps"; it is cpu or wall'),
        ("cpu: {seconds: 4, windows: 2.5}\n", r"cpu\.windows: is 2\.5; a whole number"),
        (
            "cpu: {seconds: 4, sekonds: 4}\n",
            r'cpu\.sekonds: is not known; did you mean "seconds"\?; known are unit, seconds',
        ),
        ("cpu: {seconds: 4}\ncuda: {memory_mb: 1}\n", r"measure\.yaml:2:19: cuda\.memory_mb: is 1; at least 256"),
        ("cdua:\n  seconds: 4\n", r'measure.yaml:1:1: cdua: is not known; did you mean "cuda"\?; known'),
        ("gpu: {seconds: 4}\n", "measure.yaml:1:1: gpu: is not known; .* sections are cpu and cuda"),
    ],
)
def test_a_mistake_is_named_with_its_key_also_in_the_section_that_does_not_count(
    text: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(EvaluatorError, match=said):
        settings.read(written(tmp_path, text))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(EvaluatorError, match=r"mesure\.yaml: cannot be read: No such file"):
        settings.read(tmp_path / "mesure.yaml")
