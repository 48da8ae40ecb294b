#!/usr/bin/env bash
# The demo on this machine: ./demo.sh [overlay|cluster]. Installs what it needs; root and the .NET 10 SDK are the only prerequisites.
# overlay: two nodes in network namespaces, before and after, in about a minute. cluster: the same in a real Kubernetes of two nodes.
set -euo pipefail
cd "$(dirname "$0")"

case ${1:-overlay} in
  overlay) target=demo ;;
  cluster) target=demo-cluster ;;
  *) echo "demo.sh: $1 is not a demo; use overlay or cluster" >&2; exit 2 ;;
esac

eng/prerequisites.sh
eng/packages.sh build
exec make --no-print-directory "$target"
