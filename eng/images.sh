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

# Same content, same digests: names sorted, no times, no owners.
pack() { tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu --directory "$1" .; }
layout=$work/layout
mkdir -p "$layout/blobs/sha256" "$out"
digest() { sha256sum "$1" | cut -d' ' -f1; }
# blob FILE: puts the file into the layout and prints its digest.
blob() { local d; d=$(digest "$1"); mv "$1" "$layout/blobs/sha256/$d"; echo "$d"; }
size() { stat -c %s "$layout/blobs/sha256/$1"; }

pack "$root" >"$work/layer.tar"
diff_id=$(digest "$work/layer.tar")
gzip -n -6 "$work/layer.tar"
layer=$(blob "$work/layer.tar.gz")

cat >"$work/config.json" <<JSON
{"architecture":"amd64","os":"linux",
 "config":{"Entrypoint":["/usr/bin/oncache-agent"],"Env":["PATH=/usr/bin","DOTNET_ROOT=/usr/share/dotnet"],
  "Labels":{"org.opencontainers.image.title":"oncache-agent","org.opencontainers.image.version":"$version","org.opencontainers.image.licenses":"Apache-2.0"}},
 "rootfs":{"type":"layers","diff_ids":["sha256:$diff_id"]}}
JSON
config=$(blob "$work/config.json")
cat >"$work/manifest.json" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
 "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config","size":$(size "$config")},
 "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:$layer","size":$(size "$layer")}]}
JSON
manifest=$(blob "$work/manifest.json")
cat >"$layout/index.json" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",
 "manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$manifest","size":$(size "$manifest"),
  "platform":{"architecture":"amd64","os":"linux"},
  "annotations":{"io.containerd.image.name":"$name","org.opencontainers.image.ref.name":"$version"}}]}
JSON
echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
pack "$layout" >"$out/oncache-agent.tar"
echo "$out/oncache-agent.tar: $name, $(($(stat -c %s "$out/oncache-agent.tar") >> 20)) MiB"
