import * as vscode from 'vscode';
import { currentPlace } from '../../hosts/editorWindows.ts';
import type { Origins } from '../../hosts/origins.ts';
import type { DevContainerAction } from '../../model/actions.ts';
import type { DevContainerStore } from '../../model/devContainerStore.ts';
import type { DevContainer } from '../../model/devContainers.ts';
import { isNode } from '../../views/nodes.ts';
import type { Targets } from '../targets.ts';

/** Finds the dev container that a command means which, unasked, is about this window: that which it is inside of, else those of its folders. */
export class WindowTargets {
  readonly #targets: Targets;
  readonly #devContainers: DevContainerStore;
  readonly #origins: Origins;

  constructor(targets: Targets, devContainers: DevContainerStore, origins: Origins) {
    this.#targets = targets;
    this.#devContainers = devContainers;
    this.#origins = origins;
  }

  devContainer(argument: unknown, action: DevContainerAction): Promise<DevContainer | undefined> {
    if (isNode(argument)) return this.#targets.devContainer(argument, action);
    const folders = this.#folders();
    const here = this.#devContainers.all().filter((item) => folders.includes(item.folder));
    return this.#targets.choose(here.length > 0 ? here : this.#devContainers.all(), action);
  }

  #folders(): string[] {
    const place = currentPlace();
    if (!place) return (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
    const origin = this.#origins.find(place.alias);
    return origin === undefined ? [] : [vscode.Uri.parse(origin, true).fsPath];
  }
}
