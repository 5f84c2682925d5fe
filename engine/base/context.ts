/** One step of a long operation, announced while it runs. Shapes follow Docker's JSON progress messages. */
export interface Progress {
  /** What is worked on: a layer's short digest, a step's name. */
  readonly id?: string;
  /** One line for people, in English. */
  readonly status: string;
  /** Bytes done and bytes in all, where known. */
  readonly current?: number;
  readonly total?: number;
}

/** Cancellation and progress travel together, last in every long call. */
export interface OperationContext {
  readonly signal: AbortSignal;
  readonly report: (progress: Progress) => void;
}

/** A context for work that nobody watches and nobody cancels. */
export const quietContext: OperationContext = { signal: new AbortController().signal, report: () => undefined };
