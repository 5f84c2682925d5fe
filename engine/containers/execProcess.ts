import { containerCapabilities, withoutMknod } from '../host/capabilities.ts';
import { capabilitySets, labelsOf } from '../host/ociSpec.ts';
import type { OciProcess } from '../host/ociTypes.ts';
import { toRlimits } from '../host/rlimits.ts';
import { processEnv } from './containerSpec.ts';
import type { ExecSession } from './execSession.ts';
import { mergeEnv } from './createPlan.ts';
import { parseSecurity } from './security.ts';
import type { ResolvedUser } from './user.ts';

/** The process of an exec: that of its container, but for what the exec says otherwise. */
export function processSpec({ container, config, tty, size }: ExecSession, user: ResolvedUser, cgroups: boolean): OciProcess {
  const { record } = container;
  const { hostConfig: host } = record;
  const privileged = config.Privileged || (host.Privileged ?? false);
  const granted = containerCapabilities({ privileged, add: host.CapAdd ?? [], drop: config.Privileged ? [] : (host.CapDrop ?? []) });
  const names = cgroups || privileged ? granted : withoutMknod(granted);
  return {
    terminal: tty,
    ...(tty && size ? { consoleSize: { height: size.rows, width: size.columns } } : {}),
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    args: config.Cmd ?? [],
    env: mergeEnv(processEnv({ ...record, config: { ...record.config, Tty: tty } }, { user, hostname: record.config.Hostname ?? '', systemd: container.state.systemd ?? false }), config.Env ?? []),
    cwd: config.WorkingDir || record.config.WorkingDir || '/',
    capabilities: capabilitySets(names),
    rlimits: toRlimits(host.Ulimits ?? []),
    noNewPrivileges: parseSecurity(host.SecurityOpt ?? []).noNewPrivileges,
    // As Docker: a privileged exec has no other than its container.
    ...labelsOf({ ...(container.state.appArmor ? { appArmorProfile: container.state.appArmor } : {}), ...(record.seLinux ? { seLinux: record.seLinux } : {}) }),
  };
}
