#!/usr/bin/env bash
# Packs the agent, the operator and the lab as OCI image archives with neither registry nor builder: agent and operator as one native
# program each, the lab with its .NET runtime, each with the shared libraries that it loads, nothing else. Load one by
# `ctr --namespace k8s.io images import artifacts/images/oncache-agent.tar`.
set -euo pipefail
cd "$(dirname "$0")/.."

out=artifacts/images
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
base=$work/base

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

# image PROGRAM LIBRARY...: packs what was built of it for an image, with the libraries that it loads by name.
image() {
  local program=$1 built=artifacts/publish/${1#oncache-}-image root=$work/$1 archive=$out/$1.tar tag
  shift
  if [[ $archive -nt $built/$program ]]; then
    return
  fi
  # A tag may not hold the "+commit" that the version of a build in a git checkout ends with.
  tag=$("$built/$program" --version)
  tag=${tag%%+*}
  echo "Packing oncache.io/$program:$tag"
  [[ -f $base.gz ]] || pack_base
  mkdir -p "$root"/usr/{bin,lib}
  cp -r "$built" "$root/usr/lib/$program"
  ln -s "../lib/$program/$program" "$root/usr/bin/$program"
  libraries "$root" "$@"
  eng/pack-image.sh "oncache.io/$program:$tag" "$base.gz,$root" "$archive" "/usr/bin/$program" PATH=/usr/bin
  echo "$archive: $(($(stat -c %s "$archive") >> 20)) MiB"
}

image oncache-agent libbpf.so.1
image oncache-operator
image oncache-lab
