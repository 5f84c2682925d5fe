import * as vscode from 'vscode';
import { webEditorPath } from '../../../engine/api/berth/webEditor.ts';
import type { WebAddress } from '../../../engine/api/berth/webEditor.ts';
import type { Rebuild, UpOutcome } from '../../client/devContainerClient.ts';
import { local } from '../../hosts/engines.ts';
import { rememberPlatform } from '../../hosts/editorWindows.ts';
import type { EditorWindows } from '../../hosts/editorWindows.ts';
import { openAddress } from '../../hosts/openAddress.ts';
import type { Origins } from '../../hosts/origins.ts';
import type { SshEntries } from '../../hosts/sshEntries.ts';
import { installedSshExtension, offeredSshExtension } from '../../model/sshEditors.ts';
import type { Ups, UpTarget } from '../devContainer/ups.ts';

/** A dev container to open; of one whose source is kept equal with a folder of this machine, that folder: the way back leads there. */
export interface OpenTarget extends UpTarget {
  readonly localFolder?: string;
}

export interface OpenerParts {
  readonly ups: Pick<Ups, 'checkTrust' | 'up' | 'web' | 'cancel' | 'onStep'>;
  readonly windows: EditorWindows;
  readonly origins: Origins;
  readonly sshEntries: SshEntries;
  /** Brings a port of a remote host's own 127.0.0.1 here. */
  readonly forward: (host: string, port: number, path: string) => Promise<{ readonly localPort: number; readonly once?: string | undefined }>;
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
  async open(target: OpenTarget, options: { readonly rebuild?: Rebuild; readonly newWindow?: boolean } = {}): Promise<void> {
    this.#parts.ups.checkTrust();
    const outcome = await this.up(target, options.rebuild);
    if (outcome) await this.attach(target, outcome, options.newWindow ?? false);
  }

  /** Undefined: cancelled. */
  up(target: UpTarget, rebuild?: Rebuild): Thenable<UpOutcome | undefined> {
    return this.#withProgress(target, () => this.#parts.ups.up(target, rebuild));
  }

  /** Opens a dev container that runs. */
  async attach(target: OpenTarget, outcome: UpOutcome, newWindow: boolean): Promise<void> {
    const way = await this.#way();
    if (way === 'browser') await this.openInBrowser(target);
    else if (way === 'ssh') await this.#openOverSsh(target, outcome, newWindow);
  }

  /** Opens a running dev container's editor in the browser. */
  async openInBrowser(target: UpTarget): Promise<void> {
    const there = await this.#withProgress(target, () => this.#parts.ups.web(target));
    if (there) await openAddress(target.host === local ? there : await this.#here(target.host, there));
  }

  /** An editor on a remote host, as it is reached from here. */
  async #here(host: string, there: WebAddress): Promise<WebAddress> {
    const { localPort, once } = await this.#parts.forward(host, there.port, webEditorPath(there));
    return { ...there, host: '127.0.0.1', port: localPort, once: once ?? there.once };
  }

  async #openOverSsh(target: OpenTarget, { containerId, remoteWorkspaceFolder }: UpOutcome, newWindow: boolean): Promise<void> {
    const { windows, origins, sshEntries } = this.#parts;
    const alias = await sshEntries.ensure(containerId, target.host === local ? undefined : target.host);
    await rememberPlatform(alias);
    const origin = target.host === local ? target.folder : target.localFolder;
    if (origin !== undefined) await origins.remember(alias, vscode.Uri.file(origin).toString());
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
    const name = target.host === local ? target.name : vscode.l10n.t('{0} on {1}', target.name, target.host);
    const title = vscode.l10n.t('Dev container {0} ([show log](command:berth.showLog))', name);
    return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title, cancellable: true }, async (progress, token) => {
      token.onCancellationRequested(() => this.#parts.ups.cancel(target));
      const steps = this.#parts.ups.onStep(target, (step) => progress.report({ message: step }));
      try {
        return await work();
      } finally {
        steps.dispose();
      }
    });
  }
}
