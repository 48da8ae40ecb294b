#!/usr/bin/env bash
# Builds the agent as it was at a commit, beside the present one, and prints where it is. What was built is kept, by commit and compilers.
#   eng/build-agent.sh COMMIT
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "build-agent.sh: $1" >&2; exit "${2:-1}"; }

(($# == 1)) || fail "name one commit, as in eng/build-agent.sh HEAD~1" 2
commit=$(git rev-parse --verify --quiet "$1^{commit}") || fail "'$1' is not a commit of this repository" 2
# Another compiler makes another agent.
tools=$({ dotnet --version && clang --version; } | sha256sum | cut -c1-12)
program=artifacts/builds/$commit-$tools/oncache-agent
if [[ ! -x $program ]]; then
  echo "Building oncache-agent of $(git log -1 --format='%h (%s)' "$commit")" >&2
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/source"
  git archive "$commit" | tar --extract --directory "$work/source"
  dotnet publish "$work/source/agent" -c Release -o "$work/published" --nologo --verbosity quiet -p:UseSharedCompilation=false >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; fail "the agent of $1 does not build"; }
  install -D "$work/published/oncache-agent" "$program"
fi
echo "$program"
