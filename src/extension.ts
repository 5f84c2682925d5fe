import * as vscode from 'vscode';
import { Reporter } from './base/report.ts';
import type { Command } from './commands/command.ts';
import { registerCommands } from './commands/command.ts';
import { copyContainerId } from './commands/container/copyId.ts';
import { inspectContainer } from './commands/container/inspect.ts';
import type { LogServices } from './commands/container/logs.ts';
import { showContainerLogs } from './commands/container/logs.ts';
import { openContainerShell } from './commands/container/openShell.ts';
import { removeContainer } from './commands/container/remove.ts';
import { restartContainer } from './commands/container/restart.ts';
import { startContainer } from './commands/container/start.ts';
import { stopContainer } from './commands/container/stop.ts';
import { openDevContainerConfig } from './commands/devContainer/openConfig.ts';
import type { UpServices } from './commands/devContainer/up.ts';
import { upAndCancel } from './commands/devContainer/up.ts';
import { Ups } from './commands/devContainer/ups.ts';
import { runDoctor } from './commands/engine/doctor.ts';
import { copyPortAddress } from './commands/port/copyAddress.ts';
import { openPortInBrowser } from './commands/port/openInBrowser.ts';
import { stopForwardingPort } from './commands/port/stopForwarding.ts';
import { refresh } from './commands/engine/refresh.ts';
import { showLog } from './commands/engine/showLog.ts';
import { startEngine } from './commands/engine/start.ts';
import { EngineStarter } from './commands/engineStarter.ts';
import { addHost } from './commands/host/add.ts';
import { connectHost } from './commands/host/connect.ts';
import { disconnectHost } from './commands/host/disconnect.ts';
import { openOnHost } from './commands/host/open.ts';
import { removeHost } from './commands/host/remove.ts';
import { attachToContainer } from './commands/reopen/attach.ts';
import { cloneRepository } from './commands/reopen/cloneRepository.ts';
import { ContainerOpener } from './commands/reopen/containerOpener.ts';
import { openFolderCommand } from './commands/reopen/openFolder.ts';
import { openInBrowser } from './commands/reopen/openInBrowser.ts';
import { rebuildAndReopen } from './commands/reopen/rebuild.ts';
import { rebuildWithoutCache } from './commands/reopen/rebuildWithoutCache.ts';
import { reopenInContainer } from './commands/reopen/reopenInContainer.ts';
import type { WayBack } from './commands/reopen/reopenLocally.ts';
import { reopenLocally } from './commands/reopen/reopenLocally.ts';
import { WindowTargets } from './commands/reopen/windowTargets.ts';
import { Targets } from './commands/targets.ts';
import { ConfigFinder } from './hosts/configFinder.ts';
import { EditorWindows, currentPlace } from './hosts/editorWindows.ts';
import { EngineLauncher } from './hosts/engineLauncher.ts';
import { Host } from './hosts/host.ts';
import { Origins } from './hosts/origins.ts';
import { RemoteHosts } from './hosts/remoteHosts.ts';
import { PortFeed } from './hosts/portFeed.ts';
import { Settings } from './hosts/settings.ts';
import { CommandLineSshEntries } from './hosts/sshEntries.ts';
import { DevContainerStore } from './model/devContainerStore.ts';
import type { DevContainerConfig } from './model/devContainers.ts';
import { PortStore } from './model/portStore.ts';
import { Shells } from './terminals/shells.ts';
import { TerminalPerSubject } from './terminals/terminalPerSubject.ts';
import { ContainerOffer } from './views/containerOffer.ts';
import { ContainersView } from './views/containersView.ts';
import { publishContextKeys } from './views/contextKeys.ts';
import { DevContainersView } from './views/devContainersView.ts';
import { HostsView } from './views/hostsView.ts';
import { InspectDocuments } from './views/inspectDocuments.ts';
import { PortNotices } from './views/portNotices.ts';
import { StatusBar } from './views/statusBar.ts';
import { describeError } from './words/errorWords.ts';

/** The composition root of the extension: makes each part once and hands it to those who need it. */
export function activate(context: vscode.ExtensionContext): void {
  const own = <T extends vscode.Disposable>(part: T): T => {
    context.subscriptions.push(part);
    return part;
  };
  const settings = new Settings(context.extensionPath);
  const { socketPath } = settings;
  const reporter = own(new Reporter(describeError));
  const host = own(new Host({ socketPath, onProblem: reporter.note }));
  const { containers } = host;
  const devContainers = new DevContainerStore(containers);
  const ports = new PortStore();
  const launcher = new EngineLauncher(() => ({ nodePath: settings.nodePath(), enginePath: settings.enginePath(), archives: settings.engineArchives(), socketPath: socketPath() }));
  const starter = new EngineStarter(host, launcher, socketPath);

  own(publishContextKeys(host, currentPlace() !== undefined));
  own(new ContainersView(containers));
  own(new DevContainersView(devContainers, ports));
  own(new StatusBar(host, currentPlace()));
  const hosts = own(new RemoteHosts(launcher, reporter.note));
  own(new HostsView(host, hosts));
  own(followConfigs(context, host, devContainers, reporter));
  const notices = new PortNotices({ enabled: settings.announcesPorts, memory: context.globalState, onProblem: reporter.note });
  own(own(new PortFeed(host, ports, reporter.note)).onOpened(notices.announce));
  own(settings.onSocketPath(() => host.reconnect()));

  const terminals = own(new TerminalPerSubject());
  const documents = own(new InspectDocuments(host));
  const targets = new Targets(containers, devContainers, ports);
  const ups = new Ups({ starter, devContainers, reporter });
  const ways = { windows: new EditorWindows(), origins: new Origins(context.globalState) };
  const opener = new ContainerOpener({
    ups,
    ...ways,
    sshEntries: new CommandLineSshEntries(launcher),
    isInstalled: (id) => vscode.extensions.getExtension(id) !== undefined,
    overSsh: vscode.env.uiKind === vscode.UIKind.Desktop,
  });
  const here = new WindowTargets(targets, devContainers, ways.origins);
  const parts = { here, ups, opener, hosts, ...ways, host, targets, socketPath, containers, devContainers, terminals, documents, starter, launcher, reporter };
  own(registerCommands(allCommands(parts), reporter.show));
  host.open();
}

/** Looks for definitions in the workspace, and offers once to reopen it in its dev container. */
function followConfigs(context: vscode.ExtensionContext, host: Host, devContainers: DevContainerStore, reporter: Reporter): ConfigFinder {
  const offer = new ContainerOffer({ memory: context.globalState, isPossible: () => host.connection?.kind !== 'docker', reopen: () => vscode.commands.executeCommand('berth.devContainer.reopen') });
  const onConfigs = (configs: DevContainerConfig[]): void => {
    devContainers.setConfigs(configs);
    void offer.consider(configs).catch(reporter.note);
  };
  return new ConfigFinder(onConfigs, reporter.note);
}

interface Parts extends LogServices, UpServices, WayBack {
  readonly here: WindowTargets;
  readonly opener: ContainerOpener;
  readonly hosts: RemoteHosts;
  readonly starter: EngineStarter;
  readonly reporter: Reporter;
  readonly documents: InspectDocuments;
  readonly launcher: EngineLauncher;
}

function allCommands(parts: Parts): Command[] {
  const { host, targets, starter, launcher, reporter } = parts;
  return [
    startEngine(starter),
    refresh(host),
    showLog(reporter),
    runDoctor(launcher),
    ...upAndCancel(parts),
    openDevContainerConfig(targets),
    ...reopenCommands(parts),
    ...hostCommands(parts),
    startContainer(parts),
    stopContainer(parts),
    restartContainer(parts),
    removeContainer(parts),
    showContainerLogs(parts),
    openContainerShell(parts, new Shells(parts.terminals, reporter.show)),
    inspectContainer(parts, parts.documents),
    copyContainerId(parts),
    openPortInBrowser(targets),
    copyPortAddress(targets),
    stopForwardingPort(parts),
  ];
}

function reopenCommands(parts: Parts): Command[] {
  return [reopenInContainer(parts), rebuildAndReopen(parts), rebuildWithoutCache(parts), openInBrowser(parts), attachToContainer(parts), openFolderCommand(parts), cloneRepository(parts), reopenLocally(parts)];
}

function hostCommands(parts: Parts): Command[] {
  const { hosts } = parts;
  return [addHost(hosts), connectHost(hosts), disconnectHost(hosts), openOnHost(parts), removeHost(hosts)];
}

/** Everything is a subscription of the context, which the editor disposes. */
export function deactivate(): void {}
