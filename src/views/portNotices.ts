import * as vscode from 'vscode';
import type { DevPort } from '../../engine/api/berth/port.ts';
import { ApiError } from '../../engine/api/client.ts';
import { local } from '../hosts/engines.ts';
import type { OpenedPort } from '../hosts/portFeed.ts';
import { portAddress, portKey, portName } from '../model/portStore.ts';
import { describeError } from '../words/errorWords.ts';
import { openInBrowser, openPreview } from './openPort.ts';

const QUIET = 'ports.quiet';

export interface PortNoticeOptions {
  readonly enabled: () => boolean;
  /** Whether this window brought a folder of a remote host up. */
  readonly isOurs: (host: string, folder: string) => boolean;
  /** What the user does not want to hear of again. */
  readonly memory: vscode.Memento;
  readonly onProblem: (error: unknown) => void;
}

/** Tells of a port that a program has begun to listen on, or opens it, as its `onAutoForward` says. */
export class PortNotices {
  readonly #options: PortNoticeOptions;
  readonly #opened = new Set<string>();

  constructor(options: PortNoticeOptions) {
    this.#options = options;
  }

  /** Of several windows on one engine, only that of the port's folder tells; of a remote host's, that which brought it up. */
  readonly announce = ({ port, host }: OpenedPort): void => {
    const folders = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
    const isOurs = host === local ? folders.includes(port.folder) : this.#options.isOurs(host, port.folder);
    if (!this.#options.enabled() || !isOurs) return;
    void this.#act(port).catch(this.#options.onProblem);
  };

  async #act(port: DevPort): Promise<void> {
    if (port.problem) void vscode.window.showWarningMessage(describeError(new ApiError(409, port.problem.message, port.problem.code, port.problem.params)));
    if (port.local === undefined) return;
    const first = !this.#opened.has(nameOf(port));
    this.#opened.add(nameOf(port));
    switch (port.onAutoForward) {
      case 'notify':
        return this.#notify(port);
      case 'openBrowser':
        return openInBrowser(port);
      case 'openBrowserOnce':
        return first ? openInBrowser(port) : undefined;
      case 'openPreview':
        return openPreview(port);
      case 'silent':
      case 'ignore':
        return;
    }
  }

  async #notify(port: DevPort): Promise<void> {
    const quiet = this.#options.memory.get<readonly string[]>(QUIET, []);
    if (quiet.includes(nameOf(port))) return;
    const open = vscode.l10n.t('Open in Browser');
    const never = vscode.l10n.t("Don't Show Again for This Port");
    const text = port.label === undefined
      ? vscode.l10n.t('Port {0} of {1} is open, and reached at {2}.', portName(port), port.container, portAddress(port) ?? '')
      : vscode.l10n.t('{0} (port {1} of {2}) is open, and reached at {3}.', port.label, portName(port), port.container, portAddress(port) ?? '');
    const choice = await vscode.window.showInformationMessage(text, open, never);
    if (choice === open) await openInBrowser(port);
    if (choice === never) await this.#options.memory.update(QUIET, [...quiet, nameOf(port)]);
  }
}

/** The same for a container that is made anew. */
function nameOf(port: DevPort): string {
  return `${port.folder}\n${port.configFile}\n${portKey(port)}`;
}
