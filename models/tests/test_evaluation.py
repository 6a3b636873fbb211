"""The evaluation: the arithmetic of FMR, FNMR and FPIR, and model cards that match the JSON."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models import FOLDER
from models.evaluate.trials import Trial, interval

PEOPLE = np.array([0, 0, 1, 1, 2], np.int32)
VECTORS = np.array([[1, 0], [0.8, 0.6], [0, 1], [0.6, 0.8], [-1, 0]], np.float64)
"""Cosines: 0.8 within the first two people; 0, 0.6, 0.6 and 0.96 between them."""


def test_a_picture_is_never_compared_with_itself() -> None:
    trial = Trial.of(VECTORS, PEOPLE)
    assert np.isnan(trial.scores.diagonal()).all()


def test_fnmr_is_the_share_of_own_pairs_below() -> None:
    trial = Trial.of(VECTORS, PEOPLE)
    assert trial.fnmr(0.79).tolist() == [0, 0]
    assert trial.fnmr(0.81).tolist() == [1, 1]


def test_fmr_weighs_every_person_the_same() -> None:
    trial = Trial.of(VECTORS, PEOPLE)
    # One of the four pairs of the first two people reaches 0.9; no pair of the third person does.
    assert trial.fmr(0.9).tolist() == pytest.approx([1 / 8, 1 / 8, 0])


def test_fpir_grows_with_the_list_as_its_formula_says() -> None:
    trial = Trial.of(VECTORS, PEOPLE)
    chance = trial.reached(0.9)[1]
    assert trial.fpir(0.9, 7)[0] == pytest.approx((1 - (1 - chance) ** 7) / 2)


def test_the_threshold_for_a_rate_keeps_it() -> None:
    trial = Trial.of(VECTORS, PEOPLE)
    threshold = trial.at_fmr(0.05)
    assert trial.fmr(threshold).mean() <= 0.05
    assert threshold == pytest.approx(0.96, abs=1e-5)


def test_a_fused_probe_is_never_compared_with_what_it_was_made_from() -> None:
    made_from = np.array([[0, 1]])
    trial = Trial.of(VECTORS, PEOPLE, probes=VECTORS[:2].mean(0)[None], made_from=made_from)
    assert np.isnan(trial.scores[0]).tolist() == [True, True, False, False, False]


def test_the_interval_of_what_never_varies_is_a_point() -> None:
    assert interval(np.full(9, 0.25)) == (0.25, 0.25)


@pytest.mark.parametrize("card", ["embedder.md", "detector.md"])
def test_every_figure_of_a_card_comes_from_the_evaluation(card: str, tmp_path: Path) -> None:
    evaluation = FOLDER / "evaluation.json"
    command = [sys.executable, "-m", "models.evaluate.cards", str(evaluation), str(tmp_path)]
    subprocess.run(command, check=True, cwd=FOLDER.parent)
    assert (tmp_path / card).read_text("utf-8") == (FOLDER / card).read_text("utf-8")
