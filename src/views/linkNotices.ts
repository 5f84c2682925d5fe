import * as vscode from 'vscode';
import type { RemoteHosts } from '../hosts/remoteHosts.ts';
import type { RemoteHostState } from '../model/remoteHosts.ts';
import { engineErrorWords } from '../words/engineErrorWords.ts';

/** Tells when a connection that there was could not be mended without the user: a password is needed, a key has changed. */
export class LinkNotices implements vscode.Disposable {
  readonly #states = new Map<string, RemoteHostState>();
  readonly #subscription: { dispose(): void };

  constructor(hosts: RemoteHosts, offer: (text: string, action: string) => Promise<boolean>) {
    this.#subscription = hosts.onChange(() => {
      for (const { name, state, error } of hosts.all()) {
        const before = this.#states.get(name);
        this.#states.set(name, state);
        if (state !== 'failed' || before !== 'reconnecting') continue;
        const why = engineErrorWords(error?.code, error?.params ?? {}) ?? error?.message ?? '';
        void offer(vscode.l10n.t('The connection to {0} is lost. {1}', name, why), vscode.l10n.t('Connect')).then((yes) => (yes ? vscode.commands.executeCommand('berth.host.connect', { kind: 'host', name }) : undefined));
      }
    });
  }

  dispose(): void {
    this.#subscription.dispose();
  }
}
