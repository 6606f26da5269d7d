#!/usr/bin/env bash
# Applies the manifests to a real cluster and shows that they do what docs/deployment.md says. Each line "ok: …" is a fact that was checked.
# Usage: src/cluster-test/run.sh [scenario …]      scenarios: workers network resources namespaces failover drain restart several upgrade helm sidecar; without one:
# all, in this order. Those between workers and helm go on with what workers has installed.
# Needs root and kubectl, and in the environment
#   CLUSTER_TOOLS   a folder with cluster.sh (up, load IMAGE.tar, down) and image.py
#   POSTGRES_ROOT   a root folder with PostgreSQL: debootstrap --variant=minbase --include=postgresql bookworm FOLDER
#   IMAGES          what runs first, and what it is upgraded to, which the chart and the sidecar run too: "jvm native" (default), "native jvm", "jvm jvm" …
#   WORKER_ROOT     a root folder with java on the PATH and glibc, on which the images are made without Docker. Without it docker builds them,
#                   with JVM_BASE and NATIVE_BASE (optional) instead of the bases that the Dockerfiles name
#   HELM            the helm program (optional; without it the committed rendering is applied)
#   PATIENCE        a factor for all time limits, for a busy machine (optional)
#   KEEP            not empty: the cluster is left running at the end
# Before: ./mvnw -DskipTests package; for the native executable ./mvnw -Dnative -DskipTests package, which leaves target/quarkus-app alone.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
chains=4
: "${IMAGES:=jvm native}" "${PATIENCE:=1}"
steps=150
: "${CLUSTER_TOOLS:?the folder with cluster.sh and image.py}" "${POSTGRES_ROOT:?a root folder with PostgreSQL}"
# shellcheck source=src/cluster-test/steps.sh
source "$here/steps.sh"
# shellcheck source=src/cluster-test/scenarios.sh
source "$here/scenarios.sh"

finish() {
  local status=$?
  if [ $status -ne 0 ]; then
    echo "FAILED ($status); what was there:"
    kubectl get pods --all-namespaces -o wide || true
    for namespace in perdure second helm sidecar databases; do
      kubectl logs --namespace "$namespace" --all-containers --prefix --tail=30 --selector='app in (postgres)' || true
      kubectl logs --namespace "$namespace" --prefix --tail=30 --selector=app.kubernetes.io/name=perdure || true
    done
    kubectl get events --all-namespaces --sort-by=.lastTimestamp | tail -n 30 || true
  fi
  [ -n "${KEEP:-}" ] || "$CLUSTER_TOOLS/cluster.sh" down
  rm -rf "$work"
  exit $status
}

build_images
eval "$("$CLUSTER_TOOLS/cluster.sh" up | tail -n 1)"
trap finish EXIT
for image in "$work"/*.tar; do "$CLUSTER_TOOLS/cluster.sh" load "$image"; done
ok "a cluster: $(kubectl version -o yaml | awk '/serverVersion/ {found = 1} found && /gitVersion/ {print $2; exit}')"

for scenario in "${@:-all}"; do
  case $scenario in
    all) workers; network; resources; namespaces; failover; drain; restart; several; upgrade; helm_chart; sidecar ;;
    workers | network | resources | namespaces | failover | drain | restart | several | upgrade | sidecar) "$scenario" ;;
    helm) helm_chart ;;
    *) echo "no scenario $scenario" >&2; exit 2 ;;
  esac
done
echo "all of it holds"
