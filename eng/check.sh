#!/usr/bin/env bash
# The fast tier: build with analyzers, format of what has changed, lint, and the tests that need no root. Installs nothing and needs no root.
# What counts as changed is what differs from the commit BASE (HEAD), and what git does not know yet.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "check.sh: $*" >&2; exit 1; }
base=${BASE:-HEAD}
for program in dotnet make clang llvm-strip git pkill; do
  command -v "$program" >/dev/null || fail "$program is missing: install the .NET 10 SDK and Debian's make, clang, llvm, libbpf-dev, git and procps"
done
[[ -f /usr/include/bpf/bpf_helpers.h ]] || fail "bpf/bpf_helpers.h is missing: install Debian's libbpf-dev"
git rev-parse --verify --quiet "$base^{commit}" >/dev/null || fail "BASE: '$base' is not a commit of this repository"

# Programs that run for seconds do not win back what profiling them costs.
export DOTNET_TieredPGO=0
# Looking for packages takes seconds too, and is needed only where a list of them has changed.
restore=(--no-restore)
for project in api agent kubernetes lab operator tests/*/; do
  list=${project%/}/obj/project.assets.json
  [[ $project == tests/* && ! -e $(echo "$project"*.csproj) || $list -nt Directory.Packages.props && $list -nt $(echo "${project%/}"/*.csproj) ]] || restore=()
done

echo "Building"
# One compiler for all projects takes two thirds of the time of one each; it would outlive the build and hold memory.
compiler=oncache-check-$$ lint=$(mktemp)
trap 'pkill -f "pipename:$compiler" || true; rm -f "$lint"' EXIT
# Without the other builds of the agent, which no analyzer looks at and only root's tests run.
eng/lint.sh quick >"$lint" 2>&1 &
dotnet build eng/check.slnf "${restore[@]}" -c Release --nologo --verbosity quiet -p:AgentVariants=false -p:SharedCompilationId="$compiler"
wait $! || { cat "$lint"; fail "lint found something"; }
cat "$lint"

mapfile -t changed < <({ git diff --name-only --diff-filter=d "$base" && git ls-files --others --exclude-standard; } | sort -u)
# of PATTERN: the changed files that match.
of() { printf '%s\n' "${changed[@]}" | grep -E "$1" || true; }

mapfile -t sources < <(of '\.cs$')
if ((${#sources[@]} == 0)); then
  echo "No C# file differs from $base: none to check the format of"
else
  echo "Checking the format of ${#sources[@]} changed C# files"
  # Whitespace alone: everything else is an analyzer's, and the build has just run those.
  dotnet format whitespace . --folder --verify-no-changes --include "${sources[@]}"
fi
echo "Checking that config/crd is what the types say"
eng/manifests.sh --check --built
eng/run-tests.sh pure
