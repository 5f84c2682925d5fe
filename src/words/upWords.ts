import * as vscode from 'vscode';
import type { UpNews } from '../client/devContainerClient.ts';

/** What the row of a dev container says while `up` works; undefined: as before. */
export function upStep(news: UpNews): string | undefined {
  if (news.type === 'step') return news.status === 'started' ? stepWords(news.step) ?? news.text : undefined;
  if (news.type === 'build' && news.event.type === 'step' && news.event.status === 'started') return vscode.l10n.t('building, step {0} of {1}: {2}', news.event.index, news.event.total, news.event.text);
  return undefined;
}

function stepWords(step: string): string | undefined {
  switch (step) {
    case 'image':
      return vscode.l10n.t('getting the image');
    case 'build':
      return vscode.l10n.t('building');
    case 'layers':
      return vscode.l10n.t('copying layers of the image for its user, once');
    case 'container':
      return vscode.l10n.t('making the container');
    case 'start':
      return vscode.l10n.t('starting the container');
    case 'editorInstall':
      return vscode.l10n.t('installing the editor, once for all dev containers');
    case 'editorServer':
      return vscode.l10n.t('starting the editor');
    case 'editorExtensions':
      return vscode.l10n.t('installing extensions');
    default:
      return step.endsWith('Command') ? vscode.l10n.t('running {0}', step) : undefined;
  }
}

/** The line of the log for a piece of news; undefined: not worth one. As the engine says it: logs are not translated. */
export function upLogLine(news: UpNews): string | undefined {
  switch (news.type) {
    case 'step':
      return `${news.text}${news.status === 'started' ? ' …' : `: ${news.status}${news.durationMs === undefined ? '' : ` (${news.durationMs.toFixed(0)} ms)`}`}`;
    case 'log':
      return `${news.step}: ${news.text.trimEnd()}`;
    case 'warning':
      return news.message;
    case 'port':
      return `port ${news.port} at ${news.hostIp}:${news.hostPort}`;
    case 'build':
      return buildLogLine(news.event);
    case 'progress':
      return undefined;
  }
}

function buildLogLine(event: Extract<UpNews, { type: 'build' }>['event']): string | undefined {
  switch (event.type) {
    case 'step':
      return `[${event.index}/${event.total}] ${event.text}: ${event.status}`;
    case 'log':
      return event.text.trimEnd();
    case 'warning':
      return event.rule === undefined ? event.message : `${event.rule}: ${event.message}`;
    case 'plan':
    case 'progress':
    case 'checked':
    case 'debug':
    case 'failure':
    case 'result':
    case 'error':
      return undefined;
  }
}
