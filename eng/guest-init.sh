#!/bin/bash
# First process of a guest of eng/guest.sh: makes it a usable machine, runs the command, leaves its exit status, powers off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

# parameter NAME: of the kernel's command line.
parameter() { sed -n "s/.* oncache\\.$1=\\([^ ]*\\).*/\\1/p" /proc/cmdline; }

mkdir -p /lib/modules /run/exchange
mount --bind "$(parameter modules)" /lib/modules
mount -t 9p -o trans=virtio,version=9p2000.L exchange /run/exchange
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs trace /sys/kernel/tracing
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
ip link set lo up
# The kernel asks modprobe for most of what is needed; bridged packets that iptables sees are asked for by nobody.
modprobe br_netfilter

echo "guest: kernel $(uname -r)"
(
  # shellcheck disable=SC1091
  . /run/exchange/command
)
echo $? >/run/exchange/status
sync
echo o >/proc/sysrq-trigger
sleep 10
