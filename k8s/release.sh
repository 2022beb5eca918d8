#!/usr/bin/env bash
# Publish a version: both images for two architectures with SBOM and provenance, then the chart; everything signed.
#   VERSION=v1.2.3 REGISTRY=ghcr.io/owner k8s/release.sh
# Needs docker with buildx, helm, cosign and oras, logged in to the registry.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${VERSION:?the tag, such as v1.2.3}
version=${version#v}
registry=$(tr '[:upper:]' '[:lower:]' <<<"${REGISTRY:?such as ghcr.io/owner}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

grep -qx "version: $version" charts/tandem/Chart.yaml || {
    echo "charts/tandem/Chart.yaml does not say version: $version" >&2
    exit 1
}
for service in api realtime; do
    image=$registry/tandem-$service
    docker buildx build services --file "services/$service/Dockerfile" --platform linux/amd64,linux/arm64 \
        --build-arg "VERSION=$version" --build-arg "REVISION=$(git rev-parse HEAD)" \
        --provenance mode=max --sbom true --tag "$image:$version" --push --metadata-file "$scratch/$service.json"
    digest=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["containerimage.digest"])' "$scratch/$service.json")
    cosign sign --yes "$image@$digest"
done

helm package charts/tandem --destination "$scratch"
helm push "$scratch/tandem-$version.tgz" "oci://$registry/charts" 2>&1 | tee "$scratch/push"
digest=$(awk '/^Digest:/ {print $2}' "$scratch/push")
cosign sign --yes "$registry/charts/tandem@$digest"

# Beside the chart, who owns it: Artifact Hub reads the layer under this tag.
cd charts
oras push "$registry/charts/tandem:artifacthub.io" --config /dev/null:application/vnd.cncf.artifacthub.config.v1+yaml \
    artifacthub-repo.yml:application/vnd.cncf.artifacthub.repository-metadata.layer.v1.yaml
