import { allHostDevices, hostDevices } from '../host/devices.ts';
import type { OciDevice, OciDeviceRule } from '../host/ociTypes.ts';
import { inUserNamespace } from '../host/userNamespace.ts';
import type { Container } from './container.ts';
import { startFailed } from './errors.ts';
import { DEVICE_RULE } from './hostConfigChecks.ts';
import type { MountPoint } from './record.ts';

export interface Devices {
  readonly devices: readonly OciDevice[];
  readonly deviceRules: readonly OciDeviceRule[];
  /** Nodes of the host to be bound, where the container may make none. */
  readonly mounts: readonly MountPoint[];
}

/** The devices that a container is given, and what its control group allows it. In a user namespace nobody makes device nodes: the host's are bound then. */
export async function devicesOf({ record }: Container): Promise<Devices> {
  const { hostConfig: host } = record;
  if (host.Privileged) return { devices: await allHostDevices(), deviceRules: [], mounts: [] };
  const devices: OciDevice[] = [];
  const mounts: MountPoint[] = [];
  const deviceRules: OciDeviceRule[] = (host.DeviceCgroupRules ?? []).map(parseRule);
  for (const { PathOnHost, PathInContainer, CgroupPermissions } of host.Devices ?? []) {
    const inside = PathInContainer || PathOnHost;
    const found = await hostDevices(PathOnHost, inside).catch((error: unknown) => {
      throw startFailed({ id: record.id, detail: `error gathering device information while adding custom device "${PathOnHost}": no such file or directory` }, { cause: error });
    });
    if (record.idRange || inUserNamespace()) mounts.push(...found.map(({ path }) => bound(PathOnHost + path.slice(inside.length), path)));
    else devices.push(...found);
    deviceRules.push(...found.map(({ type, major, minor }) => ({ allow: true, type, major, minor, access: CgroupPermissions || 'rwm' })));
  }
  return { devices, deviceRules, mounts };
}

function bound(source: string, destination: string): MountPoint {
  return { type: 'bind', source, destination, readOnly: false, propagation: 'rprivate', mode: '', anonymous: false, copyUp: false, recursive: false };
}

/** `c 13:* rwm`. */
function parseRule(rule: string): OciDeviceRule {
  const [, type, major, minor, access] = DEVICE_RULE.exec(rule) ?? [];
  // Checked at creation; whatever else a record may say allows nothing.
  if (!type || !access) return { allow: false, access: 'rwm' };
  return { allow: true, type, ...(major === '*' ? {} : { major: Number(major) }), ...(minor === '*' ? {} : { minor: Number(minor) }), access };
}
