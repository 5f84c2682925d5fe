import { ApiError } from '../../api/client.ts';
import type { ApiClient, RequestOptions } from '../../api/client.ts';
import { imageProgressSchema } from '../../api/docker/imageProgress.ts';
import type { ImageProgress } from '../../api/docker/imageProgress.ts';
import { formatSize } from './units.ts';

/** Sends a request whose answer is progress, prints it, and throws the error that it may end with. */
export async function followProgress(client: ApiClient, method: string, path: string, options: RequestOptions, out: NodeJS.WritableStream, quiet = false, onLine: (line: ImageProgress) => void = () => undefined): Promise<void> {
  const printer = new ProgressPrinter(out);
  for await (const line of client.lines(method, path, imageProgressSchema, options)) {
    if (line.error !== undefined) throw errorOf(line);
    onLine(line);
    if (!quiet) printer.print(line);
  }
}

function errorOf({ error, errorDetail, code: named }: ImageProgress): ApiError {
  const message = typeof error === 'string' ? error : (error?.message ?? '');
  const code = typeof error === 'object' ? error.code : (named ?? errorDetail?.code);
  return new ApiError(500, message, typeof code === 'string' ? code : undefined);
}

/** One line for each change of state; of the many messages about bytes, none but the first. */
export class ProgressPrinter {
  readonly #out: NodeJS.WritableStream;
  readonly #last = new Map<string, string>();

  constructor(out: NodeJS.WritableStream) {
    this.#out = out;
  }

  print(line: { id?: string | undefined; status?: string | undefined; stream?: string | undefined; progressDetail?: { total?: number | undefined } | undefined }): void {
    if (line.stream !== undefined) this.#out.write(line.stream);
    if (line.status === undefined || this.#last.get(line.id ?? '') === line.status) return;
    this.#last.set(line.id ?? '', line.status);
    const total = line.progressDetail?.total;
    this.#out.write(`${line.id === undefined ? '' : `${line.id}: `}${line.status}${total ? ` (${formatSize(total)})` : ''}\n`);
  }
}
