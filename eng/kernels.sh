#!/usr/bin/env bash
# A Debian kernel for qemu, from packages alone: image, modules, and an initrd that makes this machine's file system the guest's.
#   eng/kernels.sh SUITE     bookworm (6.1) or trixie (6.12); prints the folder that eng/guest.sh boots
# It is kept in ${ONCACHE_CACHE:-/var/cache/oncache}/kernels/SUITE; nothing is installed. Removing the folder fetches the suite's present kernel.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

cache=$(realpath -m "${ONCACHE_CACHE:-/var/cache/oncache}")/kernels
build=$cache/build
# shellcheck source=eng/debian.sh
. "$here/debian.sh"

case ${1:-} in
  bookworm | trixie) suite=$1 ;;
  *) echo "kernels.sh: '${1:-}' is not bookworm or trixie" >&2; exit 2 ;;
esac
folder=$cache/$suite
[[ ! -e $folder/initrd ]] || { echo "$folder"; exit 0; }
[[ $(dpkg --print-architecture) == amd64 ]] || fail "$(dpkg --print-architecture) is not amd64, the one architecture this is for"

# initrd ROOT VERSION OUTPUT: what mounts this machine's root, read-only and by 9p, beneath one in memory, and goes on with guest-init.sh there.
initrd() {
  local root=$1 version=$2 output=$3 work=$build/initrd module file name
  rm -rf "$work"
  mkdir -p "$work"/{bin,dev,host,memory,modules,proc,root,sys}
  cp "$(command -v busybox)" "$work/bin/busybox"
  for module in virtio_pci 9pnet_virtio 9p overlay; do
    # Where a module is built in, there is none to load.
    while read -r file; do
      name=$(basename "${file%.xz}")
      ! grep -qx "$name" "$work/modules/list" 2>/dev/null || continue
      # busybox loads no compressed ones.
      case $file in *.xz) xz --decompress --stdout "$file" ;; *) cat "$file" ;; esac >"$work/modules/$name"
      echo "$name" >>"$work/modules/list"
    done < <(modprobe -d "$root" -S "$version" --show-depends "$module" | awk '$1 == "insmod" { print $2 }')
  done
  cat >"$work/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev
for module in $($b cat /modules/list); do $b insmod "/modules/$module"; done
# Without a cache and with small messages a program of .NET takes minutes to start.
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro host /host || { echo "guest: no root"; $b poweroff -f; }
$b mount -t tmpfs -o size=75% memory /memory; $b mkdir /memory/upper /memory/work
$b mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work root /root
for folder in proc sys dev; do $b mount --move "/$folder" "/root/$folder"; done
$b mount -t tmpfs run /root/run
exec $b switch_root /root "$($b sed -n 's/.*oncache\.init=\([^ ]*\).*/\1/p' /root/proc/cmdline)"
INIT
  chmod 755 "$work/init"
  (cd "$work" && find . | cpio --quiet --create --format=newc | gzip -1) >"$output.new"
  mv "$output.new" "$output"
  rm -rf "$work"
}

{
  begin_packages
  lock "$cache/lock"
  if [[ ! -e $folder/initrd ]]; then
    root=$build/root-$suite
    # What an interrupted run left is not trusted, and a suite's kernel changes.
    rm -rf "$root" "$folder" "$build/apt/$suite"
    suite "$suite" deb
    say "kernel of Debian $suite"
    unpack_closure "$suite" "$root" '^linux-(image|modules|binary)-[0-9]' linux-image-amd64
    image=$(echo "$root"/boot/vmlinuz-*)
    [[ -f $image ]] || fail "linux-image-amd64 of Debian $suite brought no kernel, or several: $image"
    version=${image##*/vmlinuz-}
    # A root for modprobe: the packages of newer suites have their modules below usr.
    mkdir -p "$folder/lib/modules"
    mv "$root"/{usr/,}lib/modules/"$version" "$folder/lib/modules/" 2>/dev/null || [[ -d $folder/lib/modules/$version ]] ||
      fail "linux-image-amd64 of Debian $suite brought no modules of $version"
    depmod --basedir "$folder" "$version"
    cp "$image" "$folder/vmlinuz"
    echo "$version" >"$folder/version"
    initrd "$folder" "$version" "$folder/initrd"
    rm -rf "$root"
  fi
} >&2
echo "$folder"
