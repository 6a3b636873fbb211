"""Who writes files: desk, estate and formats write through `formats.whole_file` alone.

A write that fails otherwise names no file and leaves half of it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
WRITERS = {
    "formats/whole_file.py": "it is the one that writes",
    "provisioning/broker/tested_broker.py": "certificates of one check, in a temporary folder",
    "provisioning/device/boot/boot_rom.py": "the virtual board's firmware, in a temporary folder",
    "provisioning/device/boot/reboot_program.py": "a step of the image's recipe",
    "provisioning/device/bill_of_materials.py": "a step of the image's recipe",
    "provisioning/device/image_facts.py": "a step of the image's recipe",
    "provisioning/device/site_files.py": "a step of the image's recipe",
    "provisioning/flash/image.py": "an image of gigabytes, unpacked into a temporary folder",
    "provisioning/update/bundle.py": "images of many megabytes, into a folder that is put in whole",
    "provisioning/conformance/tuf_client.py": "the client of a public test suite",
}


def sources() -> Iterator[Path]:
    for package in ("formats", "provisioning", "estate", "terminal"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "tests" not in path.parts and path.relative_to(ROOT).as_posix() not in WRITERS:
                yield path


def writes(call: ast.Call) -> bool:
    """Say whether a call writes a file: write_bytes, write_text, or open with such a mode."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    words = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    modes = [word for word in words if isinstance(word, str) and set(word) <= set("rwaxbt+")]
    opened = name == "open" and any(set(mode) & set("wax+") for mode in modes)
    return name in {"write_bytes", "write_text"} or opened


def test_files_are_written_whole() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and writes(node)
    ]
    # A tar in memory is no file.
    assert [
        each for each in found if not each.startswith("provisioning/broker/mosquitto_files")
    ] == []
