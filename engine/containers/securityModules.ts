import { UNCONFINED } from '../host/appArmor/profile.ts';
import type { Container } from './container.ts';
import type { ContainerParts } from './parts.ts';
import type { ContainerRecord } from './record.ts';
import { parseSecurity } from './security.ts';

/** The AppArmor profile that a container is to be started with, loaded. Throws APPARMOR_PROFILE_MISSING, APPARMOR_LOAD_FAILED. */
export function profileOf({ appArmor }: Pick<ContainerParts, 'appArmor'>, { record: { hostConfig } }: Pick<Container, 'record'>): Promise<string | undefined> {
  const { appArmor: asked } = parseSecurity(hostConfig.SecurityOpt ?? []);
  return appArmor.profileFor({ privileged: hostConfig.Privileged ?? false, ...(asked ? { asked } : {}) });
}

/** A confinement that was asked for and that there will not be: Docker says nothing of it. */
export function confinementWarnings({ appArmor, seLinux }: { readonly appArmor: Pick<ContainerParts['appArmor'], 'enabled'>; readonly seLinux: Pick<ContainerParts['seLinux'], 'enabled'> }, { hostConfig }: Pick<ContainerRecord, 'hostConfig'>): string[] {
  const { appArmor: profile, labels } = parseSecurity(hostConfig.SecurityOpt ?? []);
  const asked = labels.filter((label) => label !== 'disable');
  return [
    ...(profile && profile !== UNCONFINED && !appArmor.enabled ? [`This engine cannot confine by AppArmor (the kernel has none, or the engine no root): --security-opt apparmor=${profile} has no effect.`] : []),
    ...(asked.length > 0 && !seLinux.enabled ? [`This engine gives no SELinux labels (the kernel has none, the engine no root, or BERTH_SELINUX is not set for it): --security-opt ${asked.map((label) => `label=${label}`).join(', ')} has no effect.`] : []),
  ];
}

/** As `docker info` names them. */
export function moduleNames({ appArmor, seLinux }: Pick<ContainerParts, 'appArmor' | 'seLinux'>): string[] {
  return [...(appArmor.confines ? ['apparmor'] : []), ...(seLinux.enabled ? ['selinux'] : [])];
}
