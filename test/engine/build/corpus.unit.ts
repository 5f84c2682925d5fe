import assert from 'node:assert/strict';
import { describePlan, readCorpus } from '../../support/dockerfileCorpus.ts';

describe('the corpus of Dockerfiles', () => {
  const corpus = readCorpus();

  it('covers the language', () => {
    const cases = [...corpus.values()].flat();
    assert.ok(cases.length >= 150, String(cases.length));
    const keywords = ['ADD', 'ARG', 'CMD', 'COPY', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'LABEL', 'MAINTAINER', 'ONBUILD', 'RUN', 'SHELL', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR'];
    for (const keyword of keywords) assert.ok(cases.filter(({ dockerfile }) => new RegExp(`^${keyword} `, 'm').test(dockerfile)).length >= (keyword === 'MAINTAINER' ? 1 : 3), keyword);
  });

  for (const [file, cases] of corpus) {
    describe(file.replace(/\.txt$/, ''), () => {
      for (const one of cases) it(one.name, () => assert.deepEqual(describePlan(one), one.expected));
    });
  }
});
