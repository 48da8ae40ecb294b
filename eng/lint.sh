#!/usr/bin/env bash
# Style of C#, of the shell scripts and of the eBPF C; the analyzers' findings already are errors of the build.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "Checking the style of the scripts"
shellcheck demo.sh test.sh eng/*.sh model/*.sh .ci/run

if [[ -f .clang-format || -f bpf/.clang-format ]]; then
  echo "Checking the style of bpf/"
  clang-format --dry-run --Werror bpf/*.[ch]
fi

echo "Checking the style of the C#"
dotnet format OnCache.sln --verify-no-changes --no-restore
