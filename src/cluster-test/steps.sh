# What the scenarios are made of. Sourced by run.sh.

ok() { echo "ok: $*"; }
wrong() {
  echo "WRONG: $*" >&2
  exit 1
}

# patient SECONDS: as a time-out of kubectl, longer on a machine that has other things to do.
patient() { echo "$(($1 * PATIENCE))s"; }

# await SECONDS WHAT COMMAND…: until the command succeeds.
await() {
  local limit=$(($1 * PATIENCE)) what=$2 end
  shift 2
  end=$((SECONDS + limit))
  until "$@" > /dev/null 2>&1; do
    [ $SECONDS -lt $end ] || wrong "not within $limit s: $what"
    sleep 0.2
  done
}

build_images() {
  local tags=($IMAGES)
  build_worker "${tags[0]}" first
  build_worker "${tags[1]:-${tags[0]}}" second
  build_postgres
}

# build_worker jvm|native TAG: the image docker.io/local/perdure:TAG, as an archive.
build_worker() {
  cd "$project"
  local kind=$1 tag=$2
  case $kind in
    jvm) [ -f target/quarkus-app/quarkus-run.jar ] || wrong "target/quarkus-app is missing: ./mvnw -DskipTests package" ;;
    native) compgen -G 'target/*-runner' > /dev/null || wrong "target/*-runner is missing: ./mvnw -Dnative -DskipTests package" ;;
    *) wrong "IMAGES: $kind is neither jvm nor native" ;;
  esac
  if [ -n "${WORKER_ROOT:-}" ]; then
    pack "$kind" "$tag"
  else
    if [ "$kind" = jvm ]; then
      DOCKER_BUILDKIT=1 docker build --quiet --file Dockerfile.jvm ${JVM_BASE:+--build-arg BASE="$JVM_BASE"} --tag "docker.io/local/perdure:$tag" .
    else
      DOCKER_BUILDKIT=1 docker build --quiet --file Dockerfile.native --build-arg SOURCE=prebuilt ${NATIVE_BASE:+--build-arg BASE="$NATIVE_BASE"} \
        --tag "docker.io/local/perdure:$tag" .
    fi
    docker save "docker.io/local/perdure:$tag" > "$work/$tag.tar"
  fi
  ok "image $tag ($kind), $(du -m "$work/$tag.tar" | cut -f 1) MB with its base"
}

# Without Docker: what the Dockerfile of that kind puts on its base, put on WORKER_ROOT.
pack() {
  local root=$work/root
  cp -a "$WORKER_ROOT" "$root"
  if [ "$1" = jvm ]; then
    mkdir -p "$root/opt/perdure"
    cp -r target/quarkus-app/. "$root/opt/perdure"
    set -- "$@" /usr/bin/env "JDK_JAVA_OPTIONS=$(sed -n 's/^ENV JDK_JAVA_OPTIONS="\(.*\)"$/\1/p' Dockerfile.jvm)"
  else
    install -m 0555 target/*-runner "$root/usr/local/bin/perdure"
  fi
  local tag=$2 kind=$1 entrypoint
  shift 2
  mapfile -t entrypoint < <(sed -n 's/^ENTRYPOINT //p' "Dockerfile.$kind" | python3 -c 'import json, sys; print(*json.load(sys.stdin), sep="\n")')
  "$CLUSTER_TOOLS/image.py" "docker.io/local/perdure:$tag" "$work/$tag.tar" "$root" --user 1001:1001 "$@" "${entrypoint[@]}"
  rm -rf "$root"
}

build_postgres() {
  cp -a "$POSTGRES_ROOT" "$work/postgres"
  install -m 0755 "$here/postgres/entrypoint.sh" "$work/postgres/entrypoint.sh"
  # The user of the official image.
  sed -i 's/^postgres:x:[0-9]*:[0-9]*:/postgres:x:999:999:/' "$work/postgres/etc/passwd"
  "$CLUSTER_TOOLS/image.py" docker.io/local/postgres:test "$work/postgres.tar" "$work/postgres" --user 999 /entrypoint.sh
  rm -rf "$work/postgres"
}

# A namespace in which nothing may run that the Pod Security level restricted forbids.
restricted_namespace() {
  kubectl create namespace "$1"
  kubectl label namespace "$1" pod-security.kubernetes.io/enforce=restricted --overwrite
}

# certificates: an authority, one certificate for the server, one for the worker, its key in PKCS#8.
certificates() {
  cd "$work"
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 30 -subj /CN=authority 2> /dev/null
  certificate server postgres.databases.svc 'subjectAltName=DNS:postgres.databases.svc'
  certificate worker df_worker 'extendedKeyUsage=clientAuth'
}
certificate() {
  openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$2" 2> /dev/null
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$1.crt" -days 30 -extfile <(echo "$3") 2> /dev/null
}
tls_secret() { # namespace, name, certificate
  kubectl create secret generic "$2" --namespace "$1" --from-file=ca.crt="$work/ca.crt" --from-file=tls.crt="$work/$3.crt" --from-file=tls.key="$work/$3.key"
}

# sql NAMESPACE DATABASE ROLE TEXT: one value.
sql() {
  local host=127.0.0.1
  [ "$3" != postgres ] || host=/var/run/postgresql
  kubectl exec --namespace "$1" postgres-0 --container postgres -- psql -h "$host" -U "$3" -d "$2" -qAtX -v ON_ERROR_STOP=1 -c "$4"
}
is() { # VALUE NAMESPACE DATABASE ROLE TEXT
  [ "$(sql "$2" "$3" "$4" "$5")" = "$1" ]
}

# Workflows that write into a ledger, which has no key: a step that happened twice leaves two rows.
ledger() { # namespace, database, role of the worker's owner
  sql "$1" "$2" df_worker "SELECT df.grant_usage('alice')" > /dev/null
  sql "$1" "$2" alice "CREATE TABLE IF NOT EXISTS ledger (id bigint GENERATED ALWAYS AS IDENTITY, instance text, step int, at timestamptz DEFAULT clock_timestamp())"
}
start_chains() { # namespace, database, label
  local chain="" step
  for step in $(seq "$steps"); do
    chain="$chain${chain:+ ~> }'INSERT INTO ledger (instance, step) SELECT ''{sys_instance_id}'', $step FROM pg_sleep(0.1)'"
  done
  for _ in $(seq "$chains"); do sql "$1" "$2" alice "SELECT df.start($chain, '$3')" > /dev/null; done
}
await_progress() { # namespace, database, label, rows
  await 120 "progress of $3" is t "$1" "$2" alice "SELECT count(*) >= $4 FROM ledger JOIN df.instances i ON i.id = instance WHERE label = '$3'"
}
assert_each_step_once() { # namespace, database, label
  await 180 "the end of $3" is "$chains" "$1" "$2" alice "SELECT count(*) FROM df.instances WHERE label = '$3' AND status = 'completed'"
  is "$chains" "$1" "$2" alice "SELECT count(*) FROM (SELECT instance FROM ledger JOIN df.instances i ON i.id = instance WHERE label = '$3'
    GROUP BY instance HAVING array_agg(step ORDER BY ledger.id) = array(SELECT generate_series(1, $steps))) x" \
    || wrong "steps of $3 are missing, doubled or out of order: $(sql "$1" "$2" alice "SELECT instance, count(*), count(DISTINCT step) FROM ledger GROUP BY 1")"
  ok "$3: $chains workflows, $((chains * steps)) steps, each of them once and in order; longest pause $(sql "$1" "$2" alice \
    "SELECT round(1000 * extract(epoch FROM max(gap))) || ' ms' FROM (SELECT at - lag(at) OVER (ORDER BY at) AS gap FROM ledger JOIN df.instances i ON i.id = instance WHERE label = '$3') x")"
}

# The leader's Service, asked from outside of the cluster by its address.
leader_url() { echo "http://$(kubectl get service "$2" --namespace "$1" -o jsonpath='{.spec.clusterIP}'):8080/q/health/group/leader"; }
leader_pod() { kubectl get endpointslice "$2" --namespace "$1" -o jsonpath='{.endpoints[0].targetRef.name}'; }
leader_answers() { curl -fsS -m 2 "$(leader_url "$1" "$2")"; }
leader_is_not() { # namespace, Service, pod
  local now
  now=$(leader_pod "$1" "$2")
  [ -n "$now" ] && [ "$now" != "$3" ] && leader_answers "$1" "$2"
}

# resource KIND/NAME PATH: a field of a custom resource in the namespace perdure.
resource() { kubectl get "$1" --namespace perdure -o jsonpath="{$2}"; }
resource_is() { # KIND/NAME PATH PATTERN; the pattern * stands for anything but nothing
  local now
  now=$(resource "$1" "$2")
  # shellcheck disable=SC2053
  [ -n "$now" ] && [[ $now == $3 ]]
}
event_is() { # resource, reason
  [ -n "$(kubectl get events --namespace perdure --field-selector "involvedObject.name=$1,reason=$2" -o name)" ]
}
no_runs() { [ -z "$(kubectl get dwf --namespace perdure -l "perdure.dev/schedule=$1" -o name)" ]; }

# What a worker's log says of its start, and what its control group says of its memory.
started() { kubectl logs --namespace "$1" "$2" | grep -o 'perdure [0-9.]* [^"]*started in [0-9.]*s' | head -n 1; }
memory() { # namespace, pod
  kubectl exec --namespace "$1" "$2" -- sh -c 'cat /proc/1/status' | awk '/^VmRSS/ {printf "RSS %d MB", $2 / 1024}'
}
