#!/usr/bin/env bash
# Packs folders as the layers of an OCI image archive, with neither registry nor builder, for `ctr --namespace k8s.io images import FILE`.
#   eng/pack-image.sh layer FOLDER FILE.gz                                        a layer alone, to share among images
#   eng/pack-image.sh NAME:TAG LAYER[,LAYER...] FILE ENTRYPOINT [VARIABLE=VALUE...]   LAYER: a folder, or what `layer` made
# Same content, same digests: names sorted, no times, no owners. A node unpacks a layer that images share once.
set -euo pipefail
pack() { tar --create --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu --directory "$1" .; }
compress() { gzip -n -6; }

if (($# == 3)) && [[ $1 == layer ]]; then
  pack "$2" | compress >"$3"
  exit 0
fi
(($# >= 4)) || { echo "pack-image.sh: usage: pack-image.sh NAME:TAG LAYER[,LAYER...] FILE ENTRYPOINT [VARIABLE=VALUE...]" >&2; exit 2; }
name=$1 out=$3 entrypoint=$4
IFS=, read -ra roots <<<"$2"
shift 4
tag=${name##*:}
title=${name%:*}

layout=$(mktemp -d)
trap 'rm -rf "$layout"' EXIT
mkdir -p "$layout/blobs/sha256" "$(dirname "$out")"

digest() { sha256sum "$@" | cut -d' ' -f1; }
# blob FILE: puts the file into the layout and prints its digest.
blob() { local d; d=$(digest "$1"); mv "$1" "$layout/blobs/sha256/$d"; echo "$d"; }
size() { stat -c %s "$layout/blobs/sha256/$1"; }

environment=
for variable in "$@"; do environment+="${environment:+,}\"$variable\""; done

diff_ids=""
layers=""
for root in "${roots[@]}"; do
  if [[ -d $root ]]; then pack "$root" | compress >"$layout/layer.gz"; else cp "$root" "$layout/layer.gz"; fi
  diff_ids+="${diff_ids:+,}\"sha256:$(gzip -dc "$layout/layer.gz" | digest)\""
  layer=$(blob "$layout/layer.gz")
  layers+="${layers:+,}{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:$layer\",\"size\":$(size "$layer")}"
done

cat >"$layout/config" <<JSON
{"architecture":"amd64","os":"linux",
 "config":{"Entrypoint":["$entrypoint"],"Env":[$environment],
  "Labels":{"org.opencontainers.image.title":"${title##*/}","org.opencontainers.image.version":"$tag"}},
 "rootfs":{"type":"layers","diff_ids":[$diff_ids]}}
JSON
config=$(blob "$layout/config")
cat >"$layout/manifest" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
 "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config","size":$(size "$config")},
 "layers":[$layers]}
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
