import * as vscode from 'vscode';
import type { Host } from '../hosts/host.ts';
import type { Place } from '../model/place.ts';

/** One short item: whether an engine is connected, and how many containers run; inside a dev container the way back out of it. */
export class StatusBar implements vscode.Disposable {
  readonly #host: Host;
  readonly #item: vscode.StatusBarItem;
  readonly #subscriptions: vscode.Disposable[];

  constructor(host: Host, place: Place | undefined) {
    this.#host = host;
    this.#item = vscode.window.createStatusBarItem('berth.status', vscode.StatusBarAlignment.Left, 0);
    this.#item.name = 'Berth';
    if (place) {
      this.#subscriptions = [];
      this.#item.command = 'berth.reopenLocally';
      this.#item.text = `$(package) ${place.name}`;
      this.#item.tooltip = vscode.l10n.t('Inside the dev container {0}. Click to reopen the folder locally.', place.name);
      this.#item.show();
      return;
    }
    this.#item.command = 'berth.containers.focus';
    this.#subscriptions = [host.onState(() => this.#draw()), host.containers.onChange(() => this.#draw())];
    this.#draw();
    this.#item.show();
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
    this.#item.dispose();
  }

  #draw(): void {
    const { connection } = this.#host;
    const running = this.#host.containers.running();
    this.#item.text = connection ? `$(package) ${running}` : '$(package) –';
    this.#item.tooltip = connection ? vscode.l10n.t('Berth: {0} running containers', running) : vscode.l10n.t('Berth: no engine is connected');
    this.#item.accessibilityInformation = { label: this.#item.tooltip };
  }
}
