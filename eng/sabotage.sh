#!/usr/bin/env bash
# Tests the tests. Each patch of tests/sabotage breaks one property: it is applied to a copy of the working tree, built, and the tests that
# it names are run there. A patch that those tests do not notice fails, and so does one that does not apply or build.
#   eng/sabotage.sh            all of them, as root
#   eng/sabotage.sh NAME...    some
#   eng/sabotage.sh check      only whether each applies to the working tree, and names its property and tests
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "sabotage.sh: $*" >&2; exit 1; }
patches=tests/sabotage
out=artifacts/sabotage
copy=$out/tree
# Beyond it a test hangs, and a test that hangs says nothing.
limit=600

# property PATCH, tests PATCH: what stands before the diff. Each line of tests is a project and the filter of what must fail.
property() { sed -n 1p "$1"; }
tests() { sed -n '/^diff /q; s/^Tests: //p' "$1"; }
# folder PROJECT: where it is.
folder() { dirname "tests/"*"/$1.csproj"; }

if [[ ${1:-} == check ]]; then
  status=0
  for patch in "$patches"/*.patch; do
    problem=
    git apply --check "$patch" || problem="does not apply"
    [[ -n $(property "$patch") ]] || problem="names no property in its first line"
    [[ -n $(tests "$patch") ]] || problem="names no tests"
    while read -r project _; do
      [[ -f $(folder "$project")/$project.csproj ]] || problem="names no project of tests: $project"
    done < <(tests "$patch")
    [[ -z $problem ]] || { echo "$patch $problem: whoever changes the code mends the patch" >&2; status=1; }
  done
  exit "$status"
fi

((EUID == 0)) || fail "root is needed, as for the tests"
if (($# > 0)); then
  chosen=("${@/#/$patches/}")
  chosen=("${chosen[@]/%/.patch}")
else
  chosen=("$patches"/*.patch)
fi
for patch in "${chosen[@]}"; do [[ -f $patch ]] || fail "there is no $patch"; done
# By project, so that what one patch had built serves the next.
mapfile -t chosen < <(for patch in "${chosen[@]}"; do echo "$(tests "$patch" | head -n 1 | cut -d ' ' -f 1) $patch"; done | sort | cut -d ' ' -f 2)

mkdir -p "$copy" "$out/logs"
git_dir=$(git rev-parse --absolute-git-dir)
# The tree as it is, what git does not know yet included, under an index that is not the checkout's.
snapshot() {
  local index=$out/snapshot
  rm -f "$index"
  GIT_INDEX_FILE=$index git add --all . >/dev/null
  GIT_INDEX_FILE=$index git write-tree
  rm -f "$index"
}
in_copy() { GIT_DIR=$git_dir GIT_WORK_TREE=$PWD/$copy GIT_INDEX_FILE=$PWD/$out/index git "$@"; }
# Writes only what differs, so builds go on where they were; what a run that was ended has left goes too.
restore() { in_copy update-index -q --really-refresh >/dev/null || true; in_copy read-tree --reset -u "$tree"; }
tree=$(snapshot)
restore

# Kubernetes' components are the machine's.
mkdir -p "$copy/artifacts"
for shared in kubernetes images; do [[ ! -d artifacts/$shared ]] || ln -sfn "../../../$shared" "$copy/artifacts/$shared"; done

# One compiler for all builds; it would outlive them and hold memory.
compiler=oncache-sabotage-$$
trap 'pkill -f "pipename:$compiler" || true; restore' EXIT
# build PROJECT [OPTION...]: what an analyzer would have said does not count, the tests have to.
build() {
  (cd "$copy" && dotnet build "$(folder "$1")" "${@:2}" -c Release --nologo --verbosity quiet -p:RunAnalyzers=false -p:EnforceCodeStyleInBuild=false \
    -p:AgentVariants="$([[ $1 == OnCache.EndToEnd ]] && echo true || echo false)" -p:SharedCompilationId="$compiler")
}

# run LOG PROJECT FILTER...: sets failed and passed, how many tests did; ended, how the program did.
run() {
  local log=$1 project=$2
  shift 2
  ended=0
  (cd "$copy" && timeout --kill-after=10 "$limit" env --unset=ONCACHE_TESTED_AGENT --default-signal=INT,QUIT "$(folder "$project")/bin/Release/net10.0/linux-x64/$project" "$@" \
    --stop-on-fail on --no-progress --no-ansi --results-directory "$PWD/artifacts/results") >"$log" 2>&1 </dev/null || ended=$?
  # The summary's lines read "  failed: 0", "  succeeded: 12".
  count() { awk -v key="$1:" '$1 == key { n = $2 } END { print n + 0 }' "$log"; }
  failed=$(count failed) passed=$(count succeeded)
}

echo "Running the named tests without a patch"
mapfile -t selections < <(for patch in "${chosen[@]}"; do tests "$patch"; done | sort -u)
built=
for selection in "${selections[@]}"; do
  read -ra words <<<"$selection"
  log=$out/logs/unchanged.log
  [[ $built == "${words[0]}" ]] || build "${words[0]}" >"$log" 2>&1 || { cat "$log"; fail "${words[0]} does not build without a patch"; }
  built=${words[0]}
  run "$log" "${words[@]}"
  ((ended == 0 && passed > 0)) || { cat "$log"; fail "without a patch, '$selection' ended with $ended, $passed passed: nothing can be said by it"; }
done

# judge PATCH: the outcome, in one word or a few.
judge() {
  local patch=$1 log=$2 selection words
  git apply --directory="$copy" "$patch" >"$log" 2>&1 || { echo "DOES NOT APPLY"; return; }
  while read -r selection; do
    read -ra words <<<"$selection"
    build "${words[0]}" --no-restore >"$log" 2>&1 || { echo "DOES NOT BUILD"; return; }
    run "$log" "${words[@]}"
    ((ended != 124)) || { echo "HANGS"; return; }
    ((failed > 0 || ended == 0)) || { echo "NO RESULT"; return; }
    ((failed > 0)) || { echo "SURVIVED"; return; }
  done < <(tests "$patch")
  echo "noticed"
}

declare -A sum=()
for patch in "${chosen[@]}"; do
  name=$(basename "$patch" .patch)
  outcome=$(judge "$patch" "$out/logs/$name.log")
  restore
  sum[$outcome]=$((${sum[$outcome]:-0} + 1))
  echo "$outcome  $name  $(property "$patch")"
done
noticed=${sum[noticed]:-0}
echo "$noticed of ${#chosen[@]} noticed"
((noticed == ${#chosen[@]})) || { echo "What each built and ran: $out/logs" >&2; exit 1; }
