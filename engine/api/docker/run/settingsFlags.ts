import { formatExtraHost, parseExtraHost } from './extraHost.ts';
import { integer, must, switched, valued } from './flags.ts';
import type { RunDraft, RunFlag, RunHost } from './flags.ts';
import { addVolume, parseMount } from './mountSpec.ts';
import { addPublished, parsePublish, range } from './portSpec.ts';
import { parseRestart } from './quantities.ts';

/** What the process is, what it sees, and how it is reached. */
export const settingsFlags: readonly RunFlag[] = [
  valued('name', 'NAME', 'name of the container', (draft, value) => void (draft.name = value)),
  valued('env e', 'NAME[=VALUE]', 'set an environment variable', (draft, value, host) => addEnv(draft, value, host)),
  valued('env-file', 'FILE', 'read environment variables from a file', (draft, value, host) => {
    for (const line of linesOf(host.readFile(value))) addEnv(draft, line, host);
  }),
  valued('label l', 'KEY[=VALUE]', 'set a label', (draft, value) => addLabel(draft, value)),
  valued('label-file', 'FILE', 'read labels from a file', (draft, value, host) => {
    for (const line of linesOf(host.readFile(value))) addLabel(draft, line);
  }),
  valued('volume v', '[SOURCE:]TARGET[:ro]', 'mount a folder or a volume', (draft, value, host) => addVolume(draft.body, value, host.folder)),
  valued('mount', 'SPEC', 'mount, as type=bind|volume|tmpfs,source=…,target=…[,readonly]', (draft, value, host) => void (draft.body.HostConfig.Mounts ??= []).push(parseMount(value, host.folder))),
  valued('tmpfs', 'PATH[:OPTIONS]', 'mount a tmpfs', (draft, value) => {
    const at = value.indexOf(':');
    const path = must(value.startsWith('/') ? (at === -1 ? value : value.slice(0, at)) : undefined, 'an absolute path');
    (draft.body.HostConfig.Tmpfs ??= {})[path] = at === -1 ? '' : value.slice(at + 1);
  }),
  valued('volumes-from', 'CONTAINER', 'mount what another container mounts', (draft, value) => void (draft.body.HostConfig.VolumesFrom ??= []).push(value)),
  valued('publish p', '[[IP:]HOST:]PORT[/udp]', 'publish a port', (draft, value) => addPublished(draft.body, must(parsePublish(value), '[[ip:]hostPort:]containerPort[/tcp|udp]'))),
  switched('publish-all P', 'publish all exposed ports on free ports', (draft, on) => void (draft.body.HostConfig.PublishAllPorts = on)),
  valued('expose', 'PORT[/udp]', 'expose a port', (draft, value) => {
    const match = must(/^(\d+(?:-\d+)?)(?:\/(tcp|udp))?$/.exec(value) ?? undefined, 'a port, as 80 or 80/udp');
    for (const port of must(range(match[1] ?? ''), 'a port from 1 to 65535')) (draft.body.ExposedPorts ??= {})[`${port}/${match[2] ?? 'tcp'}`] = {};
  }),
  valued('hostname h', 'NAME', 'hostname inside', (draft, value) => void (draft.body.Hostname = value)),
  valued('domainname', 'NAME', 'domain name inside', (draft, value) => void (draft.body.Domainname = value)),
  valued('add-host', 'HOST:IP', 'add a line to /etc/hosts', (draft, value) => void (draft.body.HostConfig.ExtraHosts ??= []).push(formatExtraHost(must(parseExtraHost(value), 'host:ip')))),
  valued('dns', 'IP', 'name server', (draft, value) => void (draft.body.HostConfig.Dns ??= []).push(value)),
  valued('dns-search', 'DOMAIN', 'search domain', (draft, value) => void (draft.body.HostConfig.DnsSearch ??= []).push(value)),
  valued('dns-option dns-opt', 'OPTION', 'resolver option', (draft, value) => void (draft.body.HostConfig.DnsOptions ??= []).push(value)),
  valued('user u', 'USER[:GROUP]', 'user, by name or number', (draft, value) => void (draft.body.User = value)),
  valued('group-add', 'GROUP', 'one more group', (draft, value) => void (draft.body.HostConfig.GroupAdd ??= []).push(value)),
  valued('workdir w', 'PATH', 'working folder inside', (draft, value) => void (draft.body.WorkingDir = must(value.startsWith('/') ? value : undefined, 'an absolute path'))),
  valued('entrypoint', 'PROGRAM', "replace the image's entrypoint", (draft, value) => void (draft.body.Entrypoint = [value])),
  valued('stop-signal', 'SIGNAL', 'signal that stops it', (draft, value) => void (draft.body.StopSignal = value)),
  valued('stop-timeout', 'SECONDS', 'seconds to wait before killing it', (draft, value) => void (draft.body.StopTimeout = integer(value))),
  valued('restart', 'POLICY', 'no, always, unless-stopped, on-failure[:N]', (draft, value) => void (draft.body.HostConfig.RestartPolicy = must(parseRestart(value), 'no, always, unless-stopped or on-failure[:N]'))),
  switched('rm', 'remove the container when it ends', (draft, on) => void (draft.body.HostConfig.AutoRemove = on)),
  switched('init', 'run an init that reaps processes', (draft, on) => void (draft.body.HostConfig.Init = on)),
  switched('interactive i', 'keep stdin open', (draft, on) => void (draft.body.OpenStdin = on)),
  switched('tty t', 'give it a terminal', (draft, on) => void (draft.body.Tty = on)),
];

function addEnv(draft: RunDraft, text: string, host: RunHost): void {
  const at = text.indexOf('=');
  const name = must((at === -1 ? text : text.slice(0, at)) || undefined, 'NAME=value');
  const value = at === -1 ? host.env(name) : text.slice(at + 1);
  if (value !== undefined) (draft.body.Env ??= []).push(`${name}=${value}`);
}

function addLabel(draft: RunDraft, text: string): void {
  const at = text.indexOf('=');
  const key = must((at === -1 ? text : text.slice(0, at)) || undefined, 'key=value');
  (draft.body.Labels ??= {})[key] = at === -1 ? '' : text.slice(at + 1);
}

/** Lines that are neither blank nor comments. */
function linesOf(text: string): string[] {
  return text.split(/\r?\n/).map((line) => line.trimStart()).filter((line) => line !== '' && !line.startsWith('#'));
}
