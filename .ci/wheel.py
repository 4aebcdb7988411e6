"""Build the wheel, install it as the Dockerfile does, and run it as a plain user.

There may be no Docker engine where this runs, so it walks the same steps: the wheel, the locked
dependencies with their hashes, a clean virtual environment, a copied configuration, one lead, and
SIGTERM. As root the daemon gets the user `nobody`, with a Python that this user may execute.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = {"daemon/pointsman": "pointsman", "plugins": "pointsman/plugins"} | {
    "schemas": "pointsman/schemas"
}
NOBODY = 65534
READY_SECONDS = 30


def main() -> None:
    """Walk the steps; any failure ends with a message and exit code 1."""
    uv = sys.argv[1] if len(sys.argv) > 1 else "uv"
    with tempfile.TemporaryDirectory(prefix="pmwheel", dir="/tmp") as folder:
        work = Path(folder)
        work.chmod(0o755)
        files = copy_sources(work / "source")
        wheel = build(uv, work)
        compare(wheel, files)
        python, user = interpreter()
        install(uv, python, wheel, work)
        serve(work, user)
    print(f"wheel: {wheel.name} built, complete, installed and run")


def copy_sources(target: Path) -> list[Path]:
    """Copy what git knows or would know, so that leftovers of old builds stay out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    files = [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]
    for name in files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target / name)
    return files


def build(uv: str, work: Path) -> Path:
    """Build the wheel and the list of locked dependencies."""
    source = work / "source"
    run(uv, "build", "--quiet", "--wheel", "--out-dir", str(work / "dist"), cwd=source)
    run(
        *(uv, "export", "--frozen", "--no-dev", "--no-emit-project", "--quiet"),
        *("--output-file", str(work / "requirements.txt")),
        cwd=source,
    )
    return next((work / "dist").glob("*.whl"))


def compare(wheel: Path, files: list[Path]) -> None:
    """Every file of the packages is in the wheel, and nothing else but its metadata."""
    expected = {
        f"{package}/{name.relative_to(folder)}"
        for name in files
        for folder, package in SOURCES.items()
        if name.is_relative_to(folder)
    }
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    if missing := sorted(expected - found):
        fail(f"not in the wheel: {missing}; see [tool.setuptools] in pyproject.toml")
    if extra := sorted(found - expected):
        fail(f"in the wheel but not in the tree: {extra}")


def interpreter() -> tuple[str, int | None]:
    """Return a Python, and the user to run the daemon as: ``None`` for the one who runs this."""
    if os.getuid():
        return sys.executable, None
    probe = "import sys, ensurepip; sys.exit(sys.version_info < (3, 11))"
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            subprocess.run(
                [python, "-c", probe],
                check=True,
                capture_output=True,
                cwd="/",
                user=NOBODY,
                group=NOBODY,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return python, NOBODY
    print("wheel: no Python here that a plain user may execute; going on as root")
    return sys.executable, None


def install(uv: str, python: str, wheel: Path, work: Path) -> None:
    """Install the locked dependencies, then the wheel alone, into a clean environment."""
    venv = str(work / "venv")
    run(uv, "venv", "--quiet", "--python", python, venv, cwd=work)
    pip = (uv, "pip", "install", "--quiet", "--python", venv)
    run(*pip, "--require-hashes", "--requirement", str(work / "requirements.txt"), cwd=work)
    run(*pip, "--no-deps", str(wheel), cwd=work)


def serve(work: Path, user: int | None) -> None:
    """Run the daemon with a copy of config/, post a lead, and end it."""
    home = work / "home"
    home.mkdir()
    shutil.copytree(ROOT / "config", home / "config")
    if user is not None:
        for path in (home, *home.rglob("*")):
            os.chown(path, user, user)
    daemon = subprocess.Popen(
        [str(work / "venv/bin/pointsman"), "run", "--port", "0", "--port-file", "port"],
        cwd=home,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"},
        user=user,
        group=user,
        extra_groups=None if user is None else (),
    )
    try:
        answer = post_lead(wait_for_port(daemon, home / "port"))
        if answer.get("assigned") is not True:
            fail(f"the lead was not assigned: {answer}")
    finally:
        daemon.send_signal(signal.SIGTERM)
        code = daemon.wait(READY_SECONDS)
    if code != 0:
        fail(f"the daemon ended with {code} on SIGTERM, not 0")


def wait_for_port(daemon: subprocess.Popen[bytes], port_file: Path) -> int:
    """Return the port once the daemon has written it."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if port_file.exists() and (text := port_file.read_text().strip()):
            return int(text)
        if daemon.poll() is not None:
            fail(f"the daemon ended with {daemon.returncode} before it was ready")
        time.sleep(0.05)
    return fail(f"the daemon was not ready in {READY_SECONDS} s")


def post_lead(port: int) -> dict[str, object]:
    """Post a lead to the example organization and return the answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/intake/acme/webhook",
        data=json.dumps({"first_name": "Ada", "email": "ada@example.com"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, object] = json.load(response)
    return answer


def run(*command: str, cwd: Path) -> None:
    """Run a command that must succeed."""
    if subprocess.run(command, cwd=cwd, check=False).returncode:
        fail(f"failed: {' '.join(command)}")


def fail(message: str) -> int:
    """End with a message."""
    sys.exit(f"wheel: {message}")


if __name__ == "__main__":
    main()
