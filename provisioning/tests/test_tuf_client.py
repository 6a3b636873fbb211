"""The TUF client as a command, against a repository served over HTTP on loopback."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from provisioning.conformance.tuf_client import main
from provisioning.tests.workshop import Workshop, tallylight


class Quiet(SimpleHTTPRequestHandler):
    """A web server that does not talk."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # Its own signature.
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def published(listed: Workshop) -> Workshop:
    listed.sign("police")
    listed.sign("estate")
    tallylight("list", "publish", listed.site, *listed.passphrase)
    return listed


def client(workshop: Workshop, *words: str) -> int:
    return main(["--metadata-dir", str(workshop.folder / "trusted"), *words])


def init(workshop: Workshop) -> None:
    assert client(workshop, "init", str(workshop.site / "root.json")) == 0


def download(workshop: Workshop, url: str, *names: str) -> int:
    targets = [word for name in names for word in ("--target-name", name)]
    where = ("--target-base-url", f"{url}/targets", "--target-dir", str(workshop.folder / "got"))
    return client(workshop, "--metadata-url", f"{url}/metadata", *targets, *where, "download")


def test_init_makes_no_request_and_keeps_the_root(published: Workshop) -> None:
    init(published)
    kept = (published.folder / "trusted" / "root.json").read_bytes()
    assert kept == (published.site / "root.json").read_bytes()


def test_metadata_is_kept_under_names_without_versions(published: Workshop) -> None:
    init(published)
    with served(published.site / "published") as url:
        assert client(published, "--metadata-url", f"{url}/metadata", "refresh") == 0
    for role in ("root", "timestamp", "snapshot", "targets"):
        assert (published.folder / "trusted" / f"{role}.json").exists()


def test_targets_are_fetched_in_the_order_in_which_they_were_named(published: Workshop) -> None:
    init(published)
    with served(published.site / "published") as url:
        assert download(published, url, "policy.json", "watchlist-mill-lane.json") == 0
        assert len(list((published.folder / "got").iterdir())) == 2
        assert download(published, url, "nothing.json", "recipients.json") == 1
    assert len(list((published.folder / "got").iterdir())) == 2


def test_an_altered_target_is_refused(
    published: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    init(published)
    (path,) = (published.site / "published" / "targets").glob("*.policy.json")
    path.write_bytes(path.read_bytes().replace(b"500", b"501"))
    with served(published.site / "published") as url:
        assert download(published, url, "policy.json") == 1
    assert capsys.readouterr().err.startswith("Refused: ")


def test_a_root_with_an_rsa_key_is_refused(published: Workshop) -> None:
    root = json.loads((published.site / "root.json").read_bytes())
    key = next(iter(root["signed"]["keys"].values()))
    key.update(keytype="rsa", scheme="rsassa-pss-sha256")
    path = published.folder / "rsa.json"
    path.write_text(json.dumps(root))
    assert client(published, "init", str(path)) == 1
