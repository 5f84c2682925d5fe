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
import type { Engines } from '../../hosts/engines.ts';
import { registryLogins } from '../../hosts/registryLogins.ts';
import { devContainerKey } from '../../model/devContainers.ts';
import type { DevContainer } from '../../model/devContainers.ts';
import { upLogLine, upStep } from '../../words/upWords.ts';
import type { AnyEngine } from '../anyEngine.ts';
import { ConnectCancelled } from '../host/hostConnector.ts';

export type UpTarget = Pick<DevContainer, 'host' | 'key' | 'name' | 'folder' | 'file'>;

export interface UpsParts {
  readonly anyEngine: AnyEngine;
  readonly engines: Pick<Engines, 'get'>;
  readonly reporter: Reporter;
}

/** What brings dev containers up and opens the editor in them: one at a time for each, told on its row and in the log. */
export class Ups {
  readonly #parts: UpsParts;
  readonly #running = new Map<string, AbortController>();
  readonly #steps = new Emitter<{ readonly id: string; readonly step: string }>();
  readonly #asked = new Set<string>();

  constructor(parts: UpsParts) {
    this.#parts = parts;
  }

  /** What is being done for a dev container, as its row says it. */
  onStep(target: UpTarget, listener: (step: string) => void): Disposable {
    return this.#steps.on(({ id, step }) => (id === idOf(target) ? listener(step) : undefined));
  }

  cancel(target: UpTarget): void {
    const ofFolder = { host: target.host, key: devContainerKey(target.folder, '') };
    (this.#running.get(idOf(target)) ?? this.#running.get(idOf(ofFolder)))?.abort();
  }

  /** Whether this window brought the dev container of a folder up. */
  hasUp(host: string, folder: string): boolean {
    return this.#asked.has(`${host}\n${folder}`);
  }

  /** Throws WorkspaceNotTrusted: the menus hide what runs things, but keybindings and other extensions come to it too. */
  checkTrust(): void {
    if (!vscode.workspace.isTrusted) throw new WorkspaceNotTrusted();
  }

  /** Undefined: cancelled, or under way already. Throws WorkspaceNotTrusted and what the engine says. */
  up(target: UpTarget, rebuild?: Rebuild): Promise<UpOutcome | undefined> {
    const { note } = this.#parts.reporter;
    return this.#exclusively(target, vscode.l10n.t('starting'), async ({ api }, tell, signal) => {
      const env = localEnv();
      return upDevContainer(api, target, { localEnv: env, logins: await registryLogins(env, note), rebuild }, tell, signal);
    });
  }

  /** Where the editor in a running dev container is. */
  web(target: UpTarget): Promise<WebAddress | undefined> {
    return this.#exclusively(target, vscode.l10n.t('opening the editor'), ({ api }, tell, signal) => webEditorOf(api, target, localEnv(), tell, signal));
  }

  async #exclusively<T>(target: UpTarget, first: string, work: (connection: Connection, tell: (news: UpNews) => void, signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    this.checkTrust();
    if (this.#running.has(idOf(target))) return undefined;
    const abort = new AbortController();
    this.#running.set(idOf(target), abort);
    this.#asked.add(`${target.host}\n${target.folder}`);
    try {
      return await this.#told(target, first, work, abort.signal);
    } finally {
      this.#running.delete(idOf(target));
    }
  }

  async #told<T>(target: UpTarget, first: string, work: (connection: Connection, tell: (news: UpNews) => void, signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    const { anyEngine, engines, reporter } = this.#parts;
    const { host, key, folder, file, name } = target;
    const show = (step: string): void => {
      engines.get(host)?.devContainers.setUp(key, { config: { folder, file }, step });
      this.#steps.fire({ id: idOf(target), step });
    };
    reporter.info(`${first} ${folder} (${file})${host === '' ? '' : ` on ${host}`}`);
    show(vscode.l10n.t('starting the engine'));
    try {
      const connection = await anyEngine.ensure(host);
      show(first);
      const tell = (news: UpNews): void => {
        const step = upStep(news);
        if (step !== undefined) show(step);
        const line = upLogLine(news);
        if (line !== undefined) reporter.info(`${name}: ${line}`);
      };
      return await work(connection, tell, signal);
    } catch (error) {
      if (!signal.aborted && !(error instanceof ConnectCancelled)) throw error;
      reporter.info(`${name}: cancelled`);
      return undefined;
    } finally {
      engines.get(host)?.devContainers.setUp(key, undefined);
    }
  }
}

function idOf({ host, key }: Pick<UpTarget, 'host' | 'key'>): string {
  return `${host}\n${key}`;
}
