import { containerStatusSchema } from '../api/docker/containerView.ts';
import type { Container } from './container.ts';
import type { ContainerStore } from './containerStore.ts';
import { invalidConfig } from './errors.ts';
import { networkView, mountViews } from './view.ts';
import { parsePort } from './portPlan.ts';
import type { Networks } from './ports.ts';

export interface ListOptions {
  /** Also those that do not run. */
  readonly all: boolean;
  /** At most so many, the newest first; also those that do not run. */
  readonly limit?: number;
  readonly filters: Filters;
}

/** Docker's filters: values of one name are alternatives (labels: all must hold), names must all hold. */
export type Filters = Readonly<Record<string, readonly string[]>>;

const KNOWN = ['id', 'name', 'label', 'status', 'ancestor', 'exited', 'volume', 'network', 'before', 'since', 'publish', 'expose', 'health', 'is-task', 'isolation'];

/** The `filters` parameter: `{"name":["a"]}`, or Docker's older `{"name":{"a":true}}`. Throws INVALID_CONTAINER_CONFIG. */
export function parseFilters(text: string | null): Filters {
  if (text === null || text === '') return {};
  try {
    const parsed = JSON.parse(text) as Record<string, unknown>;
    return Object.fromEntries(Object.entries(parsed).map(([key, value]) => [key, Array.isArray(value) ? value.map(String) : Object.keys(value as object)]));
  } catch (error) {
    throw invalidConfig({ what: 'invalid filters', detail: text }, { cause: error });
  }
}

/** `GET /containers/json`, newest first. */
export function listContainers(store: ContainerStore, networks: Networks, imageName: (id: string) => readonly string[], { all, limit, filters }: ListOptions): object[] {
  checkFilters(filters, KNOWN);
  for (const status of filters['status'] ?? []) if (!containerStatusSchema.options.some((known) => known === status)) throw invalidConfig({ what: 'invalid filter', detail: `'status=${status}'` });
  const everything = all || (limit ?? 0) > 0 || (filters['status']?.length ?? 0) > 0 || (filters['exited']?.length ?? 0) > 0;
  const newest = store.list().sort((a, b) => (a.record.created < b.record.created ? 1 : -1));
  const found = newest.filter((container) => (everything || container.running) && matches(container, filters, { store, networks, imageName, order: newest }));
  return (limit && limit > 0 ? found.slice(0, limit) : found).map((container) => summary(container, networks));
}

interface Surroundings {
  readonly store: ContainerStore;
  readonly networks: Networks;
  readonly imageName: (id: string) => readonly string[];
  readonly order: readonly Container[];
}

type Test = (container: Container, value: string, around: Surroundings) => boolean;

const tests: Readonly<Record<string, Test>> = {
  id: ({ id }, value) => id.startsWith(value),
  name: ({ record }, value) => matchesName(record.name, value),
  label: ({ record }, value) => hasLabel(record.config.Labels ?? {}, value),
  status: ({ state }, value) => state.status === value,
  exited: ({ state }, value) => state.status === 'exited' && state.exitCode === Number(value),
  ancestor: ({ record }, value, { imageName }) => sameImage(record, value, imageName),
  volume: ({ record }, value) => record.mounts.some(({ name, destination, source }) => name === value || destination === value || source === value),
  network: ({ id, record }, value, { networks }) => record.network.mode === value || record.network.endpoints.some(({ network }) => network === value) || networks.endpoints(id).some(({ networkName, networkId }) => networkName === value || networkId === value),
  publish: (container, value, { networks }) => networkView(networks, container).published.some((port) => samePort(value, port.hostPort, port.protocol)),
  expose: ({ record }, value) => Object.keys(record.config.ExposedPorts ?? {}).some((key) => samePort(value, parsePort(key).port, parsePort(key).protocol)),
  before: (container, value, { order, store }) => order.indexOf(container) > order.indexOf(store.find(value)),
  since: (container, value, { order, store }) => order.indexOf(container) < order.indexOf(store.find(value)),
  health: ({ health }, value) => value === (health?.status ?? 'none'),
  'is-task': (_container, value) => value === 'false',
};

function matches(container: Container, filters: Filters, around: Surroundings): boolean {
  return Object.entries(filters).every(([name, values]) => {
    const test = tests[name];
    if (!test || values.length === 0) return true;
    return name === 'label' ? values.every((value) => test(container, value, around)) : values.some((value) => test(container, value, around));
  });
}

/** Docker's name filter is a regular expression, matched with and without the slash in front. */
function matchesName(name: string, value: string): boolean {
  try {
    const pattern = new RegExp(value);
    return pattern.test(name) || pattern.test(`/${name}`);
  } catch {
    return name.includes(value);
  }
}

export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=');
  return equals === -1 ? wanted in labels : labels[wanted.slice(0, equals)] === wanted.slice(equals + 1);
}

function sameImage(record: Container['record'], value: string, imageName: Surroundings['imageName']): boolean {
  const tagged = value.includes(':') || value.includes('@') ? value : `${value}:latest`;
  return record.imageRef === value || record.imageRef === tagged || record.imageId === value || record.imageId.replace('sha256:', '').startsWith(value) || imageName(record.imageId).some((name) => name === tagged);
}

function samePort(wanted: string, port: number, protocol: string): boolean {
  const [range = '', kind] = wanted.split('/');
  const [first, last = first] = range.split('-').map(Number);
  return port >= (first ?? 0) && port <= (last ?? 0) && (kind === undefined || kind === protocol);
}

function summary(container: Container, networks: Networks): object {
  const { record, state } = container;
  const { endpoints, published } = networkView(networks, container);
  const exposed = Object.keys(record.config.ExposedPorts ?? {}).map(parsePort).filter(({ port, protocol }) => !published.some((one) => one.containerPort === port && one.protocol === protocol));
  return {
    Id: record.id,
    Names: [`/${record.name}`],
    Image: record.imageRef,
    ImageID: record.imageId,
    Command: record.args.map((arg) => (/\s/.test(arg) ? `'${arg}'` : arg)).join(' '),
    Created: Math.floor(Date.parse(record.created) / 1000),
    Ports: [
      ...published.map(({ hostIp, hostPort, containerPort, protocol }) => ({ IP: hostIp, PrivatePort: containerPort, PublicPort: hostPort, Type: protocol })),
      ...(container.running ? exposed.map(({ port, protocol }) => ({ PrivatePort: port, Type: protocol })) : []),
    ],
    Labels: record.config.Labels ?? {},
    State: state.status,
    Status: statusText(container, Date.now()),
    HostConfig: { NetworkMode: record.hostConfig.NetworkMode ?? 'bridge' },
    NetworkSettings: { Networks: Object.fromEntries(endpoints.map((one) => [one.networkName, { NetworkID: one.networkId, EndpointID: one.endpointId, Gateway: one.gateway, IPAddress: one.ip, IPPrefixLen: one.prefix, MacAddress: one.mac }])) },
    Mounts: mountViews(record),
  };
}

/** `Up 5 minutes`, `Exited (0) 2 hours ago`, `Created`. */
export function statusText({ state, health }: Pick<Container, 'state'> & Partial<Pick<Container, 'health'>>, now: number): string {
  const since = (time: string): string => duration((now - Date.parse(time)) / 1000);
  switch (state.status) {
    case 'running':
      return `Up ${since(state.startedAt)}${health ? ` (${health.status === 'starting' ? 'health: starting' : health.status})` : ''}`;
    case 'paused':
      return `Up ${since(state.startedAt)} (Paused)`;
    case 'restarting':
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case 'exited':
      return `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'created':
      return 'Created';
  }
}

/** Seconds in Docker's rough words. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 1) return 'Less than a second';
  if (whole === 1) return '1 second';
  if (whole < 60) return `${whole} seconds`;
  const minutes = Math.floor(whole / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.floor(whole / 3600 + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}

/** A filter that nobody knows would let everything pass. Throws INVALID_CONTAINER_CONFIG. */
export function checkFilters(filters: Filters, known: readonly string[]): void {
  for (const name of Object.keys(filters)) if (!known.includes(name)) throw invalidConfig({ what: 'invalid filter', detail: `'${name}'` });
}
