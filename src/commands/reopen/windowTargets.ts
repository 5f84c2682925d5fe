import * as vscode from 'vscode';
import { currentPlace } from '../../hosts/editorWindows.ts';
import { local } from '../../hosts/engines.ts';
import type { Engines } from '../../hosts/engines.ts';
import type { Origins } from '../../hosts/origins.ts';
import type { DevContainerAction } from '../../model/actions.ts';
import type { DevContainer } from '../../model/devContainers.ts';
import { isNode } from '../../views/nodes.ts';
import type { Targets } from '../targets.ts';

/** Finds the dev container that a command means which, unasked, is about this window: that which it is inside of, else those of its folders. */
export class WindowTargets {
  readonly #targets: Targets;
  readonly #engines: Engines;
  readonly #origins: Origins;

  constructor(targets: Targets, engines: Engines, origins: Origins) {
    this.#targets = targets;
    this.#engines = engines;
    this.#origins = origins;
  }

  devContainer(argument: unknown, action: DevContainerAction): Promise<DevContainer | undefined> {
    if (isNode(argument)) return this.#targets.devContainer(argument, action);
    const folders = this.#folders();
    const all = this.#engines.all().flatMap(({ devContainers }) => devContainers.all());
    const here = all.filter((item) => item.host === local && folders.includes(item.folder));
    return this.#targets.choose(here.length > 0 ? here : all, action);
  }

  #folders(): string[] {
    const place = currentPlace();
    if (!place) return (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
    const origin = this.#origins.find(place.alias);
    return origin === undefined ? [] : [vscode.Uri.parse(origin, true).fsPath];
  }
}
