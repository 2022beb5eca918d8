#!/usr/bin/env bash
# After a failure: what is wrong, in a sentence for each object, the likeliest cause first; then everything that the cluster
# says about the namespace, and the logs of all pods:  k8s/cluster-report.sh NAMESPACE [name of the release]
set -uo pipefail
cd "$(dirname "$0")/.." || exit
namespace=${1:-tandem}
PYTHONPATH=charts python3 -m cluster.diagnosis "$namespace"
kubectl --namespace "$namespace" get all,persistentvolumeclaims
kubectl --namespace "$namespace" get events --sort-by .lastTimestamp
kubectl --namespace "$namespace" logs --selector "app.kubernetes.io/instance=${2:-tandem}" --all-containers --prefix \
    --ignore-errors --max-log-requests 50 --tail 50
