/** A container as far as names go. */
export interface Named {
  readonly containerId: string;
  readonly name: string;
  readonly hostname: string;
  readonly legs: ReadonlyArray<{ readonly networkId: string; readonly networkName: string; readonly ip: string; readonly ip6?: string; readonly aliases: readonly string[]; readonly links?: readonly string[] }>;
}

/** What one container may know: the names and addresses in the networks that it is in. */
export interface Zone {
  /** `undefined`: not a name of ours; empty: it has none of this family. */
  addressesOf(name: string, family?: 4 | 6): string[] | undefined;
  /** The name behind an address; `undefined`: not ours. */
  nameOf(ip: string): string | undefined;
}

/** The names that a container sees. `networks`: those that have names at all (the default network has none). Pure. */
export function zoneOf(client: Named, containers: readonly Named[], networks: ReadonlySet<string>): Zone {
  const seen = new Set(client.legs.map(({ networkId }) => networkId).filter((id) => networks.has(id)));
  const legs = containers.flatMap((container) => container.legs.filter(({ networkId }) => seen.has(networkId)).map((leg) => ({ container, leg })));
  return {
    addressesOf: (name, family = 4) => {
      const wanted = name.toLowerCase();
      const found = legs.filter(({ container, leg }) => namesOf(container, leg).includes(wanted) || linked(client, leg.networkId, wanted).some((one) => isCalled(container, one)));
      const addresses = found.map(({ leg }) => (family === 4 ? leg.ip : (leg.ip6 ?? ''))).filter((address) => address !== '');
      return found.length === 0 ? undefined : [...new Set(addresses)];
    },
    nameOf: (ip) => {
      const found = legs.find(({ leg }) => leg.ip === ip || leg.ip6 === ip);
      return found && `${found.container.name}.${found.leg.networkName}`;
    },
  };
}

/** Name, hostname, short id and aliases, each also with the network's name behind it. */
function namesOf({ containerId, name, hostname }: Named, { networkName, aliases }: Named['legs'][number]): string[] {
  const names = [name, hostname, containerId.slice(0, 12), ...aliases].filter((one) => one !== '').map((one) => one.toLowerCase());
  return [...names, ...names.map((one) => `${one}.${networkName.toLowerCase()}`)];
}

/** The containers that one calls by a name of its own (`--link container:alias`) in a network. */
function linked({ legs }: Named, networkId: string, wanted: string): string[] {
  const links = legs.filter((leg) => leg.networkId === networkId).flatMap((leg) => leg.links ?? []);
  return links.flatMap((link) => {
    const [container = '', alias = container] = link.split(':');
    return alias.toLowerCase() === wanted ? [container] : [];
  });
}

function isCalled({ containerId, name }: Named, one: string): boolean {
  return name === one || (one.length >= 12 && containerId.startsWith(one));
}
