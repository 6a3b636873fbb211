"""Keys on a PKCS#11 token: SoftHSM, a token in software, reached as any other token.

Tokens are found through p11-kit, where Debian's package of SoftHSM registers itself.
"""

import os
import pty
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pkcs11
import pytest
from nacl.signing import SigningKey

from formats.keyfile import OnToken, read_key
from provisioning.keys.token import REGISTRY
from provisioning.tests.workshop import (
    ESTATE,
    POLICE,
    Workshop,
    contents,
    refusal,
    tallylight,
)

PIN = "271828"
LOCAL = 3
"""Index of the local flags in a terminal's attributes: ECHO shows what is typed."""
LABELS = ("police", "desk", "twin", "twin")


def reached() -> bool:
    try:
        pkcs11.lib(REGISTRY)
    except pkcs11.PKCS11Error:
        return False
    return shutil.which("softhsm2-util") is not None


pytestmark = pytest.mark.skipif(
    not reached(), reason="needs SoftHSM and p11-kit: apt-get install softhsm2 libp11-kit0"
)


@dataclass(frozen=True)
class Purse:
    """Tokens, and a folder in which their PIN lies."""

    folder: Path

    @property
    def pin(self) -> tuple[str, Path]:
        return "--passphrase-file", self.folder / "pin"

    @property
    def wrong_pin(self) -> tuple[str, Path]:
        return "--passphrase-file", self.folder / "wrong"

    def make(self, folder: Path, purpose: str, holder: str, name: str = "police") -> Path:
        file = folder / f"{purpose}-on-token.key"
        words = ("--purpose", purpose, "--holder", holder, "--token", name)
        tallylight("site", "key", file, *words, *self.pin)
        return file

    def unplug(self) -> None:
        """Unplug every token: other tokens are in the slots from now on."""
        shutil.move(self.folder / "tokens", self.folder / "away")
        (self.folder / "tokens").mkdir()
        pkcs11.lib(REGISTRY).reinitialize()

    def plug_in(self) -> None:
        shutil.rmtree(self.folder / "tokens")
        shutil.move(self.folder / "away", self.folder / "tokens")
        pkcs11.lib(REGISTRY).reinitialize()


@pytest.fixture(scope="module")
def purse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Purse]:
    folder = tmp_path_factory.mktemp("purse")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    (folder / "pin").write_text(PIN + "\n")
    (folder / "wrong").write_text("314159\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        for label in LABELS:
            words = ["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", PIN]
            subprocess.run(["softhsm2-util", *words], check=True, capture_output=True)
        pkcs11.lib(REGISTRY).reinitialize()
        yield Purse(folder)
        pkcs11.lib(REGISTRY).finalize()


def key_id(file: Path) -> bytes:
    rest = read_key(file).rest
    assert isinstance(rest, OnToken)
    return rest.key_id


def replace_supplier(workshop: Workshop, purse: Purse) -> Path:
    """Hold a ceremony to which the police bring their signing and sealing keys on a token."""
    brought = [purse.make(workshop.folder, f"list-{verb}", POLICE) for verb in ("sign", "seal")]
    shutil.rmtree(workshop.site)
    words = [word for file in brought for word in ("--bring", file)]
    plan = ("--plan", workshop.folder / "plan.toml")
    tallylight("site", "init", workshop.site, *plan, *words, *workshop.passphrase, "--yes")
    return brought[0]


def test_a_key_file_holds_no_secret_but_says_where_it_is(purse: Purse, tmp_path: Path) -> None:
    file = purse.make(tmp_path, "root", "Maker")
    assert b"locked" not in file.read_bytes()
    assert "on the token 'police'" in tallylight("site", "words", file)


def test_the_token_gives_no_key_out(purse: Purse, tmp_path: Path) -> None:
    made = key_id(purse.make(tmp_path, "root", "Maker"))
    (token,) = [one for one in pkcs11.lib(REGISTRY).get_tokens() if one.label == "police"]
    with token.open(user_pin=PIN) as session:
        private = session.get_key(pkcs11.ObjectClass.PRIVATE_KEY, id=made)
        assert private[pkcs11.Attribute.NEVER_EXTRACTABLE]
        assert private[pkcs11.Attribute.ALWAYS_SENSITIVE]
        with pytest.raises(pkcs11.AttributeSensitive):
            private[pkcs11.Attribute.VALUE]


def test_a_list_is_sealed_and_signed_by_a_key_on_a_token(begun: Workshop, purse: Purse) -> None:
    key = replace_supplier(begun, purse)
    bundle, trusted = begun.bundle_again()
    tallylight("model", "adopt", begun.site, bundle, "--trust", trusted, "--yes")
    begun.register_camera()
    begun.add_recipients()
    begun.sign_policy()
    begun.add()
    seal = key.with_name("list-seal-on-token.key")
    desk = ("--desk-passphrase-file", begun.folder / "passphrase")
    tallylight("list", "build", begun.site, "--key", seal, *purse.pin, *desk, "--yes")
    tallylight("list", "sign", begun.site, "--key", key, *purse.pin, "--yes")
    begun.sign("estate")
    tallylight("list", "publish", begun.site, *begun.passphrase)
    assert f"{POLICE} and {ESTATE}" in tallylight("list", "verify", begun.site)
    minutes = (begun.site / "ceremony-1.txt").read_text()
    assert minutes.count("on the token 'police'") == 2


def test_the_online_keys_change_over_to_a_token_and_renew(listed: Workshop, purse: Purse) -> None:
    for organisation in ("police", "estate"):
        listed.sign(organisation)
    tallylight("list", "publish", listed.site, *listed.passphrase)
    for role in ("snapshot", "timestamp"):
        new = purse.make(listed.site / "keys", role, "Provisioning Desk", "desk")
        old = listed.site / "keys" / f"{role}-provisioning-desk.key"
        tallylight("site", "rotate", listed.site, "--from", old, "--to", new, "--yes")
        for holder in ("data-protection-officer", "oversight-body", "maker"):
            key = listed.key(f"root-{holder}")
            tallylight("site", "sign", listed.site, *key, *listed.passphrase, "--yes")
        old.unlink()
    assert "is renewed" in tallylight("list", "renew", listed.site, *purse.pin)
    assert "on the token 'desk'" in (listed.site / "ceremony-2.txt").read_text()


def test_a_root_holder_signs_with_a_token(begun: Workshop, purse: Purse) -> None:
    new = purse.make(begun.folder, "root", "Maker")
    old = begun.site / "keys" / "root-maker.key"
    tallylight("site", "rotate", begun.site, "--from", old, "--to", new, "--yes")
    output = tallylight("site", "sign", begun.site, "--key", new, *purse.pin, "--yes")
    assert "signed by 1" in output


def test_the_brokers_certificates_are_issued_by_a_token(begun: Workshop, purse: Purse) -> None:
    (begun.site / "keys" / "broker-provisioning-desk.key").unlink()
    purse.make(begun.site / "keys", "broker", "Provisioning Desk", "desk")
    tallylight("broker", "config", begun.site, *purse.pin)
    certificate = begun.site / "broker" / "clients" / "receiver.pem"
    authority = begun.site / "broker" / "ca.pem"
    check = ["openssl", "verify", "-CAfile", str(authority), str(certificate)]
    assert subprocess.run(check, capture_output=True, check=False).returncode == 0


def signing_nets(folder: Path, key: Path, pin: tuple[str, str | Path]) -> list[str | Path]:
    """Return a command that signs with any key for nets."""
    return ["model", "build", folder / "bundle", "--key", key, *pin, "--yes"]


def test_a_wrong_pin_is_refused_and_changes_nothing(purse: Purse, tmp_path: Path) -> None:
    key = purse.make(tmp_path, "model", POLICE)
    before = contents(tmp_path)
    output = refusal(*signing_nets(tmp_path, key, purse.wrong_pin))
    assert "not the PIN of the token 'police'" in output
    assert contents(tmp_path) == before


def test_an_absent_token_is_named(purse: Purse, tmp_path: Path) -> None:
    key = purse.make(tmp_path, "model", POLICE)
    purse.unplug()
    try:
        output = refusal(*signing_nets(tmp_path, key, purse.pin))
    finally:
        purse.plug_in()
    assert "The token 'police' with the serial number" in output
    assert "plug it in" in output


def test_a_key_that_is_not_on_its_token_is_named(purse: Purse, tmp_path: Path) -> None:
    key = purse.make(tmp_path, "model", POLICE)
    key.write_text(key.read_text().replace(key_id(key).hex(), "00" * 16))
    output = refusal(*signing_nets(tmp_path, key, purse.pin))
    assert "does not hold the model key of Example Police" in output


def test_a_file_that_claims_another_purpose_finds_no_key(purse: Purse, tmp_path: Path) -> None:
    key = purse.make(tmp_path, "timestamp", "Maker")
    key.write_text(key.read_text().replace('"timestamp"', '"model"'))
    output = refusal(*signing_nets(tmp_path, key, purse.pin))
    assert "does not hold the model key" in output


def test_a_file_with_another_public_half_does_not_sign(purse: Purse, tmp_path: Path) -> None:
    key = purse.make(tmp_path, "model", "Maker")
    other = bytes(SigningKey.generate().verify_key).hex()
    key.write_text(key.read_text().replace(read_key(key).public.hex(), other))
    output = refusal(*signing_nets(tmp_path, key, purse.pin))
    assert "signs with another key" in output


def test_two_tokens_of_one_name_are_refused(purse: Purse, tmp_path: Path) -> None:
    words = ("--purpose", "root", "--holder", "Maker", "--token", "twin", *purse.pin)
    assert "Two tokens are named 'twin'" in refusal("site", "key", tmp_path / "x", *words)
    assert not list(tmp_path.iterdir())


def test_a_key_that_opens_is_not_made_on_a_token(purse: Purse, tmp_path: Path) -> None:
    words = ("--purpose", "desk", "--holder", "Desk", "--token", "desk", *purse.pin)
    assert "opens and does not sign" in refusal("site", "key", tmp_path / "x.key", *words)


def test_the_pin_of_a_token_is_changed_elsewhere(purse: Purse, tmp_path: Path) -> None:
    key = purse.make(tmp_path, "root", "Maker")
    assert "change its PIN" in refusal("site", "passphrase", key, "--to", tmp_path / "other")


@pytest.mark.parametrize(
    ("purpose", "holder", "reason"),
    [("root", "Stranger", "names no 'Stranger'"), ("model", "Maker", "names no 'Maker'")],
)
def test_a_holder_who_is_not_in_the_plan_brings_no_key(
    begun: Workshop, purse: Purse, purpose: str, holder: str, reason: str
) -> None:
    key = purse.make(begun.folder, purpose, holder)
    plan = ("--plan", begun.folder / "plan.toml", *begun.passphrase)
    folder = begun.folder / "other"
    assert reason in refusal("site", "init", folder, *plan, "--bring", key)
    assert not folder.exists()


def test_a_key_in_a_file_is_not_brought(begun: Workshop, tmp_path: Path) -> None:
    plan = ("--plan", begun.folder / "plan.toml", *begun.passphrase)
    _, key = begun.key("root-maker")
    assert "rests on no token" in refusal("site", "init", tmp_path / "o", *plan, "--bring", key)


def test_a_machine_without_a_registry_says_what_to_install(
    purse: Purse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = purse.make(tmp_path, "model", POLICE)
    monkeypatch.setattr("provisioning.keys.token.REGISTRY", "libnothing.so.0")
    output = refusal(*signing_nets(tmp_path, key, purse.pin))
    assert "install libp11-kit0" in output


@pytest.mark.usefixtures("purse")
def test_the_pin_is_asked_for_and_stands_in_no_command_line(tmp_path: Path) -> None:
    """Start the real program at a real terminal."""
    words = ["site", "key", str(tmp_path / "k.key"), "--purpose", "root", "--holder", "Maker"]
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "provisioning", *words, "--token", "police"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True
    ) as process:
        until_s = time.monotonic() + 30
        while termios.tcgetattr(theirs)[LOCAL] & termios.ECHO:  # Until it hides what is typed.
            assert time.monotonic() < until_s
            time.sleep(0.01)
        assert PIN.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        os.write(ours, PIN.encode() + b"\n")
        output, _ = process.communicate(timeout=30)
    shown = os.read(ours, 1000)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0
    assert b"Maker: root" in output
    assert b"PIN of the token 'police'" in shown
    assert PIN.encode() not in output + shown
