from contextlib import suppress
from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

from recognition.errors import ModelRefused
from recognition.operations import KNOWN, check_operations, holds_edge_tpu
from recognition.tests.toy_net import toy_net

TOY = toy_net()
OPERATORS = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}


def test_the_known_operations_have_the_names_of_the_schema() -> None:
    assert {code: OPERATORS[code] for code in KNOWN} == KNOWN


@pytest.mark.parametrize("code", sorted(KNOWN))
def test_every_known_operation_passes(code: int) -> None:
    check_operations(toy_net(operation=code), "toy")


@pytest.mark.parametrize("code", sorted(set(OPERATORS) - set(KNOWN) - {32, 127}))
def test_every_other_operation_is_refused(code: int) -> None:
    with pytest.raises(ModelRefused, match=f"toy holds the operation {code}"):
        check_operations(toy_net(operation=code), "toy")


def test_a_custom_operation_is_refused() -> None:
    content = toy_net(operation=schema.BuiltinOperator.CUSTOM, custom="\x1b[2J")
    with pytest.raises(ModelRefused, match=r"custom operation b'\\x1b\[2J'"):
        check_operations(content, "toy")


def test_what_was_compiled_for_the_edge_tpu_passes_and_is_known_as_such() -> None:
    content = toy_net(operation=schema.BuiltinOperator.CUSTOM, custom="edgetpu-custom-op")
    check_operations(content, "toy")
    assert holds_edge_tpu(content, "toy")


def test_a_name_somewhere_in_the_file_does_not_make_it_compiled() -> None:
    assert not holds_edge_tpu(TOY + b"edgetpu-custom-op", "toy")


def test_every_shipped_net_passes(models: Path) -> None:
    for path in models.glob("*.tflite"):
        check_operations(path.read_bytes(), path.name)


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(ModelRefused):
        check_operations(content, "toy")


@given(st.integers(0, len(TOY) - 1), st.integers(1, 255))
def test_damage_ends_in_a_verdict_and_never_in_a_crash(place: int, flip: int) -> None:
    content = bytearray(TOY)
    content[place] ^= flip
    with suppress(ModelRefused):
        check_operations(bytes(content), "toy")
