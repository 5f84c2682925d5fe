import * as vscode from 'vscode';
import type { EngineLauncher } from '../../hosts/engineLauncher.ts';
import type { Command } from '../command.ts';
import { inView } from '../command.ts';

/** Shows what the doctor finds, in a document. Works without an engine: that is when one needs it. */
export function runDoctor(launcher: EngineLauncher): Command {
  return {
    id: 'berth.doctor',
    async run() {
      const { stdout, stderr } = await inView('berth.containers', () => launcher.run(['doctor']));
      const document = await vscode.workspace.openTextDocument({ language: 'plaintext', content: stdout === '' ? stderr : stdout });
      await vscode.window.showTextDocument(document, { preview: true });
    },
  };
}
