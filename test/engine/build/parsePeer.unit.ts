import assert from 'node:assert/strict';
import fc from 'fast-check';
import { asBerthError } from '../../../engine/base/errors.ts';
import { readCorpus } from '../../support/dockerfileCorpus.ts';
import { ourParts, peerParts } from '../../support/dockerfileParts.ts';
import type { DockerfileParts } from '../../support/dockerfileParts.ts';

/** Where `dockerfile-ast` 0.7.1 is not what BuildKit is: the parts that differ, and why ours are right. */
const KNOWN: Readonly<Record<string, readonly [reason: string, ...parts: Array<keyof DockerfileParts>]>> = {
  'arg.txt: empty is not unset': ['it takes the modifiers without a colon for part of the name', 'variables'],
  'expand.txt: all modifiers': ['it knows neither the modifiers without a colon nor # ## % %% / //', 'variables'],
  'expand.txt: patterns mean themselves in quotes': ['it does not know # ## % %% / //', 'variables'],
  'expand.txt: a dollar at the end': ['it takes a lone $ for a variable without a name', 'variables'],
  'expand.txt: quotes': ['it leaves the escape character out of the words, also where it does not end a line', 'words'],
  'expand.txt: a backtick escapes where it is the escape character': ['it leaves the escape character out of the words, also where it does not end a line', 'words'],
  'directives.txt: an unknown directive ends them': ['it goes on looking for directives behind a comment', 'escape', 'words'],
  'directives.txt: a byte order mark': ['it counts the mark as a column', 'instructions', 'words'],
  'lines.txt: two escape characters at the end of a line': ['a doubled escape character is text and continues nothing', 'instructions', 'words'],
  'lines.txt: the last line is continued': ['it counts the escape character that continues nothing', 'instructions'],
  'run.txt: two documents': ['it knows one document of an instruction', 'instructions'],
};

describe('our parser of Dockerfiles beside dockerfile-ast', () => {
  const cases = [...readCorpus()].flatMap(([file, list]) => list.map((one) => ({ name: `${file}: ${one.name}`, text: one.dockerfile })));
  const accepted = cases.filter(({ text }) => isAccepted(text));

  it('has many Dockerfiles to compare, and every known difference among them', () => {
    assert.ok(accepted.length >= 140, String(accepted.length));
    assert.deepEqual(Object.keys(KNOWN).filter((name) => !accepted.some((one) => one.name === name)), []);
  });

  for (const { name, text } of accepted) {
    const [reason, ...differing] = KNOWN[name] ?? [undefined];
    it(`${name}${reason === undefined ? '' : ` (differs: ${reason})`}`, () => {
      const [ours, peer] = [ourParts(text), peerParts(text)];
      const found = (Object.keys(ours) as Array<keyof DockerfileParts>).filter((part) => JSON.stringify(ours[part]) !== JSON.stringify(peer[part]));
      if (differing.length > 0) assert.deepEqual(found, differing);
      else assert.deepEqual(ours, peer);
    });
  }

  it('sees any Dockerfile of plain words, comments and continued lines in the same way', () => {
    fc.assert(fc.property(dockerfiles(), (text) => assert.deepEqual(ourParts(text), peerParts(text))), { numRuns: 300 });
  });
});

/** Those that we refuse have no parts to compare; dockerfile-ast takes anything. */
function isAccepted(text: string): boolean {
  try {
    ourParts(text);
    return true;
  } catch (error) {
    assert.match(asBerthError(error).code, /^(DOCKERFILE_SYNTAX|NOT_IMPLEMENTED)$/);
    return false;
  }
}

function dockerfiles(): fc.Arbitrary<string> {
  const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,6}$/);
  const variable = fc.oneof(name.map((one) => `$${one}`), name.map((one) => `\${${one}}`), fc.tuple(name, name).map(([a, b]) => `\${${a}:-${b}}`), fc.tuple(name, name).map(([a, b]) => `\${${a}:+${b}}`));
  const word = fc.array(fc.oneof(name, variable, fc.constantFrom('/', '.', '-', ':', '=')), { minLength: 1, maxLength: 4 }).map((parts) => `w${parts.join('')}`);
  const space = fc.constantFrom(' ', '  ', '\t', ' \\\n  ', ' \\\n# a comment\n ', '\\\n ', ' \\ \n\n ');
  const words = (least: number): fc.Arbitrary<string> => fc.array(fc.tuple(space, word), { minLength: least, maxLength: 4 }).map((list) => list.flat().join(''));
  const keyword = (text: string): fc.Arbitrary<string> => fc.constantFrom(text, text.toLowerCase());
  const instruction = fc.oneof(
    fc.tuple(keyword('RUN'), fc.constantFrom('', ' --mount=type=cache,target=/c', ' --mount=type=bind,target=/b,from=other'), words(1)),
    fc.tuple(keyword('COPY'), fc.constantFrom('', ' --from=other', ' --chown=1:2', ' --from=x --exclude=*.md'), words(2), fc.constant('/')),
    fc.tuple(keyword('WORKDIR'), words(1)),
    fc.tuple(keyword('ENV'), fc.tuple(space, name, word).map(([gap, key, value]) => `${gap}${key}=${value}`)),
    fc.tuple(keyword('ARG'), fc.tuple(name, name).map(([key, value]) => ` ${key}=${value}`)),
    fc.tuple(keyword('CMD'), words(1)),
  ).map((parts) => parts.join(''));
  const line = fc.oneof({ weight: 5, arbitrary: instruction }, fc.constantFrom('', '# a comment', '  '));
  return fc.tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n')).map(([lines, end]) => ['FROM debian', ...lines, ''].join('\n').replaceAll('\n', end));
}
