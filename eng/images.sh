#!/usr/bin/env bash
# Packs the agent as an OCI image archive with neither registry nor builder: the agent, the .NET runtime it was built for and
# the shared libraries both load, nothing else. Load it by `ctr --namespace k8s.io images import artifacts/images/oncache-agent.tar`.
set -euo pipefail
cd "$(dirname "$0")/.."

agent=artifacts/bin/oncache-agent
# A tag may not hold the "+commit" that the version of a build in a git checkout ends with.
version=$("$agent" --version)
version=${version%%+*}
name=oncache.io/oncache-agent:$version
out=artifacts/images
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "Packing $name"

root=$work/root
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
runtime=$(dotnet --list-runtimes | awk '$1 == "Microsoft.AspNetCore.App" && $2 ~ /^10\./ { v = $2 } END { print v }')
[[ -n $runtime ]] || { echo "images.sh: no ASP.NET Core 10 runtime in $dotnet" >&2; exit 1; }

install -D "$agent" "$root/usr/bin/oncache-agent"
for part in "host/fxr/$runtime" "shared/Microsoft.NETCore.App/$runtime" "shared/Microsoft.AspNetCore.App/$runtime"; do
  mkdir -p "$root/usr/share/dotnet/$part"
  cp -r "$dotnet/$part/." "$root/usr/share/dotnet/$part"
done

# What is loaded by name at run time, then all that these files are linked to, under the paths the loader looks at.
loaded=()
for library in libbpf.so.1 libssl.so.3 libcrypto.so.3; do
  path=$(ldconfig -p | awk -v name="$library" '$1 == name { print $NF; exit }')
  [[ -n $path ]] || { echo "images.sh: $library is missing" >&2; exit 1; }
  loaded+=("$path")
done
mapfile -t linked < <(
  { printf '%s\n' "${loaded[@]}"; find "$root/usr/bin" "$root/usr/share/dotnet" -type f \( -name '*.so' -o -perm -u+x \); } |
    xargs ldd 2>/dev/null |
    awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\/.*ld-linux/ { print $1 }' | grep -v "^$root" | sort -u
)
for library in "${loaded[@]}" "${linked[@]}"; do
  install -D "$(readlink -f "$library")" "$root$library"
done
mkdir -p "$root"/{etc,proc,sys,run,tmp}
echo 'root:x:0:0:root:/:/sbin/nologin' >"$root/etc/passwd"

eng/pack-image.sh "$name" "$root" "$out/oncache-agent.tar" /usr/bin/oncache-agent PATH=/usr/bin DOTNET_ROOT=/usr/share/dotnet
echo "$out/oncache-agent.tar: $name, $(($(stat -c %s "$out/oncache-agent.tar") >> 20)) MiB"
