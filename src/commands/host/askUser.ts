import * as vscode from 'vscode';
import type { Ask } from '../../hosts/hostLink.ts';

/** Asks what a host wants to know. What is secret is not shown, and is kept nowhere. */
export const askUser: Ask = async (question, again, signal) => {
  switch (question.kind) {
    case 'host-key':
      return askAboutKey(question);
    case 'password':
      return one(await askText(vscode.l10n.t('Password of {0} on {1}', question.user, question.host), again ? vscode.l10n.t('That was not the right password. Try again.') : undefined, true, signal));
    case 'passphrase':
      return one(await askText(vscode.l10n.t('Passphrase of {0}', question.keyFile), again ? vscode.l10n.t('That was not the right passphrase. Try again.') : undefined, true, signal));
    case 'keyboard-interactive': {
      const answers: string[] = [];
      for (const { prompt, echo } of question.prompts) {
        const title = [question.name, question.instructions].map(printable).filter((text) => text !== '').join(': ') || vscode.l10n.t('The host asks');
        const answer = await askText(title, printable(prompt), !echo, signal);
        if (answer === undefined) return undefined;
        answers.push(answer);
      }
      return answers;
    }
  }
};

async function askAboutKey({ host, keyType, fingerprint }: { readonly host: string; readonly keyType: string; readonly fingerprint: string }): Promise<readonly string[] | undefined> {
  const trust = vscode.l10n.t('Trust and Connect');
  const detail = vscode.l10n.t('Its key is\n{0} {1}\n\nCompare it with what its administrator says. If you trust it, it is remembered in known_hosts.', keyType, fingerprint);
  const choice = await vscode.window.showWarningMessage(vscode.l10n.t('The host {0} is not known yet. Do you trust it?', printable(host)), { modal: true, detail }, trust);
  return choice === trust ? ['yes'] : undefined;
}

function one(answer: string | undefined): readonly string[] | undefined {
  return answer === undefined ? undefined : [answer];
}

/** Gives up when nobody waits for the answer any more. */
async function askText(title: string, prompt: string | undefined, password: boolean, signal: AbortSignal): Promise<string | undefined> {
  const cancel = new vscode.CancellationTokenSource();
  const abort = (): void => cancel.cancel();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await vscode.window.showInputBox({ title, ...(prompt === undefined ? {} : { prompt }), password, ignoreFocusOut: true }, cancel.token);
  } finally {
    signal.removeEventListener('abort', abort);
    cancel.dispose();
  }
}

/** A server's text may not pretend to be more than a line of text. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim();
}
