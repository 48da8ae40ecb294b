#!/usr/bin/env bash
# Writes config/crd from the C# types in api/.
#   --check   only says what would change, and fails then
#   --built   the operator was built just now
set -euo pipefail
cd "$(dirname "$0")/.."

options=() built=false
for option in "$@"; do
  if [[ $option == --built ]]; then built=true; else options+=("$option"); fi
done

# The build output and not the single file that is shipped: descriptions come from the XML documentation beside it.
$built || dotnet build operator/OnCache.Operator.csproj -c Release --nologo --verbosity quiet -p:UseSharedCompilation=false
operator/bin/Release/net10.0/linux-x64/oncache-operator crds --output config/crd "${options[@]}"
