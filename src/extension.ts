import type * as vscode from 'vscode';
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
import { runDoctor } from './commands/engine/doctor.ts';
import { copyPortAddress } from './commands/port/copyAddress.ts';
import { openPortInBrowser } from './commands/port/openInBrowser.ts';
import { stopForwardingPort } from './commands/port/stopForwarding.ts';
import { refresh } from './commands/engine/refresh.ts';
import { showLog } from './commands/engine/showLog.ts';
import { startEngine } from './commands/engine/start.ts';
import { EngineStarter } from './commands/engineStarter.ts';
import { Targets } from './commands/targets.ts';
import { ConfigFinder } from './hosts/configFinder.ts';
import { EngineLauncher } from './hosts/engineLauncher.ts';
import { Host } from './hosts/host.ts';
import { PortFeed } from './hosts/portFeed.ts';
import { Settings } from './hosts/settings.ts';
import { DevContainerStore } from './model/devContainerStore.ts';
import { PortStore } from './model/portStore.ts';
import { Shells } from './terminals/shells.ts';
import { TerminalPerSubject } from './terminals/terminalPerSubject.ts';
import { ContainersView } from './views/containersView.ts';
import { publishContextKeys } from './views/contextKeys.ts';
import { DevContainersView } from './views/devContainersView.ts';
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
  const launcher = new EngineLauncher(() => ({ nodePath: settings.nodePath(), enginePath: settings.enginePath(), socketPath: socketPath() }));
  const starter = new EngineStarter(host, launcher, socketPath);

  own(publishContextKeys(host));
  own(new ContainersView(containers));
  own(new DevContainersView(devContainers, ports));
  own(new StatusBar(host));
  own(new ConfigFinder((configs) => devContainers.setConfigs(configs), reporter.note));
  const notices = new PortNotices({ enabled: settings.announcesPorts, memory: context.globalState, onProblem: reporter.note });
  own(own(new PortFeed(host, ports, reporter.note)).onOpened(notices.announce));
  own(settings.onSocketPath(() => host.reconnect()));

  const terminals = own(new TerminalPerSubject());
  const documents = own(new InspectDocuments(host));
  const targets = new Targets(containers, devContainers, ports);
  const parts = { host, targets, socketPath, containers, devContainers, terminals, documents, starter, launcher, reporter };
  own(registerCommands(allCommands(parts), reporter.show));
  host.open();
}

interface Parts extends LogServices, UpServices {
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

/** Everything is a subscription of the context, which the editor disposes. */
export function deactivate(): void {}
