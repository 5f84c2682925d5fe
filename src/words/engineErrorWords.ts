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
  NO_LOG: (get) => l10n.t('The container {0} keeps no log.', get('id')),
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
  APPARMOR_PROFILE_MISSING: (get) => l10n.t('The container cannot start: the host has no AppArmor profile {0}. Load it there (apparmor_parser -r), or name another one in securityOpt.', get('profile')),
  APPARMOR_LOAD_FAILED: (get) => l10n.t('The container was not started, because it would not be confined: the AppArmor profile of the engine could not be loaded: {0}', get('detail')),
  SELINUX_CONTEXT_UNKNOWN: (get) => l10n.t('The SELinux policy of the host does not know {0}. Check the labels in securityOpt.', get('context')),
  RELABEL_REFUSED: (get) => l10n.t('{0} cannot be labelled for containers: the system needs it as it is. Mount a folder of your own with :z or :Z.', get('path')),
  KEEP_ID_IMPOSSIBLE: (get) => l10n.t('You cannot be {0}:{1} in a container: the host gives you too few ids (/etc/subuid, /etc/subgid). Have root give you more, or leave --userns out.', get('uid'), get('gid')),
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

const onEditors: Readonly<Record<string, (get: Get) => string>> = {
  EDITOR_NPM_MISSING: () => l10n.t("The editor for the browser comes from npm, and npm was not found on the engine's host. Install Node.js with npm there, and try again."),
  EDITOR_INSTALL_FAILED: (get) => l10n.t('The editor for the browser could not be installed. {0}: {1}', get('step'), get('detail')),
  EDITOR_SOURCE_INVALID: (get) => l10n.t("{0}, which BERTH_EDITOR_SERVER names, holds no editor's server.", get('folder')),
  EDITOR_MOUNT_MISSING: (get) => l10n.t('The dev container of {0} was made without a place for the editor. Rebuild it.', get('folder')),
  EDITOR_CANNOT_RUN: (get) => l10n.t("The editor cannot run in the dev container of {0} ({1}). Its image needs glibc 2.28 and libstdc++, or the engine's host patchelf.", get('folder'), get('detail')),
  EDITOR_DID_NOT_START: (get) => l10n.t('The editor did not start in the dev container of {0}: {1}', get('folder'), get('detail')),
};

const onImages: Readonly<Record<string, (get: Get) => string>> = {
  NO_SUCH_IMAGE: (get) => l10n.t('The image {0} is not here.', get('ref')),
  INVALID_REFERENCE: (get) => l10n.t('{0} is not the name of an image: {1}', get('reference'), get('detail')),
  REGISTRY_UNREACHABLE: (get) => l10n.t('The registry {0} cannot be reached: {1}. Check the name, the network and any proxy.', get('host'), get('detail')),
  REGISTRY_UNAUTHORIZED: (get) => l10n.t('The registry {0} wants a login for {1}, or does not have it.', get('host'), get('repository')),
  REGISTRY_IMAGE_UNKNOWN: (get) => l10n.t('The registry {1} does not have {0}. Check its name and tag.', get('reference'), get('host')),
  REGISTRY_REFUSED: (get) => l10n.t('The registry {0} answered with status {1}: {2}', get('host'), get('status'), get('detail')),
  REGISTRY_UNTRUSTED: (get) => l10n.t('The certificate of the registry {0} is not trusted: {1}. Put that of its authority into /etc/docker/certs.d/{0}/ca.crt.', get('host'), get('detail')),
  REGISTRY_SETTINGS_INVALID: (get) => l10n.t('The settings of registries cannot be used: {0}: {1}', get('path'), get('detail')),
  LAYER_FOREIGN: (get) => l10n.t('{0} has a layer that is not in its registry ({1}). Use another image.', get('reference'), get('digest')),
  LAYER_ENCODING: (get) => l10n.t('{0} has a layer that cannot be unpacked: {1}', get('reference'), get('mediaType')),
  REGISTRY_DOCUMENT_INVALID: (get) => l10n.t('What the registry gave for {0} cannot be used: {1}', get('reference'), get('detail')),
  PLATFORM_MISSING: (get) => l10n.t('{0} is not there for {1}, only for {2}.', get('reference'), get('platform'), get('available')),
  DIGEST_MISMATCH: (get) => l10n.t('{0} was damaged on its way: its digest is not what it should be. Try again.', get('what')),
  BOOTSTRAP_FAILED: (get) => l10n.t("{0} could not be made from Debian's packages: {1}", get('ref'), get('detail')),
  DOCKERFILE_CHECK_FAILED: (get) => l10n.t('{0} does not pass its own check: {1}', place(get), get('detail')),
  DOCKERFILE_SYNTAX: (get) => l10n.t('{0} is not right: {1}', place(get), get('detail')),
  DOCKERFILE_NOT_FOUND: (get) => l10n.t('The Dockerfile {0} does not exist.', get('path')),
  BUILD_TARGET_NOT_FOUND: (get) => l10n.t('The Dockerfile has no stage {0}. Its stages are: {1}', get('target'), get('stages')),
  BUILD_CONTEXT_INVALID: (get) => l10n.t('The build context cannot be read: {0}', get('detail')),
  BASE_IMAGE_UNAVAILABLE: (get) => l10n.t('{0}: the image {1} is neither here nor to be had: {2}', place(get), get('image'), get('detail')),
  COPY_SOURCE_NOT_FOUND: (get) => l10n.t('{0}: {1}, which is to be copied, does not exist.', place(get), get('source')),
  COPY_FAILED: (get) => l10n.t('{0}: copying failed: {1}', place(get), get('detail')),
  BUILD_ADD_FAILED: (get) => l10n.t('{0}: {1} could not be added: {2}', place(get), get('url'), get('detail')),
  BUILD_SECRET_MISSING: (get) => l10n.t('{0}: the build needs {1}, and was not given it.', place(get), get('id')),
  BUILD_DEVICE_MISSING: (get) => l10n.t('{0}: this RUN needs the device {1}, which this host does not have.', place(get), get('device')),
  BUILD_USER_UNKNOWN: (get) => l10n.t('{0}: the image has no user or group {1}.', place(get), get('user')),
  BUILD_EMULATOR_MISSING: (get) => l10n.t('{0}: RUN needs programs for {1}, and this host ({2}) has no emulator for them. Install one (Debian: apt install qemu-user-static binfmt-support), or build on the platform of the host: FROM --platform=$BUILDPLATFORM', place(get), get('platform'), get('host')),
  BUILD_STEP_FAILED: (get) => l10n.t('{0}: the command {1} ended with status {2}. Its output is in the log.', place(get), get('command'), get('exitCode')),
  TOO_MANY_LAYERS: (get) => l10n.t('The image has {0} layers, more than can be mounted. Build it with fewer.', get('layers')),
};

const onSources: Readonly<Record<string, (get: Get) => string>> = {
  CLONE_URL_INVALID: (get) => l10n.t('{0} cannot be cloned: {1}.', get('url'), get('detail')),
  CLONE_TARGET_INVALID: (get) => l10n.t('Nothing can be cloned to {0}: {1}. Choose another folder.', get('folder'), get('detail')),
  CLONE_FAILED: (get) => l10n.t('git could not clone {0}: {1}', get('url'), get('detail')),
};

const onTheHost: Readonly<Record<string, (get: Get) => string>> = {
  ROOTLESS_FAILED: (get) => l10n.t('The engine could not be started without root: {0}. Run the doctor to see what is missing.', get('detail')),
  RUNTIME_FOLDER_UNSAFE: (get) => l10n.t("The folder {0} cannot be used for the engine's socket: {1}.", get('path'), get('reason')),
  KEEPER_BUSY: (get) => l10n.t('Another command has been starting the engine for too long (it holds {0}). End it, and try again.', get('path')),
  OWNER_UNMAPPED: (get) => l10n.t('The image cannot be unpacked without root: {0} belongs to {1}:{2}, for which /etc/subuid and /etc/subgid give no id.', get('path'), get('uid'), get('gid')),
  CGROUPS_MISSING: (get) => l10n.t('The engine may not use control groups on this host, which it would need for {0}. Run the doctor to see why.', get('what')),
  ENGINE_ALREADY_RUNNING: (get) => l10n.t('Another engine already serves {0}.', get('dataRoot')),
  ENGINE_DID_NOT_START: () => l10n.t('it ended before it served. Run the doctor to see what stands in its way.'),
  ENGINE_FOLDER_UNUSABLE: (get) => l10n.t('its files cannot be kept in {0} ({1}). Let this user write there, or set {2} to a folder where it may.', get('path'), get('reason'), get('variable')),
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

const onRemoteInstallation: Readonly<Record<string, (get: Get) => string>> = {
  ENGINE_ARCHIVE_MISSING: (get) => l10n.t('The engine for Linux {0} hosts is not here: there is no {1}. Install the package of this extension that has the engines for remote hosts, or set berth.engine.archives to the folder that has them.', get('architecture'), get('path')),
  REMOTE_PROBE_FAILED: (get) => l10n.t('{0} does not run commands as Berth needs it: {1}. The login must end in a shell, on Linux.', get('host'), get('detail')),
  REMOTE_CONNECTION_LOST: (get) => l10n.t('The connection to {0} was lost (step: {1}). Connect again.', get('host'), get('step')),
  REMOTE_NOT_LINUX: (get) => l10n.t('{0} runs {1}. Containers need a Linux host.', get('host'), get('system')),
  REMOTE_ARCHITECTURE_UNSUPPORTED: (get) => l10n.t('{0} is a {1} machine. Berth is made for x86_64 and aarch64 hosts.', get('host'), get('machine')),
  REMOTE_KERNEL_TOO_OLD: (get) => l10n.t('{0} runs Linux {1}. Berth needs 5.11 or later: update the kernel of the host.', get('host'), get('kernel')),
  REMOTE_FOLDER_NOT_WRITABLE: (get) => l10n.t('{0} on {1} cannot be written to. Make it writable, or choose another folder for Berth there.', get('folder'), get('host')),
  REMOTE_NOEXEC: (get) => l10n.t('Programs cannot run from {0} on {1}, which is mounted noexec. Choose another folder for Berth there.', get('folder'), get('host')),
  REMOTE_SHARED_HOME: (get) => l10n.t('{0} on {1} is on a file system that hosts share ({2}): it cannot hold containers. Choose a folder on a disk of the host itself for Berth.', get('folder'), get('host'), get('type')),
  REMOTE_DISK_FULL: (get) => l10n.t('{0} on {1} has no room for the engine: {2} are free, {3} are needed. Nothing was changed.', get('folder'), get('host'), get('free'), get('needed')),
  REMOTE_LITTLE_DISK: (get) => l10n.t('{0} on {1} has only {2} free: enough for the engine and a few small images.', get('folder'), get('host'), get('free')),
  REMOTE_NO_USER_NAMESPACES: (get) => l10n.t('{0} cannot run containers on {1} without root: {2}. An administrator must allow user namespaces there; or connect as root.', get('user'), get('host'), get('detail')),
  REMOTE_NO_SUBIDS: (get) => l10n.t('{0} on {1} has no further user ids for containers ({2}): images with more than one user will not work.', get('user'), get('host'), get('detail')),
  REMOTE_NAMESPACES_BY_PROFILE: (get) => l10n.t('AppArmor on {0} lets only programs with a profile make user namespaces: {1} may not be able to run containers there without root.', get('host'), get('user')),
  REMOTE_CLOCK_WRONG: (get) => l10n.t("The clock of {0} differs from this machine's by {1} s: registries may seem to have certificates that are not valid. Set the clock of whichever is wrong.", get('host'), get('seconds')),
  REMOTE_UPLOAD_INTERRUPTED: (get) => l10n.t('The connection to {0} was lost while the engine was carried there. Connect again: it goes on where it stopped.', get('host')),
  REMOTE_UPLOAD_CORRUPT: (get) => l10n.t('What arrived on {0} is not what was sent, and was removed. Connect again.', get('host')),
  REMOTE_PATH_TOO_LONG: (get) => l10n.t('The engine cannot be installed on {0}: {1}. Choose a shorter folder for Berth there.', get('host'), get('detail')),
  REMOTE_INSTALL_FAILED: (get) => l10n.t('The engine could not be installed on {0}: {1} failed: {2}', get('host'), get('step'), get('detail')),
  REMOTE_ENGINE_DID_NOT_START: (get) => l10n.t('The engine on {0} did not start: {1}', get('host'), get('detail')),
  REMOTE_CONTAINERS_RUNNING: (get) => l10n.t('Containers run on {0}: {1}. Stop them first. Nothing was changed.', get('host'), get('count')),
  REMOTE_REMOVE_INCOMPLETE: (get) => l10n.t('Not everything could be removed from {0}: {1} is left. See what uses it there, and try again.', get('host'), get('left')),
};

const onTheWay: Readonly<Record<string, (get: Get) => string>> = {
  INVALID_HOST_URL: (get) => l10n.t('{0} does not name a host: {1}. Write ssh://user@host:port, user@host, or a name from ~/.ssh/config.', get('url'), get('detail')),
  SSH_CONFIG_INVALID: (get) => l10n.t('{0} is not right: {1}', place(get), get('detail')),
  SSH_CONFIG_UNSAFE: (get) => l10n.t('Other users may change {0}, so it is not used. Take that permission away.', get('file')),
  HOST_KEY_CHANGED: (get) => l10n.t('The key of {0} is not the one in {1}. Someone may be listening in, or the host was set up anew. Its key now: {2}. Compare it with what its administrator says, and only then remove that line.', get('host'), place(get), get('fingerprint')),
  HOST_KEY_REVOKED: (get) => l10n.t('{0} showed a key that {1} declares revoked. Do not connect before its administrator has replaced it.', get('host'), place(get)),
  HOST_KEY_UNKNOWN: (get) => l10n.t('The key of {0} ({1}) is not known here and was not accepted.', get('host'), get('fingerprint')),
  SSH_NAME_UNKNOWN: (get) => l10n.t('{0}: the name {1} cannot be resolved. Check how it is written, the network, and ~/.ssh/config.', get('host'), get('name')),
  SSH_REFUSED: (get) => l10n.t('{0}: nothing accepts connections at {1}. Check the port, and that sshd runs there.', get('host'), get('address')),
  SSH_UNREACHABLE: (get) => l10n.t('{0}: {1} cannot be reached ({2}). Check the network, a VPN, a firewall.', get('host'), get('address'), get('detail')),
  SSH_TIMED_OUT: (get) => l10n.t('{0}: no answer within {1} seconds (step: {2}). Check the network and the host.', get('host'), get('seconds'), get('step')),
  SSH_PROXY_FAILED: (get) => l10n.t('{0}: the ProxyCommand {1} did not lead there: {2}', get('host'), get('command'), get('detail')),
  SSH_PROXY_LOOP: (get) => l10n.t('{0}: ProxyJump goes in a circle: {1}', get('host'), get('chain')),
  SSH_JUMP_FAILED: (get) => l10n.t('{0}: the jump host {1} does not lead on: {2}', get('host'), get('hop'), get('detail')),
  SSH_NOT_SSH: (get) => l10n.t('{0}: what answers there is not an SSH server. Check the port.', get('host')),
  SSH_CLOSED_AT_ONCE: (get) => l10n.t('{0}: the server closed the connection at once. It may have too many connections, or refuse this address.', get('host')),
  SSH_HANDSHAKE_FAILED: (get) => l10n.t('{0}: the secure connection could not be agreed on: {1}', get('host'), get('detail')),
  SSH_AUTH_FAILED: (get) => l10n.t('{0} did not let you in. Tried: {1}. The server allows: {2}.', get('host'), get('tried'), get('allowed')),
  SUDO_MISSING: (get) => l10n.t('{0} has no sudo. Install it there, log in as root, or add the host without sudo.', get('host')),
  SUDO_REFUSED: (get) => l10n.t('sudo on {0} does not let you be root: {1}', get('host'), get('detail')),
  SSH_LINK_LOST: (get) => l10n.t('The connection to {0} was lost: {1}', get('host'), get('detail')),
  SSH_CHANNEL_REFUSED: (get) => l10n.t('{0} refused to run a command: {1}', get('host'), get('detail')),
  SSH_FORCED_COMMAND: (get) => l10n.t('{0} runs a command of its own instead of those it is asked to run. Use an account or a key without that restriction.', get('host')),
  STREAMLOCAL_REFUSED: (get) => l10n.t('{0} does not forward to its unix sockets: AllowStreamLocalForwarding is off there.', get('host')),
  REMOTE_SOCKET_MISSING: (get) => l10n.t('Nothing listens on {0} of {1}.', get('path'), get('host')),
  TCP_FORWARDING_REFUSED: (get) => l10n.t('{0} does not forward to {1}: AllowTcpForwarding is off there, or PermitOpen leaves it out.', get('host'), get('address')),
  REMOTE_PORT_CLOSED: (get) => l10n.t('Nothing answers on {0}, as seen from {1}.', get('address'), get('host')),
  SYSTEM_SSH_MISSING: (get) => l10n.t("The system's ssh is needed and cannot be used here: {0}. Install OpenSSH's client.", get('reason')),
  SYSTEM_SSH_FAILED: (get) => l10n.t('{0}: ssh ended: {1}', get('host'), get('detail')),
};

const onRemoteHosts: Readonly<Record<string, (get: Get) => string>> = {
  LINK_NEEDS_ANSWER: (get) => l10n.t('{0} asks for {1}. Connect to it to answer.', get('host'), get('question')),
  LINK_FAILED: (get) => l10n.t('{0} cannot be reached: {1}', get('host'), get('detail')),
  LINK_DID_NOT_START: (get) => l10n.t('The connection to {0} could not be started: {1}', get('host'), get('detail')),
  RELAY_REFUSED: (get) => l10n.t('The engine on the host refused the connection (status {0}): {1}', get('status'), get('detail')),
  NO_SUCH_HOST: (get) => l10n.t('There is no host called {0}.', get('name')),
};

const words: Readonly<Record<string, (get: Get) => string>> = { ...onContainers, ...onDevContainers, ...onEditors, ...onImages, ...onTheHost, ...onTheWay, ...onRemoteInstallation, ...onRemoteHosts, ...onSources };
