import type { ContainerState } from './containerState.ts';

/** What can be asked of a container. Each is a command `berth.container.<action>`. */
export type ContainerAction = 'start' | 'stop' | 'restart' | 'remove' | 'logs' | 'openShell' | 'inspect' | 'copyId';

/** The one table of which actions suit which state; package.json's menus are tested against it. */
export const containerActions: Readonly<Record<ContainerState, readonly ContainerAction[]>> = {
  created: ['start', 'remove', 'logs', 'inspect', 'copyId'],
  running: ['stop', 'restart', 'remove', 'logs', 'openShell', 'inspect', 'copyId'],
  paused: ['stop', 'remove', 'logs', 'inspect', 'copyId'],
  restarting: ['stop', 'remove', 'logs', 'inspect', 'copyId'],
  removing: ['inspect', 'copyId'],
  exited: ['start', 'remove', 'logs', 'inspect', 'copyId'],
  dead: ['remove', 'logs', 'inspect', 'copyId'],
  unknown: ['remove', 'logs', 'inspect', 'copyId'],
};

/** `absent`: no container yet. `busy`: `up` is under way. */
export type DevContainerState = ContainerState | 'absent' | 'busy';

/** What can be asked of a dev container beside what its container offers: commands `berth.devContainer.<action>`. */
export const devContainerOnlyActions = ['up', 'cancelUp', 'openConfig', 'reopen', 'rebuild', 'rebuildWithoutCache', 'openInBrowser', 'attach'] as const;
export type DevContainerOnlyAction = (typeof devContainerOnlyActions)[number];
export type DevContainerAction = DevContainerOnlyAction | ContainerAction;

const making = ['rebuild', 'rebuildWithoutCache'] as const;
const opening = ['reopen', 'openInBrowser'] as const;

const devContainerOnly: Readonly<Record<DevContainerState, readonly DevContainerOnlyAction[]>> = {
  absent: ['up', ...opening, 'openConfig'],
  busy: ['cancelUp', 'openConfig'],
  created: ['up', ...opening, ...making, 'openConfig'],
  running: [...opening, 'attach', ...making, 'openConfig'],
  paused: ['openConfig'],
  restarting: ['openConfig'],
  removing: ['openConfig'],
  exited: ['up', ...opening, ...making, 'openConfig'],
  dead: [...making, 'openConfig'],
  unknown: ['openConfig'],
};

/** A dev container is started by `up`, which runs its lifecycle commands, never by a plain start. */
export function devContainerActions(state: DevContainerState): readonly DevContainerAction[] {
  const ofContainer = state === 'absent' || state === 'busy' ? [] : containerActions[state].filter((action) => action !== 'start');
  return [...devContainerOnly[state], ...ofContainer];
}

/** The command of an action. */
export function commandOf(action: DevContainerAction): string {
  const own: readonly string[] = devContainerOnlyActions;
  return own.includes(action) ? `berth.devContainer.${action}` : `berth.container.${action}`;
}
