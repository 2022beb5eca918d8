"""A team's project with the Dockerfile of the chart's README, to build its image of: `python -m tools.team FOLDER`."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

from rig.stranger import FILES, Stranger, build_wheels
from tools.helm import CHART


def write_team(directory: Path) -> tuple[Path, Path]:
    """
    Write into *directory* what ``startproject`` began, with settings that read the chart's variables.

    Return the folder that the image is built from, and the wheels that its requirements name.
    """
    wheels = directory / "wheels"
    build_wheels(wheels)
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in sorted(wheels.glob("*.whl"))))
    folder = Stranger(directory / "project", Path(sys.executable).parent).folder
    with (folder / "mysite" / "settings.py").open("a") as settings:
        settings.write((FILES / "deploy" / "mysite" / "settings.append").read_text())
    # A layer of an earlier run is found by its files, and the wheels are none of them.
    requirements = (FILES / "deploy" / "requirements.txt").read_text()
    (folder / "requirements.txt").write_text(f"{requirements}# with {digest.hexdigest()}\n")
    [dockerfile] = re.findall(r"```dockerfile\n(.*?)```", (CHART / "README.md").read_text(), re.DOTALL)
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / ".dockerignore").write_text(".git\n")
    return folder, wheels


if __name__ == "__main__":
    print(*write_team(Path(sys.argv[1]).absolute()))
