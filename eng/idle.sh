#!/usr/bin/env bash
# What an agent costs that has nothing to do, with the pods of a full node: the time until it is ready, its memory, its CPU time, and how
# often each of its threads wakes.
#   eng/idle.sh [PROGRAM [PODS [SECONDS]]]     the program of `make images`, 110 pods, 60 s
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:-artifacts/publish/agent-image/oncache-agent}") pods=${2:-110} seconds=${3:-60}
lab=artifacts/bin/oncache-lab
[[ -x $program && -x $lab ]] || { echo "idle.sh: $program or $lab is missing: run make images" >&2; exit 1; }

"$lab" up --name idle --nodes 2 --pods "$pods" >/dev/null
trap '"$lab" down --name idle >/dev/null' EXIT

# shellcheck disable=SC2016  # bash of the node expands it
"$lab" exec n1 --name idle -- bash -c '
  program=$1 seconds=$2 state=/run/oncache-lab/idle
  ready() {
    { exec 3<>/dev/tcp/127.0.0.1/9471; } 2>/dev/null || return 1
    printf "GET /readyz HTTP/1.1\r\nHost: n1\r\nConnection: close\r\n\r\n" >&3
    read -r _ code _ <&3
    exec 3>&-
    [[ $code == 200 ]]
  }
  microseconds() { echo "${EPOCHREALTIME/[.,]/}"; }
  begun=$(microseconds)
  # As config/agent has it.
  DOTNET_GCgen0size=0x200000 "$program" run --config "$state/n1.yaml" --pin-root "$state/bpf/n1" --socket "$state/n1.sock" --health 127.0.0.1:9471 >"$state/n1.log" 2>&1 &
  agent=$!
  trap "kill $agent; wait $agent" EXIT
  until ready; do kill -0 "$agent" && ((SECONDS < 120)) || { cat "$state/n1.log"; exit 1; }; done
  echo "ready after $((($(microseconds) - begun) / 1000)) ms"

  # What a start leaves to do is done, and its memory is given back.
  sleep 45
  # NAME NANOSECONDS SWITCHES of each thread, sorted by its number.
  look() {
    for thread in /proc/$agent/task/*; do
      read -r cpu _ <"$thread/schedstat"
      echo "${thread##*/} $(tr " " - <"$thread/comm") $cpu $(awk "/ctxt_switches/ { n += \$2 } END { print n }" "$thread/status")"
    done 2>/dev/null
  }
  before=$(look)
  sleep "$seconds"
  after=$(look)
  awk "/^VmRSS/ { printf \"resident %.1f MB\n\", \$2 * 1024 / 1e6 } /^RssAnon/ { printf \"  of it its own %.1f MB\n\", \$2 * 1024 / 1e6 }" "/proc/$agent/status"
  awk -v seconds="$seconds" "NR == FNR { cpu[\$1] = \$3; switches[\$1] = \$4; next }
    { used = \$3 - cpu[\$1]; woken = \$4 - switches[\$1]; all += used; wakes += woken
      if (woken) lines = lines sprintf(\"  %-16s %6.2f a second, %8.4f %% of a core\n\", \$2, woken / seconds, used / seconds / 1e7) }
    END { printf \"idle %.4f %% of a core, woken %.2f times a second\n%s\", all / seconds / 1e7, wakes / seconds, lines }" <(echo "$before") <(echo "$after")
' idle "$program" "$seconds"
