import * as vscode from 'vscode';
import type { LinkStatus } from '../../engine/api/berth/link.ts';

/** What a link does now, in the user's language. */
export function linkStep({ state, step, question }: Pick<LinkStatus, 'state' | 'step' | 'question'>): string {
  if (question) return vscode.l10n.t('waiting for your answer');
  const uploading = /^Uploading (\d+) %$/.exec(step ?? '')?.[1];
  if (uploading !== undefined) return vscode.l10n.t('uploading the engine, {0} %', uploading);
  switch (step) {
    case 'Uploading':
      return vscode.l10n.t('uploading the engine');
    case 'Unpacking':
      return vscode.l10n.t('unpacking the engine');
    case 'looking for the engine':
      return vscode.l10n.t('looking for the engine');
    case 'starting the engine':
      return vscode.l10n.t('starting the engine');
    case 'joining the engine':
    case "opening the engine's socket":
    case "opening the engine's socket by a process on the host":
      return vscode.l10n.t('joining the engine');
    case 'connecting':
    case undefined:
      return state === 'reconnecting' ? vscode.l10n.t('connecting again') : vscode.l10n.t('connecting');
    default:
      return step;
  }
}
