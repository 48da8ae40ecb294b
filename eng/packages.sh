#!/usr/bin/env bash
# Installs the Debian packages that the named groups need. Quick and silent when all are there.
#   eng/packages.sh build run lint
set -euo pipefail

declare -A groups=(
  # The toolchain, what a native program is linked with, and what the .NET SDK itself loads on a minimal system.
  [build]="make clang llvm libbpf-dev linux-libc-dev libc6-dev zlib1g-dev ca-certificates libssl3 libstdc++6 zlib1g"
  # What the agent loads and what the lab and the live tests call.
  [run]="libbpf1 iproute2 iptables nftables ipset conntrack ethtool procps util-linux"
  # The model checker, which compiles what it checks.
  [model]="spin gcc libc6-dev"
  # Beside [run]: what the benchmarks measure with and draw by. Whatever is missing is a named gap in the results.
  [bench]="gnuplot-nox nftables nginx-light wrk memcached libmemcached-tools postgresql"
  # Other kernels: an emulator, what their initrd is made of, and what is compared there.
  [guest]="qemu-system-x86 busybox-static kmod cpio xz-utils nftables"
  # By which tests have the kernel refuse system calls.
  [faults]="strace"
  [lint]="shellcheck clang-format"
  # Image builds without a daemon, and what their bases are made with.
  [dockerfile]="buildah debootstrap"
)

wanted=()
for group in "$@"; do
  [[ -n ${groups[$group]:-} ]] || { echo "packages.sh: $group is not a group; use ${!groups[*]}" >&2; exit 2; }
  read -ra names <<<"${groups[$group]}"
  wanted+=("${names[@]}")
done

# dpkg-query fails when it does not know a package; what it prints about the others is all that counts.
present=$(dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null || true)
missing=()
for package in "${wanted[@]}"; do
  [[ $'\n'$present$'\n' == *$'\n'"$package installed"$'\n'* ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

((EUID == 0)) || { echo "packages.sh: root is needed to install ${missing[*]}" >&2; exit 1; }
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
cleaned=("$log")
trap 'rm -f "${cleaned[@]}"' EXIT

# Servers among them are wanted as programs: installing one is not to start its service.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  cleaned+=("$policy")
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
{
  apt-get -o DPkg::Lock::Timeout=300 update &&
    apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "${missing[@]}"
} >"$log" 2>&1 </dev/null || { cat "$log" >&2; echo "packages.sh: apt could not install ${missing[*]}" >&2; exit 1; }
