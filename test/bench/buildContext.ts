import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../engine/host/process.ts';
import { IMAGE } from './image.ts';

// Three stages that need nothing of each other, each with the kind of work builds do: copy files, read many, compress.
const stage = (name: string): string => `FROM ${IMAGE} AS ${name}
WORKDIR /src
COPY src ./
RUN mkdir /out && cp -a /etc /usr/lib/apt /out/ && cp -a /src /out/src
RUN find /usr -type f -name '*.so*' -exec sha256sum {} + > /out/sums
RUN tar -C /out -c . | gzip -1 > /out.tgz && echo ${name} > /out/name
`;

const DOCKERFILE = `${['one', 'two', 'three'].map(stage).join('\n')}
FROM ${IMAGE}
COPY --from=one /out /one
COPY --from=two /out /two
COPY --from=three /out /three
CMD ["true"]
`;

/** A build context of 200 files as a tar, the same bytes for both engines. */
export async function makeBuildContext(folder: string): Promise<Buffer> {
  const context = join(folder, 'context');
  await mkdir(join(context, 'src'), { recursive: true });
  await writeFile(join(context, 'Dockerfile'), DOCKERFILE);
  for (let index = 0; index < 200; index++) await writeFile(join(context, 'src', `file-${index}.txt`), `line ${index}\n`.repeat(100));
  const tar = join(folder, 'context.tar');
  await run('tar', ['-C', context, '--sort=name', '--mtime=@1700000000', '--owner=0', '--group=0', '-cf', tar, '.']);
  return readFile(tar);
}
