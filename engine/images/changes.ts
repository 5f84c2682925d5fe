import { defineError } from '../base/errors.ts';
import type { RunConfig } from '../content/oci.ts';

export const invalidChange = defineError<{ change: string; detail: string }>('INVALID_CHANGE', 400, (p) => `The change "${p.change}" cannot be applied: ${p.detail}`);

type Apply = (config: RunConfig, rest: string) => RunConfig;

const changes: Readonly<Record<string, Apply>> = {
  CMD: (config, rest) => ({ ...config, Cmd: command(rest) }),
  ENTRYPOINT: (config, rest) => ({ ...config, Entrypoint: command(rest) }),
  ENV: (config, rest) => ({ ...config, Env: mergeEnv(config.Env ?? [], pairs(rest)) }),
  LABEL: (config, rest) => ({ ...config, Labels: { ...config.Labels, ...Object.fromEntries(pairs(rest)) } }),
  EXPOSE: (config, rest) => ({ ...config, ExposedPorts: { ...config.ExposedPorts, ...Object.fromEntries(words(rest).map((port) => [port.includes('/') ? port : `${port}/tcp`, {}])) } }),
  VOLUME: (config, rest) => ({ ...config, Volumes: { ...config.Volumes, ...Object.fromEntries((jsonList(rest) ?? words(rest)).map((path) => [path, {}])) } }),
  USER: (config, rest) => ({ ...config, User: rest }),
  WORKDIR: (config, rest) => ({ ...config, WorkingDir: rest.startsWith('/') ? rest : `${config.WorkingDir ?? ''}/${rest}` }),
  STOPSIGNAL: (config, rest) => ({ ...config, StopSignal: rest }),
  ONBUILD: (config, rest) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), rest] }),
};

/** Applies what `--change` of `docker import` and `docker commit` gives. Throws INVALID_CHANGE. */
export function applyChanges(config: RunConfig, list: readonly string[]): RunConfig {
  return list.reduce((changed, change) => {
    const match = /^\s*([A-Za-z]+)\s+(.*?)\s*$/s.exec(change);
    const apply = changes[match?.[1]?.toUpperCase() ?? ''];
    if (!apply) throw invalidChange({ change, detail: `it must begin with one of ${Object.keys(changes).join(', ')}` });
    return apply(changed, match?.[2] ?? '');
  }, config);
}

function command(text: string): string[] {
  return jsonList(text) ?? ['/bin/sh', '-c', text];
}

function jsonList(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Words split at blanks; quotes keep blanks, a backslash keeps the next character. */
function words(text: string): string[] {
  const found = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/gs) ?? [];
  return found.map((word) => word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gs, (_all, double: string | undefined, single: string | undefined, escaped: string | undefined) => double?.replace(/\\(.)/gs, '$1') ?? single ?? escaped ?? ''));
}

/** `a=1 b=2`, or the old form `a 1 and more`. */
function pairs(text: string): Array<[string, string]> {
  const list = words(text);
  const [first = ''] = list;
  if (!first.includes('=')) return [[first, text.slice(first.length).trim()]];
  return list.map((word) => {
    const at = word.indexOf('=');
    if (at < 1) throw invalidChange({ change: text, detail: `"${word}" is not name=value` });
    return [word.slice(0, at), word.slice(at + 1)];
  });
}

function mergeEnv(env: readonly string[], added: ReadonlyArray<readonly [string, string]>): string[] {
  const merged = new Map(env.map((item): [string, string] => [item.slice(0, item.indexOf('=')), item.slice(item.indexOf('=') + 1)]));
  for (const [name, value] of added) merged.set(name, value);
  return [...merged].map(([name, value]) => `${name}=${value}`);
}
