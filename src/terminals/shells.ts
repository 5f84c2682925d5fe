import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { ExecRequest, EngineClient } from '../client/engineClient.ts';
import { hangUpCommand, shellCommand, terminalMark } from './shellScript.ts';
import { ShellPty } from './shellPty.ts';
import type { TerminalPerSubject } from './terminalPerSubject.ts';

export interface ShellTarget {
  readonly name: string;
  readonly containerId: string;
  readonly user?: string | undefined;
  readonly workingDir?: string | undefined;
  readonly env?: readonly string[] | undefined;
  /** The shell to start; default: the user's, found in the container. */
  readonly shell?: string | undefined;
}

/** Opens shells in containers, one terminal for each. */
export class Shells {
  readonly #terminals: TerminalPerSubject;
  readonly #onProblem: (error: unknown) => void;

  constructor(terminals: TerminalPerSubject, onProblem: (error: unknown) => void) {
    this.#terminals = terminals;
    this.#onProblem = onProblem;
  }

  /** Shows the container's shell; `target` is asked only when there is none yet. */
  async open(client: EngineClient, key: string, target: () => Promise<ShellTarget>): Promise<void> {
    if (this.#terminals.reveal(`shell ${key}`)) return;
    const { name, containerId, shell, ...where } = await target();
    const mark = randomUUID();
    const request: ExecRequest = { command: shell === undefined ? shellCommand : [shell], ...where, env: ['TERM=xterm-256color', `${terminalMark}=${mark}`, ...(where.env ?? [])] };
    const execId = await client.createExec(containerId, request);
    const pty = new ShellPty({
      client,
      execId,
      onHangUp: () => void hangUp(client, containerId, mark, where.user),
      onExit: (status) => {
        if (status === 126 || status === 127) this.#onProblem(new Error(vscode.l10n.t('There is no shell in {0}: the image has no /bin/sh.', name)));
      },
      onProblem: this.#onProblem,
    });
    this.#terminals.create(`shell ${key}`, { name, pty, iconPath: new vscode.ThemeIcon('terminal') });
  }
}

async function hangUp(client: EngineClient, containerId: string, mark: string, user: string | undefined): Promise<void> {
  try {
    const socket = await client.startExec(await client.createExec(containerId, { command: hangUpCommand(mark), user }));
    socket.on('error', () => socket.destroy());
    socket.resume();
  } catch {
    // The container has stopped, and the shell with it.
  }
}
