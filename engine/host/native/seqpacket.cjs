// The add-on of this architecture, as scripts/native.mjs builds it.
const { open, send, shutdown, close, asIds, inNetns } = require(`./seqpacket-linux-${process.arch}.node`);
exports.open = open;
exports.send = send;
exports.shutdown = shutdown;
exports.close = close;
exports.asIds = asIds;
exports.inNetns = inNetns;
