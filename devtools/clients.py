"""Generators of clients, which `make clients` runs: TypeScript, Python and Kotlin, all from the OpenAPI document.

Their versions and settings are in the folder `clients`. TypeScript needs npm, Kotlin needs Java.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "clients"
NODE_MODULES = SETTINGS / "node_modules"
GENERATOR_JAR = ROOT / ".venv/kotlin/openapi_generator_cli/openapi-generator.jar"
PROGRAMS = Path(sys.executable).parent


class Failed(Exception):
    """A tool ended with an error; the text is what it printed."""


class NotHere(Exception):
    """A client cannot be generated on this machine; the text says what is missing."""


def run(*command: str | Path, **environment: str) -> str:
    """Run a tool with a few more environment variables, and return what it printed."""
    path = os.pathsep.join((str(PROGRAMS), os.environ.get("PATH", "")))  # openapi-python-client calls ruff
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PATH": path, **environment}, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise Failed(f"{Path(command[0]).name}: {ended.stdout}{ended.stderr}")
    return ended.stdout


def write_document(path: Path) -> None:
    """Write the OpenAPI document of this version as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = ("--format", "openapi-json", "--fail-on-warn", "--validate", "--file", path)
    with tempfile.TemporaryDirectory() as data:  # for the key that debug mode generates
        run(sys.executable, "manage.py", "spectacular", *options, DEBUG="1", DATA_DIR=data)


def lint(document: Path) -> str:
    """Check the document by Redocly's rules, and return its summary; raise Failed for any error or warning."""
    _require_node()
    return run("node", SETTINGS / "lint.mjs", document).strip()


def generate_typescript(document: Path, folder: Path) -> None:
    """Write the types of all requests and answers to `schema.d.ts`, to be used with openapi-fetch."""
    _require_node()
    run("node", NODE_MODULES / "openapi-typescript/bin/cli.js", document, "--output", folder / "schema.d.ts")


def generate_python(document: Path, folder: Path) -> None:
    """Write the Python package `hotpath_client`."""
    options = ("--config", SETTINGS / "python.yaml", "--meta", "setup", "--overwrite")
    program = PROGRAMS / "openapi-python-client"
    run(program, "generate", "--path", document, "--output-path", folder, *options)


def generate_kotlin(document: Path, folder: Path) -> None:
    """Write the Kotlin package `hotpath.client`, a Gradle project."""
    if shutil.which("java") is None or not GENERATOR_JAR.exists():
        raise NotHere("there is no Java (Debian: default-jre-headless)")
    options = ("-c", SETTINGS / "kotlin.yaml", "-i", document, "-o", folder)
    run("java", "-jar", GENERATOR_JAR, "generate", *options)


def _require_node() -> None:
    if shutil.which("node") is None or not NODE_MODULES.exists():
        raise NotHere("there is no npm (Debian: nodejs npm)")


GENERATORS: dict[str, Callable[[Path, Path], None]] = {
    "typescript": generate_typescript,
    "python": generate_python,
    "kotlin": generate_kotlin,
}


def main(target: Path) -> None:
    """Generate all clients into a folder, and say of each where it is or why there is none."""
    document = target / "openapi.json"
    write_document(document)
    print(f"OpenAPI document: {document}")
    try:
        print(lint(document))
    except NotHere as missing:
        print(f"redocly: not run, because {missing}.")
    for name, generate in GENERATORS.items():
        folder = target / name
        shutil.rmtree(folder, ignore_errors=True)
        try:
            generate(document, folder)
            print(f"{name}: {folder}")
        except NotHere as missing:
            print(f"{name}: none, because {missing}.")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).resolve())
    except Failed as failure:
        sys.exit(str(failure))
