import { z } from 'zod';
import { containerInspectSchema, containerSummarySchema } from '../api/docker/containerView.ts';
import type { ContainerInspect } from '../api/docker/containerView.ts';
import type { DevContainer } from '../api/berth/devcontainer.ts';
import { configFileLabel, localFolderLabel } from './config/devcontainerId.ts';
import type { DevContainers } from './ports.ts';

const summaries = z.array(containerSummarySchema);

/** Dev containers, by their labels; of several, the running one first, then the newest. */
export function findDevContainers(containers: DevContainers, labels: Readonly<Record<string, string>>): DevContainer[] {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const found = summaries.parse(containers.list({ all: true, filters: { label: wanted.length > 0 ? wanted : [localFolderLabel] } }));
  const rows = found.map((one): DevContainer => ({
    containerId: one.Id,
    name: one.Names[0]?.replace(/^\//, '') ?? '',
    folder: one.Labels?.[localFolderLabel] ?? '',
    configFile: one.Labels?.[configFileLabel] ?? '',
    state: one.State,
    status: one.Status,
    created: new Date(one.Created * 1000).toISOString(),
  }));
  return rows.sort((a, b) => Number(b.state === 'running') - Number(a.state === 'running') || (a.created < b.created ? 1 : -1));
}

export function inspectContainer(containers: DevContainers, id: string): ContainerInspect {
  return containerInspectSchema.parse(containers.inspect(id));
}

/** A container's environment as a map. */
export function environmentOf(details: ContainerInspect): Record<string, string> {
  return Object.fromEntries((details.Config.Env ?? []).map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
}
