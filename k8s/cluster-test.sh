#!/usr/bin/env bash
# What only a cluster can show, each with PASS or FAIL (k8s/README.md):  k8s/cluster-test.sh NAMESPACE [check ...]
# Without names: what `make cluster-test` tries, on the release that is there, or on one that it installs ($HELM: its options).
set -euo pipefail
cd "$(dirname "$0")/.."
namespace=${1:-tandem}
shift || true
PYTHONPATH=charts exec python3 -m cluster --namespace "$namespace" --helm "${HELM:-}" "$@"
