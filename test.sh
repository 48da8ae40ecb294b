#!/usr/bin/env bash
# Every test on this machine. Installs what it needs; root and the .NET 10 SDK are the only prerequisites.
# The last line is "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")"

eng/prerequisites.sh
eng/packages.sh build

# make speaks last when a target fails; say the sum again then.
summary=artifacts/tests/summary
rm -f "$summary"
status=0
make --no-print-directory test || status=$?
((status == 0)) || cat "$summary" 2>/dev/null || echo "0 passed, 1 failed"
exit "$status"
