/** Arguments: a number, so many cgroups to join, and the command to become. */
export const IN_GROUPS = `
set -e
count=$1; shift
while [ "$count" -gt 0 ]; do echo $$ > "$1/cgroup.procs"; shift; count=$((count - 1)); done
exec "$@"
`;

/** What a container engine needs of a kernel's trees, on an overlay of the shared root; then init. Arguments come by the environment. */
export const ENTER = `
set -e
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$BASE/upper,workdir=$BASE/work" "$BASE/root"
cd "$BASE/root"
for pair in home:home root:root varlib:var/lib tmp:tmp; do mount --bind "$BASE/disk/\${pair%%:*}" "\${pair#*:}"; done
for pair in $FOLDERS; do mkdir -p "./\${pair#*:}"; mount --bind "\${pair%%:*}" "./\${pair#*:}"; mount -o remount,bind,ro "./\${pair#*:}"; done
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
mount -t tmpfs -o mode=755 tmpfs run
for n in null zero full random urandom tty fuse net/tun kmsg; do
  [ -e "/dev/$n" ] || continue
  mkdir -p "dev/$(dirname $n)"; cp -a "/dev/$n" "dev/$n"; chmod 666 "dev/$n"
done
mkdir -p dev/pts dev/shm dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mkdir -p sys/fs/cgroup/init; echo $$ > sys/fs/cgroup/init/cgroup.procs
else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  for group in /sys/fs/cgroup/*/; do
    group=\${group%/}; name=\${group##*/}
    [ -L "$group" ] && continue
    grep -q " $group " /proc/self/mountinfo || continue
    mkdir -p "sys/fs/cgroup/$name"
    case $name in
      unified) mount -t cgroup2 cgroup2 "sys/fs/cgroup/$name" ;;
      systemd) mount -t cgroup -o none,name=systemd cgroup "sys/fs/cgroup/$name" ;;
      *) mount -t cgroup -o "$name" cgroup "sys/fs/cgroup/$name" ;;
    esac
  done
fi
hostname "$NAME"
mkdir -p .old
pivot_root . .old
cd /
umount -l /.old
rmdir /.old
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=remote-host /bin/bash /usr/sbin/host-init
`;

/** Process 1: starts sshd and reaps. */
export const INIT = `
mkdir -p /run/sshd /run/lock
mkdir -p /run/user/1000; chown 1000:1000 /run/user/1000; chmod 700 /run/user/1000
ip link set lo up 2>/dev/null || true
/usr/sbin/sshd -D -e >/var/log/sshd.log 2>&1 &
while :; do wait -n || sleep 0.05; done
`;
