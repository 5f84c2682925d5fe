// The add-on of this architecture, as scripts/native.mjs builds it.
const { open, send, shutdown, close, asIds, inNetns, setAttribute, attributes, readFolder, makeNode, spreadFolders, spawn, memoryFile, mount, mountMapped, unmount } = require(`./native-linux-${process.arch}.node`);
exports.open = open;
exports.send = send;
exports.shutdown = shutdown;
exports.close = close;
exports.asIds = asIds;
exports.inNetns = inNetns;
exports.setAttribute = setAttribute;
exports.attributes = attributes;
exports.readFolder = readFolder;
exports.makeNode = makeNode;
exports.spreadFolders = spreadFolders;
exports.spawn = spawn;
exports.memoryFile = memoryFile;
exports.mount = mount;
exports.mountMapped = mountMapped;
exports.unmount = unmount;
