import * as vscode from 'vscode';
import type { LinkStatus } from '../../../engine/api/berth/link.ts';
import type { Reporter } from '../../base/report.ts';
import type { RemoteHosts } from '../../hosts/remoteHosts.ts';
import { linkStep } from '../../words/linkWords.ts';
import { askUser } from './askUser.ts';

/** The user did not want to connect after all. */
export class ConnectCancelled extends Error {
  override readonly name = 'ConnectCancelled';

  constructor(host: string) {
    super(`Connecting to ${host} was cancelled`);
  }
}

/** Connects to remote hosts: with the steps in a notification that can be cancelled, and the host's questions asked in the editor. */
export class HostConnector {
  readonly #hosts: RemoteHosts;
  readonly #reporter: Reporter;
  readonly #running = new Map<string, Promise<boolean>>();

  constructor(hosts: RemoteHosts, reporter: Reporter) {
    this.#hosts = hosts;
    this.#reporter = reporter;
  }

  /** False: cancelled, or a question was declined. Throws what stands in the way. Several that ask at once share one attempt. */
  connect(name: string): Promise<boolean> {
    const running = this.#running.get(name) ?? this.#connect(name).finally(() => this.#running.delete(name));
    this.#running.set(name, running);
    return running;
  }

  async #connect(name: string): Promise<boolean> {
    const title = vscode.l10n.t('Connecting to {0} ([show log](command:berth.showLog))', name);
    const abort = new AbortController();
    let declined = false;
    const tell = (status: LinkStatus, progress: vscode.Progress<{ message: string }>): void => {
      const step = linkStep(status);
      progress.report({ message: step });
      this.#reporter.info(`${name}: ${status.question ? `asks for ${status.question.question.kind}` : (status.step ?? status.state)}`);
    };
    try {
      await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title, cancellable: true }, async (progress, token) => {
        token.onCancellationRequested(() => abort.abort());
        const ask: typeof askUser = async (...question) => {
          const answers = await askUser(...question);
          declined ||= answers === undefined && !question[2].aborted;
          return answers;
        };
        await this.#hosts.connect(name, ask, (status) => tell(status, progress), abort.signal);
      });
      return true;
    } catch (error) {
      // The link would go on trying, with nobody there to be asked.
      if (abort.signal.aborted) await this.#hosts.disconnect(name);
      else if (!declined) throw error;
      this.#reporter.info(`${name}: cancelled`);
      return false;
    }
  }
}
