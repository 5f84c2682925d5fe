/** A container as far as names go. */
export interface Named {
  readonly containerId: string;
  readonly name: string;
  readonly hostname: string;
  readonly legs: ReadonlyArray<{ readonly networkId: string; readonly networkName: string; readonly ip: string; readonly aliases: readonly string[] }>;
}

/** What one container may know: the names and addresses in the networks that it is in. */
export interface Zone {
  /** IPv4 addresses; `undefined`: not a name of ours. */
  addressesOf(name: string): string[] | undefined;
  /** The name behind an address; `undefined`: not ours. */
  nameOf(ip: string): string | undefined;
}

/** The names that a container sees. `networks`: those that have names at all (the default network has none). Pure. */
export function zoneOf(client: Named, containers: readonly Named[], networks: ReadonlySet<string>): Zone {
  const seen = new Set(client.legs.map(({ networkId }) => networkId).filter((id) => networks.has(id)));
  const legs = containers.flatMap((container) => container.legs.filter(({ networkId }) => seen.has(networkId)).map((leg) => ({ container, leg })));
  return {
    addressesOf: (name) => {
      const wanted = name.toLowerCase();
      const found = legs.filter(({ container, leg }) => namesOf(container, leg).includes(wanted)).map(({ leg }) => leg.ip);
      return found.length === 0 ? undefined : [...new Set(found)];
    },
    nameOf: (ip) => {
      const found = legs.find(({ leg }) => leg.ip === ip);
      return found && `${found.container.name}.${found.leg.networkName}`;
    },
  };
}

/** Name, hostname, short id and aliases, each also with the network's name behind it. */
function namesOf({ containerId, name, hostname }: Named, { networkName, aliases }: Named['legs'][number]): string[] {
  const names = [name, hostname, containerId.slice(0, 12), ...aliases].filter((one) => one !== '').map((one) => one.toLowerCase());
  return [...names, ...names.map((one) => `${one}.${networkName.toLowerCase()}`)];
}
