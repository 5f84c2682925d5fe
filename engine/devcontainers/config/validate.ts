import { devContainerInvalid, devContainerUnsupported } from '../errors.ts';
import { parsePortKey } from '../forwarding/attributes.ts';
import type { ConfigDocument, Path } from './configDocument.ts';
import { configSchema, knownProperties } from './schema.ts';
import type { DevContainerConfig } from './schema.ts';

export interface ValidConfig {
  readonly config: DevContainerConfig;
  /** Lines for people about what is odd but harmless. */
  readonly warnings: readonly string[];
}

/** Checks a parsed devcontainer.json. Throws DEVCONTAINER_INVALID or DEVCONTAINER_UNSUPPORTED at the place that is wrong. */
export function validateConfig(document: ConfigDocument): ValidConfig {
  refuseUnsupported(document);
  const parsed = configSchema.safeParse(document.value);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => ({ path: issue.path.filter((part) => typeof part !== 'symbol'), message: issue.message }));
    const [first] = issues.sort((a, b) => document.offset(a.path) - document.offset(b.path));
    throw invalidAt(document, first?.path ?? [], first?.message ?? 'not a dev container definition');
  }
  checkTogether(document, parsed.data);
  return { config: parsed.data, warnings: unknownProperties(document, parsed.data) };
}

export function invalidAt(document: ConfigDocument, path: Path, expected: string): Error {
  return devContainerInvalid({ ...document.place(path), expected });
}

/** What other tools can do and this version cannot must not be passed over: the container would lack it. */
function refuseUnsupported(document: ConfigDocument): void {
  const value = document.value;
  if (typeof value !== 'object' || value === null) return;
  if ('features' in value && isFilled(value.features)) throw unsupportedAt(document, ['features'], 'The property "features"');
  if ('dockerComposeFile' in value) throw unsupportedAt(document, ['dockerComposeFile'], 'The property "dockerComposeFile"');
}

function isFilled(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

export function unsupportedAt(document: ConfigDocument, path: Path, what: string): Error {
  return devContainerUnsupported({ ...document.placeOfName(path), what });
}

function checkTogether(document: ConfigDocument, config: DevContainerConfig): void {
  const builds = config.build?.dockerfile !== undefined || config.dockerFile !== undefined;
  if (config.build !== undefined && config.build.dockerfile === undefined && config.dockerFile === undefined) throw invalidAt(document, ['build'], 'expected "dockerfile" in "build"');
  if (builds && config.image !== undefined) throw invalidAt(document, ['image'], 'expected either "image" or a Dockerfile, not both');
  if (!builds && config.image === undefined) throw invalidAt(document, [], 'expected one of "image" and "build": { "dockerfile": … }');
  if (config.workspaceMount !== undefined && config.workspaceFolder === undefined) throw invalidAt(document, ['workspaceMount'], '"workspaceMount" needs "workspaceFolder" beside it');
  for (const [index, value] of (config.forwardPorts ?? []).entries()) if (value !== 0 && parsePortKey(String(value))?.kind !== 'port') throw invalidAt(document, ['forwardPorts', index], 'expected a port from 1 to 65535 behind the host');
  for (const key of Object.keys(config.portsAttributes ?? {})) if (!parsePortKey(key)) throw invalidAt(document, ['portsAttributes', key], 'expected a port, a range "40000-55000", "host:port", or a regular expression, as the name');
  for (const path of buildInputs(config)) {
    if (/\$\{devcontainerId\}/.test(path.text)) throw invalidAt(document, path.path, '${devcontainerId} cannot be used in what the image is built from');
  }
}

function buildInputs(config: DevContainerConfig): Array<{ path: Path; text: string }> {
  const found: Array<{ path: Path; text: string }> = [];
  const visit = (path: Path, value: unknown): void => {
    if (typeof value === 'string') found.push({ path, text: value });
    else if (Array.isArray(value)) value.forEach((one, index) => visit([...path, index], one));
    else if (typeof value === 'object' && value !== null) for (const [key, one] of Object.entries(value)) visit([...path, key], one);
  };
  for (const key of ['image', 'build', 'dockerFile', 'context'] as const) visit([key], config[key]);
  return found;
}

function unknownProperties(document: ConfigDocument, config: DevContainerConfig): string[] {
  return Object.keys(config)
    .filter((name) => !knownProperties.has(name))
    .map((name) => {
      const { file, line, column } = document.placeOfName([name]);
      return `${file}:${line}:${column}: the property "${name}" is not known and has no effect`;
    });
}
