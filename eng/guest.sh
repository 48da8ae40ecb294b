#!/usr/bin/env bash
# Boots a kernel under qemu, runs one command as root in it, and ends with the command's exit status.
#   eng/guest.sh [--count] KERNEL OUT COMMAND ARGUMENT...
# KERNEL is a folder of eng/kernels.sh. The guest has this machine's files, read-only beneath a layer in memory, works in the same folder, and has no
# network. What the command writes to the file named by OUT is found there afterwards; what it prints is printed.
# --count: one processor whose clock counts instructions, 2 ns each; what the guest measures in time is then exact, however busy this machine is.
# Without it time in the guest means nothing. LIMIT: the longest it may take, in seconds (600).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

fail() { echo "guest.sh: $1" >&2; exit "${2:-1}"; }

processor=(-accel "tcg,thread=multi" -smp 2)
parameters=
if [[ ${1:-} == --count ]]; then
  shift
  # 2 to the power of the shift is an instruction's time in nanoseconds. Time in which nothing runs is skipped.
  processor=(-accel "tcg,thread=single" -icount "shift=1,sleep=off" -smp 1)
  parameters=oncache.icount_shift=1
fi
(($# >= 3)) || fail "usage: guest.sh [--count] KERNEL OUT COMMAND ARGUMENT..." 2
kernel=$(realpath "$1") out=$(realpath -m "$2")
shift 2
for path in "$here" "$kernel" "$PWD"; do
  # The guest has its own of these, and the kernel's command line is split at spaces.
  [[ ! $path =~ ^/(run|proc|sys|dev)/ && $path != *[[:space:]]* ]] || fail "$path cannot be seen by the guest: use a path without spaces, not below /run, /proc, /sys or /dev" 2
done
[[ ${LIMIT:-600} =~ ^[1-9][0-9]*$ ]] || fail "LIMIT: '$LIMIT' is not a number of seconds" 2
[[ -f $kernel/initrd ]] || fail "$kernel is no folder of eng/kernels.sh" 2
command -v qemu-system-x86_64 >/dev/null || fail "qemu-system-x86_64 is missing: eng/packages.sh guest"

exchange=$(mktemp -d)
trap 'rm -rf "$exchange"' EXIT
{
  printf 'cd %q\n' "$PWD"
  printf 'export OUT=%q PATH=%q\n' /run/exchange/out "$PATH"
  [[ -z ${DOTNET_ROOT:-} ]] || printf 'export DOTNET_ROOT=%q\n' "$DOTNET_ROOT"
  printf '%q ' "$@"
} >"$exchange/command"

# What it prints is the serial line; its exit status and what it wrote come by the shared folder.
timeout --foreground "${LIMIT:-600}" qemu-system-x86_64 "${processor[@]}" -cpu max -m 4096 -nodefaults -display none -no-reboot -serial stdio \
  -kernel "$kernel/vmlinuz" -initrd "$kernel/initrd" \
  -append "console=ttyS0 quiet panic=-1 oncache.init=$here/guest-init.sh oncache.modules=$kernel/lib/modules $parameters" \
  -virtfs local,path=/,mount_tag=host,security_model=none,multidevs=remap,readonly=on \
  -virtfs local,path="$exchange",mount_tag=exchange,security_model=none </dev/null | sed -u -e 's/\r$//' -e '/\(sysrq\|reboot\): Power /d' || {
  status=$?
  ((status != 124)) || fail "the guest did not end by itself within ${LIMIT:-600} s"
  fail "qemu ended with exit status $status"
}
[[ -f $exchange/status ]] || fail "the guest ended before the command did"
[[ ! -f $exchange/out ]] || cp "$exchange/out" "$out"
exit "$(cat "$exchange/status")"
