#!/usr/bin/env bash
# Packs the agent, the operator and the lab as OCI image archives with neither registry nor builder: each with the .NET runtime it was
# built for and the shared libraries both load, nothing else. Load one by
# `ctr --namespace k8s.io images import artifacts/images/oncache-agent.tar`.
set -euo pipefail
cd "$(dirname "$0")/.."

out=artifacts/images
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
runtime=$(dotnet --list-runtimes | awk '$1 == "Microsoft.AspNetCore.App" && $2 ~ /^10\./ { v = $2 } END { print v }')
[[ -n $runtime ]] || { echo "images.sh: no ASP.NET Core 10 runtime in $dotnet" >&2; exit 1; }

base=$work/base
layer=$work/base.gz

# libraries ROOT LIBRARY...: the libraries, loaded by name, and all that they and the programs below ROOT are linked to, under the
# paths where the loader looks; without those that the base has.
libraries() {
  local root=$1 library path
  local -a loaded=() linked=()
  shift
  for library in "$@"; do
    path=$(ldconfig -p | awk -v name="$library" '$1 == name { print $NF; exit }')
    [[ -n $path ]] || { echo "images.sh: $library is missing" >&2; exit 1; }
    loaded+=("$path")
  done
  mapfile -t linked < <(
    { printf '%s\n' "${loaded[@]}"; find "$root" -type f \( -name '*.so' -o -perm -u+x \); } |
      xargs ldd 2>/dev/null |
      awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\/.*ld-linux/ { print $1 }' | grep -v "^$root" | sort -u
  )
  for library in "${loaded[@]}" "${linked[@]}"; do
    [[ -e $base$library ]] || install -D "$(readlink -f "$library")" "$root$library"
  done
}

# What all three share, as a layer of its own: a node unpacks and keeps it once.
pack_base() {
  local part
  for part in "host/fxr/$runtime" "shared/Microsoft.NETCore.App/$runtime" "shared/Microsoft.AspNetCore.App/$runtime"; do
    mkdir -p "$base/usr/share/dotnet/$part"
    cp -r "$dotnet/$part/." "$base/usr/share/dotnet/$part"
  done
  libraries "$base" libssl.so.3 libcrypto.so.3
  mkdir -p "$base"/{etc,proc,sys,run,tmp}
  printf '%s\n' 'root:x:0:0:root:/:/sbin/nologin' 'nonroot:x:65532:65532:nonroot:/:/sbin/nologin' >"$base/etc/passwd"
  eng/pack-image.sh layer "$base" "$layer"
}

# image PROGRAM LIBRARY...: packs artifacts/bin/PROGRAM with the libraries that it loads by name.
image() {
  local program=$1 binary=artifacts/bin/$1 root=$work/$1 archive=$out/$1.tar version
  shift
  if [[ $archive -nt $binary ]]; then
    return
  fi
  # A tag may not hold the "+commit" that the version of a build in a git checkout ends with.
  version=$("$binary" --version)
  version=${version%%+*}
  echo "Packing oncache.io/$program:$version"
  [[ -f $layer ]] || pack_base
  install -D "$binary" "$root/usr/bin/$program"
  libraries "$root" "$@"
  eng/pack-image.sh "oncache.io/$program:$version" "$layer,$root" "$archive" "/usr/bin/$program" PATH=/usr/bin DOTNET_ROOT=/usr/share/dotnet
  echo "$archive: $(($(stat -c %s "$archive") >> 20)) MiB"
}

image oncache-agent libbpf.so.1
image oncache-operator
image oncache-lab
