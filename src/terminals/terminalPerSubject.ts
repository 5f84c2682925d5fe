import * as vscode from 'vscode';

/** Terminals by what they show: one for each subject, used again as long as it is open. */
export class TerminalPerSubject implements vscode.Disposable {
  readonly #terminals = new Map<string, vscode.Terminal>();
  readonly #subscription: vscode.Disposable;

  constructor() {
    this.#subscription = vscode.window.onDidCloseTerminal((closed) => {
      for (const [key, terminal] of this.#terminals) if (terminal === closed) this.#terminals.delete(key);
    });
  }

  /** Shows the subject's terminal, and says whether there was one. */
  reveal(key: string): boolean {
    const terminal = this.#terminals.get(key);
    terminal?.show();
    return terminal !== undefined;
  }

  create(key: string, options: vscode.ExtensionTerminalOptions): void {
    const terminal = vscode.window.createTerminal(options);
    this.#terminals.set(key, terminal);
    terminal.show();
  }

  dispose(): void {
    this.#subscription.dispose();
    for (const terminal of this.#terminals.values()) terminal.dispose();
  }
}
