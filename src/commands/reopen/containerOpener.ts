import * as vscode from 'vscode';
import type { Rebuild, UpOutcome } from '../../client/devContainerClient.ts';
import { rememberPlatform } from '../../hosts/editorWindows.ts';
import type { EditorWindows } from '../../hosts/editorWindows.ts';
import { openAddress } from '../../hosts/openAddress.ts';
import type { Origins } from '../../hosts/origins.ts';
import type { SshEntries } from '../../hosts/sshEntries.ts';
import { installedSshExtension, offeredSshExtension } from '../../model/sshEditors.ts';
import type { Ups, UpTarget } from '../devContainer/ups.ts';

export interface OpenerParts {
  readonly ups: Pick<Ups, 'checkTrust' | 'up' | 'web' | 'cancel' | 'onStep'>;
  readonly windows: EditorWindows;
  readonly origins: Origins;
  readonly sshEntries: SshEntries;
  /** Whether an extension is installed, which one is offered, and whether this editor can open folders over SSH at all. */
  readonly isInstalled: (id: string) => boolean;
  readonly overSsh: boolean;
}

type Way = 'ssh' | 'browser';

/** Opens editors inside dev containers: by the editor's own SSH extension, or in the browser. */
export class ContainerOpener {
  readonly #parts: OpenerParts;

  constructor(parts: OpenerParts) {
    this.#parts = parts;
  }

  /** Brings the dev container up and opens it. */
  async open(target: UpTarget, options: { readonly rebuild?: Rebuild; readonly newWindow?: boolean } = {}): Promise<void> {
    this.#parts.ups.checkTrust();
    const outcome = await this.up(target, options.rebuild);
    if (outcome) await this.attach(target, outcome, options.newWindow ?? false);
  }

  /** Undefined: cancelled. */
  up(target: UpTarget, rebuild?: Rebuild): Thenable<UpOutcome | undefined> {
    return this.#withProgress(target, () => this.#parts.ups.up(target, rebuild));
  }

  /** Opens a dev container that runs. */
  async attach(target: UpTarget, outcome: UpOutcome, newWindow: boolean): Promise<void> {
    const way = await this.#way();
    if (way === 'browser') await this.openInBrowser(target);
    else if (way === 'ssh') await this.#openOverSsh(target, outcome, newWindow);
  }

  /** Opens a running dev container's editor in the browser. */
  async openInBrowser(target: UpTarget): Promise<void> {
    const address = await this.#withProgress(target, () => this.#parts.ups.web(target));
    if (address) await openAddress(address);
  }

  /** Opens a dev container of a remote host, which runs there, in a window of its own. The browser has no way to it. */
  async openOnHost(containerId: string, host: string, folder: string): Promise<void> {
    if ((await this.#way()) !== 'ssh') return;
    const alias = await this.#parts.sshEntries.ensure(containerId, host);
    await rememberPlatform(alias);
    await this.#parts.windows.openInside(alias, folder, true);
  }

  async #openOverSsh(target: UpTarget, { containerId, remoteWorkspaceFolder }: UpOutcome, newWindow: boolean): Promise<void> {
    const { windows, origins, sshEntries } = this.#parts;
    const alias = await sshEntries.ensure(containerId);
    await rememberPlatform(alias);
    await origins.remember(alias, vscode.Uri.file(target.folder).toString());
    await windows.openInside(alias, remoteWorkspaceFolder, newWindow);
  }

  /** Undefined: the user wants neither. */
  async #way(): Promise<Way | undefined> {
    const { isInstalled, overSsh } = this.#parts;
    if (!overSsh) return 'browser';
    if (installedSshExtension(isInstalled) !== undefined) return 'ssh';
    const id = offeredSshExtension(vscode.env.uriScheme);
    const [install, browser] = [vscode.l10n.t('Install {0}', id), vscode.l10n.t('Open in Browser')];
    const choice = await vscode.window.showInformationMessage(vscode.l10n.t('To open a container in this editor, an extension that opens folders over SSH is needed. Without one, it can be opened in the browser.'), install, browser);
    if (choice === browser) return 'browser';
    if (choice !== install) return undefined;
    await vscode.commands.executeCommand('workbench.extensions.installExtension', id);
    return 'ssh';
  }

  /** A notification that can be cancelled and leads to the log. */
  #withProgress<T>(target: UpTarget, work: () => Promise<T | undefined>): Thenable<T | undefined> {
    const title = vscode.l10n.t('Dev container {0} ([show log](command:berth.showLog))', target.name);
    return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title, cancellable: true }, async (progress, token) => {
      token.onCancellationRequested(() => this.#parts.ups.cancel(target.key));
      const steps = this.#parts.ups.onStep(target.key, (step) => progress.report({ message: step }));
      try {
        return await work();
      } finally {
        steps.dispose();
      }
    });
  }
}
