import { defineError } from '../base/errors.ts';

export const noSuchContainer = defineError<{ ref: string }>('NO_SUCH_CONTAINER', 404, (p) => `No such container: ${p.ref}`);
export const ambiguousContainer = defineError<{ ref: string; matches: number }>('AMBIGUOUS_CONTAINER', 404, (p) => `Multiple IDs found with provided prefix: ${p.ref} (${p.matches} containers). Give more digits.`);
export const noSuchExec = defineError<{ id: string }>('NO_SUCH_EXEC', 404, (p) => `No such exec instance: ${p.id}`);
export const notRunning = defineError<{ id: string }>('CONTAINER_NOT_RUNNING', 409, (p) => `Container ${p.id} is not running`);
export const noLog = defineError<{ id: string }>('NO_LOG', 501, (p) => `Container ${p.id} keeps no log (--log-driver none): configured logging driver does not support reading`);
export const isPaused = defineError<{ id: string }>('CONTAINER_PAUSED', 409, (p) => `Container ${p.id} is paused. Unpause the container first`);
export const notPaused = defineError<{ id: string }>('CONTAINER_NOT_PAUSED', 409, (p) => `Container ${p.id} is not paused`);
export const isRunning = defineError<{ id: string; what: string }>('CONTAINER_RUNNING', 409, (p) => `cannot ${p.what} container "${p.id}": container is running: stop the container before removing or force remove`);
export const removalInProgress = defineError<{ id: string }>('REMOVAL_IN_PROGRESS', 409, (p) => `removal of container ${p.id} is already in progress`);
export const sameName = defineError<{ name: string }>('SAME_NAME', 400, (p) => `Renaming a container with the same name as its current name: ${p.name}`);
export const platformMismatch = defineError<{ image: string; has: string; wanted: string }>('IMAGE_PLATFORM_MISMATCH', 404, (p) => `image with reference ${p.image} was found but its platform (${p.has}) does not match the specified platform (${p.wanted})`);
export const invalidName = defineError<{ name: string }>('INVALID_CONTAINER_NAME', 400, (p) => `Invalid container name (${p.name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
export const invalidConfig = defineError<{ what: string; detail: string }>('INVALID_CONTAINER_CONFIG', 400, (p) => `${p.what}: ${p.detail}`);
export const bindSourceMissing = defineError<{ path: string }>('BIND_SOURCE_MISSING', 400, (p) => `invalid mount config for type "bind": bind source path does not exist: ${p.path}`);
export const noSuchUser = defineError<{ kind: string; name: string }>('NO_SUCH_USER', 400, (p) => `unable to find ${p.kind} ${p.name}: no matching entries in ${p.kind === 'group' ? 'group' : 'passwd'} file`);
export const commandNotFound = defineError<{ command: string; stage: string }>('COMMAND_NOT_FOUND', 400, (p) => `${p.stage}: unable to start container process: exec: "${p.command}": ${p.command.includes('/') ? `stat ${p.command}: no such file or directory` : 'executable file not found in $PATH'}: unknown`);
export const commandNotExecutable = defineError<{ command: string; stage: string }>('COMMAND_NOT_EXECUTABLE', 400, (p) => `${p.stage}: unable to start container process: exec: "${p.command}": permission denied: unknown`);
export const startFailed = defineError<{ id: string; detail: string }>('START_FAILED', 500, (p) => `failed to create task for container: ${p.detail}`);
export const execFailed = defineError<{ detail: string }>('EXEC_FAILED', 400, (p) => `${p.detail}: unknown`);
export const networkSharedGone = defineError<{ id: string }>('SHARED_NETWORK_GONE', 409, (p) => `cannot join network of a non running container: ${p.id}`);
export const ipcNotShareable = defineError<{ id: string }>('IPC_NOT_SHAREABLE', 409, (p) => `cannot join IPC of container ${p.id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`);
export const pathNotInContainer = defineError<{ path: string; container: string }>('NO_SUCH_PATH', 404, (p) => `Could not find the file ${p.path} in container ${p.container}`);
export const autoRemoves = defineError<{ id: string }>('CONTAINER_AUTO_REMOVES', 409, (p) => `Cannot update container ${p.id}: Restart policy cannot be updated because AutoRemove is enabled for the container`);
export const cgroupsMissing = defineError<{ what: string }>(
  'CGROUPS_MISSING',
  500,
  (p) => `The engine may not use control groups on this host that it would need for ${p.what}. What it may, and how to give it more: berth doctor.`,
);
export const unknownSignal = defineError<{ signal: string }>('UNKNOWN_SIGNAL', 400, (p) => `Invalid signal: ${p.signal}`);
export const noIdRange = defineError<{ who: string; size: number }>(
  'NO_ID_RANGE',
  409,
  (p) => `No ${p.size} free ids in /etc/subuid and /etc/subgid for ${p.who}: a container with a user namespace of its own needs them. As root, for instance: echo berth:2147483648:2147483648 | tee -a /etc/subuid /etc/subgid`,
);

export const keepIdImpossible = defineError<{ uid: number; gid: number }>(
  'KEEP_ID_IMPOSSIBLE',
  409,
  (p) => `You cannot be ${p.uid}:${p.gid} in a container: for that you need ${Math.max(p.uid, p.gid)} further ids in /etc/subuid and /etc/subgid. Have root give you more (usermod --add-subuids 100000-165535 --add-subgids 100000-165535 <you>, and install newuidmap), or leave --userns out: root of the container is you then.`,
);

export const networkModeFixed = defineError<{ container: string; mode: string }>('NETWORK_MODE_FIXED', 403, (p) => `container ${p.container} cannot be connected: network mode ${p.mode} cannot be shared with other networks. Create the container in another network`);
export const inNetworkAlready = defineError<{ container: string; network: string }>('ALREADY_CONNECTED', 403, (p) => `endpoint with name ${p.container} already exists in network ${p.network}`);
export const notInNetwork = defineError<{ container: string; network: string }>('CONTAINER_NOT_ATTACHED', 403, (p) => `container ${p.container} is not connected to network ${p.network}`);
export const linkedNotRunning = defineError<{ container: string; by: string; alias: string }>('LINKED_NOT_RUNNING', 409, (p) => `Cannot link to a non running container on the default network: /${p.container} AS /${p.by}/${p.alias}`);
