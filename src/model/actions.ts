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
export type DevContainerOnlyAction = 'up' | 'cancelUp' | 'openConfig';
export type DevContainerAction = DevContainerOnlyAction | ContainerAction;

const devContainerOnly: Readonly<Record<DevContainerState, readonly DevContainerOnlyAction[]>> = {
  absent: ['up', 'openConfig'],
  busy: ['cancelUp', 'openConfig'],
  created: ['up', 'openConfig'],
  running: ['openConfig'],
  paused: ['openConfig'],
  restarting: ['openConfig'],
  removing: ['openConfig'],
  exited: ['up', 'openConfig'],
  dead: ['openConfig'],
  unknown: ['openConfig'],
};

/** A dev container is started by `up`, which runs its lifecycle commands, never by a plain start. */
export function devContainerActions(state: DevContainerState): readonly DevContainerAction[] {
  const ofContainer = state === 'absent' || state === 'busy' ? [] : containerActions[state].filter((action) => action !== 'start');
  return [...devContainerOnly[state], ...ofContainer];
}

/** The command of an action. */
export function commandOf(action: DevContainerAction): string {
  return action === 'up' || action === 'cancelUp' || action === 'openConfig' ? `berth.devContainer.${action}` : `berth.container.${action}`;
}
