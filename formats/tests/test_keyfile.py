"""Key files: encrypted with a passphrase or on a token; a wrong passphrase is refused."""

from dataclasses import replace
from pathlib import Path

import pytest
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from formats.keyfile import (
    OPENING,
    Cost,
    KeyFile,
    KeyRefused,
    Locked,
    OnToken,
    Purpose,
    _box,
    find_keys,
    make_key,
    read_key,
    unlock_opening,
    unlock_signing,
    write_key,
)

CHEAP = Cost(passes=1, memory_bytes=8192)
PASSPHRASE = "correct horse battery"  # noqa: S105 - of keys that the tests make.


def made(purpose: Purpose = Purpose.RECEIPT) -> KeyFile:
    return make_key(purpose, "Mill security", PASSPHRASE, CHEAP)


def locked(key: KeyFile) -> Locked:
    assert isinstance(key.rest, Locked)
    return key.rest


def on_token() -> KeyFile:
    rest = OnToken("Mill token", "00ff", bytes(range(16)))
    return KeyFile(Purpose.ROOT, "Mill security", bytes(SigningKey.generate().verify_key), rest)


def secret_of(key: KeyFile) -> bytes:
    unlock = unlock_opening if key.purpose in OPENING else unlock_signing
    return bytes(unlock(key, PASSPHRASE))


@pytest.mark.parametrize("purpose", Purpose)
def test_a_key_opens_with_its_passphrase(purpose: Purpose) -> None:
    key = made(purpose)
    secret = secret_of(key)
    halves = {bytes(PrivateKey(secret).public_key), bytes(SigningKey(secret).verify_key)}
    assert key.public in halves


def test_a_key_is_read_as_it_was_written(tmp_path: Path) -> None:
    key = made()
    write_key(tmp_path / "receipt.key", key)
    assert read_key(tmp_path / "receipt.key") == key


def test_a_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    write_key(tmp_path / "receipt.key", made())
    assert (tmp_path / "receipt.key").stat().st_mode & 0o777 == 0o600


def test_the_secret_is_not_in_the_file(tmp_path: Path) -> None:
    key = made()
    write_key(tmp_path / "receipt.key", key)
    assert secret_of(key).hex() not in (tmp_path / "receipt.key").read_text()


def test_a_key_on_a_token_is_read_as_it_was_written(tmp_path: Path) -> None:
    key = on_token()
    write_key(tmp_path / "root.key", key)
    assert read_key(tmp_path / "root.key") == key


def test_no_passphrase_opens_a_key_on_a_token() -> None:
    with pytest.raises(KeyRefused, match="rests on a token"):
        unlock_signing(on_token(), PASSPHRASE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"serial":"00ff"', b'"serial":""'),
        (b'"key_id":"00', b'"key_id":"'),
        (b'"Mill token"', b'"%s"' % (b"x" * 33)),
        (b'"serial"', b'"salt":"00","serial"'),
    ],
)
def test_a_token_that_is_badly_named_is_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    path = tmp_path / "root.key"
    write_key(path, on_token())
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(KeyRefused, match="is not a key file"):
        read_key(path)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    write_key(tmp_path / "receipt.key", made())
    before = (tmp_path / "receipt.key").read_bytes()
    with pytest.raises(FileExistsError):
        write_key(tmp_path / "receipt.key", made())
    assert (tmp_path / "receipt.key").read_bytes() == before


def test_two_keys_share_nothing() -> None:
    one, other = made(), made()
    assert one.public != other.public
    assert locked(one).salt != locked(other).salt


@pytest.mark.parametrize("passphrase", ["", "eleven char"])
def test_a_short_passphrase_is_refused(passphrase: str) -> None:
    with pytest.raises(KeyRefused, match="12 characters"):
        make_key(Purpose.RECEIPT, "Mill security", passphrase, CHEAP)


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE + " ", PASSPHRASE.upper()])
def test_another_passphrase_opens_nothing(passphrase: str) -> None:
    with pytest.raises(KeyRefused, match="does not open the key of Mill security"):
        unlock_signing(made(), passphrase)


def test_a_passphrase_opens_whether_its_letters_are_composed_or_not() -> None:
    composed, apart = "Käferschlüssel", "Ka\u0308ferschlu\u0308ssel"
    for made_with, opened_with in ((composed, apart), (apart, composed)):
        key = make_key(Purpose.RECEIPT, "estate", made_with, CHEAP)
        assert bytes(unlock_signing(key, opened_with).verify_key) == key.public


def test_a_key_of_an_earlier_version_opens_with_the_passphrase_as_it_was_typed() -> None:
    apart = "Ka\u0308ferschlu\u0308ssel"
    key = made()
    box = _box(apart, locked(key).salt, CHEAP, key.purpose).encrypt(secret_of(key))
    earlier = replace(key, rest=replace(locked(key), box=bytes(box)))
    assert bytes(unlock_signing(earlier, apart).verify_key) == key.public


def test_a_flipped_bit_opens_nothing() -> None:
    key = made()
    box = bytes([locked(key).box[0] ^ 1, *locked(key).box[1:]])
    with pytest.raises(KeyRefused):
        unlock_signing(replace(key, rest=replace(locked(key), box=box)), PASSPHRASE)


def test_another_public_half_is_seen() -> None:
    with pytest.raises(KeyRefused, match="changed"):
        unlock_signing(replace(made(), public=made().public), PASSPHRASE)


def test_a_signing_key_does_not_pass_for_one_that_opens() -> None:
    with pytest.raises(KeyRefused, match="changed"):
        unlock_opening(replace(made(), purpose=Purpose.REVIEWER), PASSPHRASE)


def test_a_key_does_not_open_for_another_purpose_of_the_same_kind() -> None:
    with pytest.raises(KeyRefused, match="changed"):
        unlock_signing(replace(made(Purpose.ROOT), purpose=Purpose.RECEIPT), PASSPHRASE)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match=r"receipt\.key cannot be read"):
        read_key(tmp_path / "receipt.key")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"receipt"', b'"king"'),
        (b'"passes":1', b'"passes":99'),
        (b'"memory_bytes":8192', b'"memory_bytes":2000000000'),
        (b'"memory_bytes":8192', b'"memory_bytes":1'),
        (b"Mill security", b""),
        (b'"holder"', b'"owner"'),
        (b"{", b"{ "),
    ],
)
def test_what_is_not_a_key_file_is_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    path = tmp_path / "receipt.key"
    write_key(path, made())
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(KeyRefused, match="is not a key file"):
        read_key(path)


def test_a_public_half_is_told_from_a_key_file(tmp_path: Path) -> None:
    (tmp_path / "17.pub").write_bytes(b"{}")
    with pytest.raises(
        KeyRefused, match=r"is the public half: name the key file itself, .*17\.key"
    ):
        read_key(tmp_path / "17.pub")


@pytest.mark.parametrize("content", [b"", b"{}", b"\0" * 5000])
def test_other_bytes_are_no_key_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "receipt.key").write_bytes(content)
    with pytest.raises(KeyRefused, match="is not a key file"):
        read_key(tmp_path / "receipt.key")


def test_keys_are_found_by_their_purpose(tmp_path: Path) -> None:
    first, second, other = made(), made(), made(Purpose.REVIEWER)
    for name, key in (("b", second), ("a", first), ("c", other)):
        write_key(tmp_path / f"{name}.key", key)
    assert find_keys(tmp_path, Purpose.RECEIPT) == [first, second]


def test_a_key_shows_neither_salt_nor_secret() -> None:
    key = made()
    shown = repr(key)
    assert repr(locked(key).box) not in shown
    assert repr(locked(key).salt) not in shown


@pytest.mark.parametrize("purpose", list(Purpose))
def test_each_purpose_has_its_article(purpose: Purpose) -> None:
    vowel = str(purpose)[0] in "aeiou"
    assert purpose.one_key == f"{'an' if vowel else 'a'} {purpose} key"
    assert Purpose.INSTALLER.one_key == "an installer key"
