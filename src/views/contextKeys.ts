import * as vscode from 'vscode';
import type { Host } from '../hosts/host.ts';

/** Keeps the context keys that package.json's `when` clauses read: `berth.host`, `berth.kind` and `berth.inContainer`. */
export function publishContextKeys(host: Host, inContainer: boolean): vscode.Disposable {
  const publish = (): void => {
    void vscode.commands.executeCommand('setContext', 'berth.host', host.state.kind);
    void vscode.commands.executeCommand('setContext', 'berth.kind', host.connection?.kind ?? 'none');
  };
  void vscode.commands.executeCommand('setContext', 'berth.inContainer', inContainer);
  publish();
  return host.onState(publish);
}
