import { packageManagers } from '../api/berth/doctor.ts';
import type { FixPlan, PackageManager } from '../api/berth/doctor.ts';
import type { OsRelease } from './osRelease.ts';

/** Which package brings a host tool, in each distribution family. Pure. */

const BINARIES: Readonly<Record<PackageManager, string>> = { apt: 'apt-get', dnf: 'dnf', apk: 'apk', zypper: 'zypper', pacman: 'pacman' };

const FAMILIES: Readonly<Record<string, PackageManager>> = {
  debian: 'apt', ubuntu: 'apt', fedora: 'dnf', rhel: 'dnf', centos: 'dnf', alpine: 'apk', suse: 'zypper', opensuse: 'zypper', sles: 'zypper', arch: 'pacman',
};

type Names = Readonly<Partial<Record<PackageManager, string>>>;
const everywhere = (name: string): Names => Object.fromEntries(packageManagers.map((manager) => [manager, name]));

/** Absent for a manager: the distribution has no such package. */
const PACKAGES: Readonly<Record<string, Names>> = {
  crun: everywhere('crun'),
  runc: everywhere('runc'),
  conmon: everywhere('conmon'),
  nft: everywhere('nftables'),
  ip: { ...everywhere('iproute2'), dnf: 'iproute' },
  tar: everywhere('tar'),
  mmdebstrap: { apt: 'mmdebstrap' },
  newuidmap: { apt: 'uidmap', dnf: 'shadow-utils', apk: 'shadow-uidmap', zypper: 'shadow', pacman: 'shadow' },
  slirp4netns: everywhere('slirp4netns'),
  nsenter: { ...everywhere('util-linux'), apk: 'util-linux-misc' },
  'fuse-overlayfs': everywhere('fuse-overlayfs'),
  rootlesskit: { apt: 'rootlesskit', apk: 'rootlesskit', zypper: 'rootlesskit' },
};

/** The manager of this distribution, by its name, else by the binaries that exist. */
export function detectPackageManager(release: OsRelease, hasBinary: (name: string) => boolean): PackageManager | undefined {
  for (const id of [release.id, ...release.like]) {
    const family = FAMILIES[id] ?? FAMILIES[id.split('-')[0] ?? ''];
    if (family && hasBinary(BINARIES[family])) return family;
  }
  return packageManagers.find((manager) => hasBinary(BINARIES[manager]));
}

export function packageFor(manager: PackageManager, tool: string): string | undefined {
  return PACKAGES[tool]?.[manager];
}

/** The commands that install packages, without asking. */
export function installCommands(manager: PackageManager, packages: readonly string[]): string[][] {
  switch (manager) {
    case 'apt':
      return [['apt-get', 'update'], ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '--no-install-recommends', ...packages]];
    case 'dnf':
      return [['dnf', 'install', '-y', ...packages]];
    case 'apk':
      return [['apk', 'add', ...packages]];
    case 'zypper':
      return [['zypper', '--non-interactive', 'install', '--no-recommends', ...packages]];
    case 'pacman':
      return [['pacman', '-S', '--needed', '--noconfirm', ...packages]];
  }
}

export interface FixFacts {
  readonly manager: PackageManager | undefined;
  readonly tools: readonly string[];
  readonly root: boolean;
  readonly sudo: boolean;
}

/** How to get the missing tools on this host. */
export function planFix({ manager, tools, root, sudo }: FixFacts): FixPlan {
  const wanted = [...new Set(tools)];
  if (wanted.length === 0) return { manager: manager ?? null, commands: [], notes: [] };
  if (!manager) return { manager: null, commands: [], notes: [`No known package manager was found (${packageManagers.join(', ')}). Install these yourself: ${wanted.join(', ')}.`] };
  const packages = [...new Set(wanted.flatMap((tool) => packageFor(manager, tool) ?? []))];
  const notes = wanted.filter((tool) => packageFor(manager, tool) === undefined).map((tool) => `${manager} has no package with ${tool}: it stays missing.`);
  if (packages.length === 0) return { manager, commands: [], notes };
  const commands = installCommands(manager, packages);
  if (root) return { manager, commands, notes };
  if (sudo) return { manager, commands: commands.map((command) => ['sudo', ...command]), notes };
  return { manager, commands: [], notes: [...notes, `Installing needs root, and sudo was not found. Run as root: ${commands.map((command) => command.join(' ')).join(' && ')}`] };
}
