import * as vscode from 'vscode';
import type { Command } from '../command.ts';
import type { Targets } from '../targets.ts';

export function openDevContainerConfig(targets: Targets): Command {
  return {
    id: 'berth.devContainer.openConfig',
    async run(argument) {
      const devContainer = await targets.devContainer(argument, 'openConfig');
      if (devContainer) await vscode.window.showTextDocument(vscode.Uri.file(devContainer.file));
    },
  };
}
