#!/bin/sh
# Berth on this host: its own Node, and its own tools before the host's. Nothing else of the host is used but the kernel.
home=@HOME@
PATH="$home/bin:${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
# Not in /tmp: it goes when this folder goes.
NODE_COMPILE_CACHE="$home/cache"
export PATH NODE_COMPILE_CACHE
# Meant for the host's C library and for other versions of Node.
unset LD_PRELOAD NODE_OPTIONS
@ENVIRONMENT@
exec "$home/app/node" "$home/app/berth.cjs" "$@"
