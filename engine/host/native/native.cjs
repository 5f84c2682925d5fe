// The add-on of this architecture, as scripts/native.mjs builds it.
const { open, send, shutdown, close, asIds, inNetns, setAttribute, makeNode, spreadFolders, mount, mountMapped, unmount } = require(`./native-linux-${process.arch}.node`);
exports.open = open;
exports.send = send;
exports.shutdown = shutdown;
exports.close = close;
exports.asIds = asIds;
exports.inNetns = inNetns;
exports.setAttribute = setAttribute;
exports.makeNode = makeNode;
exports.spreadFolders = spreadFolders;
exports.mount = mount;
exports.mountMapped = mountMapped;
exports.unmount = unmount;
