import type { HostConfig } from '../api/docker/container.ts';
import { parseBytes } from '../api/docker/run/quantities.ts';
import { invalidConfig } from './errors.ts';
import { attributeOptions } from './logAttributes.ts';

/** How much of a container's log is kept. */
export interface LogPolicy {
  /** `none`: nothing is written, only attached clients see the output. */
  readonly kept: 'all' | 'some' | 'none';
  /** Bytes at which a file of the log is full. */
  readonly maxSize: number;
  /** Files in all, the current one included. */
  readonly maxFiles: number;
}

const LOCAL = { 'max-size': '20m', 'max-file': '5' };

/** From `--log-driver` and `--log-opt`. Throws INVALID_CONTAINER_CONFIG. Pure. */
export function logPolicy({ LogConfig }: Pick<HostConfig, 'LogConfig'>): LogPolicy {
  const type = LogConfig?.Type || 'json-file';
  if (type === 'none') return { kept: 'none', maxSize: 0, maxFiles: 0 };
  const options: Readonly<Record<string, string>> = { ...(type === 'local' ? LOCAL : {}), ...LogConfig?.Config };
  const size = options['max-size'];
  const files = Number(options['max-file'] ?? 1);
  if (!Number.isInteger(files) || files < 1) throw invalid('max-file', options['max-file'] ?? '', 'it must be 1 or more');
  if (size === undefined || size === '-1') {
    if (files > 1) throw invalid('max-file', String(files), 'max-size is needed with it');
    return { kept: 'all', maxSize: Infinity, maxFiles: 1 };
  }
  const maxSize = parseBytes(size);
  if (maxSize === undefined || maxSize === 0) throw invalid('max-size', size, 'it must be a size, as 10m');
  return { kept: 'some', maxSize, maxFiles: files };
}

/** Options of the drivers we have in the place of Docker's. */
export const knownLogOptions = ['max-size', 'max-file', ...attributeOptions];

function invalid(option: string, value: string, detail: string): Error {
  return invalidConfig({ what: 'invalid log option', detail: `${option}=${value}: ${detail}` });
}
