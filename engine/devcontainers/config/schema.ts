import { z } from 'zod';

/** The schema of devcontainer.json. Messages say what was expected; where it was is told by the document. */

const text = z.string({ error: 'expected a string' });
const flag = z.boolean({ error: 'expected true or false' });
const texts = z.array(text, { error: 'expected an array of strings' });
const textOrTexts = z.union([text, texts], { error: 'expected a string or an array of strings' });
const textMap = z.record(z.string(), text, { error: 'expected an object with string values' });
const anything = z.looseObject({}, { error: 'expected an object' });

const command = z.union([text, texts.min(1, { error: 'expected at least the program' })], { error: 'expected a string or an array of strings' });
const hook = z.union([text, texts.min(1, { error: 'expected at least the program' }), z.record(z.string(), command)], { error: 'expected a string, an array of strings, or an object of such commands' });

/** A number that is a port, or a text of a given form; one message for both. */
function port(pattern: RegExp, error: string): z.ZodUnion<[z.ZodInt, z.ZodString]> {
  return z.union([z.int({ error }).min(0, { error }).max(65535, { error }), z.string({ error }).regex(pattern, { error })], { error });
}

const forwardPort = port(/^[A-Za-z0-9][A-Za-z0-9_.-]*:([0-9]{1,5})$/, 'expected a port from 0 to 65535, or "host:port"');
const appPort = port(/^[0-9a-fA-F.:[\]-]+$/, 'expected a port, or "[[ip:]hostPort:]containerPort"');

const portAttributes = z.looseObject(
  {
    label: text.optional(),
    protocol: z.enum(['http', 'https'], { error: 'expected http or https' }).optional(),
    onAutoForward: z.enum(['notify', 'openBrowser', 'openBrowserOnce', 'openPreview', 'silent', 'ignore'], { error: 'expected notify, openBrowser, openBrowserOnce, openPreview, silent or ignore' }).optional(),
    requireLocalPort: flag.optional(),
    elevateIfNeeded: flag.optional(),
  },
  { error: 'expected an object' },
);

const mount = z.union(
  [z.string().min(1), z.looseObject({ type: z.enum(['bind', 'volume', 'tmpfs']), source: z.string().optional(), target: z.string() })],
  { error: 'expected "type=…,source=…,target=…" or { "type": "bind" or "volume", "source", "target" }' },
);

const build = z.looseObject(
  {
    dockerfile: text.optional(),
    context: text.optional(),
    args: z.record(z.string(), z.union([text, z.number(), z.boolean()], { error: 'expected a string' }).transform(String), { error: 'expected an object with string values' }).optional(),
    target: text.optional(),
    cacheFrom: textOrTexts.optional(),
    options: texts.optional(),
  },
  { error: 'expected an object with dockerfile, context, args, target' },
);

/** What an image's `devcontainer.metadata` label may hold too. */
export const sharedShape = {
  forwardPorts: z.array(forwardPort, { error: 'expected an array of ports' }).optional(),
  portsAttributes: z.record(z.string(), portAttributes, { error: 'expected an object of ports and their attributes' }).optional(),
  otherPortsAttributes: portAttributes.optional(),
  containerEnv: textMap.optional(),
  remoteEnv: z.record(z.string(), z.union([text, z.null()], { error: 'expected a string or null' }), { error: 'expected an object with strings or null' }).optional(),
  containerUser: text.optional(),
  remoteUser: text.optional(),
  updateRemoteUserUID: flag.optional(),
  userEnvProbe: z.enum(['none', 'loginShell', 'loginInteractiveShell', 'interactiveShell'], { error: 'expected none, loginShell, loginInteractiveShell or interactiveShell' }).optional(),
  overrideCommand: flag.optional(),
  shutdownAction: z.enum(['none', 'stopContainer', 'stopCompose'], { error: 'expected none, stopContainer or stopCompose' }).optional(),
  init: flag.optional(),
  privileged: flag.optional(),
  capAdd: texts.optional(),
  securityOpt: texts.optional(),
  mounts: z.array(mount, { error: 'expected an array of mounts' }).optional(),
  hostRequirements: anything.optional(),
  customizations: anything.optional(),
  onCreateCommand: hook.optional(),
  updateContentCommand: hook.optional(),
  postCreateCommand: hook.optional(),
  postStartCommand: hook.optional(),
  postAttachCommand: hook.optional(),
  waitFor: z.enum(['initializeCommand', 'onCreateCommand', 'updateContentCommand', 'postCreateCommand', 'postStartCommand', 'postAttachCommand'], { error: 'expected the name of a lifecycle command' }).optional(),
};

export const configSchema = z.looseObject(
  {
    ...sharedShape,
    $schema: text.optional(),
    name: text.optional(),
    image: text.min(1, { error: 'expected the name of an image' }).optional(),
    build: build.optional(),
    dockerFile: text.optional(),
    context: text.optional(),
    workspaceFolder: z.string({ error: 'expected a path' }).optional(),
    workspaceMount: text.optional(),
    runArgs: texts.optional(),
    appPort: z.union([appPort, z.array(appPort)], { error: 'expected a port, "hostPort:containerPort", or an array of those' }).optional(),
    initializeCommand: hook.optional(),
    secrets: anything.optional(),
  },
  { error: 'expected a JSON object' },
);
/** A valid devcontainer.json, as written. */
export type DevContainerConfig = z.infer<typeof configSchema>;

export const metadataEntrySchema = z.looseObject({ id: z.string().optional(), entrypoint: z.string().optional(), ...sharedShape });
/** One entry of the label `devcontainer.metadata`, or what devcontainer.json contributes to the merge. */
export type MetadataEntry = z.infer<typeof metadataEntrySchema>;

export type Hook = z.infer<typeof hook>;
export type PortAttributes = z.infer<typeof portAttributes>;
export type MountEntry = z.infer<typeof mount>;
export type UserEnvProbe = NonNullable<MetadataEntry['userEnvProbe']>;

/** Properties that are known but have no effect on how the container is made here; the rest of the unknown ones get a warning. */
export const knownProperties: ReadonlySet<string> = new Set([...Object.keys(configSchema.shape), 'features', 'overrideFeatureInstallOrder', 'dockerComposeFile', 'service', 'runServices', 'extensions', 'settings', 'devPort']);
