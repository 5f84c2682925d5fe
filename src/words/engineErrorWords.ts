import * as vscode from 'vscode';

export type Params = Readonly<Record<string, string | number | boolean | undefined>>;

const text = (value: Params[string]): string => String(value ?? '');

/** The engine's error codes in the user's language; undefined for a code that this version does not know. */
export function engineErrorWords(code: string | undefined, params: Params): string | undefined {
  return code === undefined ? undefined : words[code]?.(params);
}

const words: Readonly<Record<string, (p: Params) => string>> = {
  NOT_FOUND: (p) => vscode.l10n.t('{0} does not exist any more ({1}).', text(p['id']), text(p['kind'])),
  CONFLICT: (p) => vscode.l10n.t('{0}: {1}', text(p['what']), text(p['detail'])),
};
