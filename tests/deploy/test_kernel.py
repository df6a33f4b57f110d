"""The settings of deploy/kernel are ones that Linux has, and the page explains each."""

import re
from pathlib import Path

import pytest

from config.environment import BASE_DIR

pytestmark = pytest.mark.embedded
SETTING = re.compile(r"^(-?)([\w.]+) = (\S.*)$", re.MULTILINE)
SETTINGS = SETTING.findall((BASE_DIR / "deploy/kernel/60-hotpath.conf").read_text())
PAGE = (BASE_DIR / "docs/operations/kernel.md").read_text()


@pytest.mark.skipif(not Path("/proc/sys/net/ipv4").is_dir(), reason="needs Linux")
@pytest.mark.parametrize(("may_fail", "name", "value"), SETTINGS, ids=[name for _, name, _ in SETTINGS])
def test_linux_has_the_setting(may_fail, name, value):
    file = Path("/proc/sys") / name.replace(".", "/")
    if may_fail and not file.parent.is_dir():
        pytest.skip("its module is not loaded")
    assert file.exists()
    assert len(value.split()) == len(file.read_text().split()) or name.endswith("reserved_ports")


def test_the_page_explains_each_setting_and_no_other():
    rows = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]
    assert [name for row in rows for name in re.findall(r"`([\w.]+)`", row)] == [name for _, name, _ in SETTINGS]
    assert not any("tw_recycle" in name for _, name, _ in SETTINGS)
