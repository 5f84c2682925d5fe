import { serveFiles, serveRepositories } from './fileServer.ts';

/** Serves the files and the repositories of a folder in the network namespace that it is started in, until its standard input ends; says where. */
const [folder = ''] = process.argv.slice(2);
const servers = await Promise.all([serveFiles(folder), serveRepositories(folder)]);
console.log(JSON.stringify(servers.map((server) => server.url(''))));
process.stdin.resume().once('end', () => process.exit(0));
