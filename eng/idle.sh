#!/usr/bin/env bash
# What an agent costs that has nothing to do, with the pods of a full node: the time until it is ready, its memory, its CPU time, and how
# often each of its threads wakes. In the lab, and in a cluster, there with the operators.
#   eng/idle.sh [PROGRAM [PODS [SECONDS]]]     in the lab the program of `make images`, 110 pods, 60 s
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:-artifacts/publish/agent-image/oncache-agent}") pods=${2:-110} seconds=${3:-60}
lab=artifacts/bin/oncache-lab
[[ -x $program && -x $lab ]] || { echo "idle.sh: $program or $lab is missing: run make images" >&2; exit 1; }

# What a start leaves to do is done by then, and its memory is given back.
settled=45

work=$(mktemp -d)
# What this run has made, and nobody else's lab or cluster of that name.
started='' has_lab='' has_cluster=''
finish() {
  [[ -z $started ]] || { kill "$started" 2>/dev/null && wait "$started"; } || true
  [[ -z $has_lab ]] || "$lab" down --name idle >/dev/null || true
  [[ -z $has_cluster ]] || "$lab" cluster down --name idle >/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

# look PID: of each thread its number, name, nanoseconds on a processor and switches.
look() {
  local thread cpu
  for thread in /proc/"$1"/task/*; do
    read -r cpu _ <"$thread/schedstat"
    echo "${thread##*/} $(tr ' ' - <"$thread/comm") $cpu $(awk '/ctxt_switches/ { n += $2 } END { print n }' "$thread/status")"
  done 2>/dev/null
}

# report PID WHAT
report() {
  local before after
  before=$(look "$1")
  sleep "$seconds"
  after=$(look "$1")
  echo "$2"
  awk '/^VmRSS/ { printf "  resident %.1f MB", $2 * 1024 / 1e6 } /^RssAnon/ { printf ", of it its own %.1f MB\n", $2 * 1024 / 1e6 }' "/proc/$1/status"
  awk -v seconds="$seconds" 'NR == FNR { cpu[$1] = $3; switches[$1] = $4; next }
    { used = $3 - cpu[$1]; woken = $4 - switches[$1]; all += used; wakes += woken
      if (woken) lines = lines sprintf("    %-16s %6.2f a second, %8.4f %% of a core\n", $2, woken / seconds, used / seconds / 1e7) }
    END { printf "  idle %.3f %% of a core, woken %.1f times a second\n%s", all / seconds / 1e7, wakes / seconds, lines }' <(echo "$before") <(echo "$after")
}

in_the_lab() {
  local agent
  "$lab" up --name idle --nodes 2 --pods "$pods" >/dev/null
  has_lab=yes
  # Twice: what the first one attaches is there for the second.
  # shellcheck disable=SC2016  # bash of the node expands it
  "$lab" exec n1 --name idle -- bash -c '
    program=$1 out=$2 state=/run/oncache-lab/idle
    trap "kill \$agent; wait \$agent" EXIT
    ready() {
      { exec 3<>/dev/tcp/127.0.0.1/9471; } 2>/dev/null || return 1
      printf "GET /readyz HTTP/1.1\r\nHost: n1\r\nConnection: close\r\n\r\n" >&3
      read -r _ code _ <&3
      exec 3>&-
      [[ $code == 200 ]]
    }
    microseconds() { echo "${EPOCHREALTIME/[.,]/}"; }
    for start in first again; do
      begun=$(microseconds)
      # As config/agent has it.
      DOTNET_GCgen0size=0x200000 "$program" run --config "$state/n1.yaml" --pin-root "$state/bpf/n1" --socket "$state/n1.sock" --health 127.0.0.1:9471 >"$state/n1.log" 2>&1 &
      agent=$!
      until ready; do kill -0 "$agent" && ((SECONDS < 120)) || { cat "$state/n1.log"; exit 1; }; done
      echo "$start $((($(microseconds) - begun) / 1000))" >>"$out/ready"
      [[ $start == again ]] || { kill "$agent"; wait "$agent"; }
    done
    echo "$agent" >"$out/agent"
    wait "$agent"
  ' idle "$program" "$work" &
  started=$!
  until [[ -s $work/agent ]]; do kill -0 "$started" 2>/dev/null || exit 1; sleep 0.2; done
  agent=$(<"$work/agent")
  awk '{ printf "%s %d ms\n", $1 == "first" ? "ready on a node where nothing is attached after" : "ready after a restart after", $2 }' "$work/ready"
  sleep "$settled"
  report "$agent" "agent in the lab, $pods pods"
  kill "$started"
  wait "$started" || true
  started=''
  "$lab" down --name idle >/dev/null
  has_lab=''
}

# ours COMMAND: the processes of it that were not there before the cluster.
ours() { comm -13 "$work/$1" <(pgrep -x "$1" | sort); }

in_a_cluster() {
  local some=$((pods < 100 ? pods : 100)) command process begun=$SECONDS
  for command in oncache-agent oncache-operato; do pgrep -x "$command" | sort >"$work/$command" || true; done
  "$lab" cluster up --name idle --nodes 2 >/dev/null
  has_cluster=yes
  kubectl() { "$lab" cluster kubectl --name idle -- "$@"; }
  cat >"$work/pods.yaml" <<END
apiVersion: oncache.io/v1alpha1
kind: OverlayCachePolicy
metadata: {name: all}
spec: {}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: idle, namespace: default}
spec:
  replicas: $some
  selector: {matchLabels: {app: idle}}
  template:
    metadata: {labels: {app: idle}}
    spec:
      nodeName: n2
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 0
      containers:
      - {name: idle, image: "oncache.io/busybox:1", imagePullPolicy: Never, command: [sleep, "86400"]}
END
  kubectl apply -f - <"$work/pods.yaml" >/dev/null
  until [[ $(kubectl -n default get deployment idle -o 'jsonpath={.status.readyReplicas}') == "$some" ]]; do
    ((SECONDS - begun < 600)) || { echo "idle.sh: the pods of the cluster did not start within 600 s" >&2; exit 1; }
    sleep 2
  done
  sleep "$settled"
  for command in oncache-agent oncache-operato; do
    for process in $(ours "$command"); do
      report "$process" "$(tr '\0' ' ' <"/proc/$process/cmdline" | awk -v pods="$some" '{
        for (i = 1; i <= NF; i++) if (sub(/^--node=/, "", $i)) { print "agent in a cluster, " ($i == "n2" ? pods " pods" : "few pods"); exit }
        print "operator" }')" >"$work/report.$process" &
    done
  done
  wait
  cat "$work"/report.*
}

in_the_lab
in_a_cluster
