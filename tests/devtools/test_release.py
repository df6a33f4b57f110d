"""`make release` on a repository of its own: what it changes, and what it refuses."""

import datetime
import subprocess

import pytest

from devtools.release import NAMED_IN, ROOT, Refused, release

TODAY = datetime.date(2030, 1, 2)


def git(folder, *arguments):
    return subprocess.run(("git", *arguments), cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """The files of this project that name its version, with a changelog, committed."""
    for name in NAMED_IN:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n\n### Added\n- A thing.\n\n## [0.1.0] - 2026-11-22\n\nThe first.\n"
    )
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ann")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ann@example.com")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Begin")
    return tmp_path


def passing():
    """Checks that find nothing."""


def test_a_release_is_one_commit_and_a_tag_with_its_part_of_the_changelog(repository):
    assert release(repository, "77.0.1", TODAY, passing) == "v77.0.1"
    for name in NAMED_IN:
        assert (repository / name).read_text().count("77.0.1") == 1
    assert (repository / "CHANGELOG.md").read_text() == (
        "# Changelog\n\n## [Unreleased]\n\n## [77.0.1] - 2030-01-02\n\n### Added\n- A thing.\n\n"
        "## [0.1.0] - 2026-11-22\n\nThe first.\n"
    )
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "log", "--format=%s", "v77.0.1").split("\n")[0] == "Release 77.0.1"
    told = git(repository, "tag", "--list", "--format=%(contents)", "v77.0.1")
    assert told.strip() == "Hotpath 77.0.1\n\n### Added\n- A thing."
    with pytest.raises(Refused, match="says nothing under"):
        release(repository, "77.0.2", TODAY, passing)


@pytest.mark.parametrize("version", ["0.0.9", "0.1.0", "1", "v1.2.3", "1.2.3-rc1", "01.2.3", ""])
def test_a_version_that_is_none_or_that_is_not_newer_is_refused(repository, version):
    with pytest.raises(Refused):
        release(repository, version, TODAY, passing)
    assert git(repository, "tag") == ""


def _on_another_branch(folder):
    git(folder, "switch", "--quiet", "--create", "other")


def _with_a_change(folder):
    (folder / "new.txt").write_text("new")


def _tagged(folder):
    git(folder, "tag", "v77.0.0")


def _named_nowhere(folder):
    (folder / NAMED_IN[1]).write_text("images: []\n")
    git(folder, "commit", "--all", "--quiet", "--message", "Take the version away")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (_on_another_branch, "this is other"), (_with_a_change, "new.txt"), (_tagged, "v77.0.0 already"),
        (_named_nowhere, "has to name the version"),
    ],
)  # fmt: skip
def test_a_repository_that_is_not_ready_is_refused(repository, state, said):
    state(repository)
    with pytest.raises(Refused, match=said):
        release(repository, "77.0.0", TODAY, passing)


def test_nothing_is_changed_if_a_check_fails_or_something_is_changed_meanwhile(repository):
    def failing():
        raise Refused("make test failed")

    before = git(repository, "rev-parse", "HEAD")
    with pytest.raises(Refused, match="make test failed"):
        release(repository, "77.0.0", TODAY, failing)
    with pytest.raises(Refused, match=r"new\.txt"):
        release(repository, "77.0.0", TODAY, lambda: _with_a_change(repository))
    assert (git(repository, "rev-parse", "HEAD"), git(repository, "tag")) == (before, "")
