"""What `manage.py tandem types` writes, as tsc sees it: a page that subscribes knows what it will hear."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

from rig.servers import npm_file
from tandem.contracts.typescript import write

SDK = Path(__file__).with_name("sdk")

PAGE = """
import { connect, subscribe, type DataOf } from "django-tandem";
import type { OrderGone } from "./contracts";

const pk: number = 7;
subscribe(`order:${pk}`, {
  onPublication(data, publication) {
    if (data.type === "changed") {
      const status: "new" | "paid" = data.status;
      const line: string = publication.data.type === "changed" ? publication.data.lines[0].name : "";
      // @ts-expect-error an order has no price
      console.log(status, line, data.price);
    } else {
      const gone: OrderGone = data;
      // @ts-expect-error one that is gone has no status
      console.log(gone.status);
    }
  },
});
connect().subscribe("public:seen", {
  // @ts-expect-error what is told is no text
  onPublication: (data: string) => console.log(data),
});
subscribe("public:other", {
  // @ts-expect-error of a channel without a contract nothing is known
  onPublication: (data) => console.log(data.status),
});
subscribe<{ mine: boolean }>("order:7", { onPublication: (data) => console.log(data.mine) });
const seen: DataOf<"public:seen"> = { type: "gone" };
console.log(seen);
"""


@dataclass
class Line:
    """A line of an order."""

    name: str


@dataclass
class OrderChanged:
    """An order."""

    status: Literal["new", "paid"]
    lines: list[Line]
    type: Literal["changed"] = "changed"


class OrderGone(TypedDict):
    """No order any more."""

    type: Literal["gone"]


def test_page_knows_what_it_will_hear(tmp_path: Path) -> None:
    """By the channel that it names, also one of a template; right and wrong lines of it."""
    compiler = npm_file(".bin/tsc")
    (tmp_path / "contracts.d.ts").write_text(
        write({"order:{pk}": [OrderChanged, OrderGone], "public:seen": [OrderGone]})
    )
    (tmp_path / "page.ts").write_text(PAGE)
    config = {"extends": str(SDK / "types/tsconfig.json"), "files": ["page.ts", "contracts.d.ts"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config))
    command = [str(compiler), "--project", str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (found.stdout, found.returncode) == ("", 0)
