import { dockerfileSyntax } from '../errors.ts';
import { experimental, isRule } from './warning.ts';
import type { Rule } from './warning.ts';

/** What `# check=` says: `skip=RuleA,RuleB;error=true;experimental=all`. */
export interface CheckSettings {
  /** Whether a rule is looked at. */
  wants(rule: Rule): boolean;
  /** Whether a warning ends the build. */
  readonly error: boolean;
}

/** Reads the value of the directive. Throws DOCKERFILE_SYNTAX for what is none. */
export function readCheckDirective(text: string | undefined, file: string): CheckSettings {
  const settings = new Map<string, string>();
  const fail = (detail: string): never => {
    throw dockerfileSyntax({ file, line: 1, column: 1, detail, text: `check=${text}` });
  };
  for (const part of (text ?? '').split(';').filter((one) => one.trim() !== '')) {
    const equals = part.indexOf('=');
    const name = part.slice(0, equals).trim();
    if (equals < 0 || !['skip', 'error', 'experimental'].includes(name)) fail(`"${part.trim()}" is none of skip=, error= and experimental=`);
    settings.set(name, part.slice(equals + 1).trim());
  }
  const error = settings.get('error') ?? 'false';
  if (error !== 'true' && error !== 'false') fail(`error must be true or false, not "${error}"`);
  const listed = (name: string): ((rule: Rule) => boolean) => {
    const names = (settings.get(name) ?? '').split(',').map((one) => one.trim()).filter((one) => one !== '');
    const unknown = names.find((one) => one !== 'all' && !isRule(one));
    if (unknown !== undefined) fail(`there is no rule ${unknown}`);
    return (rule) => names.includes('all') || names.includes(rule);
  };
  const [skipped, wanted] = [listed('skip'), listed('experimental')];
  return { error: error === 'true', wants: (rule) => !skipped(rule) && (!experimental.has(rule) || wanted(rule)) };
}
