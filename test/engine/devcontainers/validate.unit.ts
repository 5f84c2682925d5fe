import assert from 'node:assert/strict';
import { BerthError } from '../../../engine/base/errors.ts';
import { ConfigDocument } from '../../../engine/devcontainers/config/configDocument.ts';
import { validateConfig } from '../../../engine/devcontainers/config/validate.ts';

const validate = (text: string) => validateConfig(ConfigDocument.parse('/p/devcontainer.json', text));

/** Text with `»` just before what the error must point at. */
function pointedAt(marked: string): { text: string; line: number; column: number } {
  const at = marked.indexOf('»');
  const before = marked.slice(0, at);
  return { text: before + marked.slice(at + 1), line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}

describe('a valid devcontainer.json', () => {
  const good: string[] = [
    '{"image":"a"}',
    '{ // comment\n "image": "a", /* more */\n}',
    '\uFEFF{"image":"a"}',
    '{"build":{"dockerfile":"Dockerfile","context":"..","args":{"A":"1","N":2},"target":"dev","cacheFrom":["x"],"options":["--no-cache"]}}',
    '{"dockerFile":"Dockerfile","context":".."}',
    '{"image":"a","forwardPorts":[3000,"localhost:9000"],"appPort":[8000,"9000:9001"]}',
    '{"image":"a","mounts":["type=volume,target=/x",{"type":"bind","source":"/a","target":"/b"}]}',
    '{"image":"a","onCreateCommand":"x","postCreateCommand":["a","b"],"postStartCommand":{"one":"x","two":["y"]}}',
    '{"image":"a","remoteEnv":{"A":null,"B":"${containerEnv:PATH}"},"containerEnv":{"C":"d"}}',
    '{"image":"a","customizations":{"vscode":{"extensions":["x.y"]}},"hostRequirements":{"cpus":2,"memory":"4gb","gpu":"optional"},"portsAttributes":{"3000":{"label":"web"}},"otherPortsAttributes":{"onAutoForward":"silent"},"secrets":{"T":{"description":"d"}},"features":{}}',
    '{"image":"a","workspaceFolder":"/w","workspaceMount":"source=/a,target=/w,type=bind"}',
  ];
  for (const text of good) it(text.slice(0, 60), () => assert.deepEqual(validate(text).warnings, []));

  it('may have properties that nobody knows: they are named in a warning, with their place', () => {
    assert.deepEqual(validate('{\n  "image": "a",\n  "frwardPorts": [1]\n}').warnings, ['/p/devcontainer.json:3:3: the property "frwardPorts" is not known and has no effect']);
  });
});

describe('an invalid devcontainer.json', () => {
  const table: Array<[string, string, RegExp]> = [
    ['{"image": "a" »"name": "b"}', '', /comma expected/],
    ['{"image": »}', '', /value expected/],
    ['»[]', '', /expected a JSON object/],
    ['»{"name":"x"}', '', /expected one of "image" and "build"/],
    ['{\n  // a comment\n  "image": "a",\n  "forwardPorts": [8000, »"x y"]\n}', '/forwardPorts/1', /expected a port from 0 to 65535/],
    ['{"image":"a","forwardPorts":[»70000]}', '/forwardPorts/0', /expected a port/],
    ['{"image":"a","forwardPorts":[»"db:70000"]}', '/forwardPorts/0', /expected a port from 1 to 65535/],
    ['{"image":"a","portsAttributes":{"3000":{"onAutoForward":»"open"}}}', '/portsAttributes/3000/onAutoForward', /expected notify, openBrowser/],
    ['{"image":"a","portsAttributes":{"(":»{"label":"x"}}}', '/portsAttributes/(', /expected a port, a range/],
    ['{"image":»5}', '/image', /expected a string/],
    ['{"image":"a","containerEnv":{"A":»1}}', '/containerEnv/A', /expected a string/],
    ['{"image":"a","remoteEnv":{"a/b~c":»false}}', '/remoteEnv/a~1b~0c', /expected a string or null/],
    ['{"image":"a","postCreateCommand":»7}', '/postCreateCommand', /expected a string, an array/],
    ['{"image":"a","mounts":["type=volume,target=/x",»{"type":"nfs","target":"/y"}]}', '/mounts/1', /expected "type=/],
    ['{"image":"a","runArgs":»"--init"}', '/runArgs', /expected an array of strings/],
    ['{"image":"a","userEnvProbe":»"always"}', '/userEnvProbe', /expected none, loginShell/],
    ['{"image":"a","init":»"yes"}', '/init', /expected true or false/],
    ['{"image":"a","waitFor":»"lunch"}', '/waitFor', /lifecycle command/],
    ['{"image":»"a","build":{"dockerfile":"D"}}', '/image', /not both/],
    ['{"build":»{"context":"."}}', '/build', /expected "dockerfile"/],
    ['{"image":"a","workspaceMount":»"source=/a,target=/b,type=bind"}', '/workspaceMount', /needs "workspaceFolder"/],
    ['{"build":{"dockerfile":"D","args":{"X":»"${devcontainerId}"}}}', '/build/args/X', /cannot be used/],
    ['{"image":"a","init":»1,"privileged":"x"}', '/init', /expected true or false/],
  ];
  for (const [marked, pointer, message] of table) {
    it(`${marked.replaceAll('\n', ' ')} → ${pointer || 'the file'}`, () => {
      const { text, line, column } = pointedAt(marked);
      assert.throws(
        () => validate(text),
        (error) => {
          assert.ok(error instanceof BerthError);
          assert.equal(error.code, 'DEVCONTAINER_INVALID');
          assert.deepEqual([error.params['file'], error.params['line'], error.params['column'], error.params['pointer']], ['/p/devcontainer.json', line, column, pointer]);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('that is empty says so', () => assert.throws(() => validate(' \n'), /DEVCONTAINER_INVALID|expected/));

  const later: Array<[string, string]> = [
    ['{\n  "image": "a",\n  »"features": { "ghcr.io/devcontainers/features/git:1": {} }\n}', '/features'],
    ['{ »"dockerComposeFile": "compose.yaml", "service": "app" }', '/dockerComposeFile'],
  ];
  for (const [marked, pointer] of later) {
    it(`${pointer} is refused at its place, never passed over`, () => {
      const { text, line, column } = pointedAt(marked);
      assert.throws(() => validate(text), (error) => error instanceof BerthError && error.code === 'DEVCONTAINER_UNSUPPORTED' && error.status === 501 && error.params['line'] === line && error.params['column'] === column && error.params['pointer'] === pointer);
    });
  }
});
