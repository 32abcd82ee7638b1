#!/usr/bin/env bash
# contained.sh ROOT COMMAND ...: run it in the image's files as a container engine would, in namespaces
# of its own, /proc masked as Docker masks it, the root read-only, as user 1000 without a capability.
set -euo pipefail
exec unshare --mount --pid --fork --uts --ipc --propagation private bash -euc '
root=$1; shift
mount --bind "$root" "$root"
cd "$root"
mkdir -p .old dev proc sys data
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mkdir dev/shm
mount -t tmpfs -o size=64m tmpfs dev/shm
for folder in tmp data; do mount -t tmpfs -o mode=1777 tmpfs $folder; done
for file in kcore keys timer_list latency_stats; do [ ! -e proc/$file ] || mount --bind /dev/null proc/$file; done
for folder in acpi scsi; do [ ! -d proc/$folder ] || mount -t tmpfs -o ro tmpfs proc/$folder; done
for folder in bus fs irq sys sysrq-trigger; do
    [ ! -e proc/$folder ] || { mount --bind proc/$folder proc/$folder; mount -o remount,bind,ro proc/$folder; }
done
pivot_root . .old
cd /
umount -l /.old
mount -o remount,bind,ro /
export PATH=/usr/local/bin:/usr/bin:/bin HOME=/tmp GRADMARK_DATA=/data
exec setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
' contained "$@"
