"""The check of a mounted camera says what to move, and never from a picture."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from formats.strict_json import JsonValue, dumps
from provisioning.__main__ import app
from provisioning.errors import CameraRefused
from provisioning.inspection.advice import REMEDIES, advise
from provisioning.inspection.report import STAGES, read_report

WALK = dict.fromkeys(STAGES, 0) | {
    "frames": 300,
    "faces": 90,
    "searched": 80,
    "passers_by": 2,
    "events": 1,
}
REPORT: dict[str, JsonValue] = {
    "version": "0.2.0",
    "armed": True,
    "verdict": "Armed: the lamp is lit.",
    "parts": [{"name": "lamp", "there": True, "words": "the guard listens"}],
    "period": {**WALK},
}


def test_a_good_walk_test_asks_for_nothing() -> None:
    assert all(line.good for line in advise(WALK))


@pytest.mark.parametrize("stage", REMEDIES)
def test_what_is_wrong_most_has_its_remedy(stage: str) -> None:
    wrong = [line for line in advise(WALK | {stage: 60}) if not line.good]
    assert [line.topic for line in wrong] == [stage.removeprefix("refused_")]
    assert REMEDIES[stage][1] in wrong[0].words


@pytest.mark.parametrize("period", [None, WALK | {"faces": 3}])
def test_without_a_walk_test_it_asks_for_one(period: dict[str, int] | None) -> None:
    (line,) = advise(period)
    assert not line.good
    assert "walk past twice" in line.words


def test_infrared_light_is_named() -> None:
    assert "infrared" in " ".join(line.words for line in advise(WALK | {"grey": 200}))


def test_an_armed_camera_is_a_table_and_exit_code_0() -> None:
    done = CliRunner().invoke(app, ["check", "-"], input=dumps(REPORT) + b"\n")
    assert done.exit_code == 0
    assert "the guard listens" in done.stdout
    assert done.stdout.splitlines()[-1] == "Armed: the lamp is lit."


def test_a_dark_camera_is_exit_code_1_also_for_machines() -> None:
    dark: dict[str, JsonValue] = REPORT | {
        "armed": False,
        "verdict": "Not armed: watch stays dark.",
        "period": None,
    }
    done = CliRunner().invoke(app, ["check", "-", "--json"], input=dumps(dark))
    assert done.exit_code == 1
    assert json.loads(done.stdout)["armed"] is False


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_what_is_no_report_is_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(CameraRefused, match="run tallylight-camera doctor --json there"):
        read_report(content)


def test_a_report_with_more_than_it_says_is_refused() -> None:
    changes: list[dict[str, JsonValue]] = [
        {"person": "x"},
        {"parts": [{}] * 65},
        {"period": {**WALK, "names": 1}},
    ]
    for changed in changes:
        with pytest.raises(CameraRefused):
            read_report(dumps(REPORT | changed))
