import { dockerfileSyntax } from '../errors.ts';
import { parseInstruction } from '../instructions/table.ts';
import type { ArgInstruction } from '../instructions/arg.ts';
import type { FromInstruction } from '../instructions/from.ts';
import type { Dockerfile, StageInstruction } from './ast.ts';
import { readDirectives } from './directives.ts';
import { LogicalLineReader } from './logicalLines.ts';
import { Statement } from './statement.ts';

/** Parses a Dockerfile. Throws DOCKERFILE_SYNTAX or NOT_IMPLEMENTED with file, line, column and the offending text; nothing else. */
export function parseDockerfile(text: string, file = 'Dockerfile'): Dockerfile {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const directives = readDirectives(lines, file);
  const globals: ArgInstruction[] = [];
  const blankLines: number[] = [];
  const stages: Array<{ from: FromInstruction; body: StageInstruction[] }> = [];
  for (const line of new LogicalLineReader(lines, directives.escape, file).read()) {
    const statement = new Statement(line.source, line.heredocs, directives.escape, file);
    if (line.blankLine !== undefined) blankLines.push(line.blankLine);
    const node = parseInstruction(statement);
    const stage = stages.at(-1);
    if (node.kind === 'from') stages.push({ from: node, body: [] });
    else if (stage) stage.body.push(node);
    else if (node.kind === 'arg') globals.push(node);
    else statement.fail(`no build stage in current context: ${statement.keyword} must come after FROM`);
  }
  if (stages.length === 0) throw dockerfileSyntax({ file, line: Math.max(1, lines.length), column: 1, detail: 'the Dockerfile has no FROM: nothing to build', text: '' });
  return { file, directives, globals, stages, blankLines };
}
