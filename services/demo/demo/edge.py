"""nginx's folder: the repository's routes with the addresses of this run. The tests' edge is made of it too."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from string import Template

from demo.settings import ROOT


def write_edge_files(prefix: Path, *, listen: str, api: str, realtime: str, cores: int | None = None) -> None:
    """
    Make *prefix* a folder that ``nginx -p`` runs from; the others are `host:port`.

    nginx starts one process for each of *cores*; None: for each that the machine has.
    """
    (prefix / "temp").mkdir(parents=True, exist_ok=True)
    template = Template((ROOT / "ingress/nginx.conf").read_text())
    text = template.safe_substitute(EDGE_LISTEN=listen, API_ADDRESS=api, REALTIME_ADDRESS=realtime)
    if cores is not None:
        text = text.replace("worker_processes auto;", f"worker_processes {cores};")
    if os.getuid() == 0:  # else the user "nobody" could not reach its temporary files under root's home
        text = "user root;\n" + text
    (prefix / "nginx.conf").write_text(text)
    shutil.copyfile(ROOT / "ingress/local.conf", prefix / "local.conf")
