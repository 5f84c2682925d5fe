import { l10n } from 'vscode';

export type Params = Readonly<Record<string, string | number | boolean | undefined>>;

/** The engine's error codes in the user's language; undefined for a code that this version does not know. */
export function engineErrorWords(code: string | undefined, params: Params): string | undefined {
  return code === undefined ? undefined : words[code]?.((name) => String(params[name] ?? ''));
}

/** A parameter of the error as text. */
type Get = (name: string) => string;

const place = (get: Get): string => `${get('file')}:${get('line')}${get('column') === '' ? '' : `:${get('column')}`}`;

const onContainers: Readonly<Record<string, (get: Get) => string>> = {
  NO_SUCH_CONTAINER: (get) => l10n.t('The container {0} does not exist any more.', get('ref')),
  CONTAINER_NOT_RUNNING: (get) => l10n.t('The container {0} is not running. Start it first.', get('id')),
  CONTAINER_PAUSED: (get) => l10n.t('The container {0} is paused.', get('id')),
  CONTAINER_RUNNING: (get) => l10n.t('The container {0} is running. Stop it first.', get('id')),
  REMOVAL_IN_PROGRESS: (get) => l10n.t('The container {0} is already being removed.', get('id')),
  BIND_SOURCE_MISSING: (get) => l10n.t('The container cannot start: {0}, which it mounts, does not exist on this host.', get('path')),
  NO_SUCH_USER: (get) => l10n.t('The image has no user or group called {0}.', get('name')),
  COMMAND_NOT_FOUND: (get) => l10n.t('The container cannot start: its command {0} does not exist in the image.', get('command')),
  COMMAND_NOT_EXECUTABLE: (get) => l10n.t('The container cannot start: its command {0} is not executable.', get('command')),
  START_FAILED: (get) => l10n.t('The container cannot start: {0}', get('detail')),
  CREATE_FAILED: (get) => l10n.t('The container cannot be made: {0}', get('detail')),
  EXEC_FAILED: (get) => l10n.t('The process could not be started in the container: {0}', get('detail')),
  SHARED_NETWORK_GONE: (get) => l10n.t('The container uses the network of {0}, which is not running. Start that one first.', get('id')),
  INVALID_CONTAINER_CONFIG: (get) => l10n.t('The container cannot be made as asked. {0}: {1}', get('what'), get('detail')),
  NAME_IN_USE: (get) => l10n.t('The name {0} is already in use by {1}.', get('name'), get('by')),
  PORT_IN_USE: (get) => l10n.t('Port {0} of this host is already in use. Stop what uses it, or publish another port.', get('hostPort')),
  PORT_FORBIDDEN: (get) => l10n.t('Port {0} of this host cannot be published: {1}', get('hostPort'), get('detail')),
  ADDRESSES_EXHAUSTED: (get) => l10n.t('The network {0} has no free address left. Remove containers that are not needed.', get('network')),
  NO_SUCH_NETWORK: (get) => l10n.t('The network {0} does not exist.', get('network')),
  NOT_FOUND: (get) => l10n.t('{0} does not exist any more.', get('id')),
  CONFLICT: (get) => l10n.t('This is not possible now. {0}: {1}', get('what'), get('detail')),
};

const onDevContainers: Readonly<Record<string, (get: Get) => string>> = {
  DEVCONTAINER_INVALID: (get) => l10n.t('{0} is not right at {1}: {2}', place(get), get('pointer') || '/', get('expected')),
  DEVCONTAINER_UNSUPPORTED: (get) => l10n.t('{0}: {1} is not supported by this version of Berth.', place(get), get('what')),
  DEVCONTAINER_NOT_FOUND: (get) => l10n.t('There is no devcontainer.json in {0}.', get('folder')),
  WORKSPACE_FOLDER_NOT_FOUND: (get) => l10n.t("The folder {0} does not exist on the engine's host.", get('folder')),
  DEVCONTAINER_USER_UNKNOWN: (get) => l10n.t('The image {0} has no user {1}. Create it in the Dockerfile, or set remoteUser to a user that is there.', get('image'), get('user')),
  DEVCONTAINER_NOT_UP: (get) => l10n.t('The dev container of {0} is not running. Bring it up first.', get('folder')),
  DEVCONTAINER_COMMAND_FAILED: (get) => l10n.t('{0} ended with status {1}. Its output is in the log.', get('command'), get('status')),
  LOCAL_PORT_TAKEN: (get) => l10n.t('Port {0} of this machine is taken by another program, and the dev container wants no other. End that program: the port is forwarded as soon as it is free.', get('port')),
  UP_CUT_SHORT: () => l10n.t('The engine ended while the dev container was being brought up. Try again.'),
};

const onImages: Readonly<Record<string, (get: Get) => string>> = {
  NO_SUCH_IMAGE: (get) => l10n.t('The image {0} is not here.', get('ref')),
  INVALID_REFERENCE: (get) => l10n.t('{0} is not the name of an image: {1}', get('reference'), get('detail')),
  REGISTRY_UNREACHABLE: (get) => l10n.t('The registry {0} cannot be reached: {1}. Check the name, the network and any proxy.', get('host'), get('detail')),
  REGISTRY_UNAUTHORIZED: (get) => l10n.t('The registry {0} wants a login for {1}, or does not have it.', get('host'), get('repository')),
  REGISTRY_IMAGE_UNKNOWN: (get) => l10n.t('The registry {1} does not have {0}. Check its name and tag.', get('reference'), get('host')),
  REGISTRY_REFUSED: (get) => l10n.t('The registry {0} answered with status {1}: {2}', get('host'), get('status'), get('detail')),
  REGISTRY_DOCUMENT_INVALID: (get) => l10n.t('What the registry gave for {0} cannot be used: {1}', get('reference'), get('detail')),
  PLATFORM_MISSING: (get) => l10n.t('{0} is not there for {1}, only for {2}.', get('reference'), get('platform'), get('available')),
  DIGEST_MISMATCH: (get) => l10n.t('{0} was damaged on its way: its digest is not what it should be. Try again.', get('what')),
  BOOTSTRAP_FAILED: (get) => l10n.t("{0} could not be made from Debian's packages: {1}", get('ref'), get('detail')),
  DOCKERFILE_SYNTAX: (get) => l10n.t('{0} is not right: {1}', place(get), get('detail')),
  DOCKERFILE_NOT_FOUND: (get) => l10n.t('The Dockerfile {0} does not exist.', get('path')),
  BUILD_TARGET_NOT_FOUND: (get) => l10n.t('The Dockerfile has no stage {0}. Its stages are: {1}', get('target'), get('stages')),
  BUILD_CONTEXT_INVALID: (get) => l10n.t('The build context cannot be read: {0}', get('detail')),
  BASE_IMAGE_UNAVAILABLE: (get) => l10n.t('{0}: the image {1} is neither here nor to be had: {2}', place(get), get('image'), get('detail')),
  COPY_SOURCE_NOT_FOUND: (get) => l10n.t('{0}: {1}, which is to be copied, does not exist.', place(get), get('source')),
  COPY_FAILED: (get) => l10n.t('{0}: copying failed: {1}', place(get), get('detail')),
  BUILD_USER_UNKNOWN: (get) => l10n.t('{0}: the image has no user or group {1}.', place(get), get('user')),
  BUILD_STEP_FAILED: (get) => l10n.t('{0}: the command {1} ended with status {2}. Its output is in the log.', place(get), get('command'), get('exitCode')),
  TOO_MANY_LAYERS: (get) => l10n.t('The image has {0} layers, more than can be mounted. Build it with fewer.', get('layers')),
};

const onTheHost: Readonly<Record<string, (get: Get) => string>> = {
  ROOT_REQUIRED: () => l10n.t('The engine of this version runs as root only. Start the editor as root, or start the engine with sudo.'),
  ENGINE_ALREADY_RUNNING: (get) => l10n.t('Another engine already serves {0}.', get('dataRoot')),
  ENGINE_DID_NOT_START: () => l10n.t('it ended before it served. Run the doctor to see what stands in its way.'),
  SOCKET_UNUSABLE: (get) => l10n.t('its socket {0} cannot be made ({1}). Choose another path in berth.socketPath.', get('path'), get('reason')),
  NO_USABLE_RUNTIME: (get) => l10n.t('This host cannot run containers: {0}. Run the doctor to see what is missing.', get('detail')),
  RUNTIME_FAILED: (get) => l10n.t('The container runtime {0} failed: {1}', get('runtime'), get('detail')),
  HOST_TOOL_MISSING: (get) => l10n.t('{0} is missing on this host. Run the doctor to see how to install it.', get('tool')),
  HOST_COMMAND_FAILED: (get) => l10n.t('{0} failed with status {1}: {2}', get('command'), get('status'), get('stderr')),
  DISK_FULL: (get) => l10n.t('The disk is full: {0} could not be written, and nothing was changed. Free some space and try again.', get('path')),
  NOT_IMPLEMENTED: (get) => l10n.t('{0} is not supported by this version of Berth.', get('what')),
  CANCELLED: () => l10n.t('Cancelled.'),
  INTERNAL: (get) => l10n.t('The engine failed at something it should not fail at: {0}', get('detail')),
};

const words: Readonly<Record<string, (get: Get) => string>> = { ...onContainers, ...onDevContainers, ...onImages, ...onTheHost };
