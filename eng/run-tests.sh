#!/usr/bin/env bash
# Runs every test project and sums up: the ten slowest classes, the time against its budget, the tests that failed, and last
# "N passed, N failed", with ", N skipped" when tests were skipped. Fails when a test does or none ran.
#   eng/run-tests.sh          all of it, as root
#   eng/run-tests.sh pure     what needs neither root nor network namespaces; the rest skips itself
set -euo pipefail
cd "$(dirname "$0")/.."

results=artifacts/tests
budget_minutes=40
# A part that hangs is ended, long after what any takes, and its log names the tests that had not ended.
longest_minutes=45 longest_test_seconds=480
mkdir -p "$results"

tier=${1:-all}
case $tier in
  all) as=() ;;
  pure)
    results=$(mktemp -d)
    trap 'rm -rf "$results"' EXIT
    chmod 777 "$results"
    # Tests find out by themselves that they may not: as root they have to be nobody for that.
    as=()
    if ((EUID == 0)); then
      as=(env HOME="$results" setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs)
      if ! "${as[@]}" dotnet --list-runtimes >/dev/null 2>&1 || ! "${as[@]}" test -r "$PWD/global.json"; then
        echo "run-tests.sh: no other user can read $PWD and run dotnet: run this as the user who owns the checkout, or move it" >&2
        exit 1
      fi
    fi
    ;;
  *) echo "run-tests.sh: '$tier' is not a tier; leave it out, or use pure" >&2; exit 2 ;;
esac

# What runs: projects, each as a whole or in parts that have all its tests: NAME, or NAME+NAMESPACE for each of some and NAME-NAMESPACE-...
# for the rest. Two lanes beside each other, about as long: what computes and then what lives in network namespaces, which waits for packets
# and timers; and beside it what waits for clusters and their kubelets, with labs that are left over.
labs=(
  OnCache.Api.Tests OnCache.Kubernetes.Tests OnCache.Operator.Tests OnCache.Model.Tests OnCache.Agent.Tests
  OnCache.EndToEnd-OnCache.EndToEnd.Cluster-OnCache.EndToEnd.Differences
)
clusters=(OnCache.Lab.Tests OnCache.EndToEnd+OnCache.EndToEnd.Cluster OnCache.EndToEnd+OnCache.EndToEnd.Differences)
if [[ $tier == pure ]]; then
  # But for the model: checking it takes minutes.
  labs=(OnCache.Operator.Tests OnCache.Agent.Tests OnCache.Api.Tests)
  clusters=(OnCache.Lab.Tests OnCache.EndToEnd OnCache.Kubernetes.Tests)
fi
all=("${labs[@]}" "${clusters[@]}")

# run PART: into PART.log, PART.status and a report of its tests' times.
run() {
  local part=$1 name=${1%%[+-]*} program status=0 filter=() rest
  echo "Testing $part"
  case $part in
    *+*) filter=(--filter-namespace "${part#*+}") ;;
    *-*) IFS=- read -ra rest <<<"${part#*-}"; filter=(--filter-not-namespace "${rest[@]}") ;;
  esac
  program=$(echo tests/*/bin/Release/net10.0/linux-x64/"$name")
  # A background job of a shell ignores interrupts, and so would all that the tests start and interrupt.
  "${as[@]}" env --default-signal=INT,QUIT timeout --foreground --signal=INT --kill-after=60 "${longest_minutes}m" \
    "$program" "${filter[@]}" --long-running "$longest_test_seconds" --xunit-diagnostics on --no-progress --no-ansi --results-directory "$results/$part" \
    --report-xunit --report-xunit-filename report.xml >"$results/$part.log" 2>&1 </dev/null || status=$?
  echo "$status" >"$results/$part.status"
}
lane() { for part in "$@"; do run "$part"; done; }

started=$SECONDS
rm -f "$results"/*.status "$results"/*/report.xml
lane "${labs[@]}" &
lane "${clusters[@]}" &
wait

passed=0 failed=0 skipped=0
for name in "${all[@]}"; do
  log=$results/$name.log status=$(cat "$results/$name.status" 2>/dev/null || echo 1)
  # The summary's lines read "  total: 12", "  failed: 0", "  succeeded: 12", "  skipped: 0".
  count() { awk -v key="$1:" '$1 == key { n = $2 } END { print n + 0 }' "$log"; }
  passed=$((passed + $(count succeeded))) failed=$((failed + $(count failed))) skipped=$((skipped + $(count skipped)))

  # 8: the project holds no test yet.
  if ((status != 0 && status != 8)); then
    # Hundreds skip themselves in the pure tier.
    if [[ $tier == all ]]; then cat "$log"; else awk '/^skipped /{ skip = 1; next } /^[a-z]/{ skip = 0 } !skip' "$log"; fi
    if (($(count failed) == 0)); then
      hung=$(grep '^\[Long Running Test\]' "$log" | tail -n 3 || true)
      printf '%s\n' "failed $name ended with exit status $status and no failed test" ${hung:+"$hung"} | tee -a "$log"
      failed=$((failed + 1))
    fi
  elif (($(count skipped) > 0)) && [[ $tier == all ]]; then
    grep -i '^ *skipped ' -A1 "$log" || true
  fi
done

# Every project there is must have been named above, and every part of it.
for part in "${all[@]}"; do
  [[ $part == *-* ]] || continue
  IFS=- read -ra rest <<<"${part#*-}"
  for namespace in "${rest[@]}"; do
    one=${part%%-*}+$namespace
    [[ " ${all[*]} " == *" $one "* ]] || { echo "$one was not run: eng/run-tests.sh does not name it"; failed=$((failed + 1)); }
  done
done
for project in tests/*/OnCache.*.csproj; do
  name=$(basename "$project" .csproj)
  [[ " ${all[*]%%[+-]*} " == *" $name "* || $tier/$name == pure/OnCache.Model.Tests ]] || { echo "$name was not run: eng/run-tests.sh does not name it"; failed=$((failed + 1)); }
done

if [[ $tier == all ]]; then
  echo "The ten slowest classes, seconds of their tests:"
  # A project that crashed has no report.
  { cat "$results"/*/report.xml 2>/dev/null | grep -o '<test [^>]*>' || true; } |
    awk 'match($0, / type="[^"]*"/) { class = substr($0, RSTART + 7, RLENGTH - 8) }
      match($0, / time="[^"]*"/) { sum[class] += substr($0, RSTART + 7, RLENGTH - 8) }
      END { for (class in sum) printf "%8.1f  %s\n", sum[class], class }' | sort -rn | awk 'NR <= 10'
  minutes=$(((SECONDS - started + 59) / 60))
  echo "The tests took $minutes of $budget_minutes minutes"
  ((minutes <= budget_minutes)) || echo "That is over the budget: make a slow class faster before adding to it"
fi

# Once more, at the end: where only the last lines of a run are kept, they say what is to be looked at.
for name in "${all[@]}"; do
  grep --no-group-separator -A6 '^failed ' "$results/$name.log" || true
done

((passed + failed > 0)) || { echo "no test ran"; failed=1; }
summary="$passed passed, $failed failed"
((skipped == 0)) || summary+=", $skipped skipped"
tee "$results/summary" <<<"$summary"
((failed == 0))
