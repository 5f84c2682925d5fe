import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');

/**
 * Codes that nothing the extension asks for can end in, or whose English is for developers: passed on as they are.
 * A new code of the engine belongs either in src/words/engineErrorWords.ts (and the Korean bundle) or here.
 */
const passedOn = new Set([
  'ADDRESS_TAKEN', 'IDMAP_UNAVAILABLE', 'NO_ID_RANGE', 'ALREADY_CONNECTED', 'AMBIGUOUS_CONTAINER', 'AMBIGUOUS_IMAGE_ID', 'API_VERSION_UNSUPPORTED', 'ARCHIVE_ESCAPES', 'ARCHIVE_INVALID', 'ARCHIVE_UNSUPPORTED', 'BAD_REQUEST',
  'BRIDGE_TAKEN', 'EGRESS_INVALID', 'IPV6_MISSING', 'LINKED_NOT_RUNNING', 'NETWORK_MODE_FIXED', 'NETWORK_WITHOUT_IPV6',
  'BLOB_MISSING', 'BOOTSTRAP_UNKNOWN', 'CONTAINER_AUTO_REMOVES', 'CONTAINER_NOT_ATTACHED', 'CONTAINER_NOT_PAUSED', 'IMAGE_HAS_NAMES', 'IMAGE_IN_USE', 'INVALID_CHANGE', 'INVALID_CONTAINER_NAME', 'INVALID_JSON',
  'INVALID_VOLUME_NAME', 'IPC_NOT_SHAREABLE', 'LAYER_NOT_REPLAYABLE', 'LAYER_NOT_WRITTEN', 'NETWORK_EXISTS', 'NETWORK_IN_USE', 'NETWORK_PREDEFINED', 'NOT_AN_IMAGE_ARCHIVE', 'NO_SUCH_EXEC', 'NO_SUCH_PATH', 'NO_SUCH_VOLUME',
  'ENGINE_ARCHIVE_INVALID', 'NO_SUCH_VOLUME_DRIVER', 'ROUTE_NOT_FOUND', 'SUBNET_TAKEN', 'UNKNOWN_SIGNAL', 'VOLUME_IN_USE', 'VOLUME_ARCHIVE_INVALID', 'VOLUME_NOT_EMPTY', 'SAME_NAME', 'IMAGE_PLATFORM_MISMATCH', 'HOSTS_BUSY', 'HOSTS_UNREADABLE', 'HOST_EXISTS', 'FOLDER_NOT_ON_HOST', 'NO_SUCH_HOST', 'INVALID_HOST_NAME', 'LINK_DID_NOT_START', 'LINK_FAILED', 'LINK_NEEDS_ANSWER', 'RELAY_REFUSED', 'RELAY_SESSION_OVER', 'RELAY_SESSION_UNKNOWN', 'RELAY_TARGET_UNREACHABLE', 'REMOTE_ENGINE_DID_NOT_START', 'MUX_PROTOCOL', 'MUX_RESUME_IMPOSSIBLE', 'MUX_SESSION_ENDED', 'MUX_STREAM_RESET', 'INVALID_PUBLIC_KEY', 'UPGRADE_REQUIRED', 'ENDPOINT_AGENT_FAILED', 'NO_SUCH_SSH_TARGET', 'RESET_CONTAINERS_RUN', 'CONTEXT_NOT_SENT', 'NO_SUCH_SYNC', 'SYNC_ALREADY_RUNS', 'SYNC_DID_NOT_START', 'SYNC_FAILED', 'SYNC_FOLDER_REFUSED', 'SYNC_NOT_EQUAL', 'SYNC_NOT_RUNNING', 'SYNC_PEER_INVALID', 'SYNC_ROOT_EMPTIED', 'SYNC_ROOT_UNUSABLE',
  'LOGIN_REFUSED', 'UPLOAD_LOST', 'BLOB_UNKNOWN', 'BLOB_UPLOAD_UNKNOWN', 'BLOB_UPLOAD_INVALID', 'DIGEST_INVALID', 'MANIFEST_BLOB_UNKNOWN', 'MANIFEST_INVALID', 'MANIFEST_TOO_LONG', 'MANIFEST_UNKNOWN', 'NAME_INVALID', 'NAME_UNKNOWN', 'UNSUPPORTED', 'SIZE_INVALID',
  'BUILD_CACHE_INVALID', 'BUILD_CACHE_LAYER', 'BUILD_CACHE_NOT_WRITTEN', 'BUILD_CACHE_TYPE', 'BUILD_EXPORT_UNKNOWN', 'BUILD_OUTPUT_TYPE', 'IMAGE_NOT_FOR_PLATFORM',
  'LAYER_NOT_WRITTEN',
]);

/** Codes that the extension makes itself. */
const own = new Set(['ENGINE_DID_NOT_START', 'UP_CUT_SHORT']);

function engineCodes(): Set<string> {
  const files = readdirSync(join(root, 'engine'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
  const texts = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
  return new Set(texts.flatMap((text) => [...text.matchAll(/defineError<[^]*?>\(\s*'([A-Z0-9_]+)'/g)].map((match) => match[1] ?? '')));
}

describe('words for the errors of the engine', () => {
  const text = readFileSync(join(root, 'src/words/engineErrorWords.ts'), 'utf8');
  const worded = new Set([...text.matchAll(/^ {2}([A-Z0-9_]+): \(/gm)].map((match) => match[1] ?? ''));
  const codes = engineCodes();

  it('every code of the engine has words, or is known to be passed on', () => {
    assert.ok(codes.size > 50, `only ${codes.size} codes were found`);
    assert.deepEqual([...codes].filter((code) => !worded.has(code) && !passedOn.has(code)), []);
  });

  it('there are no words for codes that the engine does not have', () => {
    assert.deepEqual([...worded].filter((code) => !codes.has(code) && !own.has(code)), []);
  });
});
