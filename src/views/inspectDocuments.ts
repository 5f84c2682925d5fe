import * as vscode from 'vscode';
import type { EngineEvent } from '../../engine/api/docker/event.ts';
import { effectOf } from '../model/containerEvents.ts';
import type { Host } from '../hosts/host.ts';

const scheme = 'berth-inspect';

/** Read-only JSON documents `berth-inspect:/<name>.json?<id>`, kept as the container is while they are open. */
export class InspectDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #host: Host;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #subscriptions: vscode.Disposable[];
  readonly onDidChange = this.#changed.event;

  constructor(host: Host) {
    this.#host = host;
    this.#subscriptions = [vscode.workspace.registerTextDocumentContentProvider(scheme, this), host.onEvent((event) => this.#announce(event))];
  }

  async show(id: string, name: string): Promise<void> {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.from({ scheme, path: `/${name}.json`, query: id }));
    await vscode.window.showTextDocument(document, { preview: true });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const connection = this.#host.connection;
    if (!connection) return vscode.l10n.t('// The engine is not running.');
    try {
      return JSON.stringify(await connection.client.inspectContainer(uri.query), undefined, 2);
    } catch (error) {
      return `// ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#changed.dispose();
  }

  #announce(event: EngineEvent): void {
    if (effectOf(event).kind === 'none') return;
    for (const document of vscode.workspace.textDocuments) {
      if (document.uri.scheme === scheme && document.uri.query === event.Actor.ID) this.#changed.fire(document.uri);
    }
  }
}
