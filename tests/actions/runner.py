"""Runs a workflow on this machine, each job in a clone of its own, as GitHub does: jobs, matrices, outputs, artifacts.

What is not GitHub's: remote actions are the stubs beside this file; concurrency and timeouts are not enforced; and
`queue: max` is taken out, which this runner's schema does not know yet. With `tokens` each job has a token of its own,
made for its permissions, where the workflow says `github.token`.

    actions = Actions(tmp_path, server="file:///tmp/remotes", repository="ada/shop")
    run = actions.run(checkout, "nightly.yml", inputs={"experiments": "20"})
    assert run.jobs == {"plan": "success", "run churn-risk": "success", ...}
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.install import render
from tests.support import ENVIRONMENT, git

STUBS = Path(__file__).parent / "stubs"
PINS = Path(render.__file__).with_name("pins.yaml")


@dataclass(frozen=True)
class Finished:
    """One attempt of a run. jobs: name -> success or failure, less those that were skipped; artifacts: their folder."""

    exit_code: int
    log: str
    jobs: Mapping[str, str]
    artifacts: Path

    def said(self, job: str) -> str:
        """What the runner and the steps of a job printed."""
        return "\n".join(line.partition("] ")[2] for line in self.log.splitlines() if line.startswith(f"[{job}] "))


@dataclass(frozen=True)
class Actions:
    """folder: for its own files; server: what a clone's URL begins with; variables: of every step; own_machine: whether
    there is one for jobs on `self-hosted`; without it they never begin, and what must run all the same does."""

    folder: Path
    server: str
    repository: str
    token: str = "a-token-of-the-test"
    api: str = "http://127.0.0.1:9"
    variables: Mapping[str, str] = field(default_factory=dict)
    tokens: Callable[[Mapping[str, str]], str] | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    own_machine: bool = True

    def run(
        self,
        checkout: Path,
        workflow: str,
        event: str = "workflow_dispatch",
        *,
        inputs: Mapping[str, str] | None = None,
        payload: Mapping[str, Any] | None = None,
        number: int = 1,
        attempt: int = 1,
        seconds: float = 600,
    ) -> Finished:
        """A workflow of the checkout's folder .github/workflows, at the checkout's commit. number: of the run, whose
        attempts share their artifacts. Raises subprocess.TimeoutExpired."""
        artifacts = self.folder / "artifacts" / str(number)
        artifacts.mkdir(parents=True, exist_ok=True)
        command = [
            str(Path(sys.executable).with_name("act")), event, "--directory", str(checkout), "--json",
            "--workflows", str(self._file(checkout, workflow)), "--eventpath", str(self._event(inputs, payload)),
            "--platform", "ubuntu-latest=-self-hosted", "--no-skip-checkout",
            *(["--platform", "self-hosted=-self-hosted"] if self.own_machine else []),
            "--no-cache-server", "--artifact-server-addr", "127.0.0.1", "--secret-file", os.devnull,
            "--env-file", os.devnull, "--secret", f"GITHUB_TOKEN={self.token}", *self._actions(),
            *self._variables(workflow, number, attempt, artifacts), *self._tokens(checkout, workflow),
        ]  # fmt: skip
        return self._finished(command, artifacts, seconds)

    def _finished(self, command: list[str], artifacts: Path, seconds: float) -> Finished:
        path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        home = self.folder / "home"  # nothing of this machine's environment reaches a step
        home.mkdir(exist_ok=True)
        process = subprocess.Popen(
            command, env={"HOME": str(home), "PATH": path, "LC_ALL": "C.UTF-8"}, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        entries = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        ended = {_job(entry) for entry in entries if "jobResult" in entry}
        # The runner calls every job of a matrix failed after one is: steps say which it was.
        failed = {_job(entry) for entry in entries if entry.get("stepResult") == "failure"}
        jobs = {name: "failure" if name in failed else "success" for name in ended}
        shown = [_line(entry) for entry in entries] + [line for line in output.splitlines() if line[:1] != "{"]
        return Finished(process.returncode, "\n".join(shown), jobs, artifacts)

    def _file(self, checkout: Path, workflow: str) -> Path:
        text = (checkout / ".github" / "workflows" / workflow).read_text(encoding="utf-8")
        copy = self.folder / "workflows" / workflow
        copy.parent.mkdir(exist_ok=True)
        text = re.sub(r"^ *queue: max\n", "", text, flags=re.MULTILINE)
        if self.tokens:
            head, *jobs = re.split(r"^(?=  [a-z]+:\n)", text.partition("\njobs:\n")[2], flags=re.MULTILINE)
            own = [job.replace("github.token", f"secrets.{_secret(job.strip().partition(':')[0])}") for job in jobs]
            text = text.partition("\njobs:\n")[0] + "\njobs:\n" + head + "".join(own)
        copy.write_text(text, encoding="utf-8")
        return copy

    def _tokens(self, checkout: Path, workflow: str) -> list[str]:
        made = dict(self.secrets)
        if self.tokens:
            jobs = yaml.safe_load((checkout / ".github" / "workflows" / workflow).read_text(encoding="utf-8"))["jobs"]
            made |= {_secret(name): self.tokens(job["permissions"]) for name, job in jobs.items()}
        return [word for name, token in made.items() for word in ("--secret", f"{name}={token}")]

    def _event(self, inputs: Mapping[str, str] | None, payload: Mapping[str, Any] | None) -> Path:
        path = self.folder / "event.json"
        path.write_text(json.dumps({**(payload or {}), **({"inputs": inputs} if inputs else {})}), encoding="utf-8")
        return path

    def _actions(self) -> list[str]:
        """The stubs as repositories, under the commits that the workflows pin."""
        words: list[str] = []
        for action, pin in yaml.safe_load(PINS.read_text(encoding="utf-8")).items():
            stub = self.folder / "stubs" / action.rpartition("/")[2]
            if not stub.exists():
                shutil.copytree(STUBS / stub.name, stub)
                git(stub, "init", "--quiet")
                git(stub, "add", "--all")
                git(stub, "commit", "--quiet", "--message", "A stub")
            words += ["--local-repository", f"{self.server}/{action}@{pin['commit']}={stub}"]
        return words

    def _variables(self, workflow: str, number: int, attempt: int, artifacts: Path) -> list[str]:
        values = {
            "GITHUB_SERVER_URL": self.server,
            "GITHUB_API_URL": self.api,
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_WORKFLOW_REF": f"{self.repository}/.github/workflows/{workflow}@refs/heads/main",
            "GITHUB_RUN_ID": str(number),
            "GITHUB_RUN_ATTEMPT": str(attempt),
            "STUB_ARTIFACTS": str(artifacts),
            **{name: value for name, value in ENVIRONMENT.items() if name.startswith("GIT_CONFIG")},
            **self.variables,
        }
        return [word for name, value in values.items() for word in ("--env", f"{name}={value}")]


def _secret(job: str) -> str:
    return f"TOKEN_{job.upper()}"


def _line(entry: Mapping[str, Any]) -> str:
    return f"[{_job(entry)}] {str(entry.get('msg', '')).rstrip()}"


def _job(entry: Mapping[str, Any]) -> str:
    """plan, or run churn-risk: the job's key, and the target where it is one of a matrix."""
    target = (entry.get("matrix") or {}).get("target", "")
    return f"{entry.get('jobID', '')} {target}".strip()
