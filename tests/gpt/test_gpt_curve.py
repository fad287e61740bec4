"""What is made of a candidate's lines: points by the evaluator's clock, whatever it prints."""

from __future__ import annotations

import pytest

from harness.scorers.gpt.curve import Curve, Point, parts


def test_a_point_for_each_twentieth_of_the_budget() -> None:
    curve = Curve()
    for step in range(1, 101):
        curve.hear(f"step {step} tokens {10 * step} loss {8 - step / 20}\n")
        curve.at(step / 100)
    assert [point.share for point in curve.points] == [round(0.05 * index, 2) for index in range(1, 21)]
    assert curve.points[0] == Point(0.05, pytest.approx(8 - 3 / 20), 50)  # the mean of five
    assert set(parts(curve.points)) == {f"curve_{percent:02d}" for percent in range(5, 101, 5)}


def test_a_late_look_gives_one_point_and_silence_gives_none() -> None:
    curve = Curve()
    assert not curve.at(0.5)
    curve.hear("step 1 tokens 5 loss 3\n")
    assert curve.at(0.52)
    assert [point.share for point in curve.points] == [0.5]
    assert not curve.at(0.54)
    assert curve.at(7.0)
    assert [(point.share, point.loss) for point in curve.points] == [(0.5, 3.0), (1.0, 3.0)]


def test_lines_may_come_in_pieces() -> None:
    curve = Curve()
    for piece in ("st", "ep 3 tok", "ens 7 loss 1.5", "\nflops 6e9\nready\n"):
        curve.hear(piece)
    assert (curve.steps, curve.tokens, curve.flops) == (3, 7, 6e9)


@pytest.mark.parametrize(
    "line",
    [
        "step 1 tokens 2", "step -1 tokens 2 loss 3", "step 1 tokens 2 loss x", "steps 1 tokens 2 loss 3",
        "val_bpb: 0.1", "x" * 100_000, "step 1 tokens 2 loss 3 and more", "flops inf", "step 1e9 tokens 1 loss 1",
        f"step {'9' * 50} tokens 1 loss 1",
    ],
)  # fmt: skip
def test_what_is_no_such_line_is_noise(line: str) -> None:
    curve = Curve()
    curve.hear(f"{line}\n")
    assert not curve.at(1.0)
    assert not curve.endless
    assert curve.flops == 0


@pytest.mark.parametrize("loss", ["nan", "inf", "-inf", "NaN"])
def test_a_loss_that_is_no_number_is_noticed(loss: str) -> None:
    curve = Curve()
    curve.hear(f"step 1 tokens 2 loss {loss}\n")
    assert curve.endless
