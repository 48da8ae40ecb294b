#!/usr/bin/env bash
# Packs a folder as an OCI image archive, with neither registry nor builder, for `ctr --namespace k8s.io images import FILE`.
#   eng/pack-image.sh NAME:TAG FOLDER FILE ENTRYPOINT [VARIABLE=VALUE...]
# Same content, same digests: names sorted, no times, no owners.
set -euo pipefail
(($# >= 4)) || { echo "pack-image.sh: usage: pack-image.sh NAME:TAG FOLDER FILE ENTRYPOINT [VARIABLE=VALUE...]" >&2; exit 2; }
name=$1 root=$2 out=$3 entrypoint=$4
shift 4
tag=${name##*:}
title=${name%:*}

layout=$(mktemp -d)
trap 'rm -rf "$layout"' EXIT
mkdir -p "$layout/blobs/sha256" "$(dirname "$out")"

pack() { tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu --directory "$1" .; }
digest() { sha256sum "$1" | cut -d' ' -f1; }
# blob FILE: puts the file into the layout and prints its digest.
blob() { local d; d=$(digest "$1"); mv "$1" "$layout/blobs/sha256/$d"; echo "$d"; }
size() { stat -c %s "$layout/blobs/sha256/$1"; }

environment=
for variable in "$@"; do environment+="${environment:+,}\"$variable\""; done

pack "$root" >"$layout/layer"
diff_id=$(digest "$layout/layer")
gzip -n -6 "$layout/layer"
layer=$(blob "$layout/layer.gz")

cat >"$layout/config" <<JSON
{"architecture":"amd64","os":"linux",
 "config":{"Entrypoint":["$entrypoint"],"Env":[$environment],
  "Labels":{"org.opencontainers.image.title":"${title##*/}","org.opencontainers.image.version":"$tag"}},
 "rootfs":{"type":"layers","diff_ids":["sha256:$diff_id"]}}
JSON
config=$(blob "$layout/config")
cat >"$layout/manifest" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
 "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config","size":$(size "$config")},
 "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:$layer","size":$(size "$layer")}]}
JSON
manifest=$(blob "$layout/manifest")
cat >"$layout/index.json" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",
 "manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:$manifest","size":$(size "$manifest"),
  "platform":{"architecture":"amd64","os":"linux"},
  "annotations":{"io.containerd.image.name":"$name","org.opencontainers.image.ref.name":"$tag"}}]}
JSON
echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
pack "$layout" >"$out.new"
mv "$out.new" "$out"
