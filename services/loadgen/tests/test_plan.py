"""The calculator as it is called, its file of coefficients, and its predictions beside a small real run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import pytest

from loadgen.bench import personal
from loadgen.bench.checks.stage import Finding
from loadgen.bench.plan import checking, measuring, restarting
from loadgen.plan import __main__, coefficients
from loadgen.plan.coefficients import STORED, Coefficients
from rig.servers import SERVICES


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Call the command."""
    monkeypatch.setattr("sys.argv", ["loadgen.plan", *arguments])
    return __main__.main()


def test_a_million(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It answers with pods, cores, memory, Redis, and how long a deploy takes."""
    assert run(monkeypatch, "--connections", "1000000", "--publications", "1000") == 0

    names = [line[:16].strip() for line in capsys.readouterr().out.splitlines()]
    assert names == [
        "a second",
        "pods",
        "cores",
        "memory of a pod",
        "Redis",
        "memory of Redis",
        "all back at once",
        "deploy",
    ]


def test_a_wrong_option_ends_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit status 2 and the reason."""
    with pytest.raises(SystemExit, match=r"^2$"):
        run(monkeypatch, "--connections", "10", "--publications", "1", "--load", "2")

    assert "error: --load 2: expected a share above 0 and below 1" in capsys.readouterr().err


def test_every_coefficient_says_where_it_was_measured() -> None:
    """The stored ones are complete, and none is below zero."""
    stored = json.loads(STORED.read_text())
    read = coefficients.read()

    assert all(each["from"] for each in stored["coefficients"].values())
    assert [field.name for field in fields(Coefficients) if getattr(read, field.name) < 0] == []


def test_incomplete_coefficients_are_refused(tmp_path: Path) -> None:
    """With the names that are missing or unknown."""
    (tmp_path / "some.json").write_text('{"coefficients": {"delivery_cpu_us": {"value": 10}, "magic": {"value": 1}}}')

    with pytest.raises(ValueError, match=r"some\.json: missing or unknown: channel_bytes, .*, magic, "):
        coefficients.read(tmp_path / "some.json")


@pytest.mark.parametrize("text", ["[]", "{}", '{"coefficients": {"delivery_cpu_us": 10}}', "no JSON"])
def test_another_file_is_refused(text: str, tmp_path: Path) -> None:
    """With the command that writes the right one."""
    (tmp_path / "other.json").write_text(text)

    with pytest.raises(
        ValueError, match=r"other\.json: expected what `python -m loadgen\.bench\.plan\.measuring` writes"
    ):
        coefficients.read(tmp_path / "other.json")


def of_cpu(findings: Iterable[Finding]) -> list[str]:
    """Return what does not hold; the bytes of so few connections tell nothing."""
    return [str(each) for each in findings if not each.holds and "CPU" in each.text]


def test_a_prediction_beside_a_real_run(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 connections spend what is predicted: up to five times as much, on whatever machine this is."""
    monkeypatch.setattr(checking, "SECONDS", 3.0)

    assert of_cpu(checking.check(200, coefficients.read(), redis_url, tmp_path, tolerance=4.0)) == []


def test_a_rolling_restart(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes are replaced while 40 clients listen: all are told to come back, and the time is compared."""
    monkeypatch.setattr(restarting, "PROCESSES", 2)
    monkeypatch.setattr(restarting, "CLIENTS", 40)
    monkeypatch.setattr(restarting, "DRAIN_SECONDS", 1)
    timed, codes = restarting.check(coefficients.read(), redis_url, tmp_path, tolerance=0.3)

    assert timed.text == "rolling restart of 2, seconds"
    assert codes.holds


@pytest.mark.slow
def test_a_prediction_from_this_machine(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With coefficients of 1,000 connections, a run of 2,000 spends what was predicted, or twice that at most."""
    monkeypatch.setattr(personal, "HOLD_SECONDS", 27.0)
    path = tmp_path / "coefficients.json"
    measuring.write(measuring.measure(redis_url, tmp_path, 1_000), path)

    assert of_cpu(checking.check(2_000, coefficients.read(path), redis_url, tmp_path, tolerance=1.0)) == []


def test_the_page_has_what_is_stored_and_what_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each coefficient of capacity.md is the stored one, and each of its examples what the command says."""
    page = (SERVICES / "tandem" / "docs" / "capacity.md").read_text()
    stored = json.loads(STORED.read_text())["coefficients"]
    rows = [f"| `{name}` | {each['value']:,g} | {each['from']} |" for name, each in stored.items()]
    examples = re.findall(r"^\$ python -m loadgen\.plan (.*)\n((?:.+\n)+?)```", page, re.MULTILINE)

    assert [row for row in rows if row not in page] == []
    assert len(examples) > 2
    for arguments, printed in examples:
        run(monkeypatch, *arguments.split())
        assert capsys.readouterr().out == printed
