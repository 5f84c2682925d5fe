import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { splitReference } from '../../../engine/cli/commands/image/pull.ts';
import { isFolder } from '../../../engine/cli/commands/container/reference.ts';
import { filtersQuery } from '../../../engine/cli/commands/system/filters.ts';
import { BuildProgressPrinter } from '../../../engine/cli/output/buildProgress.ts';
import { formatTable } from '../../../engine/cli/output/table.ts';
import { renderTemplate } from '../../../engine/cli/output/template.ts';
import { parseTime } from '../../../engine/cli/output/time.ts';
import { formatAge, formatDuration, formatSize, shortId } from '../../../engine/cli/output/units.ts';

describe('what the CLI prints', () => {
  it('a table has columns as wide as their widest cell', () => {
    assert.equal(formatTable(['ID', 'NAME'], [['1234', 'a'], ['5', 'b c']]), 'ID     NAME\n1234   a\n5      b c\n');
    assert.equal(formatTable(['ID', 'NAME'], []), 'ID   NAME\n');
  });

  const sizes: Array<[number, string]> = [[0, '0B'], [999, '999B'], [1000, '1kB'], [180_400_000, '180MB'], [1_234_567_890, '1.23GB']];
  for (const [bytes, text] of sizes) it(`${bytes} bytes are ${text}`, () => assert.equal(formatSize(bytes), text));

  const ages: Array<[number, string]> = [[0, 'Less than a second ago'], [1000, '1 second ago'], [59_000, '59 seconds ago'], [60_000, '1 minute ago'], [7_200_000, '2 hours ago'], [8 * 86_400_000, '1 week ago'], [800 * 86_400_000, '2 years ago']];
  for (const [passed, text] of ages) it(`${passed} ms are ${text}`, () => assert.equal(formatAge(1000, 1000 + passed), text));

  it('short ids and durations', () => {
    assert.equal(shortId(`sha256:${'ab'.repeat(32)}`), 'abababababab');
    assert.deepEqual([formatDuration(12.4), formatDuration(1234)], ['12ms', '1.2s']);
  });
});

describe('--format', () => {
  const value = { ID: '1', State: { Running: true, Code: 0 }, Labels: { 'a.b': 'c' }, None: null };
  const table: Array<[string, string]> = [
    ['{{.ID}}', '1'],
    ['{{ .State.Running }} {{.State.Code}}', 'true 0'],
    ['{{json .State}}', '{"Running":true,"Code":0}'],
    [String.raw`{{.ID}}\t{{.ID}}`, '1\t1'],
    ['{{index .Labels "a.b"}}', 'c'],
    ['{{.Missing.Deep}} {{.None}}', '<no value> <no value>'],
    ['plain', 'plain'],
  ];
  for (const [template, text] of table) it(template, () => assert.equal(renderTemplate(template, value), text));
  it('says what it does not understand', () => assert.throws(() => renderTemplate('{{range .X}}', value), /\{\{range \.X\}\} is not understood/));
});

describe('arguments', () => {
  const references: Array<[string, string, string]> = [
    ['debian', 'debian', 'latest'],
    ['debian:12', 'debian', '12'],
    ['localhost:5000/a/b', 'localhost:5000/a/b', 'latest'],
    ['localhost:5000/a/b:c', 'localhost:5000/a/b', 'c'],
    ['a@sha256:00', 'a', 'sha256:00'],
  ];
  for (const [text, fromImage, tag] of references) it(`${text} is ${fromImage}, ${tag}`, () => assert.deepEqual(splitReference(text), { fromImage, tag }));

  it('what has a slash, and . and .., is a folder; anything else is a name', () => {
    assert.deepEqual(['.', '..', './x', '/a', 'a/b', 'name', 'a.b', '0123abc'].map(isFolder), [true, true, true, true, true, false, false, false]);
  });

  it('filters become lists by key', () => {
    assert.equal(filtersQuery(['label=a=b', 'label=c', 'status=running']), '{"label":["a=b","c"],"status":["running"]}');
    assert.equal(filtersQuery([]), undefined);
    assert.throws(() => filtersQuery(['running']), /expected key=value/);
  });

  it('times are dates, seconds, or ages', () => {
    assert.equal(parseTime('1700000000.5', 0), '1700000000.5');
    assert.equal(parseTime('1h30m', 10_000_000_000), '9994600.000');
    assert.equal(parseTime('2026-01-01T00:00:00Z', 0), '1767225600.000');
    assert.throws(() => parseTime('yesterday-ish', 0), /is no time/);
  });
});

describe('the progress of a build', () => {
  it('has a line for each step and each line of output, and keeps parallel steps apart', () => {
    const out = new PassThrough();
    const printer = new BuildProgressPrinter(out);
    const step = { type: 'step', total: 3, line: 1, stage: 'dev' } as const;
    printer.print({ type: 'plan', total: 3 });
    printer.print({ ...step, index: 1, text: 'FROM a', status: 'cached' });
    printer.print({ ...step, index: 2, text: 'RUN x\n  y', status: 'started' });
    printer.print({ type: 'log', index: 2, stream: 'stdout', text: 'hel' });
    printer.print({ type: 'log', index: 3, stream: 'stdout', text: 'other\n' });
    printer.print({ type: 'log', index: 2, stream: 'stdout', text: 'lo\n5%\r10%\rdone\nrest' });
    printer.print({ ...step, index: 2, text: 'RUN x', status: 'finished', durationMs: 1500 });
    printer.print({ ...step, index: 3, text: 'ENV a=b', status: 'finished' });
    printer.end();
    assert.equal(String(out.read()), '#1 CACHED [dev 1/3] FROM a\n#2 [dev 2/3] RUN x\n#3 other\n#2 hello\n#2 done\n#2 DONE [dev 2/3] RUN x (1.5s)\n#2 rest\n');
  });
});
