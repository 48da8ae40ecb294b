#!/usr/bin/env bash
# Takes OnCache out of the cluster that kubectl talks to, and off its nodes: the agents, which clean their nodes as they end, then what any
# of them has left, then the rest. What is gone already is no error.
set -euo pipefail
cd "$(dirname "$0")/.."

namespace=oncache-system
limit=150

fail() { echo "undeploy.sh: $*" >&2; exit 1; }
command -v kubectl >/dev/null || fail "kubectl is not on PATH: install it, it talks to the cluster"

# pending: a line "NODE|REASON" for each node that is not done; fails while pods are still to be made.
pending() {
  local seen desired list made=0 node finished waiting failed
  list=$(kubectl -n $namespace get daemonset oncache-uninstall -o jsonpath='{.status.observedGeneration} {.status.desiredNumberScheduled}')
  read -r seen desired <<<"$list"
  # Before a controller has seen the DaemonSet, there is no observed generation, and one number only.
  [[ -n $desired && $seen -gt 0 ]] || return 1
  local init='.status.initContainerStatuses[0]'
  list=$(kubectl -n $namespace get pods -l app.kubernetes.io/name=oncache-uninstall -o jsonpath="{range .items[*]}{.spec.nodeName}|\
{.status.conditions[?(@.type=='Initialized')].status}|{$init.state.waiting.reason}|{$init.lastState.terminated.exitCode}{'\n'}{end}")
  while IFS='|' read -r node finished waiting failed; do
    [[ -n $node ]] || continue
    made=$((made + 1))
    [[ $finished == True ]] || echo "$node|${waiting:-no answer}${failed:+, exit status $failed}"
  done <<<"$list"
  ((made >= desired))
}

# In the foreground: gone means that its pods are. A node that is down keeps its pod, and is named below.
kubectl -n $namespace delete daemonset oncache-agent --ignore-not-found --cascade=foreground --timeout=60s || true

kubectl apply --validate=false -f config/default/namespace.yaml
kubectl apply --validate=false -k config/uninstall
status=0
left=
for ((waited = 0; ; waited++)); do
  made=false
  if left=$(pending); then
    made=true
    # A node that cannot get the image has not run the agent.
    if ! grep -q -v -e Image -e '^$' <<<"$left"; then break; fi
  fi
  ((waited < limit)) || break
  sleep 1
done
if ! $made; then
  echo "undeploy.sh: daemonset oncache-uninstall has not got a pod on every node within $limit s: run 'oncache-agent uninstall' on those without" >&2
  status=1
fi
while IFS='|' read -r node why; do
  [[ $why != *Image* ]] || echo "undeploy.sh: node $node has no agent's image ($why), so there is nothing to take off" >&2
done <<<"$left"
left=$(grep -v Image <<<"$left" || true)
if [[ -n $left ]]; then
  echo "undeploy.sh: not taken off $(sed 's/|/ (/; s/$/)/' <<<"$left" | paste -sd' ') within $limit s: run 'oncache-agent uninstall' there" >&2
  status=1
fi

kubectl delete -k config/uninstall --ignore-not-found --timeout=60s
kubectl delete -k config/default --ignore-not-found --timeout=${limit}s ||
  fail "not all is gone after $limit s: docs/operator.md, 'Removing OnCache', says what may hold it up"
exit $status
