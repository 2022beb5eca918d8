#!/usr/bin/env bash
# Install the images of `make images` into the kind cluster, under the restricted Pod Security Standard:
#   k8s/install.sh <namespace> [options of helm]
set -euo pipefail
cd "$(dirname "$0")/.."
namespace=$1
shift

kind load docker-image --name tandem tandem-api:dev tandem-realtime:dev
kubectl create namespace "$namespace" --dry-run=client --output=yaml | kubectl apply --filename -
kubectl label namespace "$namespace" --overwrite pod-security.kubernetes.io/enforce=restricted
helm upgrade --install tandem charts/tandem --namespace "$namespace" --wait --timeout 10m \
    --set api.image=docker.io/library/tandem-api:dev --set realtime.image=docker.io/library/tandem-realtime:dev \
    --set load.image=docker.io/library/tandem-api:dev "$@"
