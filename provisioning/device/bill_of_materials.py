"""The bill of materials of an image (SBOM): an SPDX 2.3 document, and packages.json, a short list.

It names every Debian package with its version and the digest of its file, and every Python package
with its version. A package that is named was unpacked; some of its files may have been deleted. It
does not say what a package was built from.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path
from typing import Final
from urllib.parse import quote

from formats import VERSION

NAMESPACE: Final = "https://tallylight.invalid/spdx"
"""Only a name: no document can be fetched there."""
_FIELDS: Final = ("Package", "Version", "Architecture", "Homepage")


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """One package in an image."""

    kind: str
    """`deb` or `pypi`, as in a package URL."""
    name: str
    version: str
    architecture: str = ""
    digest: str = ""
    """SHA-256 of its .deb file; empty for a Python package, whose lock file has the digests."""
    homepage: str = ""

    @property
    def url(self) -> str:
        """The package URL (purl)."""
        group = "debian/" if self.kind == "deb" else ""
        arch = f"?arch={self.architecture}" if self.architecture else ""
        return f"pkg:{self.kind}/{group}{quote(self.name)}@{quote(self.version, safe='')}{arch}"


def debian_components(lock: Path, debs: Path) -> Iterator[Component]:
    """Yield the packages of a lock file, from the fields of their .deb files."""
    for line in lock.read_text("utf-8").splitlines():
        digest, name = line.split("  ", 1)
        command = ["dpkg-deb", "--field", str(debs / name), *_FIELDS]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  # Its own words.
        field = HeaderParser().parsestr(text)
        yield Component(
            "deb",
            field["Package"],
            field["Version"],
            field["Architecture"],
            digest,
            field.get("Homepage", ""),
        )


def python_components(root: Path) -> Iterator[Component]:
    """Yield the Python packages of a root, from their metadata."""
    for file in sorted((root / "opt/tallylight").rglob("*.dist-info/METADATA")):
        field = HeaderParser().parsestr(file.read_text("utf-8"))
        yield Component("pypi", field["Name"].lower(), field["Version"])


def spdx(board: str, components: list[Component], digest: str, made: datetime) -> dict[str, object]:
    """Return an SPDX 2.3 document.

    Args:
        board: name of the board.
        components: what is in the image.
        digest: SHA-256 of system.img, as hex: the document's own name has it.
        made: the time that the build was given.
    """
    packages = [_spdx_package(number, one) for number, one in enumerate(components, 1)]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"tallylight-{board}-{VERSION}",
        "documentNamespace": f"{NAMESPACE}/{board}-{VERSION}-{digest}",
        "creationInfo": {
            "created": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: tallylight-image-{VERSION}"],
        },
        "documentDescribes": [package["SPDXID"] for package in packages],
        "packages": packages,
    }


def _spdx_package(number: int, component: Component) -> dict[str, object]:
    package: dict[str, object] = {
        "SPDXID": f"SPDXRef-Package-{number}",
        "name": component.name,
        "versionInfo": component.version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": component.url,
            }
        ],
    }
    if component.digest:
        package["checksums"] = [{"algorithm": "SHA256", "checksumValue": component.digest}]
    if component.homepage:
        package["homepage"] = component.homepage
    return package


def main() -> None:
    """Write both files: `bill_of_materials BOARD LOCK DEBS ROOT OUT DIGEST SECONDS`."""
    board, lock, debs, root, out, digest, seconds = sys.argv[1:]
    components = sorted(
        [*debian_components(Path(lock), Path(debs)), *python_components(Path(root))]
    )
    made = datetime.fromtimestamp(int(seconds), UTC)
    short = [{"name": one.name, "version": one.version, "kind": one.kind} for one in components]
    _write(Path(out) / "packages.json", short)
    _write(Path(out) / "sbom.spdx.json", spdx(board, components, digest, made))


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
