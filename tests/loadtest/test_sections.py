"""Every section of the benchmark has its scales, and a line in the README."""

import re
from pathlib import Path

from loadtest.bench.runs import SECTIONS

README = Path(__file__).parents[2] / "loadtest" / "README.md"


def test_each_section_is_a_file_of_its_name_with_two_scales():
    for name, section in SECTIONS.items():
        assert section.__name__ == f"loadtest.bench.sections.{name.replace('-', '_')}"
        assert type(section.FULL) is type(section.QUICK)
        assert callable(section.measure)


def test_the_readme_describes_the_sections_in_their_order():
    table = README.read_text().partition("| section |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == list(SECTIONS)
