/**
 * The arguments when a command is the far end of `scp -O` (`scp -t …`, `scp -f …`), which is then played by our agent, so that it needs no scp in
 * the container. `undefined` when it is something else, or needs a shell: patterns, variables. Pure.
 */
export function scpArguments(command: string): string[] | undefined {
  const words = plainWords(command);
  if (words?.[0] !== 'scp') return undefined;
  const args = words.slice(1).filter((word) => word !== '--');
  const flags = args.filter((arg) => arg.startsWith('-'));
  const known = flags.every((flag) => /^-[rpdvqtf]+$/.test(flag)) && flags.filter((flag) => /[tf]/.test(flag)).length === 1;
  return known && args.length > flags.length ? args : undefined;
}

/** The words of a command line as a shell takes it apart; `undefined` when a shell would do more with it than that. */
function plainWords(command: string): string[] | undefined {
  const words: string[] = [];
  const word = /[ \t]*((?:[A-Za-z0-9_@%+=:,./-]|[^\x00-\x7f]|\\.|'[^']*'|"(?:[^"\\$`]|\\[^\n])*")+)(?=[ \t]|$)/y;
  while (word.lastIndex < command.replace(/[ \t]+$/, '').length) {
    const match = word.exec(command);
    if (!match) return undefined;
    words.push(unquoted(match[1] ?? ''));
  }
  return words;
}

function unquoted(word: string): string {
  return word.replaceAll(/\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"/gs, (_all, escaped?: string, single?: string, double?: string) => escaped ?? single ?? (double ?? '').replaceAll(/\\(["\\$`])/g, '$1'));
}
