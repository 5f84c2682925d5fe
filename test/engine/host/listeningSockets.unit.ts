import assert from 'node:assert/strict';
import { parseSocketTable } from '../../../engine/host/listeningSockets.ts';

const row = (local: string, state: string, inode: string): string => `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0`;
const table = (...rows: string[]): string => `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n${rows.join('\n')}\n`;

describe('the kernel’s table of sockets', () => {
  it('tells of IPv4 which sockets listen, where, and for whom', () => {
    const text = table(row('0100007F:1F90', '0A', '11'), row('00000000:0050', '0A', '12'), row('020011AC:1388', '0A', '13'), row('0100007F:1F90', '01', '14'), row('2301007F:0035', '0A', '15'));
    assert.deepEqual(parseSocketTable(text, 'ipv4'), [
      { family: 'ipv4', address: '127.0.0.1', scope: 'loopback', port: 8080, inode: '11' },
      { family: 'ipv4', address: '127.0.0.1', scope: 'any', port: 80, inode: '12' },
      { family: 'ipv4', address: '172.17.0.2', scope: 'one', port: 5000, inode: '13' },
      { family: 'ipv4', address: '127.0.1.35', scope: 'loopback', port: 53, inode: '15' },
    ]);
  });

  it('tells the same of IPv6, and of IPv4 in its clothes', () => {
    const text = table(row('00000000000000000000000001000000:1435', '0A', '21'), row('00000000000000000000000000000000:0BB8', '0A', '22'), row('0000000000000000FFFF00000100007F:0BB9', '0A', '23'), row('000080FE00000000FF005450AB12CD34:0BBA', '0A', '24'));
    assert.deepEqual(parseSocketTable(text, 'ipv6').map(({ address, scope, port }) => [address, scope, port]), [
      ['::1', 'loopback', 5173],
      ['::1', 'any', 3000],
      ['127.0.0.1', 'loopback', 3001],
      ['fe80:0:0:0:5054:ff:34cd:12ab', 'one', 3002],
    ]);
  });

  it('may be empty', () => {
    assert.deepEqual(parseSocketTable(table(), 'ipv4'), []);
    assert.deepEqual(parseSocketTable('', 'ipv6'), []);
  });
});
