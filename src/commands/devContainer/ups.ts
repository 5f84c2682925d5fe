import * as vscode from 'vscode';
import type { WebAddress } from '../../../engine/api/berth/webEditor.ts';
import { Emitter } from '../../base/emitter.ts';
import type { Disposable } from '../../base/emitter.ts';
import type { Reporter } from '../../base/report.ts';
import { WorkspaceNotTrusted } from '../../base/trust.ts';
import { upDevContainer, webEditorOf } from '../../client/devContainerClient.ts';
import type { Rebuild, UpNews, UpOutcome } from '../../client/devContainerClient.ts';
import type { Connection } from '../../hosts/connect.ts';
import { localEnv } from '../../hosts/engineEnvironment.ts';
import type { DevContainerStore } from '../../model/devContainerStore.ts';
import type { DevContainer } from '../../model/devContainers.ts';
import { upLogLine, upStep } from '../../words/upWords.ts';
import type { EngineStarter } from '../engineStarter.ts';

export type UpTarget = Pick<DevContainer, 'key' | 'name' | 'folder' | 'file'>;

export interface UpsParts {
  readonly starter: EngineStarter;
  readonly devContainers: DevContainerStore;
  readonly reporter: Reporter;
}

/** What brings dev containers up and opens the editor in them: one at a time for each, told on its row and in the log. */
export class Ups {
  readonly #parts: UpsParts;
  readonly #running = new Map<string, AbortController>();
  readonly #steps = new Emitter<{ readonly key: string; readonly step: string }>();

  constructor(parts: UpsParts) {
    this.#parts = parts;
  }

  /** What is being done for a dev container, as its row says it. */
  onStep(key: string, listener: (step: string) => void): Disposable {
    return this.#steps.on((one) => (one.key === key ? listener(one.step) : undefined));
  }

  cancel(key: string): void {
    this.#running.get(key)?.abort();
  }

  /** Throws WorkspaceNotTrusted: the menus hide what runs things, but keybindings and other extensions come to it too. */
  checkTrust(): void {
    if (!vscode.workspace.isTrusted) throw new WorkspaceNotTrusted();
  }

  /** Undefined: cancelled, or under way already. Throws WorkspaceNotTrusted and what the engine says. */
  up(target: UpTarget, rebuild?: Rebuild): Promise<UpOutcome | undefined> {
    return this.#exclusively(target, vscode.l10n.t('starting'), ({ api }, tell, signal) => upDevContainer(api, target, { localEnv: localEnv(), rebuild }, tell, signal));
  }

  /** Where the editor in a running dev container is. */
  web(target: UpTarget): Promise<WebAddress | undefined> {
    return this.#exclusively(target, vscode.l10n.t('opening the editor'), ({ api }, tell, signal) => webEditorOf(api, target, localEnv(), tell, signal));
  }

  async #exclusively<T>(target: UpTarget, first: string, work: (connection: Connection, tell: (news: UpNews) => void, signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    this.checkTrust();
    if (this.#running.has(target.key)) return undefined;
    const abort = new AbortController();
    this.#running.set(target.key, abort);
    try {
      return await this.#told(target, first, work, abort.signal);
    } finally {
      this.#running.delete(target.key);
    }
  }

  async #told<T>({ key, folder, file, name }: UpTarget, first: string, work: (connection: Connection, tell: (news: UpNews) => void, signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    const { starter, devContainers, reporter } = this.#parts;
    const show = (step: string): void => {
      devContainers.setUp(key, { config: { folder, file }, step });
      this.#steps.fire({ key, step });
    };
    reporter.info(`${first} ${folder} (${file})`);
    show(vscode.l10n.t('starting the engine'));
    try {
      const connection = await starter.ensure();
      show(first);
      const tell = (news: UpNews): void => {
        const step = upStep(news);
        if (step !== undefined) show(step);
        const line = upLogLine(news);
        if (line !== undefined) reporter.info(`${name}: ${line}`);
      };
      return await work(connection, tell, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      reporter.info(`${name}: cancelled`);
      return undefined;
    } finally {
      devContainers.setUp(key, undefined);
    }
  }
}
