# One function for each thing that has to hold. Sourced by run.sh.

workers() {
  certificates
  restricted_namespace databases
  tls_secret databases postgres-tls server
  kubectl apply -k "$here/database"
  await 120 "the database" kubectl wait --namespace databases --for=condition=Ready pod/postgres-0 --timeout=1s
  ok "a PostgreSQL $(sql databases app postgres 'SHOW server_version') that takes nothing but certificates from other pods"

  kubectl apply -f "$project/k8s/namespace.yaml"
  tls_secret perdure perdure-database-tls worker
  local begun=$SECONDS
  kubectl apply -k "$here/overlays/workers"
  kubectl rollout status deployment/perdure --namespace perdure --timeout="$(patient 180)"
  ok "kubectl apply -k: two workers are Ready after $((SECONDS - begun)) s, in a namespace of the Pod Security level $(kubectl get namespace perdure \
    -o jsonpath='{.metadata.labels.pod-security\.kubernetes\.io/enforce}')"

  local pod
  pod=$(kubectl get pods --namespace perdure -l app.kubernetes.io/name=perdure -o jsonpath='{.items[0].metadata.name}')
  [ "$(kubectl exec --namespace perdure "$pod" -- id -u)" = 1001 ] || wrong "the worker does not run as 1001"
  ! kubectl exec --namespace perdure "$pod" -- sh -c 'echo x > /x' 2> /dev/null || wrong "the root file system can be written"
  ok "the worker is user 1001, its root file system cannot be written"

  await 30 "the leader's Service" leader_answers perdure perdure-leader
  ok "the Service perdure-leader leads to $(leader_pod perdure perdure-leader)"
  ok "$pod said: $(started perdure "$pod"); $(memory perdure "$pod")"
  rights
  kubectl apply -k "$here/overlays/workers" > /dev/null
  leader_answers perdure perdure-leader > /dev/null || wrong "applying the same again took the leader out of its Service"
  ok "applying the same again changes nothing for the leader's Service"

  ledger databases app
  start_chains databases app "workers"
  assert_each_step_once databases app "workers"
}

# What the service account may do: what is needed, and not what is near it.
rights() {
  local as=(--namespace perdure --as system:serviceaccount:perdure:perdure)
  for needed in "get endpointslices.discovery.k8s.io/perdure-leader" "update endpointslices.discovery.k8s.io/perdure-leader" \
    "get leases.coordination.k8s.io/perdure-default" "create leases.coordination.k8s.io"; do
    # shellcheck disable=SC2086
    kubectl auth can-i "${as[@]}" $needed > /dev/null || wrong "the worker may not $needed"
  done
  for power in "create endpointslices.discovery.k8s.io" "update endpointslices.discovery.k8s.io/other" "patch pods" "create pods" "get secrets" "list secrets" "update deployments.apps" \
    "update leases.coordination.k8s.io" "delete leases.coordination.k8s.io"; do
    # shellcheck disable=SC2086
    ! kubectl auth can-i "${as[@]}" $power > /dev/null || wrong "the worker may $power"
  done
  # The namespace team does not exist yet, and so gives no rights.
  ! kubectl logs --namespace perdure -l app.kubernetes.io/name=perdure --tail=-1 | grep -v 'namespace .*team' | grep -i forbidden || wrong "the worker lacks a right"
  ok "the rights of the service account suffice, and end there"
}

# The bridge of this cluster enforces no NetworkPolicy: that it selects the workers, and lets out what they need, is read off it.
network() {
  local selected api address
  kubectl get networkpolicy perdure --namespace perdure -o json > "$work/policy.json"
  selected=$(kubectl get pods --namespace perdure -o name -l "$(python3 -c 'import json, sys
print(",".join("=".join(label) for label in json.load(open(sys.argv[1]))["spec"]["podSelector"]["matchLabels"].items()))' "$work/policy.json")")
  [ "$selected" = "$(kubectl get pods --namespace perdure -o name)" ] || wrong "the NetworkPolicy selects: $selected"
  api=$(kubectl get endpointslices --namespace default -l kubernetes.io/service-name=kubernetes -o jsonpath='{.items[0].endpoints[0].addresses[0]}:{.items[0].ports[0].port}')
  address=$(kubectl get pod postgres-0 --namespace databases -o jsonpath='{.status.podIP}')
  python3 "$here/policy.py" "$work/policy.json" "$api" "$address:5432" "10.96.0.10:53/UDP" "93.184.215.14:443" "!$address:8080" "!169.254.169.254:80" "!10.96.0.1:80" \
    || wrong "the NetworkPolicy does not let out what it should, or more"
  ok "the NetworkPolicy selects all workers, lets them reach names, PostgreSQL ($address:5432), the API server ($api) and public addresses, and not the cloud's metadata"
}

# Custom resources from apply to delete, with the rights of the shipped role.
resources() {
  kubectl apply --namespace perdure -f - <<'YAML'
apiVersion: perdure.dev/v1alpha1
kind: DurableWorkflow
metadata: {name: nightly}
spec:
  role: alice
  steps:
    - sql: CREATE TABLE IF NOT EXISTS nightly (at timestamptz DEFAULT now())
    - sql: INSERT INTO nightly DEFAULT VALUES
    - {name: many, sql: SELECT count(*) AS n FROM nightly}
    - sql: SELECT $many.n AS n, current_user AS who
---
apiVersion: perdure.dev/v1alpha1
kind: DurableSchedule
metadata: {name: minutely}
spec:
  schedule: "* * * * *"
  workflowTemplate:
    spec:
      role: alice
      steps: [{sql: SELECT 'scheduled' AS what}]
---
apiVersion: perdure.dev/v1alpha1
kind: DurableWorkflow
metadata: {name: foreign}
spec:
  role: postgres
  steps: [{sql: SELECT 1}]
---
apiVersion: perdure.dev/v1alpha1
kind: DurableWorkflow
metadata: {name: endless}
spec:
  role: alice
  steps: [{sleep: 1h}]
YAML
  kubectl wait --namespace perdure --for=condition=Complete dwf/nightly --timeout="$(patient 60)"
  [ "$(resource dwf/nightly .status.progress)" = 4/4 ] || wrong "the progress of nightly is $(resource dwf/nightly .status.progress)"
  resource dwf/nightly .status.result | grep -q '"who":"alice"' || wrong "nightly did not run as alice: $(resource dwf/nightly .status.result)"
  is 1 databases app alice "SELECT count(*) FROM nightly" || wrong "nightly ran more than once"
  ok "a DurableWorkflow ran once, as its role: $(resource dwf/nightly .status.result)"
  await 30 "the refusal of foreign" resource_is dwf/foreign .status.reason RoleNotAllowed
  await 30 "events" event_is foreign RoleNotAllowed
  ok "a role that the namespace may not use is refused, an event says so"
  await 30 "the start of endless" resource_is dwf/endless .status.phase Running
  kubectl delete dwf endless --namespace perdure --timeout="$(patient 60)" > /dev/null
  is cancelled databases app alice "SELECT status FROM df.instances WHERE label = 'perdure/endless'" || wrong "endless was deleted and goes on"
  ok "deleting a DurableWorkflow cancelled its instance"
  await 90 "a run of minutely" resource_is dsch/minutely '.status.lastSuccessfulTime' '*'
  ok "a DurableSchedule ran: $(kubectl get dwf --namespace perdure -l perdure.dev/schedule=minutely -o jsonpath='{.items[0].metadata.name} {.items[0].status.phase}')"
  kubectl delete dsch minutely --namespace perdure --timeout="$(patient 60)" > /dev/null
  await 60 "the runs go with their schedule" no_runs minutely
  ok "deleting the DurableSchedule deleted its runs"
}

# What stops one resource or one namespace stops no other, and deleting ends.
namespaces() {
  kubectl create namespace team > /dev/null
  kubectl apply --namespace team -f "$project/k8s/base/rbac/role.yaml" > /dev/null
  kubectl create rolebinding perdure-operator --namespace team --role=perdure-operator --serviceaccount=perdure:perdure > /dev/null
  endless team held Cancel
  endless team orphan Orphan
  await 45 "the start of team/held" workflow_is team held Running
  await 45 "the start of team/orphan" workflow_is team orphan Running
  ok "a namespace that was made after the workers started is served"

  local begun=$SECONDS
  kubectl delete namespace team --timeout="$(patient 60)" > /dev/null
  is cancelled databases app alice "SELECT status FROM df.instances WHERE label = 'team/held'" || wrong "the namespace is gone and its instance goes on"
  is running databases app alice "SELECT status FROM df.instances WHERE label = 'team/orphan'" || wrong "the orphan does not go on"
  sql databases app alice "SELECT df.cancel(id, 'end of the scenario') FROM df.instances WHERE label = 'team/orphan'" > /dev/null
  ok "a namespace with running workflows was deleted in $((SECONDS - begun)) s; its instance was cancelled, the orphan went on"

  python3 - > "$work/deep.json" <<'PYTHON'
print('{"apiVersion":"perdure.dev/v1alpha1","kind":"DurableWorkflow","metadata":{"name":"deep","namespace":"perdure"},"spec":{"role":"alice",'
      '"steps":[{"http":{"url":"http://localhost:1/","body":' + '{"d":' * 3000 + '1' + '}' * 3000 + '}}]}}')
PYTHON
  kubectl create --validate=false --raw /apis/perdure.dev/v1alpha1/namespaces/perdure/durableworkflows -f "$work/deep.json" > /dev/null
  healthy beside-deep
  kubectl delete pod "$(leader_pod perdure perdure-leader)" --namespace perdure --grace-period=0 --force 2> /dev/null
  healthy beside-deep-after-a-restart
  [ "$(resource dwf/deep .status.reason)" = InvalidDefinition ] || wrong "deep is $(resource dwf/deep .status)"
  kubectl delete dwf deep --namespace perdure --timeout="$(patient 30)" > /dev/null
  ok "beside a resource that is nested 3000 deep others are served, also by a new leader"
  kubectl rollout status deployment/perdure --namespace perdure --timeout="$(patient 120)" > /dev/null

  endless perdure crd-first Cancel
  await 45 "the start of crd-first" resource_is dwf/crd-first .status.phase Running
  begun=$SECONDS
  kubectl delete -k "$project/k8s/crds" --timeout="$(patient 60)" > /dev/null
  is cancelled databases app alice "SELECT status FROM df.instances WHERE label = 'perdure/crd-first'" || wrong "the definition is gone and its instance goes on"
  kubectl apply -k "$project/k8s/crds" > /dev/null
  await 30 "the definitions" kubectl get dwf --namespace perdure
  healthy after-the-definitions
  ok "the definitions were deleted in $((SECONDS - begun)) s with what was there, and are watched again"
}
endless() { # namespace, name, deletionPolicy
  kubectl apply --namespace "$1" -f - > /dev/null <<YAML
apiVersion: perdure.dev/v1alpha1
kind: DurableWorkflow
metadata: {name: $2}
spec: {role: alice, deletionPolicy: $3, steps: [{sleep: 1h}]}
YAML
}
workflow_is() { [ "$(kubectl get dwf "$2" --namespace "$1" -o jsonpath='{.status.phase}')" = "$3" ]; }
healthy() { # name: a workflow in the namespace perdure succeeds soon
  kubectl apply --namespace perdure -f - > /dev/null <<YAML
apiVersion: perdure.dev/v1alpha1
kind: DurableWorkflow
metadata: {name: $1}
spec: {role: alice, steps: [{sql: SELECT 1}]}
YAML
  await 20 "the end of $1" workflow_is perdure "$1" Succeeded
}

failover() {
  local leader
  leader=$(leader_pod perdure perdure-leader)
  start_chains databases app "failover"
  many in-flight 20
  await_progress databases app "failover" $((chains * steps / 3))
  kubectl delete pod "$leader" --namespace perdure --grace-period=0 --force 2> /dev/null
  local begun=$SECONDS
  await 60 "another leader in the Service" leader_is_not perdure perdure-leader "$leader"
  ok "the leader's pod was deleted without grace; after $((SECONDS - begun)) s the Service leads to $(leader_pod perdure perdure-leader)"
  assert_each_step_once databases app "failover"
  all_once in-flight 20
  ok "20 DurableWorkflows that were in flight succeeded, one instance each"
  kubectl rollout status deployment/perdure --namespace perdure --timeout="$(patient 120)" > /dev/null
}
many() { # name, number: as many DurableWorkflows, whose steps take some seconds
  local n
  for n in $(seq "$2"); do
    printf -- '---\napiVersion: perdure.dev/v1alpha1\nkind: DurableWorkflow\nmetadata: {name: %s-%s, labels: {many: %s}}\n' "$1" "$n" "$1"
    printf 'spec: {role: alice, label: %s, steps: [{sql: SELECT 1}, {sleep: 5s}, {sql: SELECT 2}, {sleep: 5s}, {sql: SELECT 3}]}\n' "$1"
  done | kubectl apply --namespace perdure -f - > /dev/null
}
all_once() { # name, number
  await 120 "the end of all $1" all_succeeded "$1" "$2"
  is "$2,$2" databases app alice "SELECT count(*) || ',' || count(*) FILTER (WHERE status = 'completed') FROM df.instances WHERE label = '$1'" \
    || wrong "not one instance for each of $1"
  kubectl delete dwf --namespace perdure -l "many=$1" --timeout="$(patient 60)" > /dev/null
}
all_succeeded() { [ "$(kubectl get dwf --namespace perdure -l "many=$1" -o jsonpath='{range .items[*]}{.status.phase}{"\n"}{end}' | grep -c Succeeded)" = "$2" ]; }

# What kubectl drain does with the node that the workers are on: there is no other one, so an evicted pod comes back when the node does.
drain() {
  local leader next begun
  leader=$(leader_pod perdure perdure-leader)
  start_chains databases app "drain"
  await_progress databases app "drain" $((chains * steps / 4))
  kubectl cordon node > /dev/null
  begun=$SECONDS
  evict perdure "$leader" > /dev/null
  await 60 "another leader in the Service" leader_is_not perdure perdure-leader "$leader"
  next=$(leader_pod perdure perdure-leader)
  ok "the leader's pod was evicted; after $((SECONDS - begun)) s the Service leads to $next"
  ! evict perdure "$next" > "$work/evicted" 2>&1 || wrong "the last worker was evicted"
  grep -q 'disruption budget' "$work/evicted" || wrong "the last worker was not evicted because of: $(cat "$work/evicted")"
  ok "the last worker is not evicted: $(sed 's/^Error from server //' "$work/evicted")"
  kubectl uncordon node > /dev/null
  kubectl rollout status deployment/perdure --namespace perdure --timeout="$(patient 120)" > /dev/null
  assert_each_step_once databases app "drain"
  uninterrupted "drain"
  ok "no step was interrupted by the eviction"
}
evict() { # namespace, pod
  kubectl create --raw "/api/v1/namespaces/$1/pods/$2/eviction" -f - <<JSON
{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "$2", "namespace": "$1"}}
JSON
}
uninterrupted() { # label
  is 1 databases app alice "SELECT max(attempt) FROM df.nodes n JOIN df.instances i ON i.id = n.instance_id WHERE label = '$1'" || wrong "a step of $1 was interrupted"
}

# The database goes down at once, as in a crash, and comes back; workers stay.
restart() {
  local before pods
  pods=$(kubectl get pods --namespace perdure -o name)
  before=$(database_restarts)
  start_chains databases app "restart"
  many restarted 10
  await_progress databases app "restart" $((chains * steps / 3))
  kubectl exec --namespace databases postgres-0 -- sh -c 'kill -QUIT 1'
  await 60 "the database's container to be started again" database_restarted "$before"
  await 120 "the database" kubectl wait --namespace databases --for=condition=Ready pod/postgres-0 --timeout=1s
  assert_each_step_once databases app "restart"
  all_once restarted 10
  [ "$(kubectl get pods --namespace perdure -o name)" = "$pods" ] || wrong "workers were replaced"
  [ "$(kubectl get pods --namespace perdure -o jsonpath='{.items[*].status.containerStatuses[*].restartCount}' | tr -d ' 0')" = "" ] || wrong "a worker was started again"
  await 60 "a leader" leader_answers perdure perdure-leader
  ok "the database crashed under load and came back: nothing lost, nothing twice, the workers are the same"
}
database_restarts() { kubectl get pod postgres-0 --namespace databases -o jsonpath='{.status.containerStatuses[0].restartCount}'; }
database_restarted() { [ "$(database_restarts)" -gt "$1" ]; }

# A second installation for another database that watches the same namespace under the same name.
several() {
  restricted_namespace second
  tls_secret second perdure-database-tls worker
  kubectl create secret generic perdure-database --namespace second \
    --from-literal=url="$(sed -n 's/^url=//p' "$project/deploy/examples/client-certificate/url.env" | sed 's#/app?#/second?#')"
  kubectl create rolebinding perdure-operator-second --namespace perdure --role=perdure-operator --serviceaccount=second:perdure > /dev/null
  kubectl apply -k "$here/overlays/second" > /dev/null
  kubectl rollout status deployment/perdure --namespace second --timeout="$(patient 180)" > /dev/null
  await 60 "the second worker to say that the resources are not its own" second_says 'Lease perdure-default'
  ok "the resources belong to the database $(kubectl get lease perdure-default --namespace perdure -o jsonpath='{.spec.holderIdentity}'); a second worker of the name says so"
  healthy beside-the-second
  kubectl scale deployment/perdure --namespace perdure --replicas=0 > /dev/null
  await 90 "the first workers to go" no_workers
  endless perdure left Orphan
  await 60 "the reason" resource_is dwf/left .status.reason OtherDatabase
  await 30 "an event" event_is left OtherDatabase
  is 0 databases second postgres "SELECT count(*) FROM df.instances" || wrong "the second worker has submitted something"
  ok "without the first one, the second says in the resource: $(resource dwf/left .status.message | cut -c 1-150)…"
  kubectl scale deployment/perdure --namespace perdure --replicas=2 > /dev/null
  await 120 "left to be served" resource_is dwf/left .status.phase Running
  kubectl delete dwf left --namespace perdure --timeout="$(patient 60)" > /dev/null
  sql databases app alice "SELECT df.cancel(id, 'end of the scenario') FROM df.instances WHERE label = 'perdure/left'" > /dev/null
  is 0 databases second postgres "SELECT count(*) FROM df.instances" || wrong "the second worker has submitted something"
  kubectl delete -k "$here/overlays/second" --timeout="$(patient 60)" > /dev/null
  kubectl delete rolebinding perdure-operator-second --namespace perdure > /dev/null
  kubectl delete namespace second --timeout="$(patient 90)" > /dev/null
  kubectl rollout status deployment/perdure --namespace perdure --timeout="$(patient 120)" > /dev/null
  await 60 "a leader" leader_answers perdure perdure-leader
  ok "nothing was submitted twice, and the first worker goes on when it is back"
}
second_says() { kubectl get --raw "/api/v1/namespaces/second/pods/$(kubectl get pods --namespace second -o jsonpath='{.items[0].metadata.name}'):8080/proxy/q/health/ready" | grep -q "$1"; }
no_workers() { [ -z "$(kubectl get pods --namespace perdure -o name)" ]; }

# From the first image to the second, while workflows run.
upgrade() {
  local before
  before=$(leader_pod perdure perdure-leader)
  start_chains databases app "upgrade"
  await_progress databases app "upgrade" $((chains * steps / 4))
  kubectl set image deployment/perdure --namespace perdure worker=docker.io/local/perdure:second > /dev/null
  kubectl rollout status deployment/perdure --namespace perdure --timeout="$(patient 180)" > /dev/null
  await 60 "another leader in the Service" leader_is_not perdure perdure-leader "$before"
  assert_each_step_once databases app "upgrade"
  uninterrupted "upgrade"
  ok "rolling upgrade ($IMAGES): no step was interrupted"
  local pod
  pod=$(leader_pod perdure perdure-leader)
  ok "the new leader said: $(started perdure "$pod")"
}

helm_chart() {
  restricted_namespace helm
  tls_secret helm perdure-database-tls worker
  kubectl create secret generic perdure-database --namespace helm \
    --from-literal=url="$(sed -n 's/^url=//p' "$project/deploy/examples/client-certificate/url.env" | sed 's#/app?#/helm?#')"
  local helm=${HELM:-$(command -v helm || true)}
  if [ -n "$helm" ]; then
    "$helm" install perdure "$project/deploy/helm/perdure" --namespace helm --set image.repository=docker.io/local/perdure,image.tag=second,image.pullPolicy=Never \
      --wait --timeout "$(patient 180)" > /dev/null
  else
    sed -e 's/namespace: perdure$/namespace: helm/' -e 's#image: perdure:.*#image: docker.io/local/perdure:second#' -e 's/IfNotPresent/Never/' \
      "$project/src/test/resources/helm/default.yaml" | kubectl apply --namespace helm -f -
    kubectl rollout status deployment/perdure --namespace helm --timeout="$(patient 180)"
  fi
  await 60 "the leader's Service of the chart" leader_answers helm perdure-leader
  ok "the Helm chart: workers Ready, its Service leads to $(leader_pod helm perdure-leader)"
  if [ -n "$helm" ]; then
    "$helm" upgrade perdure "$project/deploy/helm/perdure" --namespace helm --reuse-values --set podAnnotations.touched=yes --wait --timeout "$(patient 180)" > /dev/null
    await 60 "the leader's Service after the upgrade" leader_answers helm perdure-leader
    ok "helm upgrade: the leader's Service still leads to a leader, $(leader_pod helm perdure-leader)"
  fi
  ledger databases helm
  start_chains databases helm "helm"
  assert_each_step_once databases helm "helm"
}

sidecar() {
  restricted_namespace sidecar
  install -d -o 999 -g 999 -m 0700 "$work/volume"
  sed "s#VOLUME#$work/volume#" "$here/overlays/sidecar/volume.yaml" | kubectl apply -f -
  kubectl create secret generic postgres --namespace sidecar --from-literal=password=not-used
  kubectl apply -k "$here/overlays/sidecar"
  await 120 "PostgreSQL and the worker in one pod" kubectl wait --namespace sidecar --for=condition=Ready pod/postgres-0 --timeout=1s
  await 60 "the schema df" is t sidecar app postgres "SELECT count(*) = 1 FROM df._worker_epoch"
  sql sidecar app postgres "CREATE ROLE alice LOGIN IN ROLE df_users; GRANT USAGE, CREATE ON SCHEMA public TO alice" > /dev/null
  ok "a StatefulSet with PostgreSQL and the worker in one pod"
  ledger sidecar app
  start_chains sidecar app "sidecar"
  await_progress sidecar app "sidecar" $((chains * steps / 3))
  kubectl delete pod postgres-0 --namespace sidecar --grace-period=0 --force 2> /dev/null
  await 120 "the pod again" kubectl wait --namespace sidecar --for=condition=Ready pod/postgres-0 --timeout=1s
  ok "the pod was deleted without grace and is there again"
  assert_each_step_once sidecar app "sidecar"
}
