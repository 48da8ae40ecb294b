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

# what IMAGE PROGRAM: what a container of it runs, and the files of the program with their sizes.
what() {
  local container root
  buildah_ inspect --type image --format 'runs {{.OCIv1.Config.Entrypoint}}{{println}}' "$1"
  container=$(buildah_ from --pull-never "$1")
  root=$(buildah_ mount "$container")
  echo "link $(readlink "$root/usr/bin/$2")"
  (cd "$root/usr/lib/$2" && find . -type f -printf '%p %s\n' | sort)
  quietly buildah_ rm "$container"
}

# same FILE FILE: whether the same is run, of the same files; a program that is built elsewhere may differ by a hundredth in size.
same() {
  awk 'NR == FNR { size[$1] = $2; all++; next }
    { there = $1 in size; seen++ }
    there && $2 ~ /^[0-9]+$/ { off = $2 - size[$1]; if (off * off > size[$1] * size[$1] / 10000) { print $1 ": " size[$1] " and " $2 " bytes"; bad = 1 } next }
    !there || size[$1] != $2 { print; bad = 1 }
    END { if (seen != all) print all - seen " files are missing"; exit bad || seen != all }' "$1" "$2"
}

# complete IMAGE PROGRAM: whether the loader finds all that the program is linked with.
complete() {
  local container root linked
  container=$(buildah_ from --pull-never "$1")
  root=$(buildah_ mount "$container")
  # shellcheck disable=SC2016  # the shell of the container expands it
  linked=$(chroot "$root" find "/usr/lib/$2" -type f -exec sh -c 'ldd "$1" 2>/dev/null' ldd '{}' ';')
  quietly buildah_ rm "$container"
  [[ $linked == *libc.so.6* ]] || { echo "dockerfile.sh: ldd does not read the programs of $1" >&2; return 1; }
  # .NET's tracing goes to LTTng where that is installed; nobody asks for it.
  ! grep "not found" <<<"$linked" | grep -v liblttng-ust >&2
}

# Packages of NuGet that are here already are not fetched again.
packages=${NUGET_PACKAGES:-$HOME/.nuget/packages}
mkdir -p "$packages" "$work/checkout/artifacts/images"
cp -r config "$work/checkout/"
failed=0
for target in "${targets[@]}"; do
  name=oncache-$target
  echo "Building $target"
  quietly buildah_ build --isolation chroot --network host --layers --target "$target" --volume "$packages:/root/.nuget/packages" \
    --build-arg SDK=localhost/sdk --build-arg BASE=localhost/base --build-arg REVISION="$(git rev-parse HEAD)" \
    --env DOTNET_NOLOGO=1 --env DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 --env DOTNET_CLI_TELEMETRY_OPTOUT=1 --tag "$name" .
  quietly buildah_ pull "oci-archive:artifacts/images/$name.tar"
  packed=$(buildah_ images --format '{{.Name}}:{{.Tag}}' | grep "^oncache.io/$name:")
  what "localhost/$name" "$name" >"$work/built"
  what "$packed" "$name" >"$work/packed"
  complete "localhost/$name" "$name" || failed=1
  if same "$work/packed" "$work/built"; then
    echo "$target: what is in $packed"
  else
    echo "$target: not what is in $packed" >&2
    failed=1
  fi
  quietly buildah_ push "localhost/$name" "docker-archive:$work/checkout/artifacts/images/$name.tar:$packed"
done
((failed == 0)) || exit 1

echo "Running them in a cluster"
artifacts/bin/oncache-lab demo cluster --root "$work/checkout" --rounds 1
