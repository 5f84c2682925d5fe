import { posix } from 'node:path';
import type { CreateContainer, MountRequest } from '../api/docker/container.ts';
import { invalidConfig } from './errors.ts';
import type { MountPoint } from './record.ts';

/** A mount before its volume is known: `volumeName` is '' for an anonymous volume, `source` '' where a volume will give it. */
export interface PlannedMount extends MountPoint {
  readonly volumeName?: string;
  readonly volumeLabels?: Readonly<Record<string, string>>;
  /** A bind whose source is made when missing (`-v` does that, `--mount` does not). */
  readonly createSource: boolean;
}

const PROPAGATION = /^r?(private|shared|slave)$/;

/**
 * The mounts of a new container: from Binds, Mounts, Tmpfs and the volumes of request and image. One target is mounted once, in this
 * order of precedence; sorted so that what lies deeper is mounted later.
 */
export function planMounts(request: CreateContainer, volumes: readonly string[]): PlannedMount[] {
  const host = request.HostConfig ?? {};
  const explicit = [...(host.Binds ?? []).map(parseBind), ...(host.Mounts ?? []).map(fromMount), ...Object.entries(host.Tmpfs ?? {}).map(fromTmpfs)];
  const targets = new Set<string>();
  for (const { destination } of explicit) {
    if (targets.has(destination)) throw invalidConfig({ what: 'Duplicate mount point', detail: destination });
    targets.add(destination);
  }
  const implied = volumes.map(absolute).filter((target) => !targets.has(target)).map((target) => volume('', target));
  return [...explicit, ...implied].sort((a, b) => depth(a.destination) - depth(b.destination));
}

/** `source:target[:options]`, or `target` alone for an anonymous volume. */
export function parseBind(text: string): PlannedMount {
  const parts = text.split(':');
  const [first = '', second, mode = ''] = parts;
  if (parts.length > 3 || first === '') throw invalidConfig({ what: 'invalid volume specification', detail: text });
  if (second === undefined) return volume('', absolute(first));
  const options = mode.split(',').filter((option) => option !== '');
  const known = options.every((option) => PROPAGATION.test(option) || ['ro', 'rw', 'z', 'Z', 'nocopy', 'copy', 'cached', 'delegated', 'consistent'].includes(option));
  if (!known) throw invalidConfig({ what: 'invalid mode', detail: `${mode} (in ${text})` });
  const readOnly = options.includes('ro');
  const destination = absolute(second);
  if (!first.startsWith('/')) return { ...volume(first, destination), readOnly, mode, copyUp: !options.includes('nocopy') };
  return { ...bind(first, destination), readOnly, mode, createSource: true, propagation: options.find((option) => PROPAGATION.test(option)) ?? 'rprivate' };
}

function fromMount(mount: MountRequest): PlannedMount {
  const destination = absolute(mount.Target);
  const readOnly = mount.ReadOnly ?? false;
  const source = mount.Source ?? '';
  if (mount.Type === 'tmpfs') return { ...tmpfs(destination, tmpfsOptions(mount)), readOnly };
  if (mount.Type === 'volume') {
    const options = mount.VolumeOptions ?? {};
    const driver = options.DriverConfig;
    if (driver?.Name && driver.Name !== 'local') throw invalidConfig({ what: 'invalid mount config for type "volume"', detail: `there is no volume driver ${driver.Name}: Berth has the local driver only` });
    if (Object.keys(driver?.Options ?? {}).length > 0) throw invalidConfig({ what: 'invalid mount config for type "volume"', detail: 'volume-opt: the local driver takes no options here' });
    return { ...volume(source, destination), readOnly, mode: readOnly ? '' : 'z', copyUp: !options.NoCopy, ...subpathOf(options.Subpath), ...(options.Labels ? { volumeLabels: options.Labels } : {}) };
  }
  if (!source.startsWith('/')) throw invalidConfig({ what: 'invalid mount config for type "bind"', detail: `invalid mount path: '${source}' mount path must be absolute` });
  const { Propagation, NonRecursive, CreateMountpoint, Idmap, ReadOnlyForceRecursive } = mount.BindOptions ?? {};
  if (Propagation && !PROPAGATION.test(Propagation)) throw invalidConfig({ what: 'invalid mount config for type "bind"', detail: `invalid propagation mode: ${Propagation}` });
  if (ReadOnlyForceRecursive && !mount.ReadOnly) throw invalidConfig({ what: 'invalid mount config for type "bind"', detail: 'ReadOnlyForceRecursive needs ReadOnly' });
  return {
    ...bind(posix.normalize(source), destination),
    readOnly,
    recursive: !NonRecursive,
    createSource: CreateMountpoint ?? false,
    propagation: Propagation ? Propagation : 'rprivate',
    ...(Idmap ? { idmap: Idmap } : {}),
    ...(ReadOnlyForceRecursive ? { readOnlyBelow: true } : {}),
  };
}

function fromTmpfs([target, options]: [string, string]): PlannedMount {
  return tmpfs(absolute(target), options.split(',').filter((option) => option !== '').map(checkTmpfsOption));
}

const TMPFS_FLAGS = /^(rw|ro|(no)?(exec|suid|dev|atime|diratime)|(no)?relatime|strictatime|sync|async|dirsync|remount|mand|nomand|defaults|silent|loud|bind|rbind|r?(private|shared|slave|unbindable))$/;
const TMPFS_VALUES = /^(size|nr_inodes|nr_blocks)=\d+(\.\d+)?[kKmMgG%]?$|^mode=[0-7]{1,5}$|^(uid|gid)=\d+$|^mpol=[\w:,-]+$|^huge=(never|always|within_size|advise)$/;

/** Docker's options of `--tmpfs`. */
function checkTmpfsOption(option: string): string {
  if (!TMPFS_FLAGS.test(option) && !TMPFS_VALUES.test(option)) throw invalidConfig({ what: 'invalid tmpfs option', detail: JSON.stringify(option) });
  return option;
}

function subpathOf(path: string | null | undefined): { subpath?: string } {
  if (!path) return {};
  const clean = posix.normalize(path).replace(/\/$/, '');
  if (clean.startsWith('/') || clean === '..' || clean.startsWith('../')) throw invalidConfig({ what: 'invalid mount config for type "volume"', detail: `subpath "${path}": it must be a relative path within the volume` });
  return clean === '.' ? {} : { subpath: clean };
}

function tmpfsOptions({ TmpfsOptions: options }: MountRequest): string[] {
  return [...(options?.SizeBytes ? [`size=${options.SizeBytes}`] : []), ...(options?.Mode ? [`mode=${options.Mode.toString(8)}`] : []), ...(options?.Options ?? []).map((one) => one.join('='))];
}

const common = { readOnly: false, mode: '', anonymous: false, copyUp: false, recursive: true, createSource: false, source: '' } as const;

function bind(source: string, destination: string): PlannedMount {
  return { ...common, type: 'bind', source, destination, propagation: 'rprivate' };
}

function volume(name: string, destination: string): PlannedMount {
  return { ...common, type: 'volume', destination, propagation: '', volumeName: name, anonymous: name === '', copyUp: true };
}

function tmpfs(destination: string, tmpfsOptions: string[]): PlannedMount {
  return { ...common, type: 'tmpfs', destination, propagation: '', tmpfsOptions };
}

function absolute(target: string): string {
  const clean = posix.normalize(target).replace(/(.)\/$/, '$1');
  if (!clean.startsWith('/')) throw invalidConfig({ what: 'invalid mount path', detail: `'${target}' mount path must be absolute` });
  if (clean === '/') throw invalidConfig({ what: 'invalid volume specification', detail: "destination can't be '/'" });
  return clean;
}

function depth(path: string): number {
  return path.split('/').length;
}
