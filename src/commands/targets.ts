import * as vscode from 'vscode';
import { containerActions, devContainerActions } from '../model/actions.ts';
import type { ContainerAction, DevContainerAction } from '../model/actions.ts';
import type { Container } from '../model/containerState.ts';
import type { ContainerStore } from '../model/containerStore.ts';
import type { DevContainerStore } from '../model/devContainerStore.ts';
import type { DevContainer } from '../model/devContainers.ts';
import type { DevPort } from '../../engine/api/berth/port.ts';
import type { PortStore } from '../model/portStore.ts';
import { isNode, isPortNode } from '../views/nodes.ts';

/** Who a command is for: a container, with the dev container it belongs to when it was asked of that. */
export interface Target {
  readonly container: Container;
  readonly devContainer?: DevContainer;
}

/** Finds whom a command means: the row it was asked of, or whom the user picks among those that the action suits. */
export class Targets {
  readonly #containers: ContainerStore;
  readonly #devContainers: DevContainerStore;
  readonly #ports: PortStore;

  constructor(containers: ContainerStore, devContainers: DevContainerStore, ports: PortStore) {
    this.#ports = ports;
    this.#containers = containers;
    this.#devContainers = devContainers;
  }

  async container(argument: unknown, action: ContainerAction): Promise<Target | undefined> {
    if (!isNode(argument)) return this.#pickContainer(action);
    if (argument.kind === 'container') {
      const container = this.#containers.get(argument.id);
      return container && { container };
    }
    const devContainer = this.#devContainers.get(argument.key);
    return devContainer?.container && { container: devContainer.container, devContainer };
  }

  async devContainer(argument: unknown, action: DevContainerAction): Promise<DevContainer | undefined> {
    if (isNode(argument)) return argument.kind === 'devContainer' ? this.#devContainers.get(argument.key) : undefined;
    return this.choose(this.#devContainers.all(), action);
  }

  /** The one that the action suits, or that the user picks of several. */
  async choose(among: readonly DevContainer[], action: DevContainerAction): Promise<DevContainer | undefined> {
    const suited = among.filter((item) => devContainerActions(item.state).includes(action));
    if (suited.length <= 1) {
      if (suited.length === 0) void vscode.window.showInformationMessage(vscode.l10n.t('There is no dev container for which this can be done.'));
      return suited[0];
    }
    const rows = suited.map((item) => ({ label: item.name, description: item.folder, item }));
    return (await vscode.window.showQuickPick(rows, { placeHolder: vscode.l10n.t('Which dev container?'), matchOnDescription: true }))?.item;
  }

  /** The port of the row that a command was asked of. */
  port(argument: unknown): DevPort | undefined {
    return isPortNode(argument) ? this.#ports.get(argument.containerId, argument.port) : undefined;
  }

  async #pickContainer(action: ContainerAction): Promise<Target | undefined> {
    const suited = this.#containers.all().filter((container) => containerActions[container.state].includes(action));
    if (suited.length === 0) {
      void vscode.window.showInformationMessage(vscode.l10n.t('There is no container for which this can be done.'));
      return undefined;
    }
    const rows = suited.map((container) => ({ label: container.name, description: container.image, container }));
    const picked = await vscode.window.showQuickPick(rows, { placeHolder: vscode.l10n.t('Which container?'), matchOnDescription: true });
    return picked && { container: picked.container };
  }
}
