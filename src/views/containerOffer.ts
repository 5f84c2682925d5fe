import * as vscode from 'vscode';
import type { DevContainerConfig } from '../model/devContainers.ts';

const offeredKey = 'berth.offered';
const neverKey = 'berth.neverOffer';
const limit = 500;

export interface OfferParts {
  readonly memory: vscode.Memento;
  /** Whether a dev container can be opened from here at all. */
  readonly isPossible: () => boolean;
  readonly reopen: () => Thenable<unknown>;
}

/** Says, once for each folder, that it has a dev container. */
export class ContainerOffer {
  readonly #parts: OfferParts;

  constructor(parts: OfferParts) {
    this.#parts = parts;
  }

  /** To be told whenever the definitions of the window are known. */
  readonly consider = async (configs: readonly DevContainerConfig[]): Promise<void> => {
    const { memory, reopen, isPossible } = this.#parts;
    const offered = memory.get<string[]>(offeredKey, []);
    const folder = configs.find((config) => !offered.includes(config.folder))?.folder;
    if (folder === undefined || !vscode.workspace.isTrusted || !isPossible() || memory.get(neverKey, false)) return;
    await memory.update(offeredKey, [...offered, folder].slice(-limit));
    const [open, never] = [vscode.l10n.t('Reopen in Container'), vscode.l10n.t("Don't Show Again")];
    const choice = await vscode.window.showInformationMessage(vscode.l10n.t('{0} has a dev container.', folder), open, never);
    if (choice === open) await reopen();
    else if (choice === never) await memory.update(neverKey, true);
  };
}
