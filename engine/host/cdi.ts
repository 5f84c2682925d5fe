import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hostDevices } from './devices.ts';
import type { OciDevice, OciMount } from './ociTypes.ts';

/** Where programs that know a device say how containers get it (Container Device Interface); the later folder wins. Specifications in YAML are not read. */
const FOLDERS = ['/etc/cdi', '/var/run/cdi'];

const editsSchema = z.looseObject({
  env: z.array(z.string()).nullish(),
  deviceNodes: z.array(z.looseObject({ path: z.string(), hostPath: z.string().nullish() })).nullish(),
  mounts: z.array(z.looseObject({ hostPath: z.string(), containerPath: z.string(), options: z.array(z.string()).nullish(), type: z.string().nullish() })).nullish(),
  hooks: z.array(z.looseObject({ hookName: z.string(), path: z.string(), args: z.array(z.string()).nullish(), env: z.array(z.string()).nullish(), timeout: z.number().nullish() })).nullish(),
});
type Edits = z.infer<typeof editsSchema>;

const specSchema = z.looseObject({
  kind: z.string(),
  containerEdits: editsSchema.nullish(),
  devices: z.array(z.looseObject({ name: z.string(), containerEdits: editsSchema })),
});

/** What a container needs for its devices. */
export interface DeviceEdits {
  readonly env: readonly string[];
  readonly devices: readonly OciDevice[];
  readonly mounts: readonly OciMount[];
  /** By the stage at which the OCI runtime calls them. */
  readonly hooks: Readonly<Record<string, ReadonlyArray<{ readonly path: string; readonly args?: readonly string[]; readonly env?: readonly string[]; readonly timeout?: number }>>>;
}

/** What the devices of this name (`vendor.com/class=name`) need; undefined: this host has none. `vendor.com/class` alone is the only or first one. */
export async function deviceEdits(name: string, folders: readonly string[] = FOLDERS): Promise<DeviceEdits | undefined> {
  const equals = name.indexOf('=');
  const [kind, wanted] = equals < 0 ? [name, undefined] : [name.slice(0, equals), name.slice(equals + 1)];
  let found: Edits[] | undefined;
  for (const spec of await specs(folders)) {
    if (spec.kind !== kind) continue;
    const device = spec.devices.find((one) => wanted === undefined || one.name === wanted);
    if (device) found = [...(spec.containerEdits ? [spec.containerEdits] : []), device.containerEdits];
  }
  return found && combined(found);
}

async function specs(folders: readonly string[]): Promise<Array<z.infer<typeof specSchema>>> {
  const found: Array<z.infer<typeof specSchema>> = [];
  for (const folder of folders) {
    const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort();
    for (const name of names) {
      const text = await readFile(join(folder, name), 'utf8').catch(() => '');
      const parsed = specSchema.safeParse(parseJson(text));
      if (parsed.success) found.push(parsed.data);
    }
  }
  return found;
}

async function combined(list: readonly Edits[]): Promise<DeviceEdits> {
  const nodes = await Promise.all(list.flatMap(({ deviceNodes }) => deviceNodes ?? []).map(({ path, hostPath }) => hostDevices(hostPath ?? path, path)));
  const hooks: Record<string, Array<DeviceEdits['hooks'][string][number]>> = {};
  for (const { hookName, path, args, env, timeout } of list.flatMap((edits) => edits.hooks ?? [])) {
    (hooks[hookName] ??= []).push({ path, ...(args ? { args } : {}), ...(env ? { env } : {}), ...(typeof timeout === 'number' ? { timeout } : {}) });
  }
  return {
    env: list.flatMap(({ env }) => env ?? []),
    devices: nodes.flat(),
    mounts: list.flatMap(({ mounts }) => mounts ?? []).map(({ hostPath, containerPath, options, type }) => ({ destination: containerPath, type: type ?? 'bind', source: hostPath, options: options ?? ['ro', 'nosuid', 'nodev', 'bind'] })),
    hooks,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
