"""Files, anchors and names that the documents mention exist."""

import re
import subprocess
from pathlib import Path

import pytest

from hil_tests.demo.command import table
from hil_tests.demo.figures import Figures

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for path in (
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "models").glob("*.md"),
    )
)
PROMISES = [f"P{number}" for number in range(1, 12)]


def existing_tests() -> set[str]:
    return {
        name
        for path in ROOT.glob("*/tests/**/test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }


def tracked(pattern: str) -> list[str]:
    """Return the files of the repository that match a pattern of git's."""
    return subprocess.run(
        ["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", ["accountability.md", "threat-model.md"])
def test_every_test_that_a_promise_or_an_attack_names_exists(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    named = set(re.findall(r"\btest_\w+\b(?!\.py)", text))
    assert named
    assert named - existing_tests() == set()


def test_every_attacker_has_a_row_with_a_test() -> None:
    page = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
    (section,) = [part for part in page.split("\n## ") if part.startswith("What was tried")]
    rows = [row for row in section.splitlines() if row.startswith("| ")][1:]
    assert rows
    assert [row for row in rows if "`test_" not in row.split(" | ")[-1]] == []


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_has_a_row_and_a_test(promise: str) -> None:
    page = (ROOT / "docs" / "accountability.md").read_text("utf-8")
    (row,) = [row for row in page.splitlines() if row.startswith(f"| **{promise}** ")]
    (section,) = [part for part in page.split("\n### ") if part.startswith(f"{promise} ")]
    assert section.splitlines()[0].removeprefix(promise) in row
    assert "- `test_" in section


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text("utf-8"))
    relative = [link for link in links if "://" not in link]
    assert [link for link in relative if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_heading_leads_to_one(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", document.read_text("utf-8"))
    wanted = [((document.parent / path) if path else document, anchor) for path, anchor in links]
    assert [anchor for path, anchor in wanted if anchor not in anchors(path)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(document: Path) -> None:
    folders = "|".join({path.split("/")[0] for path in tracked("*/*") if path[0] != "."})
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", document.read_text("utf-8"))
    named = [path for path in named if "NNNN" not in path]  # How decisions are named.
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_page_that_a_comment_names_exists() -> None:
    named = {
        found
        for path in tracked("*.py")
        for found in re.findall(r"\bdocs/[\w/-]+\.md\b", (ROOT / path).read_text("utf-8"))
    }
    assert named
    assert [page for page in sorted(named) if not (ROOT / page).exists()] == []


def test_every_room_is_in_the_architecture() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rooms = {
        "/".join(path.parts[:-1]) + "/"
        for path in map(Path, tracked("*/__init__.py"))
        if len(path.parts) <= 3 and path.parts[-2] != "tests"  # Package, room.
    }
    assert rooms
    assert [room for room in sorted(rooms) if f"`{room}" not in page] == []


def test_every_document_is_in_the_map() -> None:
    folder = ROOT / "docs"
    links = re.findall(r"\]\(([^)#\s]+)", (folder / "README.md").read_text("utf-8"))
    mapped = {(folder / link).resolve() for link in links if "://" not in link}
    assert [d.name for d in DOCUMENTS if d.resolve() not in mapped and d.name != "README.md"] == []


def test_every_section_that_a_comment_cites_is_in_the_design() -> None:
    page = (ROOT / "docs" / "design.md").read_text("utf-8")
    cited = {
        found
        for path in tracked("*.py")
        for found in re.findall(
            r"docs/design\.md, (section \d+|P\d+)", (ROOT / path).read_text("utf-8")
        )
    }
    heads = {each: f"\n## {each.removeprefix('section ')}. " for each in cited}
    heads |= {each: f"**{each} " for each in cited if each.startswith("P")}
    assert cited
    assert [each for each, head in heads.items() if head not in page] == []


def test_the_readme_shows_the_rows_that_the_demo_prints() -> None:
    shown = table(Figures(*9 * (0,), *6 * (None,), 1.0, 0))
    labels = [str(cell) for cell in shown.columns[0].cells]
    readme = (ROOT / "README.md").read_text("utf-8")
    assert len(labels) > 10
    assert [label for label in labels if label not in readme] == []


def test_every_folder_with_programs_is_one_that_the_house_knows() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    folders = {path.split("/")[0] for path in tracked("*.py")}
    assert folders
    assert [folder for folder in sorted(folders) if f"| `{folder}/`" not in table] == []


def test_no_document_names_a_path_of_a_machine_or_a_package_index() -> None:
    forbidden = re.compile(r"/root/|/work/|/home/|pypi\.org/simple|index-url")
    assert [d.name for d in DOCUMENTS if forbidden.search(d.read_text("utf-8"))] == []


def test_no_lock_holds_an_address() -> None:
    locks = list((ROOT / "requirements").glob("*.txt"))
    assert locks
    assert [lock.name for lock in locks if "://" in lock.read_text("utf-8")] == []
