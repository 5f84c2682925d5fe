import { unpackLayer } from '../../engine/host/tar/unpackLayer.ts';

/** Unpacks the layer on standard input into the folder that is named: to be run in a namespace of its own. */
await unpackLayer(process.stdin as AsyncIterable<Buffer>, process.argv[2] ?? '');
