"""The files of deploy/ pass the schemas of what reads them, fit each other, and set variables that exist."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from config.environment import BASE_DIR
from tests.deploy.procfile import procfile

pytestmark = pytest.mark.embedded
KUBERNETES = BASE_DIR / "deploy/kubernetes"
COMPOSE = (BASE_DIR / "compose.yaml", BASE_DIR / "deploy/compose.grown.yaml")
VERSIONS = ("1.29", "1.32", kubernetes_validate.latest_version())
DOCKERFILE = (BASE_DIR / "Dockerfile").read_text()
HAS_HEALTHCHECK = re.compile("^HEALTHCHECK ", re.MULTILINE)
HEALTHY_FILE = ("--healthy-file", "/tmp/healthy")  # noqa: S108  in the container
WORKLOADS = {"Deployment", "Job"}
OPEN_REQUESTS_S = 20  # serving.gunicorn_config.RUNNING_REQUESTS_S
VARIABLE = re.compile(
    r'(?:environment\.\w+|\b(?:flag|number|choice|comma_separated|schemes)|environ(?:\.get)?)\W+"([A-Z_]+)"'
)
IN_SECRET = re.compile(r"--from-literal=([A-Z_]+)=")


def documents() -> list[dict[str, Any]]:
    """Return the objects of all manifests but the list of kustomize."""
    files = sorted(path for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml")
    return [document for path in files for document in yaml.safe_load_all(path.read_text())]


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [document for document in documents() if document["kind"] in kinds]


def pod_of(workload: dict[str, Any]) -> dict[str, Any]:
    return workload["spec"]["template"]["spec"]


def services_of(path: Path) -> dict[str, dict[str, Any]]:
    return yaml.safe_load(path.read_text())["services"]


def variables_read() -> set[str]:
    """Return the environment variables that the configuration reads."""
    return {name for path in (BASE_DIR / "config").rglob("*.py") for name in VARIABLE.findall(path.read_text())}


def name_of(document: dict[str, Any]) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_kubernetes_knows_every_field(document, version):
    kubernetes_validate.validate(document, version, strict=True)


def test_a_wrong_manifest_would_be_found():
    wrong = of_kind("Deployment")[0]
    pod_of(wrong)["containers"][0]["livenessProb"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_compose_knows_every_field(path):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_each_process_of_the_procfile_runs_on_kubernetes():
    found = {
        document["metadata"]["name"]: pod_of(document)["containers"][0]["args"] for document in of_kind("Deployment")
    }
    assert found == {**procfile(), "worker": [*procfile()["worker"], *HEALTHY_FILE]}


def test_each_process_of_the_procfile_runs_in_containers():
    webs = {name: service for name, service in services_of(COMPOSE[1]).items() if re.fullmatch(r"web\d", name)}
    assert {tuple(service["command"]) for service in webs.values()} == {tuple(procfile()["web"])}
    for path, names in zip(COMPOSE, (["worker"], ["worker1", "worker2"]), strict=True):
        workers = [service for name, service in services_of(path).items() if name in names]
        assert [worker["command"] for worker in workers] == [[*procfile()["worker"], *HEALTHY_FILE]] * len(names)
        assert all(HEALTHY_FILE[1] in worker["healthcheck"]["test"][1] for worker in workers)
    sample = (BASE_DIR / "deploy/haproxy/web.cfg").read_text()
    servers = re.findall(r"^    server (\w+) \1:8000 (?:check|track web/\1) tcp-ut 3s$", sample, re.MULTILINE)
    assert servers == [*webs] * 3


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_no_container_fills_the_machine_and_each_tells_how_it_is(path):
    for name, service in services_of(path).items():
        assert service["mem_limit"], name
        assert {"max-size", "max-file"} == {*service["logging"]["options"]}, name
        is_ours = service["image"] == "hotpath"  # the image has a check of its own
        assert "healthcheck" in service or (is_ours and HAS_HEALTHCHECK.search(DOCKERFILE)), name
        assert is_ours or re.search(r":\d+\.\d+\.\d+$", service["image"]), name
    versions = {*re.findall("^FROM (\\S+)", DOCKERFILE, re.MULTILINE)}
    assert len(versions) == 1
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", versions.pop())


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_each_worker_counts_where_one_web_process_reads(path):
    services = services_of(path)
    folders = {
        name: service["volumes"]
        for name, service in services.items()
        if re.match("web|worker", name) and "volumes" in service
    }
    readers = [folder for name, folder in folders.items() if name.startswith("web")]
    writers = [folder for name, folder in folders.items() if name.startswith("worker")]
    assert writers == readers
    assert len({*map(str, readers)}) == len(readers)  # what two web processes read would be counted twice
    assert all(mount.endswith(":/data/metrics") for [mount] in writers)
    assert " /data/metrics" in DOCKERFILE  # as the unprivileged user's, from whom a new volume takes its rights


def test_databases_notice_a_vanished_host_by_the_same_limits():
    sample = yaml.safe_load(COMPOSE[1].read_text())["services"]["mariadb"]["command"]
    in_containers = {option.strip("-").replace("-", "_") for option in sample if option.startswith("--tcp-keepalive")}
    node = (BASE_DIR / "deploy/galera/node.cnf").read_text()
    on_galera = {f"{name}={value}" for name, value in re.findall(r"^(tcp_keepalive_\w+) = (\d+)$", node, re.MULTILINE)}
    assert len(on_galera) == 3
    assert on_galera == in_containers


def variables_set() -> Iterator[tuple[str, str]]:
    """Yield (file, name) for each variable that a manifest or a compose file sets for the service."""
    for document in of_kind("ConfigMap"):
        yield from (("settings.yaml", name) for name in document["data"])
    yield from (("settings.yaml", name) for name in IN_SECRET.findall((KUBERNETES / "settings.yaml").read_text()))
    for workload in of_kind(*WORKLOADS):
        yield from ((name_of(workload), each["name"]) for each in pod_of(workload)["containers"][0]["env"])
    for path in COMPOSE:
        yield from ((path.name, name) for name in yaml.safe_load(path.read_text())["x-hotpath"]["environment"])


def test_the_service_reads_every_variable_that_is_set():
    known = variables_read()
    assert {"SECRET_KEY", "REDIS_URL", "WEB_DRAIN_S", "PROXIES", "DATA_DIR", "HTTPS"} <= known
    assert {(where, name) for where, name in variables_set() if name not in known} == set()


@pytest.mark.parametrize("workload", of_kind(*WORKLOADS), ids=name_of)
def test_pods_have_no_rights_that_they_do_not_need(workload):
    pod = pod_of(workload)
    [container] = pod["containers"]
    user = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert user
    context = pod["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"], context["runAsGroup"]) == (True, *map(int, user.groups()))
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert pod["automountServiceAccountToken"] is False
    assert container["resources"].keys() == {"requests", "limits"}
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert mounted.keys() == {"/data", "/tmp"}  # noqa: S108  in the container
    assert {*mounted.values()} == {volume["name"] for volume in pod["volumes"]}
    assert {"name": "DATA_DIR", "value": "/data"} in container["env"]


def test_names_and_labels_fit():
    names = {(document["kind"], document["metadata"]["name"]) for document in documents()}
    for workload in of_kind(*WORKLOADS):
        [container] = pod_of(workload)["containers"]
        sources = [*container["envFrom"]]
        assert ("ConfigMap", sources[0]["configMapRef"]["name"]) in names
        assert ("ServiceAccount", pod_of(workload)["serviceAccountName"]) in names
    pods = [workload["spec"]["template"]["metadata"]["labels"].items() for workload in of_kind("Deployment")]
    for document in of_kind("Deployment", "PodDisruptionBudget"):
        chosen = [labels for labels in pods if document["spec"]["selector"]["matchLabels"].items() <= labels]
        assert len(chosen) == 1
    [service], [scaler] = of_kind("Service"), of_kind("HorizontalPodAutoscaler")
    assert service["spec"]["selector"] == of_kind("Service")[0]["metadata"]["labels"]
    assert ("Deployment", scaler["spec"]["scaleTargetRef"]["name"]) in names


def test_the_web_pods_leave_without_losing_requests():
    [web] = [document for document in of_kind("Deployment") if document["metadata"]["name"] == "web"]
    [container] = pod_of(web)["containers"]
    [settings] = of_kind("ConfigMap")
    before_s = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    needed_s = before_s + int(settings["data"]["WEB_DRAIN_S"]) + OPEN_REQUESTS_S
    assert pod_of(web)["terminationGracePeriodSeconds"] > needed_s
    assert "replicas" not in web["spec"]  # each `kubectl apply` would undo what the autoscaler did
    assert web["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    probed = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")}
    assert probed == {"startup": "/readyz", "readiness": "/healthz", "liveness": "/healthz"}


def test_the_list_of_kustomize_has_every_file():
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert {*listed, "migrate.yaml", "kustomization.yaml"} == {path.name for path in KUBERNETES.glob("*.yaml")}
