import { sshConfigInvalid } from './configLines.ts';
import type { ConfigLine } from './configLines.ts';
import { matchesPatterns } from './patterns.ts';

/** What a Match line can ask about. */
export interface MatchContext {
  /** HostName where one is set, else as written. */
  readonly host: string;
  readonly originalHost: string;
  readonly user: string;
  readonly localUser: string;
  readonly finalPass: boolean;
  /** Called by `final`: the files are to be read once more. */
  wantFinalPass(): void;
  /** Runs a command after its tokens are replaced. */
  exec(command: string): Promise<boolean>;
}

/** Criteria that other versions of OpenSSH know and that do not hold for a connection of ours. */
const NEVER = new Set(['tagged', 'localnetwork', 'sessiontype', 'version', 'command']);
const PATTERNS: Readonly<Record<string, (context: MatchContext) => string>> = {
  host: (context) => context.host,
  originalhost: (context) => context.originalHost,
  user: (context) => context.user,
  localuser: (context) => context.localUser,
};

/** Whether a Match line holds. Commands run only when all before them holds. Throws SSH_CONFIG_INVALID. */
export async function matchHolds(line: ConfigLine, context: MatchContext): Promise<boolean> {
  const invalid = (detail: string): never => {
    throw sshConfigInvalid({ file: line.file, line: line.line, detail });
  };
  const words = line.args.flatMap(splitCriterion);
  if (words.length === 0) invalid('Match needs criteria');
  let holds = true;
  for (let at = 0; at < words.length; ) {
    const word = words[at++] ?? '';
    const negated = word.startsWith('!');
    const name = word.slice(negated ? 1 : 0).toLowerCase();
    if (name === 'all') {
      if (negated || words.length > (at === 1 ? 1 : 2)) invalid('"all" cannot be combined with other criteria of Match');
      continue;
    }
    if (name === 'final' || name === 'canonical') {
      if (name === 'final') context.wantFinalPass();
      if (context.finalPass === negated) holds = false;
      continue;
    }
    const value = words[at++];
    if (value === undefined || value === '') return invalid(`the criterion ${name} of Match needs a value`);
    const subject = PATTERNS[name];
    if (subject) {
      if (matchesPatterns(subject(context), value.split(',')) === negated) holds = false;
    } else if (name === 'exec') {
      if (holds && (await context.exec(value)) === negated) holds = false;
    } else if (NEVER.has(name)) {
      if (!negated) holds = false;
    } else return invalid(`Match does not know the criterion "${name}"`);
  }
  return holds;
}

/** `host=a,b` is `host a,b`. */
function splitCriterion(word: string): string[] {
  const match = /^(!?[A-Za-z]+)=(.*)$/s.exec(word);
  return match && /^!?(host|originalhost|user|localuser|exec|tagged|localnetwork)$/i.test(match[1] ?? '') ? [match[1] ?? '', match[2] ?? ''] : [word];
}
