import * as vscode from 'vscode';
import { Reporter } from './base/report.ts';
import type { Command } from './commands/command.ts';
import { registerCommands } from './commands/command.ts';
import { AnyEngine } from './commands/anyEngine.ts';
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
import { HostConnector } from './commands/host/hostConnector.ts';
import { openOnHost } from './commands/host/open.ts';
import type { OpenOnHostServices } from './commands/host/open.ts';
import { removeHost } from './commands/host/remove.ts';
import { SourceOnHost } from './commands/host/sourceOnHost.ts';
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
import { Engines } from './hosts/engines.ts';
import type { Host } from './hosts/host.ts';
import { Origins } from './hosts/origins.ts';
import { RemoteHosts } from './hosts/remoteHosts.ts';
import { Settings } from './hosts/settings.ts';
import { CommandLineSshEntries } from './hosts/sshEntries.ts';
import type { DevContainerStore } from './model/devContainerStore.ts';
import type { DevContainerConfig } from './model/devContainers.ts';
import { Shells } from './terminals/shells.ts';
import { TerminalPerSubject } from './terminals/terminalPerSubject.ts';
import { ContainerOffer } from './views/containerOffer.ts';
import { ContainersView } from './views/containersView.ts';
import { publishContextKeys } from './views/contextKeys.ts';
import { DevContainersView } from './views/devContainersView.ts';
import { HostsView } from './views/hostsView.ts';
import { InspectDocuments } from './views/inspectDocuments.ts';
import { LinkNotices } from './views/linkNotices.ts';
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
  const launcher = new EngineLauncher(() => ({ nodePath: settings.nodePath(), enginePath: settings.enginePath(), archives: settings.engineArchives(), socketPath: socketPath() }));
  const hosts = own(new RemoteHosts(launcher, reporter.note));
  const engines = own(new Engines(hosts, { socketPath, onProblem: reporter.note }));
  const { host, devContainers } = engines.local;
  const starter = new EngineStarter(host, launcher, socketPath);
  const connector = new HostConnector(hosts, reporter);
  const anyEngine = new AnyEngine(starter, connector, engines);
  const ups = new Ups({ anyEngine, engines, reporter });

  own(publishContextKeys(engines, currentPlace() !== undefined));
  own(new ContainersView(engines));
  own(new DevContainersView(engines));
  own(new StatusBar(engines, currentPlace()));
  own(new HostsView(host, hosts));
  own(new LinkNotices(hosts, reporter.offer));
  own(followConfigs(context, host, devContainers, reporter));
  const notices = new PortNotices({ enabled: settings.announcesPorts, isOurs: (name, folder) => ups.hasUp(name, folder), memory: context.globalState, onProblem: reporter.note });
  own(engines.onPort(notices.announce));
  own(settings.onSocketPath(() => host.reconnect()));

  const terminals = own(new TerminalPerSubject());
  const documents = own(new InspectDocuments(engines));
  const targets = new Targets(engines);
  const ways = { windows: new EditorWindows(), origins: new Origins(context.globalState) };
  const opener = new ContainerOpener({
    ups,
    ...ways,
    sshEntries: new CommandLineSshEntries(launcher),
    forward: (name, port, path) => hosts.forward(name, port, path),
    isInstalled: (id) => vscode.extensions.getExtension(id) !== undefined,
    overSsh: vscode.env.uiKind === vscode.UIKind.Desktop,
  });
  const here = new WindowTargets(targets, engines, ways.origins);
  const sources = new SourceOnHost({ launcher, anyEngine, reporter });
  const parts: Parts = { here, ups, opener, hosts, connector, anyEngine, sources, ...ways, engines, targets, terminals, documents, starter, launcher, reporter };
  own(registerCommands(allCommands(parts), reporter.show));
  host.open();
  void hosts.refresh();
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

interface Parts extends LogServices, UpServices, OpenOnHostServices, WayBack {
  readonly here: WindowTargets;
  readonly engines: Engines;
  readonly connector: HostConnector;
  readonly anyEngine: AnyEngine;
  readonly starter: EngineStarter;
  readonly reporter: Reporter;
  readonly documents: InspectDocuments;
  readonly launcher: EngineLauncher;
}

function allCommands(parts: Parts): Command[] {
  const { targets, starter, launcher, reporter } = parts;
  return [
    startEngine(starter),
    refresh(parts),
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
  return [addHost(parts), connectHost(parts), disconnectHost(hosts), openOnHost(parts), removeHost(hosts)];
}

/** Everything is a subscription of the context, which the editor disposes. */
export function deactivate(): void {}
