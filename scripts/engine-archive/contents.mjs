// What is in the engine's archive, and where it comes from.

/** Programs by the Debian package that has them: all that the engine starts on a host, but for those that need the host's own set-user-ID files (newuidmap, newgidmap). */
export const programs = {
  crun: ['crun'],
  runc: ['runc'], // crun refuses hosts with hybrid cgroups
  conmon: ['conmon'],
  nftables: ['nft'],
  iproute2: ['ip'],
  slirp4netns: ['slirp4netns'],
  rootlesskit: ['rootlesskit'],
  'fuse-overlayfs': ['fuse-overlayfs'],
  catatonit: ['catatonit'],
  tini: ['tini-static'],
  tar: ['tar'],
  gzip: ['gzip'],
  bzip2: ['bzip2'],
  'xz-utils': ['xz'],
  zstd: ['zstd'],
  // BusyBox has these without the options that the engine uses.
  coreutils: ['chroot', 'cp', 'du', 'mkfifo', 'rm', 'stty'],
  procps: ['ps'],
  mount: ['mount', 'umount'],
  'util-linux': ['flock', 'nsenter', 'setpriv', 'unshare'],
};

/** Of the C library, what Node in a container that has none needs for an editor's add-ons and to look names up: no program of ours asks for it. */
export const furtherLibraries = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2', 'librt.so.1', 'libutil.so.1'];

/** Packed as it is, for hosts without npm: the editor for the browser comes by it. */
export const npm = { version: '11.21.2', integrity: 'sha512-7HPApk+AflMUavSseL1Pm6CnYqMIHk53x+KmuhqmTDqPkjPMgxIpTPcTqsE91EKNw4gFBJV9fnXiSdGm1DXq9A==' };

/** Carried beside the archive: unpacks it on a host without tar, gzip or sha256sum. Statically linked. */
export const unpacker = { package: 'busybox-static', program: 'busybox' };

/** What the architectures are called by Node, by Debian, and by their loaders. */
export const architectures = {
  x64: { debian: 'amd64', triplet: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { debian: 'arm64', triplet: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
};

/** Stands for the folder of the installation in every program, with room for a long path: finish.cjs puts the path in its place. */
export const placeholder = `/berth-engine-home-${'_'.repeat(237)}`;

/** Modification time of everything: archives of the same contents are the same bytes. */
export const epoch = 1_704_067_200;
