"""Run the test suites of other projects: fetch a pinned commit, install what it needs, compare the results.

The sources come from the projects' own repositories; an environment variable names a mirror (a path or an
address) where those cannot be reached.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

INSTALL_SECONDS = 900
RUN_SECONDS = 1800


@dataclass(frozen=True)
class Repository:
    """One project at one commit; ``variable`` may name a mirror of it."""

    address: str
    commit: str
    variable: str

    def unpack(self, folder: Path, *paths: str) -> None:
        """Put these paths of the repository into a folder."""
        source = os.environ.get(self.variable, self.address)
        _run(["git", "init", "--quiet", "."], folder)
        _run(["git", "fetch", "--quiet", "--depth", "1", source, self.commit], folder)
        _run(["git", "checkout", "--quiet", "FETCH_HEAD", "--", *paths], folder)


SUPABASE_JS = Repository(
    "https://github.com/supabase/supabase-js.git",
    "381bded5ced48c4621830576bf8cbecc34edc85c",
    "SIGNET_SUPABASE_JS",
)
SUPABASE_PY = Repository(
    "https://github.com/supabase/supabase-py.git",
    "602765fbdf9e471a3241f44a479c1cfff1a8fe65",
    "SIGNET_SUPABASE_PY",
)


def replace_in(files: Iterable[Path], old: str, new: str) -> None:
    """Replace a text in all files, for example the address of the server under test."""
    for file in files:
        text = file.read_text()
        if old in text:
            file.write_text(text.replace(old, new))


def install_npm(folder: Path, *packages: str) -> None:
    """Install npm packages into a folder."""
    if shutil.which("npm") is None:
        pytest.fail("the interop tests need npm")
    (folder / "package.json").write_text('{"private": true}')  # theirs names versions that only pnpm resolves
    command = ["npm", "install", "--no-audit", "--no-fund", "--legacy-peer-deps", *packages]
    _run(command, folder, seconds=INSTALL_SECONDS)


def run_jest(folder: Path, config: Mapping[str, object], environ: Mapping[str, str] | None = None) -> Results:
    """Run jest and return what passed and failed, by ``file: full name``."""
    (folder / "jest.config.json").write_text(json.dumps(config))
    command = ["npx", "jest", "--ci", "--runInBand", "--config", "jest.config.json", "--json"]
    output = folder / "results.json"
    subprocess.run(
        [*command, f"--outputFile={output}"],
        cwd=folder,
        capture_output=True,
        timeout=RUN_SECONDS,
        check=False,
        env={**os.environ, **(environ or {})},
    )
    passed: set[str] = set()
    failed: dict[str, str] = {}
    for file in json.loads(output.read_text())["testResults"]:
        name = Path(file["name"]).name
        if not file["assertionResults"]:
            failed[name] = str(file["message"])
        for one in file["assertionResults"]:
            label = f"{name}: {one['fullName']}"
            if one["status"] == "passed":
                passed.add(label)
            elif one["status"] == "failed":
                failed[label] = "\n".join(one["failureMessages"])
    return Results(passed, failed)


@dataclass(frozen=True)
class Results:
    """The names of the tests that passed, and the messages of those that failed."""

    passed: set[str]
    failed: dict[str, str]

    def assert_only(self, out_of_scope: Mapping[str, str]) -> None:
        """Fail for a test that fails and is not out of scope, and for one that passes though it is."""
        unexpected = {name: text for name, text in self.failed.items() if name not in out_of_scope}
        shown = "\n\n".join(f"{name}\n{text[:2000]}" for name, text in unexpected.items())
        assert not unexpected, f"{len(unexpected)} failed, {len(self.passed)} passed:\n{shown}"
        passing = out_of_scope.keys() - self.failed.keys()
        assert not passing, f"out of scope, but not failing: {passing}"


def _run(command: list[str], folder: Path, seconds: float = 300) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"


def install_python(folder: Path, *requirements: str) -> Path:
    """Make a virtual environment with these requirements; return its interpreter."""
    place = folder / ".environment"
    _run([sys.executable, "-m", "venv", str(place)], folder)
    python = place / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "--quiet", *requirements]
    _run(command, folder, seconds=INSTALL_SECONDS)
    return python


def run_pytest(python: Path, folder: Path, environ: Mapping[str, str] | None = None) -> Results:
    """Run a project's tests in its folder and return what passed and failed, by ``module: name``."""
    output = folder / "results.xml"
    subprocess.run(
        [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={output}", "tests"],
        cwd=folder,
        capture_output=True,
        timeout=RUN_SECONDS,
        check=False,
        env={**os.environ, **(environ or {})},
    )
    passed: set[str] = set()
    failed: dict[str, str] = {}
    for case in ElementTree.parse(output).iter("testcase"):
        label = f"{case.get('classname', '').removeprefix('tests.')}: {case.get('name')}"
        faults = [fault for kind in ("failure", "error") for fault in case.iter(kind)]
        if faults:
            failed[label] = faults[0].text or ""
        elif case.find("skipped") is None:
            passed.add(label)
    return Results(passed, failed)
