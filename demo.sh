#!/usr/bin/env bash
# The demo on this machine: ./demo.sh [overlay]. Installs what it needs; root and the .NET 10 SDK are the only prerequisites.
set -euo pipefail
cd "$(dirname "$0")"

case ${1:-overlay} in
  overlay) target=demo ;;
  *) echo "demo.sh: $1 is not a demo; use overlay" >&2; exit 2 ;;
esac

eng/prerequisites.sh
eng/packages.sh build
exec make --no-print-directory "$target"
