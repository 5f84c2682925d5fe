import { readFileSync } from 'node:fs';
import type { EngineStatus } from './api/berth/engine.ts';
import { newId } from './base/ids.ts';
import { moduleNames } from './containers/securityModules.ts';
import { parseOsRelease } from './host/osRelease.ts';
import type { OciRuntime } from './host/ociRuntime.ts';
import { probeHost } from './host/probe.ts';
import { realHostView } from './host/probeView.ts';
import { hasOneId, oneIdWarning } from './host/userNamespace.ts';
import type { EngineParts, Services } from './mainServices.ts';
import type { Route } from './server/route.ts';
import { berthBuildRoutes } from './server/routes/berth/build.ts';
import { buildExportRoutes } from './server/routes/berth/buildExports.ts';
import { checkRoutes } from './server/routes/berth/check.ts';
import { cloneRoutes } from './server/routes/berth/clone.ts';
import { devContainerRoutes } from './server/routes/berth/devcontainers.ts';
import { doctorRoutes } from './server/routes/berth/doctor.ts';
import { engineRoutes } from './server/routes/berth/engine.ts';
import { berthNetworkRoutes } from './server/routes/berth/networks.ts';
import { berthImageRoutes } from './server/routes/berth/images.ts';
import { sshRoutes } from './server/routes/berth/ssh.ts';
import { volumeArchiveRoutes } from './server/routes/berth/volumes.ts';
import { webEditorRoutes } from './server/routes/berth/webEditor.ts';
import { syncRoutes } from './server/routes/berth/syncs.ts';
import { portRoutes } from './server/routes/berth/ports.ts';
import { dockerBuildRoutes } from './server/routes/docker/build.ts';
import { containerRoutes } from './server/routes/docker/containers.ts';
import { diskUsageRoutes } from './server/routes/docker/diskUsage.ts';
import { execRoutes } from './server/routes/docker/exec.ts';
import { imageRoutes } from './server/routes/docker/images.ts';
import { distributionRoutes } from './server/routes/berth/distribution.ts';
import { registryRoutes } from './server/routes/berth/registry.ts';
import { networkRoutes } from './server/routes/docker/networks.ts';
import { systemRoutes } from './server/routes/docker/system.ts';
import type { EngineFacts } from './server/routes/docker/system.ts';
import { volumeRoutes } from './server/routes/docker/volumes.ts';
import { version } from './version.ts';

/** Every route of the engine. */
export function engineRouteTable(parts: EngineParts, services: Services): Route[] {
  const { containers, images, volumes, builds, archives, snapshots, events } = services;
  const probe = () => probeHost(realHostView(), parts.config);
  return [
    ...systemRoutes(engineFacts(parts, services), { containers: () => containers.usage.counts(), images: () => images.list().length }, events),
    ...containerRoutes(containers),
    ...execRoutes(containers),
    ...imageRoutes({ images, archives, remote: services.remoteImages, snapshots, sweepServed: () => services.served.sweep() }),
    ...networkRoutes({ catalog: services.networks.catalog, connect: (container, network, settings) => containers.connect(container, network, settings), disconnect: (container, network) => containers.disconnect(container, network) }),
    ...berthNetworkRoutes(services.networks, events),
    ...registryRoutes(services.remoteImages),
    ...distributionRoutes(services.served),
    ...volumeRoutes(volumes),
    ...volumeArchiveRoutes(volumes),
    ...diskUsageRoutes({ images, snapshots, containers, volumes, builds }),
    ...dockerBuildRoutes(builds),
    ...engineRoutes(() => engineStatus(parts, services), parts.stop),
    ...berthImageRoutes(images, archives, snapshots),
    ...berthBuildRoutes(builds),
    ...buildExportRoutes(builds, archives),
    ...devContainerRoutes(services.devContainers),
    ...sshRoutes(services.endpoint),
    ...webEditorRoutes(services.devContainers),
    ...portRoutes(services.ports),
    ...doctorRoutes(probe),
    ...checkRoutes(services.check),
    ...syncRoutes(services.syncs),
    ...cloneRoutes(),
  ];
}

const started = new Date().toISOString();

function engineStatus({ config, logFile, idleSeconds }: EngineParts, { containers }: Services): EngineStatus {
  const { running, paused, stopped } = containers.usage.counts();
  const { runtime } = containers.parts;
  return {
    version,
    pid: process.pid,
    started,
    node: process.version,
    socketPath: config.socketPath,
    dataRoot: config.dataRoot,
    runRoot: config.runRoot,
    logFile,
    runtime: { name: runtime.name, path: runtime.path },
    containers: running + paused + stopped,
    containersRunning: running,
    idleSeconds,
    memory: process.memoryUsage.rss(),
    rootless: config.keeper !== undefined,
  };
}

function engineFacts({ config }: EngineParts, { containers, images, records }: Services): EngineFacts {
  return {
    version,
    id: newId(),
    dataRoot: config.dataRoot,
    runtimeName: () => containers.parts.runtime.name,
    controllers: () => (containers.parts.runtime.cgroups ? containers.parts.cgroups.controllers : undefined),
    swapLimit: containers.parts.cgroups.swapLimit,
    rootless: config.keeper !== undefined,
    securityModules: moduleNames(containers.parts),
    usernsRemap: config.usernsRemap !== undefined,
    cgroupVersion: containers.parts.cgroups.version,
    osName: osName(),
    warnings: () => [...hostWarnings(containers.parts.runtime), ...records.warnings, ...images.warnings()],
  };
}

/** What this engine cannot do that others can, for `docker info`. */
function hostWarnings(runtime: OciRuntime): string[] {
  return [
    ...(runtime.cgroups ? [] : ['WARNING: The engine may not use control groups: limits on memory, cpu and processes have no effect']),
    ...(hasOneId() ? [oneIdWarning] : []),
  ];
}

function osName(): string {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return parseOsRelease(readFileSync(path, 'utf8')).prettyName;
    } catch {
      // the other place, then
    }
  }
  return 'Linux';
}
