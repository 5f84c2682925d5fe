import type { WriteStream } from 'node:fs';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

/** The engine's log: one JSON object a line, `time` in RFC 3339 (UTC), `level`, `msg`, and the fields given. */
export interface Log {
  debug(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
}

const ORDER: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A log that writes to `out` what is at or above `least`. */
export function jsonLog(out: Pick<WriteStream, 'write'>, least: LogLevel = 'info'): Log {
  const write = (level: LogLevel, msg: string, fields: LogFields = {}): void => {
    if (ORDER[level] < ORDER[least]) return;
    out.write(`${JSON.stringify({ time: new Date().toISOString(), level, msg, ...plain(fields) })}\n`);
  };
  return {
    debug: (msg, fields) => write('debug', msg, fields),
    info: (msg, fields) => write('info', msg, fields),
    warn: (msg, fields) => write('warn', msg, fields),
    error: (msg, fields) => write('error', msg, fields),
  };
}

/** A log that keeps nothing. */
export const silentLog: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

function plain(fields: LogFields): LogFields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? describe(value) : value]));
}

function describe(error: Error): LogFields {
  return { message: error.message, stack: error.stack, ...('code' in error ? { code: error.code } : {}), ...(error.cause instanceof Error ? { cause: describe(error.cause) } : {}) };
}
