#!/usr/bin/env bash
# Make the Secret that k8s/manifests refers to, with random values. One that is there already is left alone: kubectl says
# AlreadyExists.  k8s/create-secret.sh [options of kubectl, such as --namespace demo]
set -euo pipefail

random() { # 48 letters and digits
    local text=""
    while [ ${#text} -lt 48 ]; do
        text+=$(head -c 96 /dev/urandom | base64 | tr -dc 'A-Za-z0-9')
    done
    printf %s "${text:0:48}"
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Through files: arguments of a process can be read by everybody on the machine.
for key in api-keys django-secret-key postgresql-password redis-password token-keys; do
    random >"$folder/$key"
done
kubectl create secret generic tandem --from-file="$folder" "$@"
