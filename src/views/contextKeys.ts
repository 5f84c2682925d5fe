import * as vscode from 'vscode';
import type { Host } from '../hosts/host.ts';

/** Keeps the context keys that package.json's `when` clauses read: `berth.host` and `berth.kind`. */
export function publishContextKeys(host: Host): vscode.Disposable {
  const publish = (): void => {
    void vscode.commands.executeCommand('setContext', 'berth.host', host.state.kind);
    void vscode.commands.executeCommand('setContext', 'berth.kind', host.connection?.kind ?? 'none');
  };
  publish();
  return host.onState(publish);
}
