import * as vscode from 'vscode';
import type { Reporter } from '../../base/report.ts';
import type { EngineLauncher } from '../../hosts/engineLauncher.ts';
import { HostCommandFailed } from '../../hosts/remoteHosts.ts';
import { lastLine } from '../../model/remoteHosts.ts';
import type { AnyEngine } from '../anyEngine.ts';

export interface SourceParts {
  readonly launcher: Pick<EngineLauncher, 'run'>;
  readonly anyEngine: Pick<AnyEngine, 'ensure'>;
  readonly reporter: Pick<Reporter, 'info'>;
}

/** Brings source to a remote host, by the command line: its steps are told in a notification and in the log. */
export class SourceOnHost {
  readonly #parts: SourceParts;

  constructor(parts: SourceParts) {
    this.#parts = parts;
  }

  /** Keeps a folder of this machine and one on the host equal. Returns that one once it is; undefined: cancelled. */
  async keepEqual(host: string, localFolder: string): Promise<{ folder: string; localFolder: string } | undefined> {
    const title = vscode.l10n.t('Copying {0} to {1} ([show log](command:berth.showLog))', localFolder, host);
    const folder = await this.#run(host, title, ['sync', 'start', '--until-equal', localFolder]);
    return folder === undefined ? undefined : { folder, localFolder };
  }

  /** Clones a repository on the host. Returns the folder there; undefined: cancelled. */
  async clone(host: string, url: string): Promise<{ folder: string } | undefined> {
    const title = vscode.l10n.t('Cloning {0} on {1} ([show log](command:berth.showLog))', url, host);
    const folder = await this.#run(host, title, ['clone', url]);
    return folder === undefined ? undefined : { folder };
  }

  async #run(host: string, title: string, args: readonly string[]): Promise<string | undefined> {
    const { launcher, anyEngine, reporter } = this.#parts;
    // The host's questions are asked here: the command has no terminal.
    await anyEngine.ensure(host);
    const abort = new AbortController();
    const result = await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title, cancellable: true }, (progress, token) => {
      token.onCancellationRequested(() => abort.abort());
      const onLine = (line: string): void => {
        reporter.info(`${host}: ${line}`);
        progress.report({ message: line });
      };
      return launcher.run(['--host', host, ...args], { timeoutMs: 0, onLine, signal: abort.signal });
    });
    if (abort.signal.aborted) return undefined;
    const folder = result.stdout.trim();
    if (result.status !== 0 || !folder.startsWith('/')) throw new HostCommandFailed(lastLine(result.stderr));
    return folder;
  }
}
