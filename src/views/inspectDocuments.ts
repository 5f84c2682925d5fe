import * as vscode from 'vscode';
import { effectOf } from '../model/containerEvents.ts';
import type { Engines, HostEvent } from '../hosts/engines.ts';

const scheme = 'berth-inspect';

/** Read-only JSON documents `berth-inspect:/<name>.json?<id>#<host>`, kept as the container is while they are open. */
export class InspectDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #engines: Engines;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly #subscriptions: Array<{ dispose(): void }>;
  readonly onDidChange = this.#changed.event;

  constructor(engines: Engines) {
    this.#engines = engines;
    this.#subscriptions = [vscode.workspace.registerTextDocumentContentProvider(scheme, this), engines.onEvent((event) => this.#announce(event))];
  }

  async show(host: string, id: string, name: string): Promise<void> {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.from({ scheme, path: `/${name}.json`, query: id, fragment: host }));
    await vscode.window.showTextDocument(document, { preview: true });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const connection = this.#engines.get(uri.fragment)?.host.connection;
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

  #announce({ host, event }: HostEvent): void {
    if (effectOf(event).kind === 'none') return;
    for (const document of vscode.workspace.textDocuments) {
      if (document.uri.scheme === scheme && document.uri.fragment === host && document.uri.query === event.Actor.ID) this.#changed.fire(document.uri);
    }
  }
}
