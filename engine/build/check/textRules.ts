import type { Dockerfile } from '../dockerfile/ast.ts';
import type { Statement } from '../dockerfile/statement.ts';
import { caseOf } from './stageRules.ts';
import type { BuildWarning } from './warning.ts';

/** What is odd about how the file is written. `lines` are the file's. */
export function checkText(dockerfile: Dockerfile, lines: readonly string[]): BuildWarning[] {
  return [...checkBlankLines(dockerfile), ...checkCase(statementsOf(dockerfile)), ...checkDescriptions(dockerfile, lines)];
}

function statementsOf({ globals, stages }: Dockerfile): Statement[] {
  return [...globals.map(({ at }) => at), ...stages.flatMap(({ from, body }) => [from.at, ...body.map(({ at }) => at)])];
}

function checkBlankLines({ blankLines, file }: Dockerfile): BuildWarning[] {
  return blankLines.map((line) => ({ rule: 'NoEmptyContinuation', place: { file, line, column: 1 }, detail: 'Blank line within a continued instruction' }));
}

/** The case that most have, upper where it is a draw, is the one that all should have. */
function checkCase(statements: readonly Statement[]): BuildWarning[] {
  const written = statements.map((at) => ({ at, keyword: at.source.text.slice(0, at.keyword.length) }));
  const count = (wanted: 'upper' | 'lower'): number => written.filter(({ keyword }) => caseOf(keyword) === wanted).length;
  const majority = count('lower') > count('upper') ? 'lower' : 'upper';
  return written
    .filter(({ keyword }) => caseOf(keyword) !== majority)
    .map(({ at, keyword }) => ({ rule: 'ConsistentInstructionCasing', place: at.place(), detail: `Command '${keyword}' should match the case of the command majority (${majority}case)` }));
}

function checkDescriptions({ globals, stages, file }: Dockerfile, lines: readonly string[]): BuildWarning[] {
  const defined = [...globals.flatMap(({ at, declarations }) => declarations.slice(0, 1).map(({ name }) => ({ line: at.place().line, name: name.text }))), ...stages.flatMap(({ from }) => (from.as ? [{ line: from.at.place().line, name: from.as.name.text }] : []))];
  return defined.flatMap(({ line, name }): BuildWarning[] => {
    const comment = /^\s*#\s*(.*)$/.exec(lines[line - 2] ?? '')?.[1];
    if (comment === undefined || /^(syntax|escape|check)\s*=/i.test(comment) || comment.startsWith(`${name} `)) return [];
    return [{ rule: 'InvalidDefinitionDescription', place: { file, line: line - 1, column: 1 }, detail: `The comment should begin with the name: "# ${name} ${comment}"` }];
  });
}
