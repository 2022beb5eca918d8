#!/usr/bin/env bash
# What only a cluster can show, on the release that `make install` made:  k8s/cluster-test.sh [namespace]
set -euo pipefail
cd "$(dirname "$0")/.."
namespace=${1:-tandem}

say() { printf '== %s\n' "$*"; }
fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}
kube() { kubectl --namespace "$namespace" "$@"; }
upgrade() { helm upgrade tandem charts/tandem --namespace "$namespace" --reuse-values --wait --timeout 5m "$@" >/dev/null; }
secrets() { kube get secret tandem --output jsonpath='{.data}' | sha256sum; }
realtime_pods() { kube get pods --selector app.kubernetes.io/component=realtime --output name | sort; }
counter() {
    kube exec deployment/tandem-api --container api -- python -c \
        'import urllib.request as u; print(u.urlopen("http://tandem-api/api/counters/demo/").read().decode())'
}

say "helm test: from HTTP to a push"
helm test tandem --namespace "$namespace" --logs

say "two upgrades, of the api only: secrets and data stay, no realtime pod restarts"
before="$(secrets) $(realtime_pods) $(counter)"
upgrade --set-string api.env.E2E=1
upgrade --set-string api.env.E2E=2
[ "$before" = "$(secrets) $(realtime_pods) $(counter)" ] || fail "an upgrade of the api changed more than the api"

say "a rolling restart under 500 clients: nothing is lost"
upgrade --set load.enabled=true --set 'load.args={verify,--clients=500,--rate=20,--duration=120}'
load() { kube get jobs --selector app.kubernetes.io/component=load --output "jsonpath={.items[0].$1}"; }
kube wait --for=condition=Ready --timeout=2m pod --selector app.kubernetes.io/component=load
sleep 15 # all clients are there
kube rollout restart deployment/tandem-realtime
kube rollout status deployment/tandem-realtime --timeout=5m
until [ -n "$(load status.succeeded)$(load status.failed)" ]; do sleep 2; done
kube logs --selector app.kubernetes.io/component=load --tail=-1
[ "$(load status.succeeded)" = 1 ] || fail "the load generator missed something"
upgrade --set load.enabled=false

say "Redis pod deleted: pods unready for a while, none restarted"
kube delete pod tandem-redis-0 --wait
kube rollout status statefulset/tandem-redis --timeout=2m
kube wait --for=condition=Ready --timeout=2m pod --selector app.kubernetes.io/component=realtime
restarts=$(kube get pods --selector app.kubernetes.io/component=realtime \
    --output jsonpath='{.items[*].status.containerStatuses[*].restartCount}')
[ "$(tr -d '0 ' <<<"$restarts")" = "" ] || fail "a realtime container restarted: $restarts"
helm test tandem --namespace "$namespace" --logs

if [ "$(kube get statefulset tandem-postgresql --output jsonpath='{.spec.volumeClaimTemplates}')" = "" ]; then
    say "PostgreSQL pod deleted, its data with it: the tables are there again within a minute"
    kube delete pod tandem-postgresql-0 --wait
    deadline=$((SECONDS + 60))
    until counter >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || fail "the api has no tables after 60 s"
        sleep 1
    done
    kube wait --for=condition=Ready --timeout=2m pod --selector app.kubernetes.io/component=api
    helm test tandem --namespace "$namespace" --logs
fi

say "the same manifests twice: nothing is configured the second time"
manifests=$(helm get manifest tandem --namespace "$namespace")
kube apply --filename - <<<"$manifests" >/dev/null 2>&1
# kubectl sends a budget's selector each time and says so; the server changes nothing then.
changed=$(kube apply --filename - 2>/dev/null <<<"$manifests" | grep -vE 'unchanged|^poddisruptionbudget' || true)
[ -z "$changed" ] || fail "not the same after one apply: $changed"

say "uninstall: nothing stays"
helm uninstall tandem --namespace "$namespace" --wait --cascade foreground
left=$(kube get all,secret,configmap,ingress,networkpolicy,pdb,serviceaccount --output name \
    --selector app.kubernetes.io/instance=tandem)
[ -z "$left" ] || fail "left behind: $left"
