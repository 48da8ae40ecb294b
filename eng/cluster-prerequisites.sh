#!/usr/bin/env bash
# Checks what a real cluster on this machine needs and no package brings. Fails with one line that says what is missing.
set -euo pipefail

cache=${ONCACHE_CACHE:-/var/cache/oncache}/kubernetes
# Two nodes with their images and etcd's data, and beside them what the build of Kubernetes takes once.
run_gib=2 build_gib=6 memory_gib=2

refuse() { echo "oncache: a cluster cannot be built here: $*; ./demo.sh overlay needs none" >&2; exit 1; }

# free_gib FOLDER: of the file system that holds the folder, or would hold it.
free_gib() {
  local folder=$1
  while [[ ! -d $folder ]]; do folder=$(dirname "$folder"); done
  echo $(($(df --output=avail --block-size=1M "$folder" | tail -n1) / 1024))
}

[[ $(dpkg --print-architecture 2>/dev/null) == amd64 ]] || refuse "$(uname -m) is not Debian's amd64"
grep -qw overlay /proc/filesystems || refuse "the kernel has no overlayfs"
[[ -e /sys/fs/cgroup/cgroup.controllers ]] || compgen -G '/sys/fs/cgroup/*/cgroup.procs' >/dev/null ||
  refuse "no control groups are mounted on /sys/fs/cgroup"
memory=$(awk '$1 == "MemAvailable:" { print int($2 / 1048576) }' /proc/meminfo)
((memory >= memory_gib)) || refuse "$memory GiB of memory are available, $memory_gib are needed"
free=$(free_gib /var/lib/oncache-lab)
((free >= run_gib)) || refuse "/var/lib has $free GiB free, $run_gib are needed"

# What follows is about the build of Kubernetes, which may be done.
[[ ! -x $cache/bin/kubelet || ! -x $cache/bin/kube-proxy ]] || exit 0
# shellcheck disable=SC1091
system=$(. /etc/os-release && echo "${ID:-unknown} ${VERSION_ID:-}")
[[ $system == "debian 12" ]] || refuse "Kubernetes is built from Debian 12's packages and this is $system"
free=$(free_gib "$cache")
((free >= build_gib)) || refuse "$cache has $free GiB free, $build_gib are needed to build Kubernetes"
