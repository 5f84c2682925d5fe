/** rootlesskit's arguments: namespaces for users, mounts and network; a way out by slirp4netns, with `six` by IPv6 too; published ports by its own relay. */
export function rootlesskitArguments(stateFolder: string, { six = false }: { readonly six?: boolean } = {}): string[] {
  return [
    `--state-dir=${stateFolder}`,
    ...['--net=slirp4netns', '--mtu=65520', '--slirp4netns-sandbox=auto', '--slirp4netns-seccomp=auto', '--disable-host-loopback', '--port-driver=builtin'],
    ...(six ? ['--ipv6'] : []),
    // Where tools want to write (resolv.conf, named network namespaces), a copy; everything else is the host's, and mounts made there later appear.
    ...['--copy-up=/etc', '--copy-up=/run', '--propagation=rslave'],
  ];
}
