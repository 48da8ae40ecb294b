#!/usr/bin/env bash
# Runs every test project, one after another since live tests share the cores, and sums up.
# The last line is "N passed, N failed", with ", N skipped" when tests were skipped. Fails when a test does or none ran.
set -euo pipefail
cd "$(dirname "$0")/.."

passed=0 failed=0 skipped=0
results=artifacts/tests
mkdir -p "$results"

# Projects of another name are not tests: what tests upgrade to, for one.
for project in tests/*/OnCache.*.csproj; do
  name=$(basename "$project" .csproj)
  program="tests/$(basename "$(dirname "$project")")/bin/Release/net10.0/linux-x64/$name"
  log="$results/$name.log"
  echo "Testing $name"
  status=0
  # A background job of a shell ignores interrupts, and so would all that the tests start and interrupt.
  env --default-signal=INT,QUIT "$program" --no-progress --no-ansi --results-directory "$results/$name" >"$log" 2>&1 </dev/null || status=$?

  # The summary's lines read "  total: 12", "  failed: 0", "  succeeded: 12", "  skipped: 0".
  count() { awk -v key="$1:" '$1 == key { n = $2 } END { print n + 0 }' "$log"; }
  passed=$((passed + $(count succeeded))) failed=$((failed + $(count failed))) skipped=$((skipped + $(count skipped)))

  # 8: the project holds no test yet.
  if ((status != 0 && status != 8)); then
    cat "$log"
    if (($(count failed) == 0)); then
      echo "$name ended with exit status $status and no failed test"
      failed=$((failed + 1))
    fi
  elif (($(count skipped) > 0)); then
    grep -i '^ *skipped ' -A1 "$log" || true
  fi
done

((passed + failed > 0)) || { echo "no test ran"; failed=1; }
summary="$passed passed, $failed failed"
((skipped == 0)) || summary+=", $skipped skipped"
tee "$results/summary" <<<"$summary"
((failed == 0))
