import * as vscode from 'vscode';
import type { DevContainerState } from '../model/actions.ts';

/** How a state looks and what it is called. */
export interface StateLook {
  readonly icon: vscode.ThemeIcon;
  readonly word: string;
}

export function lookOf(state: DevContainerState): StateLook {
  switch (state) {
    case 'running':
      return { icon: new vscode.ThemeIcon('vm-running', new vscode.ThemeColor('charts.green')), word: vscode.l10n.t('running') };
    case 'paused':
      return { icon: new vscode.ThemeIcon('debug-pause', new vscode.ThemeColor('charts.yellow')), word: vscode.l10n.t('paused') };
    case 'created':
      return { icon: new vscode.ThemeIcon('vm-outline'), word: vscode.l10n.t('created') };
    case 'exited':
      return { icon: new vscode.ThemeIcon('vm-outline'), word: vscode.l10n.t('stopped') };
    case 'restarting':
      return { icon: new vscode.ThemeIcon('sync~spin'), word: vscode.l10n.t('restarting') };
    case 'removing':
      return { icon: new vscode.ThemeIcon('trash'), word: vscode.l10n.t('being removed') };
    case 'dead':
      return { icon: new vscode.ThemeIcon('error', new vscode.ThemeColor('charts.red')), word: vscode.l10n.t('dead') };
    case 'absent':
      return { icon: new vscode.ThemeIcon('symbol-package'), word: vscode.l10n.t('not created yet') };
    case 'busy':
      return { icon: new vscode.ThemeIcon('loading~spin'), word: vscode.l10n.t('starting') };
    case 'unknown':
      return { icon: new vscode.ThemeIcon('question'), word: vscode.l10n.t('in an unknown state') };
  }
}
