import * as vscode from 'vscode';
import { ApiError, ConnectError } from '../../engine/api/client.ts';
import { WorkspaceNotTrusted } from '../base/trust.ts';
import { EngineTooOld } from '../hosts/connect.ts';
import { EngineNeedsLinux, EngineStartError } from '../hosts/engineLauncher.ts';
import { ForeignSocket } from '../hosts/foreignSocket.ts';
import { NodeUnusable } from '../hosts/findNode.ts';
import { engineErrorWords } from './engineErrorWords.ts';

/** An error in the user's language: what failed, where, and what to do. */
export function describeError(error: unknown): string {
  if (error instanceof ConnectError) return describeConnect(error);
  if (error instanceof ApiError) return engineErrorWords(error.code, error.params) ?? error.message;
  if (error instanceof EngineTooOld) {
    return vscode.l10n.t('The engine is too old: it speaks API {0}, and {1} or later is needed. Stop it and start the one that comes with this extension.', error.speaks, error.needs);
  }
  if (error instanceof EngineStartError) return vscode.l10n.t('The engine did not start: {0}', engineErrorWords(error.code, error.params) ?? error.message);
  if (error instanceof ForeignSocket) {
    return vscode.l10n.t('{0} belongs to another container engine, which does not answer. Start that engine by its own means, or clear berth.socketPath to use Berth.', error.socketPath);
  }
  if (error instanceof WorkspaceNotTrusted) return vscode.l10n.t('Bringing up a dev container runs what the workspace says. Trust the workspace first.');
  if (error instanceof EngineNeedsLinux) return vscode.l10n.t('The engine runs on Linux only. Open a folder on a Linux machine, over SSH for instance, and install Berth there.');
  if (error instanceof NodeUnusable) return describeNode(error);
  return error instanceof Error ? error.message : String(error);
}

function describeConnect(error: ConnectError): string {
  switch (error.reason) {
    case 'EACCES':
    case 'EPERM':
      return vscode.l10n.t(
        'You are not allowed to open {0}: the socket belongs to another user. Set berth.socketPath to a socket of your own, or leave it empty for an engine of your own.',
        error.socketPath,
      );
    case 'ENOTSOCK':
      return vscode.l10n.t('{0} is not a socket. Set berth.socketPath to where the engine listens.', error.socketPath);
    default:
      return vscode.l10n.t('No engine answers at {0}. Start it, or run the doctor to see what stands in its way.', error.socketPath);
  }
}

function describeNode(error: NodeUnusable): string {
  if (error.version === '') {
    return error.bySetting
      ? vscode.l10n.t('{0}, which berth.node.path names, cannot be run. Set it to a Node 22.15 or later.', error.program)
      : vscode.l10n.t('The engine needs Node 22.15 or later, and no Node was found on PATH. Install one, or set berth.node.path.');
  }
  return vscode.l10n.t('The engine needs Node 22.15 or later, but {0} is version {1}. Set berth.node.path to a newer one.', error.program, error.version);
}
