import * as vscode from 'vscode';
import { ConnectCancelled } from './host/hostConnector.ts';

/** A command of the extension. `argument` is the tree row it was asked of; undefined from the palette. */
export interface Command {
  readonly id: string;
  readonly run: (argument: unknown) => Promise<void>;
}

/** Registers commands; what one throws is shown to the user. */
export function registerCommands(commands: readonly Command[], show: (error: unknown) => void): vscode.Disposable {
  const registered = commands.map(({ id, run }) =>
    vscode.commands.registerCommand(id, async (argument: unknown) => {
      try {
        await run(argument);
      } catch (error) {
        if (!(error instanceof ConnectCancelled)) show(error);
      }
    }),
  );
  return vscode.Disposable.from(...registered);
}

/** Runs work with the view's progress bar; a message would be too much. */
export function inView<T>(view: 'berth.containers' | 'berth.devContainers', work: () => Promise<T>): Thenable<T> {
  return vscode.window.withProgress({ location: { viewId: view } }, work);
}
