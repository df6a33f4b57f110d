"""Every server that the benchmark measures can be started."""

import os
from urllib.request import urlopen

import pytest

from loadtest.bench.environment import SETTINGS
from loadtest.bench.peers import PEERS_SETTINGS
from loadtest.bench.web_server import ARGUMENTS, run_web_server


@pytest.mark.embedded  # a view that needs no database
@pytest.mark.every_server
@pytest.mark.parametrize("server", ARGUMENTS)
def test_the_server_answers(server, tmp_path):
    settings = PEERS_SETTINGS if server == "peers" else SETTINGS
    variables = {"DJANGO_SETTINGS_MODULE": settings, "DEBUG": "off", "WEB_WORKERS": "1", "WEB_THREADS": "2"}
    with run_web_server({**os.environ, **variables, "SERVER": server}, tmp_path / "web.log") as web:
        assert len(web.worker_pids) == 1
        with urlopen(f"http://127.0.0.1:{web.port}/baseline/empty") as answer:
            assert answer.status == 200
