import { isAbsolute, resolve } from 'node:path';
import type { CreateBody, Mount } from './createBody.ts';
import { parseBytes } from './quantities.ts';

/** What is wrong with a mount, in words for people. */
export class MountSpecError extends Error {
  override readonly name = 'MountSpecError';
}

/**
 * Docker's `--mount` syntax: `type=bind,source=/a,target=/b,readonly`. Relative sources of binds are resolved against
 * `folder`. Throws MountSpecError.
 */
export function parseMount(text: string, folder: string): Mount {
  const mount: Mount = { Type: 'volume', Target: '' };
  for (const field of splitFields(text)) {
    const at = field.indexOf('=');
    const key = (at === -1 ? field : field.slice(0, at)).trim().toLowerCase();
    applyField(mount, key, at === -1 ? undefined : field.slice(at + 1));
  }
  if (!mount.Target.startsWith('/')) throw new MountSpecError(mount.Target === '' ? 'the target is missing' : `the target ${mount.Target} is not an absolute path`);
  for (const [type, options] of [['bind', mount.BindOptions], ['volume', mount.VolumeOptions], ['tmpfs', mount.TmpfsOptions]] as const) if (options && type !== mount.Type) throw new MountSpecError(`${type}-… options are for mounts of type ${type}, and this is one of type ${mount.Type}`);
  if (mount.Type === 'tmpfs' && mount.Source) throw new MountSpecError('a tmpfs has no source');
  if (mount.Type !== 'bind') return mount;
  if (!mount.Source) throw new MountSpecError('a bind needs a source');
  return { ...mount, Source: isAbsolute(mount.Source) ? mount.Source : resolve(folder, mount.Source) };
}

/** Commas separate fields; a field in double quotes may hold commas. */
export function splitFields(text: string): string[] {
  return (text.match(/(?:"[^"]*"|[^,"])+/g) ?? []).map((field) => field.replaceAll('"', ''));
}

function applyField(mount: Mount, key: string, value: string | undefined): void {
  const apply = FIELDS[key];
  if (!apply) throw new MountSpecError(`unknown field ${key}`);
  apply(mount, value ?? '', value === undefined || value === 'true' || value === '1');
}

const FIELDS: Readonly<Record<string, (mount: Mount, value: string, on: boolean) => void>> = {
  type: (mount, value) => {
    if (value !== 'bind' && value !== 'volume' && value !== 'tmpfs') throw new MountSpecError(`type ${value} is not bind, volume or tmpfs`);
    mount.Type = value;
  },
  source: (mount, value) => setSource(mount, value),
  src: (mount, value) => setSource(mount, value),
  target: (mount, value) => void (mount.Target = value),
  destination: (mount, value) => void (mount.Target = value),
  dst: (mount, value) => void (mount.Target = value),
  readonly: (mount, _value, on) => void (mount.ReadOnly = on),
  ro: (mount, _value, on) => void (mount.ReadOnly = on),
  consistency: () => undefined, // a hint for macOS; there is only one consistency on Linux
  external: () => undefined,
  'bind-propagation': (mount, value) => {
    if (!/^r?(private|shared|slave)$/.test(value)) throw new MountSpecError(`bind-propagation ${value} is not shared, slave, private, rshared, rslave or rprivate`);
    (mount.BindOptions ??= {}).Propagation = value;
  },
  'bind-recursive': (mount, value) => {
    const options = (mount.BindOptions ??= {});
    if (value === 'disabled') options.NonRecursive = true;
    else if (value === 'readonly') options.ReadOnlyForceRecursive = true;
    else if (value === 'writable') options.ReadOnlyNonRecursive = true;
    else if (value !== 'enabled') throw new MountSpecError(`bind-recursive ${value} is not enabled, disabled, writable or readonly`);
  },
  'bind-create-src': (mount, _value, on) => void ((mount.BindOptions ??= {}).CreateMountpoint = on),
  'bind-nonrecursive': (mount, _value, on) => void ((mount.BindOptions ??= {}).NonRecursive = on),
  'volume-nocopy': (mount, _value, on) => void ((mount.VolumeOptions ??= {}).NoCopy = on),
  'volume-subpath': (mount, value) => void ((mount.VolumeOptions ??= {}).Subpath = value),
  'volume-label': (mount, value) => {
    const [name = '', ...rest] = value.split('=');
    (((mount.VolumeOptions ??= {}).Labels ??= {})[name] = rest.join('='));
  },
  'volume-opt': (mount, value) => {
    const [name = '', ...rest] = value.split('=');
    ((((mount.VolumeOptions ??= {}).DriverConfig ??= {}).Options ??= {})[name] = rest.join('='));
  },
  'volume-driver': (mount, value) => void (((mount.VolumeOptions ??= {}).DriverConfig ??= {}).Name = value),
  'tmpfs-size': (mount, value) => {
    const bytes = parseBytes(value);
    if (bytes === undefined) throw new MountSpecError(`tmpfs-size ${value} is not a size`);
    (mount.TmpfsOptions ??= {}).SizeBytes = bytes;
  },
  'tmpfs-mode': (mount, value) => {
    if (!/^[0-7]{1,4}$/.test(value)) throw new MountSpecError(`tmpfs-mode ${value} is not an octal mode`);
    (mount.TmpfsOptions ??= {}).Mode = Number.parseInt(value, 8);
  },
};

function setSource(mount: Mount, value: string): void {
  if (value !== '') mount.Source = value;
}

/** Docker's `-v`: `/inside`, `name:/inside[:ro]`, `/outside:/inside[:ro]`; relative sources (`./x`) against `folder`. Throws MountSpecError. */
export function addVolume(body: CreateBody, text: string, folder: string): void {
  const [source = '', target, options, ...more] = text.split(':');
  if (more.length > 0 || source === '' || target === '') throw new MountSpecError(`${text} is not source:target[:options]`);
  if (target === undefined) {
    if (!source.startsWith('/')) throw new MountSpecError(`${source} is not an absolute path`);
    (body.Volumes ??= {})[source] = {};
    return;
  }
  if (!target.startsWith('/')) throw new MountSpecError(`the target ${target} is not an absolute path`);
  const isPath = source.startsWith('/') || source.startsWith('.') || source.includes('/');
  if (!isPath && !/^[A-Za-z0-9][A-Za-z0-9_.-]+$/.test(source)) throw new MountSpecError(`${source} is neither a path nor a volume's name`);
  const from = isPath ? resolve(folder, source) : source;
  (body.HostConfig.Binds ??= []).push([from, target, ...(options === undefined ? [] : [options])].join(':'));
}
