"""SIGHUP loads new code and settings, and leaves the old ones at work if the new ones are broken."""

import shutil
import signal
from pathlib import Path

import pytest

from tests.serving.supervised import COMMANDS, KEPT, RELOADED, reload, until, variables
from tests.support.programs import SERVE, WEB, environment, run

pytestmark = [pytest.mark.embedded, pytest.mark.sampled, pytest.mark.usefixtures("without_demo_data")]
RELOAD = ("-m", "serving.supervisor.reload")
VIEWS = """
from config.urls import urlpatterns as others
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

VERSION = {version}
urlpatterns = [path("version", lambda request: HttpResponse(f"{{VERSION}} {{settings.VERSION}}")), *others]
"""
SETTINGS = """
from config.settings import *

ROOT_URLCONF = "deployed_urls"
VERSION = {version}
"""


class Deployment:
    """A settings module and a URLconf, in a folder of their own, with a version that the path /version tells."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.deploy(1)

    @property
    def variables(self) -> dict[str, str]:
        return {"PYTHONPATH": str(self.folder), "DJANGO_SETTINGS_MODULE": "deployed_settings"}

    def deploy(self, version: int, **added: str) -> None:
        """Write the files; `added` is code at the end of the file `settings` or `urls`."""
        for name, text in {"settings": SETTINGS, "urls": VIEWS}.items():
            (self.folder / f"deployed_{name}.py").write_text(text.format(version=version) + added.get(name, ""))
        # Bytecode is compared by time in seconds and size.
        shutil.rmtree(self.folder / "__pycache__", ignore_errors=True)


@pytest.fixture
def deployment(tmp_path):
    return Deployment(tmp_path / "deployment")


def until_served(version: int, web) -> None:
    """Wait until 20 new connections in a row meet the version: old workers may accept for a moment."""
    until(lambda: versions(web) == {f"{version} {version}"}, web, timeout_s=5)


def versions(web, requests: int = 20) -> set[str]:
    return {web.ask("/version").body for _ in range(requests)}


@pytest.mark.parametrize("name", COMMANDS)
def test_new_code_and_settings_are_served_after_a_reload(program, deployment, name):
    web = program(COMMANDS[name], **variables(name), **deployment.variables).wait_until_up()
    deployment.deploy(2)
    assert versions(web) == {"1 1"}
    reload(web)
    until_served(2, web)
    assert web.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("name", ["gunicorn", "granian"])
@pytest.mark.parametrize(
    "broken", [{"settings": "raise RuntimeError('broken')"}, {"settings": "WEB_WORKERS ="}, {"urls": "import nothing"}]
)
def test_broken_code_leaves_the_old_code_at_work(program, deployment, name, broken):
    web = program(COMMANDS[name], **variables(name), **deployment.variables).wait_until_up()
    deployment.deploy(2, **broken)
    reload(web, KEPT)
    assert versions(web) == {"1 1"}
    deployment.deploy(3)
    reload(web)
    until_served(3, web)


def test_new_options_of_the_server(program, deployment):
    web = program(WEB, **deployment.variables).wait_until_up()
    deployment.deploy(2, settings="WEB_WORKERS = 3")
    reload(web)
    until(lambda: len(web.processes("gunicorn")) == 1 + 3, web)


def test_broken_code_at_the_start(tmp_path, deployment):
    deployment.deploy(1, urls="import nothing")
    refused = run(WEB, environment(tmp_path / "data", **deployment.variables))
    assert refused.returncode not in (0, None)
    assert "No module named 'nothing'" in refused.stderr


def test_the_command_tells_the_outcome(program, deployment):
    web = program(WEB, **deployment.variables).wait_until_up()
    env = environment(web.data, PORT=str(web.port), **deployment.variables)
    deployment.deploy(2)
    done = run(RELOAD, env)
    assert (done.returncode, done.stdout[: len(RELOADED)], done.stderr) == (0, RELOADED, "")
    until_served(2, web)
    deployment.deploy(3, urls="import nothing")
    failed = run(RELOAD, env)
    assert failed.returncode == 1
    assert KEPT in failed.stderr
    assert versions(web) == {"2 2"}
    web.end(signal.SIGTERM)
    nobody = run(RELOAD, env)
    assert nobody.returncode == 1
    assert f"No web process runs on port {web.port}" in nobody.stderr


def test_the_command_reloads_the_web_process_of_the_launcher(program, deployment):
    launched = program(SERVE, **deployment.variables).wait_until_printed("Stop with Ctrl-C")
    deployment.deploy(2)
    done = run(RELOAD, environment(launched.data, PORT=str(launched.port), **deployment.variables))
    assert done.returncode == 0, done.stderr
    until_served(2, launched)
    assert launched.end(signal.SIGINT) == 0


def test_what_is_new_in_the_file_of_settings(program, tmp_path):
    file = tmp_path / "settings.env"
    file.write_text("ALLOWED_HOSTS=localhost,127.0.0.1")
    web = program(WEB, ENV_FILE=str(file), **variables("gunicorn")).wait_until_up()
    assert web.ask("/api/docs", Host="later.example").status == 400
    file.write_text("ALLOWED_HOSTS=localhost,127.0.0.1,later.example")
    reload(web)
    until(lambda: web.ask("/api/docs", Host="later.example").status == 200, web, timeout_s=10)
