import * as vscode from 'vscode';
import type { Engines } from '../hosts/engines.ts';

/** Keeps the context keys that package.json's `when` clauses read: `berth.host` and `berth.kind` of this machine's engine, `berth.anyEngine` and `berth.inContainer`. */
export function publishContextKeys(engines: Engines, inContainer: boolean): vscode.Disposable {
  const { host } = engines.local;
  const publish = (): void => {
    void vscode.commands.executeCommand('setContext', 'berth.host', host.state.kind);
    void vscode.commands.executeCommand('setContext', 'berth.anyEngine', host.connection !== undefined || engines.all().length > 1);
    void vscode.commands.executeCommand('setContext', 'berth.kind', host.connection?.kind ?? 'none');
  };
  void vscode.commands.executeCommand('setContext', 'berth.inContainer', inContainer);
  publish();
  return vscode.Disposable.from(host.onState(publish), engines.onChange(publish));
}
