import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { activated } from './extension.ts';

interface Manifest {
  readonly contributes: { readonly commands: ReadonlyArray<{ command: string }> };
}

describe('activation', () => {
  it('registers every command of the manifest', async () => {
    const extension = await activated();
    const { contributes } = extension.packageJSON as Manifest;
    const known = new Set(await vscode.commands.getCommands(true));
    for (const { command } of contributes.commands) assert.ok(known.has(command), command);
  });
});
