"""Documents cite files, headings, behaviours and decisions that exist; code and tests cite documents that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.modules import DOCUMENTS, PROGRAMS, ROOT

pytestmark = pytest.mark.embedded

FOLDERS = "|".join((*PROGRAMS, "tests", "docs"))

LINK = re.compile(r"\]\(([^)\s]+)\)")
CITED_PATH = re.compile(rf"(?<![\w./])(?:{FOLDERS})/[\w./-]*\.(?:py|lua|md)\b")
CITED_TEST = re.compile(r"tests/[\w/]+/test_\w+\.py")
NUMBERS = r"\d+(?:(?:\s*,\s*|\s*,?\s+and\s+|\s+to\s+|\s*[-–]\s*)\d+)*"
CITED_BEHAVIOURS = re.compile(rf"behaviours?:?\s+({NUMBERS})", re.IGNORECASE)
CITED_DECISION = re.compile(r"(?:decisions?\s+|decisions/)(\d{4})(-[\w-]+\.md)?", re.IGNORECASE)
HELD_BY = re.compile(r"^\| (\d+) \|.*\| ([^|]*) \|$", re.MULTILINE)


def prose_of(text: str) -> str:
    """Return Markdown without its blocks of code, in which brackets and # have other meanings."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors_of(text: str) -> set[str]:
    """Return the anchors of all headings: lower case, without punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.+)$", prose_of(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(document: Path, text: str) -> Iterator[str]:
    """Yield the relative links of a document whose file or heading does not exist."""
    for link in LINK.findall(prose_of(text)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        if not target.exists() or (anchor and anchor not in anchors_of(text if not name else target.read_text())):
            yield f"{document.relative_to(ROOT)}: {link}"


def missing_paths(text: str, folder: Path = ROOT) -> list[str]:
    """Return the paths in a text that begin with a folder of the project, and name no file, in `folder` either."""
    return [path for path in CITED_PATH.findall(text) if not any((each / path).exists() for each in (ROOT, folder))]


def numbers_of(citation: str) -> set[int]:
    """Return the numbers of "24 and 25", "5, 10 and 11" or "1 to 4"."""
    numbers = set(map(int, re.findall(r"\d+", citation)))
    for first, last in re.findall(r"(\d+)(?:\s+to\s+|\s*[-–]\s*)(\d+)", citation):
        numbers |= set(range(int(first), int(last) + 1))
    return numbers


def unknown_citations(text: str) -> list[str]:
    """Return the behaviours and decisions that a text cites and docs/ does not have."""
    cited = [number for citation in CITED_BEHAVIOURS.findall(text) for number in sorted(numbers_of(citation))]
    unknown = [f"behaviour {number}" for number in cited if number not in behaviours()]
    for number, name in CITED_DECISION.findall(text):
        if not list((ROOT / "docs/decisions").glob(f"{number}{name or '-*.md'}")):
            unknown.append(f"decision {number}{name}")
    return unknown


def behaviours() -> dict[int, str]:
    """Return the tests named for each behaviour, as they stand in docs/behaviours.md."""
    return {int(number): tests for number, tests in HELD_BY.findall((ROOT / "docs/behaviours.md").read_text())}


def citing_files() -> Iterator[Path]:
    """Yield what may cite a behaviour or a decision: documents, code, tests, scripts and settings."""
    yield from DOCUMENTS
    for folder in (*PROGRAMS, "tests"):
        yield from (path for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".lua", ".html"})
    yield from (ROOT / name for name in ("Makefile", "pyproject.toml", "compose.yaml", "Dockerfile", "manage.py"))


def test_relative_links_resolve():
    assert [link for document in DOCUMENTS for link in broken_links(document, document.read_text())] == []


def test_cited_paths_exist():
    found = {document.name: missing_paths(document.read_text(), document.parent) for document in DOCUMENTS}
    assert {name: missing for name, missing in found.items() if missing} == {}


def test_cited_behaviours_and_decisions_exist():
    own = Path(__file__)  # cites unknown ones on purpose
    found = {str(path.relative_to(ROOT)): unknown_citations(path.read_text()) for path in citing_files() if path != own}
    assert {name: unknown for name, unknown in found.items() if unknown} == {}


def test_each_behaviour_is_held_by_a_test():
    held = behaviours()
    numbers = re.findall(r"^\| (\d+) \|", (ROOT / "docs/behaviours.md").read_text(), re.MULTILINE)
    assert sorted(map(str, held)) == sorted(numbers)  # each once; branches that are open together leave gaps
    assert [number for number, tests in held.items() if not CITED_TEST.search(tests) or missing_paths(tests)] == []


def test_a_broken_link_would_be_found():
    text = "# A heading\n[a](#a-heading) [b](#another) [c](design.md#no-such) [d](gone.md) [e](https://example.com)"
    found = list(broken_links(ROOT / "docs/README.md", text))
    assert found == [f"docs/README.md: {link}" for link in ("#another", "design.md#no-such", "gone.md")]


def test_a_missing_path_would_be_found():
    text = "`tests/api/test_docs.py`, tests/gone/test_it.py, `api/gone.py`"
    assert missing_paths(text) == ["tests/gone/test_it.py", "api/gone.py"]


def test_an_unknown_citation_would_be_found():
    text = "Behaviours 1 to 3; behaviours 5, 10 and 977; behaviour 0; decision 0008; docs/decisions/0099-no.md"
    assert unknown_citations(text) == ["behaviour 977", "behaviour 0", "decision 0099-no.md"]
