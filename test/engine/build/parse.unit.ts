import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BerthError } from '../../../engine/base/errors.ts';
import type { Instruction, StageInstruction } from '../../../engine/build/dockerfile/ast.ts';
import { parseDockerfile } from '../../../engine/build/dockerfile/parse.ts';

const body = (text: string): readonly StageInstruction[] => parseDockerfile(`FROM scratch\n${text}`).stages[0]?.body ?? [];
const only = <K extends Instruction['kind']>(kind: K, text: string): Extract<StageInstruction, { kind: K }> => {
  const [node] = body(text);
  assert.equal(node?.kind, kind);
  return node as Extract<StageInstruction, { kind: K }>;
};
const failure = (text: string): BerthError => {
  try {
    parseDockerfile(text);
  } catch (error) {
    assert.ok(error instanceof BerthError);
    return error;
  }
  throw new Error('it parsed');
};

describe('the Dockerfile parser', () => {
  it('knows where every token stands, across continuation lines and comments', () => {
    const node = only('copy', '  COPY --chown=dev \\\n   # a comment\n\n     a.txt \\\n   /dest/');
    assert.deepEqual(node.chown?.range, { start: { line: 2, column: 16 }, end: { line: 2, column: 19 } });
    assert.deepEqual(node.sources.map((word) => [word.text, word.range.start]), [['a.txt', { line: 5, column: 6 }]]);
    assert.deepEqual([node.dest.text, node.dest.range], ['/dest/', { start: { line: 6, column: 4 }, end: { line: 6, column: 10 } }]);
    assert.deepEqual(node.at.range, { start: { line: 2, column: 3 }, end: { line: 6, column: 10 } });
  });

  it('reads parser directives, and only at the top', () => {
    const parsed = parseDockerfile('# syntax=docker/dockerfile:1\n# escape=`\nFROM scratch\nRUN a `\n b\\\n');
    assert.deepEqual(parsed.directives, { syntax: 'docker/dockerfile:1', escape: '`' });
    assert.deepEqual(parsed.stages[0]?.body.map((node) => node.kind === 'run' && node.command), [{ form: 'shell', text: 'a  b\\' }]);
    assert.equal(parseDockerfile('# hello\n# escape=`\nFROM scratch\n').directives.escape, '\\');
  });

  it('takes a JSON list for the exec form and everything else for shell text', () => {
    assert.deepEqual(only('run', 'RUN ["a", "b c"]').command, { form: 'exec', words: ['a', 'b c'] });
    assert.deepEqual(only('run', "RUN ['a']").command, { form: 'shell', text: "['a']" });
    assert.deepEqual(only('cmd', 'CMD [1]').command, { form: 'shell', text: '[1]' });
    assert.deepEqual(only('entrypoint', 'ENTRYPOINT exec top -b').command, { form: 'shell', text: 'exec top -b' });
  });

  it('takes quoted values and the old form of ENV and LABEL', () => {
    assert.deepEqual(only('env', 'ENV a=1 b="two words" c=three\\ words').pairs.map(({ key, value }) => [key.text, value.text]), [['a', '1'], ['b', '"two words"'], ['c', 'three\\ words']]);
    assert.deepEqual(only('env', 'ENV name the rest of it').pairs.map(({ key, value }) => [key.text, value.text]), [['name', 'the rest of it']]);
  });

  it('reads documents for RUN and COPY', () => {
    const run = only('run', 'RUN <<EOF\necho one\necho two\nEOF\nUSER x');
    assert.deepEqual(run.command, { form: 'shell', text: 'echo one\necho two\n' });
    assert.deepEqual(only('run', 'RUN cat <<-A - <<"B"\n\tx\n\tA\n$y\nB\n').command, { form: 'shell', text: 'cat <<-A - <<"B"\nx\nA\n$y\nB\n' });
    const copy = only('copy', "COPY <<one <<'two' /etc/\n1\none\n$2\ntwo\n");
    assert.deepEqual([copy.sources.length, copy.documents.map(({ name, content, expand }) => [name, content, expand])], [0, [['one', '1\n', true], ['two', '$2\n', false]]]);
  });

  it('names stages in lower case and keeps FROM --platform', () => {
    const from = parseDockerfile('ARG V=1\nFROM --platform=linux/amd64 debian:$V AS Build').stages[0]?.from;
    assert.deepEqual([from?.name, from?.platform?.text, from?.image.text], ['build', 'linux/amd64', 'debian:$V']);
  });

  const errors: ReadonlyArray<readonly [what: string, text: string, code: string, line: number, column: number, message: RegExp]> = [
    ['an unknown instruction', 'FROM scratch\n\n  RUNN echo hi', 'DOCKERFILE_SYNTAX', 3, 3, /unknown instruction: RUNN \(in "RUNN"\)/],
    ['an empty file', '', 'DOCKERFILE_SYNTAX', 1, 1, /no FROM/],
    ['only comments', '# x\n# y', 'DOCKERFILE_SYNTAX', 2, 1, /no FROM/],
    ['an instruction before FROM', 'RUN a\nFROM scratch', 'DOCKERFILE_SYNTAX', 1, 1, /no build stage in current context/],
    ['FROM with too many words', 'FROM a b', 'DOCKERFILE_SYNTAX', 1, 8, /one or three arguments/],
    ['a bad stage name', 'FROM a AS 9x', 'DOCKERFILE_SYNTAX', 1, 11, /invalid name for build stage/],
    ['an instruction without arguments', 'FROM scratch\nRUN', 'DOCKERFILE_SYNTAX', 2, 1, /RUN requires at least one argument/],
    ['COPY without a destination', 'FROM scratch\nCOPY a', 'DOCKERFILE_SYNTAX', 2, 6, /at least two arguments/],
    ['an unknown flag', 'FROM scratch\nCOPY --form=x a b', 'DOCKERFILE_SYNTAX', 2, 6, /unknown flag: --form/],
    ['a flag named like a property of objects', 'FROM scratch\nCOPY --constructor=x a b', 'DOCKERFILE_SYNTAX', 2, 6, /unknown flag: --constructor/],
    ['a flag without a value', 'FROM scratch\nCOPY \\\n  --from a b', 'DOCKERFILE_SYNTAX', 3, 3, /missing a value on flag: --from/],
    ['ENV with a missing value', 'FROM scratch\nENV a', 'DOCKERFILE_SYNTAX', 2, 5, /must have two arguments/],
    ['ENV with a stray word', 'FROM scratch\nENV a=1 b', 'DOCKERFILE_SYNTAX', 2, 9, /can't find = in "b"/],
    ['an unterminated document', 'FROM scratch\nRUN <<EOF\necho', 'DOCKERFILE_SYNTAX', 2, 5, /unterminated heredoc/],
    ['SHELL that is no list', 'FROM scratch\nSHELL sh', 'DOCKERFILE_SYNTAX', 2, 7, /JSON form/],
    ['a repeated directive', '# escape=`\n# escape=`\nFROM scratch', 'DOCKERFILE_SYNTAX', 2, 1, /only one escape/],
    ['a bad escape directive', '# escape=x\nFROM scratch', 'DOCKERFILE_SYNTAX', 1, 1, /invalid escape token/],
    ['a bad health check', 'FROM scratch\nHEALTHCHECK --interval=5 CMD x', 'DOCKERFILE_SYNTAX', 2, 13, /invalid duration "5"/],
    ['an unknown type of mount', 'FROM scratch\nRUN --mount=type=disk,target=/x make', 'DOCKERFILE_SYNTAX', 2, 13, /unsupported mount type "disk"/],
    ['a key that a mount does not have', 'FROM scratch\nRUN --mount=type=tmpfs,target=/x,id=a make', 'DOCKERFILE_SYNTAX', 2, 34, /unexpected key 'id' for a mount of type tmpfs/],
    ['a field of a mount without a value', 'FROM scratch\nRUN --mount=target make', 'DOCKERFILE_SYNTAX', 2, 13, /must be a key=value pair/],
    ['a bad sharing of a cache', 'FROM scratch\nRUN --mount=type=cache,target=/x,sharing=some make', 'DOCKERFILE_SYNTAX', 2, 34, /sharing value "some"/],
    ['a device that is none', 'FROM scratch\nRUN --device=gpu make', 'DOCKERFILE_SYNTAX', 2, 14, /invalid device "gpu"/],
    ['a chained trigger', 'FROM scratch\nONBUILD ONBUILD RUN a', 'DOCKERFILE_SYNTAX', 2, 1, /Chaining ONBUILD/],
  ];
  for (const [what, text, code, line, column, message] of errors) {
    it(`refuses ${what} with its line and column`, () => {
      const error = failure(text);
      assert.deepEqual([error.code, error.params['line'], error.params['column']], [code, line, column]);
      assert.match(error.message, message);
      assert.ok(error.message.startsWith(`Dockerfile:${line}:${column}: `));
    });
  }

  it('never throws anything but coded errors with a place, whatever it is given', () => {
    const words = ['FROM', 'RUN', 'COPY', 'ADD', 'ENV', 'ARG', 'LABEL', 'HEALTHCHECK', 'ONBUILD', 'SHELL', 'VOLUME', 'EXPOSE', 'USER', 'WORKDIR', 'scratch', 'AS', '--from=', '--', '--x', '<<EOF', '<<-"A"', 'EOF', 'A', '[', ']', '"', "'", '\\', '\\\n', '\n', '\r\n', '#', '# escape=`\n', '`', '$', '${', '}', '=', ':-', ' ', '\t', 'a', '/', '\uFEFF', '\0', 'é', '["a"]'];
    const text = fc.oneof(fc.string(), fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => parts.join('')), fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => `FROM scratch\n${parts.join(' ')}`));
    fc.assert(
      fc.property(text, (source) => {
        try {
          parseDockerfile(source);
        } catch (error) {
          assert.ok(error instanceof BerthError, String(error));
          assert.ok(error.code === 'DOCKERFILE_SYNTAX' || error.code === 'NOT_IMPLEMENTED');
          assert.ok(Number(error.params['line']) >= 1 && Number(error.params['column']) >= 1);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
