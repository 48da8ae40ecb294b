#!/usr/bin/env bash
# Tries the Dockerfile without pulling anything: builds each of its targets with buildah, on bases made here of Debian's packages and of this
# machine's .NET SDK, compares what is in them with the images of `make images`, and runs the demonstration in a cluster with them.
set -euo pipefail
cd "$(dirname "$0")/.."

targets=(agent operator lab)
for target in "${targets[@]}"; do
  [[ -e artifacts/images/oncache-$target.tar ]] || { echo "dockerfile.sh: artifacts/images/oncache-$target.tar is missing: run make images" >&2; exit 1; }
done

# Not below /tmp, which may be a tmpfs: the SDK alone is 600 MiB.
mkdir -p artifacts
work=$(mktemp -d "$PWD/artifacts/dockerfile.XXXXXX")
trap 'buildah_ rm --all >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
buildah_() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
# Prints what a command said only when it fails.
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; echo "dockerfile.sh: $1 failed" >&2; return 1; }; }

# image NAME FOLDER: an image with what is in the folder.
image() {
  local container
  container=$(buildah_ from scratch)
  quietly buildah_ add "$container" "$2" /
  quietly buildah_ config --env "PATH=/usr/sbin:/usr/bin:/sbin:/bin" "$container"
  quietly buildah_ commit --rm "$container" "$1"
}

echo "Making the bases"
release=$(sed -n "s/^VERSION_CODENAME=//p" /etc/os-release)
quietly debootstrap --variant=minbase "$release" "$work/base"
# As this machine gets its packages, so does the base.
rm -rf "$work/base/etc/apt/sources.list"
cp -r /etc/apt/sources.list* "$work/base/etc/apt/" 2>/dev/null || true
[[ ! -d /usr/share/keyrings ]] || cp -rn /usr/share/keyrings "$work/base/usr/share/"
image base "$work/base"
sdk=$(dirname "$(readlink -f "$(command -v dotnet)")")
mkdir -p "$work/base$sdk"
cp -r "$sdk/." "$work/base$sdk"
[[ -e $work/base/usr/bin/dotnet ]] || ln -s "$sdk/dotnet" "$work/base/usr/bin/dotnet"
# What the SDK itself loads.
quietly chroot "$work/base" sh -c 'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ca-certificates libssl3 libstdc++6 zlib1g'
# Whom this machine trusts, so does the base: what is in between may have an authority of its own.
cp -r /usr/local/share/ca-certificates/. "$work/base/usr/local/share/ca-certificates/" 2>/dev/null || true
quietly chroot "$work/base" update-ca-certificates
if [[ -d $HOME/.nuget/NuGet ]]; then
  mkdir -p "$work/base/root/.nuget"
  cp -r "$HOME/.nuget/NuGet" "$work/base/root/.nuget/"
fi
image sdk "$work/base"
rm -rf "$work/base"

# what IMAGE: what a container of it is, and its program's files with their digests.
what() {
  local container root
  buildah_ inspect --type image --format 'runs {{.OCIv1.Config.Entrypoint}}{{println}}' "$1"
  container=$(buildah_ from --pull-never "$1")
  root=$(buildah_ mount "$container")
  (cd "$root/usr/lib/$2" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
  readlink "$root/usr/bin/$2"
  quietly buildah_ rm "$container"
}

# complete IMAGE PROGRAM: whether the loader finds all that the program is linked with.
complete() {
  local container root linked
  container=$(buildah_ from --pull-never "$1")
  root=$(buildah_ mount "$container")
  linked=$(chroot "$root" find "/usr/lib/$2" -type f '(' -name '*.so' -o -perm -u+x ')' -exec ldd '{}' +) || { echo "dockerfile.sh: ldd does not read the programs of $1" >&2; return 1; }
  quietly buildah_ rm "$container"
  ! grep "not found" <<<"$linked" >&2
}

# The commit that a program was made from is part of it.
revision=
for target in "${targets[@]}"; do
  of=$("artifacts/publish/$target-image/oncache-$target" --version)
  [[ ${revision:=${of#*+}} == "${of#*+}" ]] || { echo "dockerfile.sh: the images are of different commits: remove artifacts/publish and run make images" >&2; exit 1; }
done

# Packages of NuGet that are here already are not fetched again.
packages=${NUGET_PACKAGES:-$HOME/.nuget/packages}
mkdir -p "$packages" "$work/checkout/artifacts/images"
cp -r config "$work/checkout/"
failed=0
for target in "${targets[@]}"; do
  name=oncache-$target
  echo "Building $target"
  quietly buildah_ build --isolation chroot --network host --layers --target "$target" --volume "$packages:/root/.nuget/packages" \
    --build-arg SDK=localhost/sdk --build-arg BASE=localhost/base --build-arg REVISION="$revision" \
    --env DOTNET_NOLOGO=1 --env DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 --env DOTNET_CLI_TELEMETRY_OPTOUT=1 --tag "$name" .
  quietly buildah_ pull "oci-archive:artifacts/images/$name.tar"
  packed=$(buildah_ images --format '{{.Name}}:{{.Tag}}' | grep "^oncache.io/$name:")
  what "localhost/$name" "$name" >"$work/built"
  what "$packed" "$name" >"$work/packed"
  complete "localhost/$name" "$name"
  if diff "$work/packed" "$work/built"; then
    echo "$target: the same as $packed"
  else
    echo "$target: not the same as $packed" >&2
    failed=1
  fi
  quietly buildah_ push "localhost/$name" "docker-archive:$work/checkout/artifacts/images/$name.tar:$packed"
done
((failed == 0)) || exit 1

echo "Running them in a cluster"
artifacts/bin/oncache-lab demo cluster --root "$work/checkout" --rounds 1
