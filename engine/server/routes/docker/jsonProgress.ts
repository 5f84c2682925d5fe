import type { Writable } from 'node:stream';
import type { OperationContext, Progress } from '../../../base/context.ts';
import { asBerthError } from '../../../base/errors.ts';
import type { Reply } from '../../route.ts';

/** Docker's stream of JSON lines about a long operation. The answer begins with the first line, so that an early failure still has its own status. */
export class JsonProgress {
  readonly #reply: Reply;
  #out: Writable | undefined;

  constructor(reply: Reply) {
    this.#reply = reply;
  }

  line(value: object): void {
    this.#out ??= this.#reply.stream(200, 'application/json');
    this.#out.write(`${JSON.stringify(value)}\r\n`);
  }

  report(progress: Progress): void {
    this.line(toDockerProgress(progress));
  }

  /** Runs the operation to the end of the answer. A failure after the first line becomes the last line. */
  async during(signal: AbortSignal, work: (ctx: OperationContext) => Promise<void>): Promise<void> {
    try {
      await work({ signal, report: (progress) => this.report(progress) });
      this.#out ??= this.#reply.stream(200, 'application/json');
    } catch (error) {
      if (!this.#out) throw error;
      const { message, code, status } = asBerthError(error);
      // Docker's clients want a number in errorDetail; ours read the code beside it.
      this.line({ errorDetail: { message, code: status }, error: message, code });
    }
    this.#out?.end();
  }
}

export function toDockerProgress({ id, status, current, total }: Progress): object {
  const detail = current === undefined && total === undefined ? {} : { ...(current === undefined ? {} : { current }), ...(total === undefined ? {} : { total }) };
  return { status, ...(id === undefined ? {} : { progressDetail: detail, id }) };
}
