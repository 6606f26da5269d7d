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
  kubectl rollout status deployment/perdure --namespace perdure --timeout=180s
  ok "kubectl apply -k: two workers are Ready after $((SECONDS - begun)) s, in a namespace of the Pod Security level $(kubectl get namespace perdure \
    -o jsonpath='{.metadata.labels.pod-security\.kubernetes\.io/enforce}')"

  local pod
  pod=$(kubectl get pods --namespace perdure -l app.kubernetes.io/name=perdure -o jsonpath='{.items[0].metadata.name}')
  [ "$(kubectl exec --namespace perdure "$pod" -- id -u)" = 1001 ] || wrong "the worker does not run as 1001"
  ! kubectl exec --namespace perdure "$pod" -- sh -c 'echo x > /x' 2> /dev/null || wrong "the root file system can be written"
  ok "the worker is user 1001, its root file system cannot be written"

  await 30 "the leader's Service" leader_answers perdure perdure-leader
  ok "the Service perdure-leader leads to $(leader_pod perdure perdure-leader)"
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
  for needed in "get endpointslices.discovery.k8s.io/perdure-leader" "update endpointslices.discovery.k8s.io/perdure-leader"; do
    # shellcheck disable=SC2086
    kubectl auth can-i "${as[@]}" $needed > /dev/null || wrong "the worker may not $needed"
  done
  for power in "create endpointslices.discovery.k8s.io" "update endpointslices.discovery.k8s.io/other" "patch pods" "create pods" "get secrets" "list secrets" "update deployments.apps"; do
    # shellcheck disable=SC2086
    ! kubectl auth can-i "${as[@]}" $power > /dev/null || wrong "the worker may $power"
  done
  ! kubectl logs --namespace perdure -l app.kubernetes.io/name=perdure --tail=-1 | grep -i "forbidden\|cannot be read or changed" || wrong "the worker lacks a right"
  ok "the rights of the service account suffice, and end there"
}

failover() {
  local leader
  leader=$(leader_pod perdure perdure-leader)
  start_chains databases app "failover"
  await_progress databases app "failover" $((chains * steps / 3))
  kubectl delete pod "$leader" --namespace perdure --grace-period=0 --force 2> /dev/null
  local begun=$SECONDS
  await 60 "another leader in the Service" leader_is_not perdure perdure-leader "$leader"
  ok "the leader's pod was deleted without grace; after $((SECONDS - begun)) s the Service leads to $(leader_pod perdure perdure-leader)"
  assert_each_step_once databases app "failover"
  kubectl rollout status deployment/perdure --namespace perdure --timeout=120s > /dev/null
}

# From the application for the JVM to the native executable, while workflows run.
upgrade() {
  local before
  before=$(leader_pod perdure perdure-leader)
  start_chains databases app "upgrade"
  await_progress databases app "upgrade" $((chains * steps / 4))
  kubectl set image deployment/perdure --namespace perdure worker=docker.io/local/perdure:native > /dev/null
  kubectl rollout status deployment/perdure --namespace perdure --timeout=180s > /dev/null
  await 60 "another leader in the Service" leader_is_not perdure perdure-leader "$before"
  assert_each_step_once databases app "upgrade"
  is 1 databases app alice "SELECT max(attempt) FROM df.nodes n JOIN df.instances i ON i.id = n.instance_id WHERE label = 'upgrade'" || wrong "a step was interrupted by the upgrade"
  ok "rolling upgrade from the JVM to the native executable: no step was interrupted"
  local pod
  pod=$(leader_pod perdure perdure-leader)
  ok "the native worker said: $(kubectl logs --namespace perdure "$pod" | grep -o 'perdure [0-9.]* native[^"]*started in [0-9.]*s' | head -n 1)"
}

helm_chart() {
  restricted_namespace helm
  tls_secret helm perdure-database-tls worker
  kubectl create secret generic perdure-database --namespace helm \
    --from-literal=url="$(sed -n 's/^url=//p' "$project/deploy/examples/client-certificate/url.env" | sed 's#/app?#/helm?#')"
  local helm=${HELM:-$(command -v helm || true)}
  if [ -n "$helm" ]; then
    "$helm" install perdure "$project/deploy/helm/perdure" --namespace helm --set image.repository=docker.io/local/perdure,image.tag=native,image.pullPolicy=Never \
      --wait --timeout 3m > /dev/null
  else
    sed -e 's/namespace: perdure$/namespace: helm/' -e 's#image: perdure:.*#image: docker.io/local/perdure:native#' -e 's/IfNotPresent/Never/' \
      "$project/src/test/resources/helm/default.yaml" | kubectl apply --namespace helm -f -
    kubectl rollout status deployment/perdure --namespace helm --timeout=180s
  fi
  await 60 "the leader's Service of the chart" leader_answers helm perdure-leader
  ok "the Helm chart: workers Ready, its Service leads to $(leader_pod helm perdure-leader)"
  if [ -n "$helm" ]; then
    "$helm" upgrade perdure "$project/deploy/helm/perdure" --namespace helm --reuse-values --set podAnnotations.touched=yes --wait --timeout 3m > /dev/null
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
