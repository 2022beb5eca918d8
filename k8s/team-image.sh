#!/usr/bin/env bash
# Build the image of a team's own project, made by `startproject` and the Dockerfile of the chart's README, for
# `make cluster-check CHECKS=team`:  k8s/team-image.sh [options of the build, such as --build-arg BASE_IMAGE=...]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
read -r project wheels < <(PYTHONPATH=charts .venv/bin/python -m tools.team "$folder")
"${DOCKER:-docker}" build --volume "$wheels:/wheels:ro" --tag tandem-team:dev "$@" "$project"
