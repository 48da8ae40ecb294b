#!/usr/bin/env bash
# The demo: ./demo.sh [cluster|overlay|--use-cluster [--yes] [--keep]]. Installs what it needs; root and the .NET 10 SDK are the only
# prerequisites.
#   cluster        a real two-node Kubernetes on this machine, built the first time; OnCache by kubectl, before and after (the default)
#   overlay        two nodes in network namespaces without Kubernetes, before and after, in about a minute
#   --use-cluster  in the cluster that KUBECONFIG names, after asking; --yes asks nothing, --keep leaves OnCache installed
set -euo pipefail
cd "$(dirname "$0")"

misused() { echo "demo.sh: $*" >&2; exit 2; }

demo=${1:-cluster}
shift || true
options=()
case $demo in
  overlay | cluster) (($# == 0)) || misused "$1 is no option of the $demo demo" ;;
  --use-cluster)
    for option in "$@"; do
      [[ $option == --yes || $option == --keep ]] || misused "$option is no option of --use-cluster; use --yes or --keep"
      options+=("$option")
    done
    [[ -n ${KUBECONFIG:-} ]] || misused "KUBECONFIG is not set: export the path of the kubeconfig of the cluster to use"
    [[ -t 0 || " ${options[*]-} " == *" --yes "* ]] || misused "standard input is no terminal, so nobody can be asked: add --yes to go on without"
    ;;
  *) misused "$demo is not a demo; use cluster, overlay or --use-cluster" ;;
esac

eng/prerequisites.sh
[[ $demo != cluster ]] || eng/cluster-prerequisites.sh
eng/packages.sh build
case $demo in
  overlay) exec make --no-print-directory demo-overlay ;;
  cluster) exec make --no-print-directory demo ;;
  *) exec make --no-print-directory demo-use-cluster DEMO_OPTIONS="${options[*]-}" ;;
esac
