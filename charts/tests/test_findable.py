"""What somebody who looks for a chart sees: an icon, links, changes, the images that it really runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from tools.helm import CHART

ROOT = CHART.parent.parent
META: dict[str, Any] = yaml.safe_load((CHART / "Chart.yaml").read_text())


def annotated(name: str) -> list[dict[str, str]]:
    """Return the YAML in an annotation of Artifact Hub's."""
    found: list[dict[str, str]] = yaml.safe_load(META["annotations"][f"artifacthub.io/{name}"])
    return found


def default_images(values: Any) -> set[str]:
    """Return every image that values.yaml names; ours have the appVersion for a tag."""
    if not isinstance(values, dict):
        return set()
    found = {values["image"]} if "image" in values else set()
    for below in values.values():
        found |= default_images(below)
    return {image if ":" in image.rpartition("/")[2] else f"{image}:{META['appVersion']}" for image in found}


def test_images_are_those_of_the_values() -> None:
    """Artifact Hub scans what an install pulls."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    assert {item["image"] for item in annotated("images")} == default_images(values)


def test_changes_and_links_are_as_artifact_hub_reads_them() -> None:
    """A kind that it knows, a sentence, an address; and the files that are linked are here."""
    kinds = {"added", "changed", "deprecated", "removed", "fixed", "security"}

    assert all(change["kind"] in kinds and change["description"] for change in annotated("changes"))
    for link in [META["icon"], *(link["url"] for link in annotated("links"))]:
        assert (ROOT / Path(link.partition("/main/")[2])).exists(), link


def test_owners_are_published() -> None:
    """The release pushes who owns the chart, and signs the chart."""
    owners = yaml.safe_load((CHART.parent / "artifacthub-repo.yml").read_text())["owners"]
    release = (ROOT / "k8s" / "release.sh").read_text()

    assert [owner["name"] for owner in owners] == [maintainer["name"] for maintainer in META["maintainers"]]
    assert "artifacthub-repo.yml" in release
    assert 'cosign sign --yes "$registry/charts/tandem@$digest"' in release
