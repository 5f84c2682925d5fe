import * as vscode from 'vscode';

export type Describe = (error: unknown) => string;

/** Where problems go: all to the log, those of the user's own commands also to a message with the way to the log. */
export class Reporter implements vscode.Disposable {
  readonly #channel = vscode.window.createOutputChannel('Berth', { log: true });
  readonly #describe: Describe;

  constructor(describe: Describe) {
    this.#describe = describe;
  }

  /** For what went wrong behind the scenes. */
  readonly note = (error: unknown): void => {
    this.#channel.warn(error instanceof Error ? (error.stack ?? error.message) : String(error));
  };

  readonly info = (text: string): void => {
    this.#channel.info(text);
  };

  /** For what the user asked for and did not get. */
  readonly show = (error: unknown): void => {
    this.#channel.error(error instanceof Error ? error : String(error));
    const showLog = vscode.l10n.t('Show Log');
    void vscode.window.showErrorMessage(this.#describe(error), showLog).then((choice) => {
      if (choice === showLog) this.#channel.show(true);
    });
  };

  /** A warning with something to do about it; without the way to the log. */
  readonly offer = async (text: string, action: string): Promise<boolean> => {
    this.#channel.warn(text);
    return (await vscode.window.showWarningMessage(text, action)) === action;
  };

  showLog(): void {
    this.#channel.show(true);
  }

  dispose(): void {
    this.#channel.dispose();
  }
}
