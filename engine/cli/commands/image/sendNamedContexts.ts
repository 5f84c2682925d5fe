import { join } from 'node:path';
import type { BuildRequestBody, NamedContextBody } from '../../../api/berth/build.ts';
import type { ApiClient } from '../../../api/client.ts';
import { CleanupStack } from '../../../base/cleanup.ts';
import { sendContext } from '../../../remote/sync/sendContext.ts';
import { syncStateFolder } from '../../../remote/sync/syncRecord.ts';
import type { CliContext } from '../../context.ts';
import { formatSize } from '../../output/units.ts';

interface SentContexts extends AsyncDisposable {
  readonly request: Pick<BuildRequestBody, 'contexts'>;
}

/** The named contexts as the engine's host has them: of those that are sent, what changed goes over, and they stay there until disposed. */
export async function sendNamedContexts(context: CliContext, client: ApiClient, contexts: BuildRequestBody['contexts'], isSent: (name: string) => boolean): Promise<SentContexts> {
  const sending = new CleanupStack();
  const dispose = (): Promise<void> => sending[Symbol.asyncDispose]();
  if (contexts === undefined) return { request: {}, [Symbol.asyncDispose]: dispose };
  try {
    const found: Record<string, NamedContextBody> = {};
    for (const [name, source] of Object.entries(contexts)) {
      if ((source.kind !== 'directory' && source.kind !== 'oci-layout') || !isSent(name)) {
        found[name] = source;
        continue;
      }
      const sent = await sendContext({ client, folder: source.path, stateFolder: join(syncStateFolder(context.env), 'contexts'), signal: context.signal });
      sending.defer(async () => sent[Symbol.asyncDispose]());
      context.stderr.write(`context ${name}: ${sent.changes === 0 ? 'unchanged' : `${sent.changes} changed`}, ${formatSize(sent.bytesSent)} sent\n`);
      found[name] = { ...source, path: sent.path };
    }
    return { request: { contexts: found }, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
