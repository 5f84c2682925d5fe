import type * as vscode from 'vscode';

const key = 'berth.origins';
const limit = 200;

/** The folders that windows inside containers came from, by alias: the way back. Kept across windows. */
export class Origins {
  readonly #memory: vscode.Memento;

  constructor(memory: vscode.Memento) {
    this.#memory = memory;
  }

  /** `folder`: a URI. */
  async remember(alias: string, folder: string): Promise<void> {
    const others = this.#all().filter(([known]) => known !== alias);
    await this.#memory.update(key, Object.fromEntries([...others, [alias, folder]].slice(-limit)));
  }

  find(alias: string): string | undefined {
    return this.#all().find(([known]) => known === alias)?.[1];
  }

  #all(): Array<[string, string]> {
    return Object.entries(this.#memory.get<Record<string, string>>(key, {}));
  }
}
