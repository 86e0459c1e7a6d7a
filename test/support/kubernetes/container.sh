#!/bin/sh
# Runs a command as a container does: with a root, a host name, processes and mounts of its own, and as a user without rights.
# Called by container.ts, in name spaces of its own:
# container.sh ROOT HOST USER GROUP FOLDER [SOURCE TARGET ro|rw]... -- COMMAND...
set -eu
root=$1 host=$2 user=$3 group=$4 folder=$5
shift 5
place() { # SOURCE TARGET ro|rw
  if [ -d "$1" ]; then
    mkdir -p "$root$2"
  else
    mkdir -p "$root${2%/*}"
    : > "$root$2"
  fi
  mount --rbind "$1" "$root$2"
  [ "$3" = rw ] || mount -o remount,ro,bind "$root$2"
}
hostname "$host"
mount -t tmpfs -o mode=0755 tmpfs "$root"
for name in bin lib lib64 sbin; do
  if [ -L "/$name" ]; then cp -P "/$name" "$root/$name"; elif [ -d "/$name" ]; then place "/$name" "/$name" ro; fi
done
place /usr /usr ro
place /dev /dev rw
mkdir "$root/proc" "$root/etc" "$root/home"
mount -t proc proc "$root/proc"
install --directory --mode 0755 --owner "$user" --group "$group" "$root/home/node"
echo "node:x:$user:$group::/home/node:/bin/sh" > "$root/etc/passwd"
while [ "$1" != -- ]; do
  place "$1" "$2" "$3"
  shift 3
done
shift
mount -o remount,ro "$root"
exec chroot "$root" setpriv --reuid "$user" --regid "$group" --groups "$group" --no-new-privs --bounding-set -all \
  --inh-caps -all env --chdir "$folder" "$@"
