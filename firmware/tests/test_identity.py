"""The camera's keys: made once, kept, each for its own program."""

from pathlib import Path

import pytest
from cryptography import x509

from firmware.config import State
from firmware.errors import ForeignFile, IdentityRefused
from firmware.identity import courier_key, ledger_signer, make_identity, watch_keys
from firmware.tests.power_cut import cut
from formats.camera_request import read_request
from formats.ledger import Program

KEYS = (
    *("watch/sign.key", "watch/list.key"),
    *("lampguard/ledger.key", "courier/ledger.key", "courier/receipt.key", "courier/tls.key"),
)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path)


def test_the_keys_are_for_their_owner_alone(state: State) -> None:
    make_identity(state)
    modes = {name: (state.root / name).stat().st_mode & 0o777 for name in KEYS}
    assert set(modes.values()) == {0o600}
    assert {(state.root / name).parent.stat().st_mode & 0o777 for name in KEYS} == {0o700}


def test_making_the_identity_again_changes_no_key(state: State) -> None:
    first = make_identity(state)
    before = {name: (state.root / name).read_bytes() for name in KEYS}
    assert make_identity(state) == first
    assert {name: (state.root / name).read_bytes() for name in KEYS} == before


def test_two_cameras_are_two(tmp_path: Path) -> None:
    one, other = make_identity(State(tmp_path / "1")), make_identity(State(tmp_path / "2"))
    assert one.camera_id != other.camera_id


def test_the_camera_request_names_the_cameras_own_keys(state: State) -> None:
    identity = make_identity(state)
    request = read_request((state.root / "enrolment.json").read_bytes())
    assert request.identity == identity
    assert watch_keys(state).sign.verify_key == identity.sign_key
    assert watch_keys(state).list.public_key == identity.list_key
    assert courier_key(state).public_key == identity.receipt_key


@pytest.mark.parametrize("program", [Program.WATCH, Program.LAMPGUARD, Program.COURIER])
def test_the_key_under_every_ledger_is_in_the_request(state: State, program: Program) -> None:
    identity = make_identity(state)
    signer = ledger_signer(state, program)
    assert signer.camera == identity.camera_id
    assert signer.key.verify_key == identity.ledger_keys[program]


def test_every_ledger_has_a_key_of_its_own(state: State) -> None:
    assert len(set(make_identity(state).ledger_keys.values())) == 3


@pytest.mark.parametrize("program", [Program.LAMPGUARD, Program.COURIER])
def test_a_ledger_key_that_is_not_in_the_request_is_refused(state: State, program: Program) -> None:
    make_identity(state)
    (state.root / program / "ledger.key").write_bytes(bytes(32))
    with pytest.raises(IdentityRefused, match="register it again"):
        ledger_signer(state, program)


def test_the_certificate_request_is_signed_and_names_the_camera(state: State) -> None:
    identity = make_identity(state)
    request = read_request((state.root / "enrolment.json").read_bytes())
    csr = x509.load_der_x509_csr(request.csr)
    assert csr.is_signature_valid
    assert csr.subject.rfc4514_string() == f"CN={identity.camera_id.hex()}"


def test_no_secret_is_in_the_camera_request(state: State) -> None:
    make_identity(state)
    request = (state.root / "enrolment.json").read_text()
    secrets = [(state.root / name).read_bytes().hex() for name in KEYS[:3]]
    assert not any(secret in request for secret in secrets)


def test_the_camera_id_is_written_for_the_courier(state: State) -> None:
    identity = make_identity(state)
    assert (state.courier / "camera-id").read_text() == identity.camera_id.hex()


@pytest.mark.parametrize("name", KEYS[:3])
def test_a_broken_key_is_refused_and_kept(state: State, name: str) -> None:
    make_identity(state)
    (state.root / name).write_bytes(b"short")
    with pytest.raises(IdentityRefused, match="wipe this camera"):
        make_identity(state)
    assert (state.root / name).read_bytes() == b"short"


def test_a_broken_tls_key_is_refused(state: State) -> None:
    make_identity(state)
    (state.courier / "tls.key").write_text("nonsense")
    with pytest.raises(IdentityRefused):
        make_identity(state)


def test_a_camera_without_keys_says_how_to_make_them(state: State) -> None:
    with pytest.raises(IdentityRefused, match="tallylight-camera identity"):
        watch_keys(state)
    with pytest.raises(IdentityRefused, match="tallylight-camera identity"):
        courier_key(state)


def test_the_keys_are_not_shown(state: State) -> None:
    make_identity(state)
    shown = repr(watch_keys(state)) + repr(courier_key(state))
    assert (state.watch / "sign.key").read_bytes().hex() not in shown
    assert repr((state.watch / "sign.key").read_bytes()) not in shown


@pytest.mark.parametrize("step", range(2, 12, 3))
def test_a_power_cut_leaves_whole_keys_or_none(state: State, step: int) -> None:
    assert cut(step, lambda: make_identity(state))
    sizes = {path.stat().st_size for path in state.root.rglob("s*.key")}
    assert sizes <= {32}
    make_identity(state)


@pytest.mark.parametrize(
    "name", ["courier/camera-id", "courier/tls.key", "watch/list.key", "watch/sign.key"]
)
def test_root_writes_through_no_link_that_a_program_left(state: State, name: str) -> None:
    make_identity(state)
    outside = state.root / "outside"
    outside.write_text("of another program")
    path = state.root / name
    path.unlink()
    for draft in (path.with_name(f".{path.name}.part"), path.with_suffix(".part")):
        draft.symlink_to(outside)
    make_identity(state)
    assert outside.read_text() == "of another program"
    assert path.is_file()
    assert not path.is_symlink()


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_is_a_link_is_refused_by_its_name(state: State, name: str) -> None:
    make_identity(state)
    path = state.root / name
    path.rename(state.root / "moved")
    path.symlink_to(state.root / "moved")
    with pytest.raises(ForeignFile, match=f"{path.name} is a symbolic link"):
        make_identity(state)


@pytest.mark.parametrize("name", ["watch", "lampguard", "courier", "watch/site", "watch/floors"])
def test_root_makes_no_key_behind_a_link_to_a_folder(state: State, name: str) -> None:
    path = state.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (state.root / "elsewhere").mkdir()
    path.symlink_to(state.root / "elsewhere")
    with pytest.raises(ForeignFile, match="is a symbolic link, not a folder"):
        make_identity(state)
    assert list((state.root / "elsewhere").iterdir()) == []
