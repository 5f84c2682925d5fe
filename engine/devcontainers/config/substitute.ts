/** What `${…}` stands for before there is a container. */
export interface HostVariables {
  /** The environment of who asked for the dev container. */
  readonly localEnv: Readonly<Record<string, string | undefined>>;
  readonly localWorkspaceFolder: string;
  /** Undefined while the workspace folder itself is being worked out. */
  readonly containerWorkspaceFolder?: string | undefined;
  readonly devcontainerId: string;
}

/** Replaces the variables of the host phase in every string of `value`; the others stay as written. Pure. */
export function substituteHost<T>(value: T, variables: HostVariables): T {
  return mapStrings(value, (text) => replace(text, (name, args) => hostValue(name, args, variables)));
}

/** Replaces `${containerEnv:NAME[:default]}` in every string of `value`. Pure. */
export function substituteContainer<T>(value: T, containerEnv: Readonly<Record<string, string | undefined>>): T {
  return mapStrings(value, (text) => replace(text, (name, args) => (name === 'containerEnv' ? lookUp(containerEnv, args) : undefined)));
}

function hostValue(name: string, args: readonly string[], variables: HostVariables): string | undefined {
  switch (name) {
    case 'env':
    case 'localEnv':
      return lookUp(variables.localEnv, args);
    case 'localWorkspaceFolder':
      return variables.localWorkspaceFolder;
    case 'localWorkspaceFolderBasename':
      return lastPart(variables.localWorkspaceFolder);
    case 'containerWorkspaceFolder':
      return variables.containerWorkspaceFolder;
    case 'containerWorkspaceFolderBasename':
      return variables.containerWorkspaceFolder === undefined ? undefined : lastPart(variables.containerWorkspaceFolder);
    case 'devcontainerId':
      return variables.devcontainerId;
    default:
      return undefined;
  }
}

/** A missing variable is its default, cut at the next `:`, else empty. Without a name the text stays as written. */
function lookUp(env: Readonly<Record<string, string | undefined>>, args: readonly string[]): string | undefined {
  const [name = '', fallback = ''] = args;
  return name === '' ? undefined : (env[name] ?? fallback);
}

function replace(text: string, valueOf: (name: string, args: readonly string[]) => string | undefined): string {
  return text.replace(/\$\{(.*?)\}/g, (whole, inner: string) => {
    const [name = '', ...args] = inner.split(':');
    return valueOf(name, args) ?? whole;
  });
}

function lastPart(path: string): string {
  return path.split('/').filter((part) => part !== '').at(-1) ?? '';
}

function mapStrings<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T;
  if (Array.isArray(value)) return value.map((one: unknown) => mapStrings(one, change)) as T;
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, one]: [string, unknown]) => [key, mapStrings(one, change)])) as T;
  return value;
}
