#!/usr/bin/env bash
# Checks the two things that cannot be installed from here: root and the .NET 10 SDK.
set -euo pipefail

((EUID == 0)) || { echo "oncache: root is needed (network namespaces, eBPF): run this as root or under sudo" >&2; exit 1; }
dotnet=$(command -v dotnet) || { echo "oncache: the .NET 10 SDK is missing: install it from https://dot.net and put dotnet on PATH" >&2; exit 1; }

# Looking at its folders takes a millisecond where asking it takes a tenth of a second.
root=$(dirname "$(readlink -f "$dotnet")")
compgen -G "$root/sdk/10.*" >/dev/null ||
  { echo "oncache: $root has no .NET 10 SDK: install one from https://dot.net" >&2; exit 1; }
