import * as vscode from 'vscode';
import type { DevPort } from '../../engine/api/berth/port.ts';
import { local } from '../hosts/engines.ts';
import type { Engine, Engines } from '../hosts/engines.ts';
import { containerActions, devContainerActions } from '../model/actions.ts';
import type { ContainerAction, DevContainerAction } from '../model/actions.ts';
import type { Container } from '../model/containerState.ts';
import type { DevContainer } from '../model/devContainers.ts';
import { isNode, isPortNode } from '../views/nodes.ts';

/** Who a command is for: a container, with the dev container it belongs to when it was asked of that. */
export interface Target {
  readonly engine: Engine;
  readonly container: Container;
  readonly devContainer?: DevContainer;
}

/** Finds whom a command means: the row it was asked of, or whom the user picks among those that the action suits. */
export class Targets {
  readonly #engines: Engines;

  constructor(engines: Engines) {
    this.#engines = engines;
  }

  async container(argument: unknown, action: ContainerAction): Promise<Target | undefined> {
    if (!isNode(argument)) return this.#pickContainer(action);
    const engine = this.#engines.get(argument.host);
    if (argument.kind === 'container') {
      const container = engine?.host.containers.get(argument.id);
      return engine && container && { engine, container };
    }
    const devContainer = engine?.devContainers.get(argument.key);
    return engine && devContainer?.container && { engine, container: devContainer.container, devContainer };
  }

  async devContainer(argument: unknown, action: DevContainerAction): Promise<DevContainer | undefined> {
    if (isNode(argument)) return argument.kind === 'devContainer' ? this.#engines.get(argument.host)?.devContainers.get(argument.key) : undefined;
    return this.choose(this.#engines.all().flatMap(({ devContainers }) => devContainers.all()), action);
  }

  /** The one that the action suits, or that the user picks of several. */
  async choose(among: readonly DevContainer[], action: DevContainerAction): Promise<DevContainer | undefined> {
    const suited = among.filter((item) => devContainerActions(item.state).includes(action));
    if (suited.length <= 1) {
      if (suited.length === 0) void vscode.window.showInformationMessage(vscode.l10n.t('There is no dev container for which this can be done.'));
      return suited[0];
    }
    const rows = suited.map((item) => ({ label: item.name, description: onHost(item.folder, item.host), item }));
    return (await vscode.window.showQuickPick(rows, { placeHolder: vscode.l10n.t('Which dev container?'), matchOnDescription: true }))?.item;
  }

  /** The port of the row that a command was asked of. */
  port(argument: unknown): { readonly engine: Engine; readonly port: DevPort } | undefined {
    if (!isPortNode(argument)) return undefined;
    const engine = this.#engines.get(argument.host);
    const port = engine?.ports.get(argument.containerId, argument.port);
    return engine && port && { engine, port };
  }

  async #pickContainer(action: ContainerAction): Promise<Target | undefined> {
    const suited = this.#engines.all().flatMap((engine) => engine.host.containers.all().flatMap((container) => (containerActions[container.state].includes(action) ? [{ engine, container }] : [])));
    if (suited.length === 0) {
      void vscode.window.showInformationMessage(vscode.l10n.t('There is no container for which this can be done.'));
      return undefined;
    }
    const rows = suited.map((target) => ({ label: target.container.name, description: onHost(target.container.image, target.engine.name), target }));
    return (await vscode.window.showQuickPick(rows, { placeHolder: vscode.l10n.t('Which container?'), matchOnDescription: true }))?.target;
  }
}

function onHost(text: string, host: string): string {
  return host === local ? text : vscode.l10n.t('{0} on {1}', text, host);
}
