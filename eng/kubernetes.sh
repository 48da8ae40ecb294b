#!/usr/bin/env bash
# Real Kubernetes components from Debian's packages and sources alone, for the lab's clusters and the tests of the API.
#   eng/kubernetes.sh api     etcd, kube-apiserver, kubectl
#   eng/kubernetes.sh all     also kube-controller-manager, kube-scheduler, kubelet, kube-proxy, containerd, runc, CNI plugins, pause, busybox
#   eng/kubernetes.sh cel     as api, and a much newer apiextensions-apiserver: it knows the rules in CEL that this kube-apiserver drops
#   eng/kubernetes.sh clean   removes the build folder (about 5 GiB), keeps the binaries
# They end up in ${ONCACHE_CACHE:-/var/cache/oncache}/kubernetes/{bin,cni}, and images of the last two in images. Nothing is installed: packages are unpacked into the build folder.
# What is there is kept, and an interrupted build goes on where it stopped.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

cache=$(realpath -m "${ONCACHE_CACHE:-/var/cache/oncache}")/kubernetes
bin=$cache/bin
cni=$cache/cni
images=$cache/images
build=$cache/build
# The newest Kubernetes in Debian's archive as a whole; kubectl is packaged alone and much newer.
version=1.20.2
needed_gib=6

api_programs=(etcd kubectl kube-apiserver)
cel_programs=(apiextensions-apiserver)
node_programs=(containerd containerd-shim-runc-v2 ctr runc busybox pause kube-controller-manager kube-scheduler kubelet kube-proxy)
cni_plugins=(bridge host-local loopback)
image_archives=(pause.tar busybox.tar)

# shellcheck source=eng/debian.sh
. "$here/debian.sh"

# missing_of FOLDER NAME...: prints those that are not there.
missing_of() { local folder=$1 name; shift; for name in "$@"; do [[ -f $folder/$name ]] || echo "$name"; done; }
missing() {
  missing_of "$bin" "${api_programs[@]}"
  [[ $1 != all ]] || {
    missing_of "$bin" "${node_programs[@]}"
    missing_of "$cni" "${cni_plugins[@]}"
    missing_of "$images" "${image_archives[@]}"
  }
  [[ $1 != cel ]] || missing_of "$bin" "${cel_programs[@]}"
}

# publish FILE [FOLDER]: a program into the cache in one step, so that what is there is whole.
publish() {
  local target=${2:-$bin}
  mkdir -p "$target"
  install -m 755 "$1" "$target/.${1##*/}.new"
  mv "$target/.${1##*/}.new" "$target/${1##*/}"
}

# ---- what is taken ready-made ----

root12=$build/bookworm
root13=$build/trixie

take_etcd() {
  suite bookworm deb deb-src
  say "etcd"
  unpack bookworm "$root12" etcd-server
  publish "$root12/usr/bin/etcd"
}

take_kubectl() {
  suite trixie deb
  say "kubectl"
  unpack trixie "$root13" kubectl
  publish "$root13/usr/bin/kubectl"
}

take_runtime() {
  suite bookworm deb deb-src
  say "containerd, runc, CNI plugins, busybox"
  unpack bookworm "$root12" containerd runc containernetworking-plugins busybox-static
  local program plugin
  for program in usr/bin/containerd usr/bin/containerd-shim-runc-v2 usr/bin/ctr usr/sbin/runc bin/busybox; do publish "$root12/$program"; done
  for plugin in "${cni_plugins[@]}"; do publish "$root12/usr/lib/cni/$plugin" "$cni"; done
}

# ---- what is built ----

gopath=$build/go
tree=$gopath/src/k8s.io/kubernetes
goroot=$root12/usr/lib/go-1.19

# A command in the source tree with Debian's Go; no function, so that in the background it is one process that can be ended.
in_tree=(env -C "$tree" GOROOT="$goroot" GOPATH="$gopath" GO111MODULE=off CGO_ENABLED=0 GOFLAGS= GOCACHE="$build/gocache"
  PATH="$goroot/bin:$PATH" nice -n 10)

prepare_source() {
  suite bookworm deb deb-src
  say "Go 1.19"
  unpack bookworm "$root12" golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev golang-github-json-iterator-go-dev
  [[ ! -e $tree/.ready ]] || return 0

  say "source of Kubernetes"
  local download=$build/source module archives
  rm -rf "$download" "$tree"
  mkdir -p "$download" "$tree"
  cd "$download"
  quietly "the source of kubernetes in Debian bookworm cannot be had from $mirror" apt_of bookworm source --download-only kubernetes
  cd "$here"
  archives=("$download"/kubernetes_*"$version".orig.tar.*)
  [[ -f ${archives[0]} ]] || fail "Debian bookworm has no Kubernetes $version any more, but $(basename "$(echo "$download"/*.orig.tar.*)")"
  tar -xf "${archives[0]}" -C "$tree" --strip-components=1
  rm -rf "$download"

  # reflect2 as vendored walks maps by the runtime's internals of before Go 1.18; Debian's does not. json-iterator goes with it.
  for module in github.com/modern-go/reflect2 github.com/json-iterator/go; do
    rm -rf "$tree/vendor/$module"
    mkdir -p "$tree/vendor/$module"
    find "$root12/usr/share/gocode/src/$module" -maxdepth 1 \( -name '*.go' -o -name '*.s' \) ! -name '*_test.go' \
      -exec cp -t "$tree/vendor/$module" {} +
  done
  touch "$tree/.ready"
}

# compile PLACE NAME OUTPUT ARGUMENT...: go build with a line of progress now and then; the place is the name of an array, such as in_tree.
compile() {
  local -n place=$1
  local name=$2 output=$3 log=$build/$2.log compiler packages waited=0
  shift 3
  say "building $name"
  mkdir -p "$(dirname "$output")"
  "${place[@]}" go build -v -trimpath -o "$output" "$@" >"$log" 2>&1 </dev/null 9>&- &
  compiler=$!
  trap 'kill "$compiler" 2>/dev/null || true' EXIT
  while kill -0 "$compiler" 2>/dev/null; do
    sleep 0.5
    if ((++waited % 30 == 0)); then
      packages=$(wc -l <"$log")
      say "building $name: $packages packages compiled"
    fi
  done
  trap - EXIT
  wait "$compiler" || fail "$name does not build: $(grep -v -m1 -E '^[a-z0-9./_-]+$' "$log" || tail -n1 "$log") (all of it: $log)"
}

# The API server describes its types by one generated file that the source archive leaves out.
generate_openapi() {
  local output=$tree/pkg/generated/openapi/zz_generated.openapi.go folders
  [[ ! -e $build/openapi.ready ]] || return 0
  compile in_tree openapi-gen "$build/out/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  say "generating the OpenAPI definitions"
  rm -f "$output"
  # The packages upstream generates from: those that carry the marker, but for examples and the generator's own.
  folders=$(cd "$tree" && grep -rl --include='*.go' '+k8s:openapi-gen=' pkg cmd plugin staging/src/k8s.io | xargs -n1 dirname | LC_ALL=C sort -u |
    grep -v -E 'sample-apiserver|code-generator|testapigroup' |
    sed -E -e 's#^staging/src/#k8s.io/kubernetes/vendor/#' -e 's#^(pkg|cmd|plugin)/#k8s.io/kubernetes/\1/#' | paste -s -d,)
  quietly "the OpenAPI definitions cannot be generated" "${in_tree[@]}" "$build/out/openapi-gen" --logtostderr -i "$folders" \
    -p k8s.io/kubernetes/pkg/generated/openapi -O zz_generated.openapi -h hack/boilerplate/boilerplate.generatego.txt -r "$build/violations"
  # The generator names every field that breaks the API's conventions; upstream keeps the list of those it should name.
  cmp -s "$build/violations" "$tree/api/api-rules/violation_exceptions.list" ||
    fail "the generated OpenAPI definitions differ from upstream's: compare $build/violations with $tree/api/api-rules/violation_exceptions.list"
  touch "$build/openapi.ready"
}

build_component() {
  local package flags='-s -w'
  prepare_source
  generate_openapi
  for package in k8s.io/kubernetes/vendor/k8s.io/component-base/version k8s.io/kubernetes/vendor/k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=20 -X $package.gitTreeState=archive"
    flags+=" -X $package.buildDate=1970-01-01T00:00:00Z"
  done
  compile in_tree "$1" "$build/out/$1" -ldflags "$flags" "./cmd/$1"
  publish "$build/out/$1"
}

# Only Debian's unstable suite has this one. It moves, so what was built of it once is kept.
build_extensions() {
  local root=$build/sid gocode=$build/sid/usr/share/gocode package=golang-k8s-apiextensions-apiserver-dev symbols=k8s.io/component-base/version release
  local -a compilers
  suite sid deb
  say "source of apiextensions-apiserver and what it is made of"
  unpack_closure sid "$root" '^golang-' "$package" golang-go
  release=$(sed -n -E "s/^Inst $package \\(0\\.([0-9.]+).*/\\1/p" "$root/.plan")
  compilers=("$root"/usr/lib/go-1.*)
  # shellcheck disable=SC2034 # compile knows it by name
  local -a in_sid=(env -C "$gocode/src/k8s.io/apiextensions-apiserver" GOROOT="${compilers[-1]}" GOPATH="$gocode" GO111MODULE=off
    CGO_ENABLED=0 GOFLAGS= GOTOOLCHAIN=local GOPROXY=off GOCACHE="$build/gocache" PATH="${compilers[-1]}/bin:$PATH" nice -n 10)
  compile in_sid apiextensions-apiserver "$build/out/apiextensions-apiserver" \
    -ldflags "-s -w -X $symbols.gitVersion=v1.$release -X $symbols.gitMajor=1 -X $symbols.gitMinor=${release%%.*}" .
  publish "$build/out/apiextensions-apiserver"
}

build_pause() {
  prepare_source
  compile in_tree pause "$build/out/pause" -ldflags '-s -w' "$here/pause/main.go"
  publish "$build/out/pause"
}

# The images a cluster cannot do without: what holds a pod's namespaces, and something to run in it.
pack_pause() {
  local root=$build/pause-image
  rm -rf "$root"
  install -D "$bin/pause" "$root/pause"
  "$here/pack-image.sh" oncache.io/pause:1 "$root" "$images/pause.tar" /pause
}

pack_busybox() {
  local root=$build/busybox-image applet
  say "image of busybox"
  rm -rf "$root"
  install -D "$bin/busybox" "$root/bin/busybox"
  for applet in $("$bin/busybox" --list); do [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"; done
  mkdir -p "$root/etc" "$root/tmp"
  echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
  "$here/pack-image.sh" oncache.io/busybox:1 "$root" "$images/busybox.tar" /bin/sh PATH=/bin
}

make_part() {
  case $1 in
    pause.tar) pack_pause ;;
    busybox.tar) pack_busybox ;;
    etcd) take_etcd ;;
    kubectl) take_kubectl ;;
    pause) build_pause ;;
    apiextensions-apiserver) build_extensions ;;
    kube-* | kubelet) build_component "$1" ;;
    *) take_runtime ;;
  esac
}

# ---- the run ----

set=${1:-all}
case $set in
  api | cel | all) ;;
  clean) rm -rf "$build"; exit 0 ;;
  *) echo "kubernetes.sh: '$set' is not api, cel, all or clean" >&2; exit 2 ;;
esac
[[ -n $(missing "$set") ]] || exit 0

[[ $(dpkg --print-architecture) == amd64 ]] || fail "$(dpkg --print-architecture) is not amd64, the one architecture this builds for"
begin_packages
[[ $set != cel ]] || needed_gib=10

lock "$cache/lock"
free_gib=$(($(df --output=avail --block-size=1M "$build" | tail -n1) / 1024))
((free_gib >= needed_gib)) || [[ -e $build/openapi.ready ]] || fail "$build has $free_gib GiB free, $needed_gib are needed"

mapfile -t wanted < <(missing "$set")
say "Kubernetes $version for $cache: ${wanted[*]}"
# One step may bring several; what the API needs is asked for first.
for part in "${wanted[@]}"; do
  [[ -f $bin/$part || -f $cni/$part || -f $images/$part ]] || make_part "$part"
done
left=$(missing "$set")
[[ -z $left ]] || fail "these were not made: $left"
say "Kubernetes $version is in $cache ($(du -sh "$bin" | cut -f1)); eng/kubernetes.sh clean frees the $(du -sh "$build" | cut -f1) of the build"
