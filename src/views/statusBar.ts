import * as vscode from 'vscode';
import type { Engine, Engines } from '../hosts/engines.ts';
import type { Place } from '../model/place.ts';

/** One short item: whether an engine is connected, and how many containers run; inside a dev container the way back out of it. */
export class StatusBar implements vscode.Disposable {
  readonly #engines: Engines;
  readonly #item: vscode.StatusBarItem;
  readonly #subscriptions: Array<{ dispose(): void }>;
  #watching: Array<{ dispose(): void }> = [];

  constructor(engines: Engines, place: Place | undefined) {
    this.#engines = engines;
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
    this.#subscriptions = [engines.onChange(() => this.#watch())];
    this.#watch();
    this.#item.show();
  }

  dispose(): void {
    for (const subscription of [...this.#subscriptions, ...this.#watching]) subscription.dispose();
    this.#item.dispose();
  }

  #watch(): void {
    for (const one of this.#watching) one.dispose();
    this.#watching = this.#engines.all().flatMap(({ host }: Engine) => [host.onState(() => this.#draw()), host.containers.onChange(() => this.#draw())]);
    this.#draw();
  }

  #draw(): void {
    const connection = this.#engines.all().some(({ host }) => host.connection !== undefined);
    const running = this.#engines.running();
    this.#item.text = connection ? `$(package) ${running}` : '$(package) –';
    this.#item.tooltip = connection ? vscode.l10n.t('Berth: {0} running containers', running) : vscode.l10n.t('Berth: no engine is connected');
    this.#item.accessibilityInformation = { label: this.#item.tooltip };
  }
}
