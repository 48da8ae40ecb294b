#!/usr/bin/env bash
# Packs the agent, the operator and the lab as OCI image archives with neither registry nor builder: each with its .NET runtime and the
# shared libraries both load, nothing else. Load one by
# `ctr --namespace k8s.io images import artifacts/images/oncache-agent.tar`.
set -euo pipefail
cd "$(dirname "$0")/.."

out=artifacts/images
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
version=$(dotnet --list-runtimes | awk '$1 == "Microsoft.AspNetCore.App" && $2 ~ /^10\./ { v = $2 } END { print v }')
[[ -n $version ]] || { echo "images.sh: no ASP.NET Core 10 runtime in $dotnet" >&2; exit 1; }

base=$work/base
runtime=$work/runtime

# libraries ROOT LIBRARY...: the libraries, loaded by name, and all that they and the programs below ROOT are linked to, under the
# paths where the loader looks; without those that the base has.
libraries() {
  local root=$1 library path
  local -a loaded=() linked=()
  shift
  for library in "$@"; do
    path=$(ldconfig -p | awk -v name="$library" '$1 == name && !path { path = $NF } END { print path }')
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
  mkdir -p "$base"/{etc,proc,sys,run,tmp}
  libraries "$base" libssl.so.3 libcrypto.so.3
  printf '%s\n' 'root:x:0:0:root:/:/sbin/nologin' 'nonroot:x:65532:65532:nonroot:/:/sbin/nologin' >"$base/etc/passwd"
  eng/pack-image.sh layer "$base" "$base.gz"
}

# The runtime, for programs that come without one: another layer that they share.
pack_runtime() {
  local part
  for part in "host/fxr/$version" "shared/Microsoft.NETCore.App/$version" "shared/Microsoft.AspNetCore.App/$version"; do
    mkdir -p "$runtime/usr/share/dotnet/$part"
    cp -r "$dotnet/$part/." "$runtime/usr/share/dotnet/$part"
  done
  libraries "$runtime"
  eng/pack-image.sh layer "$runtime" "$runtime.gz"
}

# image BUILT LIBRARY...: packs the program BUILT with the libraries that it loads by name. A program that brings its runtime is taken
# with all that lies beside it.
image() {
  local built=$1 program=${1##*/} root=$work/${1##*/} archive=$out/${1##*/}.tar layers=$base.gz tag
  shift
  if [[ $archive -nt $built ]]; then
    return
  fi
  # A tag may not hold the "+commit" that the version of a build in a git checkout ends with.
  tag=$("$built" --version)
  tag=${tag%%+*}
  echo "Packing oncache.io/$program:$tag"
  [[ -f $base.gz ]] || pack_base
  mkdir -p "$root/usr/bin"
  if [[ -e ${built%/*}/libcoreclr.so ]]; then
    mkdir -p "$root/usr/lib/$program"
    cp -r "${built%/*}/." "$root/usr/lib/$program"
    ln -s "../lib/$program/$program" "$root/usr/bin/$program"
  else
    [[ -f $runtime.gz ]] || pack_runtime
    layers+=,$runtime.gz
    install "$built" "$root/usr/bin/$program"
  fi
  libraries "$root" "$@"
  eng/pack-image.sh "oncache.io/$program:$tag" "$layers,$root" "$archive" "/usr/bin/$program" PATH=/usr/bin DOTNET_ROOT=/usr/share/dotnet
  echo "$archive: $(($(stat -c %s "$archive") >> 20)) MiB"
}

image artifacts/publish/agent-image/oncache-agent libbpf.so.1
image artifacts/bin/oncache-operator
image artifacts/bin/oncache-lab
