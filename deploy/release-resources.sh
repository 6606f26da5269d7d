#!/usr/bin/env bash
# Lets DurableWorkflow resources go that wait for a worker which is not there any more: it was uninstalled before them, or its
# database is gone for good. Their instances, where there is still a database, go on.
# Usage: release-resources.sh NAMESPACE...        with the right to patch durableworkflows in each of them
set -euo pipefail
[ $# -gt 0 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 64; }
for namespace in "$@"; do
  kubectl get durableworkflows.perdure.dev --namespace "$namespace" \
    -o go-template='{{range .items}}{{$name := .metadata.name}}{{range .metadata.finalizers}}{{if eq . "perdure.dev/instance"}}{{$name}}{{"\n"}}{{end}}{{end}}{{end}}' |
    while read -r name; do
      kubectl patch durableworkflows.perdure.dev "$name" --namespace "$namespace" --type=merge -p '{"metadata":{"finalizers":null}}'
    done
done
