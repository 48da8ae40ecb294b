#!/usr/bin/env bash
# Style of the shell scripts, of the eBPF C and of the C#; the analyzers' findings already are errors of the build.
#   eng/lint.sh          all of it; needs the packages of the group lint
#   eng/lint.sh quick    without the C#, and without what the machine has no program for
set -euo pipefail
cd "$(dirname "$0")/.."

# have PROGRAM: whether it is there; only a quick run may do without.
have() {
  command -v "$1" >/dev/null || [[ $tier != quick ]] || { echo "  left out: $1 is not installed"; return 1; }
}

tier=${1:-all}
[[ $tier == all || $tier == quick ]] || { echo "lint.sh: '$tier' is not quick" >&2; exit 2; }

echo "Checking the style of the scripts"
! have shellcheck || shellcheck demo.sh test.sh eng/*.sh model/*.sh .ci/run

if [[ -f .clang-format || -f bpf/.clang-format ]]; then
  echo "Checking the style of bpf/"
  ! have clang-format || clang-format --dry-run --Werror bpf/*.[ch]
fi

# Who completes one would go on with what waits for it, on its own thread: a test once waited for the thread that it ran on.
echo "Checking that whoever waits for a TaskCompletionSource goes on elsewhere"
if grep -rnE --include='*.cs' --exclude-dir=obj --exclude-dir=bin '(new TaskCompletionSource(<[^>]*>)?|TaskCompletionSource(<[^>]*>)? \w+ = new)\((\)|[^T])' agent api kubernetes lab operator tests; then
  echo "lint.sh: give these TaskCreationOptions.RunContinuationsAsynchronously" >&2
  exit 1
fi

echo "Checking that docs/kubernetes.md has a reason for each file of kubernetes/"
for file in kubernetes/[A-Z]*/*.cs; do
  name=$(basename "$file" .cs)
  grep -q "\`$name\`" docs/kubernetes.md ||
    { echo "lint.sh: $file: docs/kubernetes.md does not say why it is not the library's" >&2; exit 1; }
done

echo "Checking that the patches of tests/sabotage apply"
eng/sabotage.sh check

[[ $tier == all ]] || exit 0
echo "Checking the style of the C#"
dotnet format OnCache.sln --verify-no-changes --no-restore
