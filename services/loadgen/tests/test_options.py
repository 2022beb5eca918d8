"""The command line and the environment."""

from __future__ import annotations

import pytest

from loadgen.options import Options, parse


def test_defaults() -> None:
    """Without anything it is a small fan-out to the service's own port."""
    assert parse([], {}) == Options()


def test_the_environment_gives_defaults_and_the_command_line_wins() -> None:
    """A pod sets LOADGEN_*; an argument beats them."""
    options = parse(["--rate", "5"], {"LOADGEN_SCENARIO": "storm", "LOADGEN_CLIENTS": "7", "LOADGEN_RATE": "9"})

    assert (options.scenario, options.clients, options.rate) == ("storm", 7, 5.0)


def test_a_kubernetes_job_says_which_shard_a_pod_is() -> None:
    """JOB_COMPLETION_INDEX is the shard; several shards wait before the first publication and use the wall clock."""
    options = parse([], {"LOADGEN_SHARDS": "4", "JOB_COMPLETION_INDEX": "3"})

    assert (options.shard, options.shards, options.settle, options.wall_clock) == (3, 4, 5.0, True)


def test_a_shard_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """A shard beyond the number of shards ends the process with a sentence."""
    with pytest.raises(SystemExit):
        parse(["--shard", "2", "--shards", "2"], {})

    assert "--shard 2: expected 0 to 1" in capsys.readouterr().err


def test_soak_is_verify() -> None:
    """`soak` is another word for a long `verify`."""
    assert parse(["soak"], {}).scenario == "verify"


def test_channels() -> None:
    """The scenario `channels` has a channel for each client, the others as many as asked."""
    assert Options(scenario="channels", clients=2).channel_names == ["public:loadgen.0", "public:loadgen.1"]
    assert Options(clients=2).channel_names == ["public:loadgen"]
    assert Options(clients=9, channels=3).channel_names[-1] == "public:loadgen.2"
