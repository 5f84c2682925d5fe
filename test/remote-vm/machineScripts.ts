/** What the root file system of the machine is made of: a Debian server as an installer leaves it. No container tools, no Node, nothing of ours. */
export const PACKAGES = [
  ...['systemd', 'systemd-sysv', 'libpam-systemd', 'dbus', 'dbus-user-session', 'udev', 'kmod'],
  ...['openssh-server', 'iproute2', 'netbase', 'ca-certificates', 'sudo', 'procps', 'uidmap', 'polkitd', 'apparmor'],
  ...['selinux-policy-default', 'selinux-utils', 'policycoreutils'],
  ...['initramfs-tools', 'zstd', 'linux-image-cloud-amd64'],
];

/** Only what a machine of QEMU has: `MODULES=most` would make an initial RAM disk ten times as large. */
export const INITRAMFS = `mkdir -p "$1/etc/initramfs-tools/conf.d"
printf '%s\\n' virtio_pci virtio_blk virtio_net virtio_rng ext4 > "$1/etc/initramfs-tools/modules"
printf 'MODULES=list\\nCOMPRESS=zstd\\n' > "$1/etc/initramfs-tools/conf.d/machine"`;

/** Debian's policy knows no containers: types by the names of container-selinux, with no rights, for a kernel that is started with SELinux, and forgives. */
const CONTAINER_POLICY = `(typeattributeset cil_gen_require domain)
(typeattributeset cil_gen_require file_type)
(roleattributeset cil_gen_require system_r)
(type container_t)
(roletype system_r container_t)
(typeattributeset domain (container_t))
(type container_file_t)
(roletype object_r container_file_t)
(type container_ro_file_t)
(roletype object_r container_ro_file_t)
(typeattributeset file_type (container_file_t container_ro_file_t))`;

/** Arguments: the root, a folder with the keys. */
export const CUSTOMIZE = `set -eu
R=$1 KEYS=$2
echo remotevm > $R/etc/hostname
printf '127.0.0.1 localhost remotevm\\n::1 localhost\\n' > $R/etc/hosts
echo '/dev/vda / ext4 defaults,noatime 0 1' > $R/etc/fstab
mkdir -p $R/etc/systemd/network
printf '[Match]\\nName=eth0\\n[Network]\\nAddress=10.0.2.15/24\\nGateway=10.0.2.2\\n' > $R/etc/systemd/network/eth0.network
rm -f $R/etc/resolv.conf
echo 'nameserver 10.0.2.3' > $R/etc/resolv.conf
chroot $R systemctl --quiet enable systemd-networkd.service ssh.service
# What would be at work by the clock, in the middle of a test.
chroot $R systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service getty@tty1.service
rm -f $R/etc/ssh/ssh_host_*
install -m600 $KEYS/host_key $R/etc/ssh/ssh_host_ed25519_key
printf 'HostKey /etc/ssh/ssh_host_ed25519_key\\nPermitRootLogin prohibit-password\\nPasswordAuthentication no\\nUseDNS no\\nMaxStartups 100\\n' > $R/etc/ssh/sshd_config.d/machine.conf
chroot $R useradd --create-home --uid 1000 --shell /bin/bash --groups sudo dev
echo 'dev ALL=(ALL) NOPASSWD: ALL' > $R/etc/sudoers.d/dev
chmod 440 $R/etc/sudoers.d/dev
install -d -m700 $R/root/.ssh
install -d -m700 -o 1000 -g 1000 $R/home/dev/.ssh
install -m600 $KEYS/id.pub $R/root/.ssh/authorized_keys
install -m600 -o 1000 -g 1000 $KEYS/id.pub $R/home/dev/.ssh/authorized_keys
printf 'SELINUX=permissive\\nSELINUXTYPE=default\\n' > $R/etc/selinux/config
cat > $R/root/container.cil <<'END'
${CONTAINER_POLICY}
END
chroot $R semodule --noreload --install /root/container.cil
: > $R/etc/machine-id
chroot $R setfiles -F /etc/selinux/default/contexts/files/file_contexts /
`;
