#!/usr/bin/env bash
# Sourced: packages of any suite of Debian, unpacked into folders by a view of apt that touches nothing of the system's.
# Who sources it sets `build`, a folder for what is fetched, and calls begin_packages before the rest.

set -euo pipefail
: "${build:?is set by who sources this}"

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
program=${0##*/}
home=$PWD

fail() { echo "$program: $*" >&2; exit 1; }
say() { printf '[%3d s] %s\n' "$SECONDS" "$*"; }

# lock FILE: one run at a time. The lock is the open file's: it ends with this process, however that ends.
lock() {
  exec 9>"$1"
  flock --nonblock 9 || { say "another run is under way; waiting for it"; flock 9; }
}

# Debian's archive as this machine's apt reaches it: a mirror near by, or the way a proxy allows.
known_mirror() {
  # shellcheck disable=SC2016 # apt's own placeholders
  apt-get indextargets --format '$(REPO_URI) $(LABEL)' 2>/dev/null |
    awk '$2 == "Debian" { sub("/$", "", $1); print $1; exit }' || true
}

mirror() {
  local found
  found=$(known_mirror)
  if [[ -z $found ]]; then
    # The label is in the lists, which a minimal system may not have yet.
    apt-get update --quiet=2 >/dev/null 2>&1 || true
    found=$(known_mirror)
  fi
  [[ -n $found ]] || { fail "apt knows no archive of Debian: see /etc/apt/sources.list"; }
  echo "$found"
}

# apt_of SUITE COMMAND ARGUMENT...: apt-get in the view of that suite.
apt_of() {
  local view=$build/apt/$1
  shift
  apt-get --quiet=2 -o Dir::Etc::SourceList="$view/sources.list" -o Dir::Etc::SourceParts=- -o Dir::Etc::PreferencesParts=- -o Dir::Etc::Preferences=- \
    -o Dir::State="$view/state" -o Dir::State::Lists="$view/lists" -o Dir::State::Status="$view/status" -o Dir::Cache="$view/cache" \
    -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

# quietly WHAT COMMAND...: shows what the command said only when it fails, after the line that names what is missing.
quietly() {
  local what=$1 log
  log=$build/last.log
  shift
  "$@" >"$log" 2>&1 </dev/null || { fail "$what: $(grep -m1 '^E:' "$log" || tail -n1 "$log") (all of it: $log)"; }
}

# suite NAME TYPE...: the package lists of a suite, fetched once.
suite() {
  local name=$1 type view=$build/apt/$1
  shift
  [[ ! -e $view/ready ]] || return 0
  say "package lists of Debian $name from $mirror"
  mkdir -p "$view/state" "$view/lists/partial" "$view/cache/archives/partial"
  : >"$view/status"
  for type in "$@"; do echo "$type [signed-by=$keyring] $mirror $name main"; done >"$view/sources.list"
  # A mirror's copy of a suite that moves daily may be weeks old; signatures and sums hold all the same.
  quietly "the package lists of Debian $name cannot be had from $mirror" \
    apt_of "$name" -o APT::Update::Error-Mode=any -o Acquire::Check-Valid-Until="$([[ $name == sid ]] && echo false || echo true)" update
  touch "$view/ready"
}

# unpack SUITE FOLDER PACKAGE...: unpacks packages into a folder, once each.
unpack() {
  local suite=$1 folder=$2 package deb download
  shift 2
  for package in "$@"; do
    [[ ! -e $folder/.have-$package ]] || continue
    download=$build/download
    rm -rf "$download"
    mkdir -p "$download" "$folder"
    cd "$download"
    quietly "the package $package of Debian $suite cannot be had from $mirror" apt_of "$suite" download "$package"
    deb=$(echo "$package"_*.deb)
    quietly "$deb cannot be unpacked" dpkg-deb --extract "$deb" "$folder"
    cd "$home"
    rm -rf "$download"
    touch "$folder/.have-$package"
  done
}

# unpack_closure SUITE FOLDER PATTERN PACKAGE...: unpacks packages and those of their dependencies whose names match; which, is in .plan.
unpack_closure() {
  local suite=$1 folder=$2 pattern=$3 download=$build/download deb
  local -a packages
  shift 3
  [[ ! -e $folder/.ready ]] || return 0
  quietly "the packages $* of Debian $suite cannot be installed from $mirror" apt_of "$suite" --simulate --no-install-recommends install "$@"
  rm -rf "$download" "$folder"
  mkdir -p "$download" "$folder"
  grep '^Inst ' "$build/last.log" >"$folder/.plan"
  mapfile -t packages < <(awk -v pattern="$pattern" '$2 ~ pattern { print $2 }' "$folder/.plan" | LC_ALL=C sort -u)
  cd "$download"
  quietly "what $* of Debian $suite needs cannot be had from $mirror" apt_of "$suite" download "${packages[@]}"
  for deb in *.deb; do quietly "$deb cannot be unpacked" dpkg-deb --extract "$deb" "$folder"; done
  cd "$home"
  rm -rf "$download"
  touch "$folder/.ready"
}

# begin_packages: makes the folder and finds the archive.
begin_packages() {
  ((EUID == 0)) || fail "root is needed to unpack packages with their owners"
  [[ -r $keyring ]] || fail "$keyring is missing: install debian-archive-keyring"
  mkdir -p "$build"
  mirror=$(mirror)
}
