/** External data that leads astray, is not there, or is not what is said of it. */
import { execFileSync } from 'node:child_process';
import { link, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DataType, makeNode, type TensorProto } from '#core/onnx';
import { type Many, node, of, type Specimen, specimen, value } from './specimen.ts';

const DATA = Buffer.from(Float32Array.from({ length: 16 }, (_, i) => i / 16).buffer);

function weight(entries: Record<string, string> | [string, string][], dims: number[] = [4, 4], type: number = DataType.float32, name = 'w'): TensorProto {
  const pairs = Array.isArray(entries) ? entries : Object.entries(entries);
  return {
    name,
    dataType: type,
    dims: dims.map(BigInt),
    stringData: [],
    metadataProps: [],
    dataLocation: 1,
    externalData: pairs.map(([key, said]) => ({ key, value: said })),
  };
}

const reading = (...weights: TensorProto[]) =>
  of({
    nodes: weights.map((one, i) => makeNode('MatMul', [i === 0 ? 'x' : `v${i}`, one.name ?? ''], [i === weights.length - 1 ? 'y' : `v${i + 1}`])),
    weights,
  });

/** A model beside which `prepare` puts something; false where this system has no such thing. */
function beside(name: string, expect: Specimen['expect'], tensors: TensorProto[], prepare: (dir: string) => unknown, names: RegExp = /'w'/): Specimen {
  const made = specimen(name, expect, () => reading(...tensors), names);
  return {
    ...made,
    make: async (dir) => {
      await mkdir(dir, { recursive: true });
      try {
        await prepare(dir);
      } catch {
        return undefined;
      }
      return made.make(dir);
    },
  };
}

const located = (location: string) => [weight({ location })];
const data = (dir: string) => writeFile(join(dir, 'w.bin'), DATA);
const sized = (bytes: number) => async (dir: string) => {
  await writeFile(join(dir, 'w.bin'), '');
  await truncate(join(dir, 'w.bin'), bytes);
};

const NAMES: Record<string, string> = {
  nothing: '',
  'a NUL in it': 'w.bin\0.png',
  'a newline in it': 'w\n.bin',
  'an escape sequence': '\u001b[2Jw.bin',
  'text that runs backwards': '\u202enib.w',
  '5,000 letters': 'w'.repeat(5_000),
  '3,000 folders': 'a/'.repeat(3_000),
  'the folder itself': '.',
  'the parent': '..',
  'a way out': '../../../../../etc/passwd',
  'a way out and in again': `sub/../../${'x'.repeat(10)}/w.bin`,
  'the memory of who reads': '/proc/self/mem',
  'the environment of who reads': '../../../../../../proc/self/environ',
  'a device': '/dev/zero',
  'a device of another system': 'NUL.bin',
  'a share': '//server/share/w.bin',
  'a share of another system': '\\\\server\\share\\w.bin',
  'an address': 'https://example.com/w.bin',
  'an address of a file': 'file:///etc/passwd',
  'a stream of a file': 'model.onnx:hidden',
  'a home': '~root/.ssh/id_rsa',
  'a variable': '$HOME/w.bin',
};

const RANGES: Record<string, Record<string, string>> = {
  'an offset beyond 2^53': { offset: '9007199254740993' },
  'an offset of 2^63 - 1': { offset: '9223372036854775807' },
  'an offset and a length whose sum overflows': { offset: '9223372036854775744', length: '64' },
  'an offset below zero': { offset: '-64' },
  'an offset in words': { offset: 'start' },
  'an offset in other notation': { offset: '0x10' },
  'an offset with an exponent': { offset: '1e1' },
  'an offset with a space': { offset: ' 0' },
  'an offset at the end': { offset: '64' },
  'a length of nothing': { length: '0' },
  'a length below zero': { length: '-1' },
  'a length of 2^64': { length: '18446744073709551616' },
  'a length of one byte less': { length: '63' },
};

export const EXTERNAL: Many = [
  ...Object.entries(NAMES).map(([name, location]) => beside(`external data named by ${name}`, 'reject', located(location), data)),
  ...Object.entries(RANGES).map(([name, range]) => beside(`external data with ${name}`, 'reject', [weight({ location: 'w.bin', ...range })], data)),
  beside('external data in a pipe that nobody writes to', 'reject', located('w.bin'), (dir) => execFileSync('mkfifo', [join(dir, 'w.bin')])),
  beside('external data in a character device', 'reject', located('w.bin'), (dir) =>
    execFileSync('mknod', [join(dir, 'w.bin'), 'c', '1', '5'], { stdio: 'ignore' }),
  ),
  beside('external data in a socket', 'reject', located('w.bin'), async (dir) => {
    const server = createServer().listen(join(dir, 'w.bin')).unref();
    await new Promise((resolve) => server.once('listening', resolve));
  }),
  beside('external data in a folder', 'reject', located('w.bin'), (dir) => mkdir(join(dir, 'w.bin'))),
  beside('external data behind a link that leads out', 'reject', located('w.bin'), (dir) => symlink('/etc/passwd', join(dir, 'w.bin'))),
  beside('external data behind a link to a device', 'reject', located('w.bin'), (dir) => symlink('/dev/zero', join(dir, 'w.bin'))),
  beside('external data behind a folder that is a link out', 'reject', located('sub/passwd'), (dir) => symlink('/etc', join(dir, 'sub'))),
  beside('external data behind a link to itself', 'reject', located('w.bin'), (dir) => symlink('w.bin', join(dir, 'w.bin'))),
  beside('external data behind a link within the folder', 'taken', located('w.bin'), async (dir) => {
    await writeFile(join(dir, 'really.bin'), DATA);
    await symlink('really.bin', join(dir, 'w.bin'));
  }),
  beside('external data with a second name', 'sound', located('w.bin'), async (dir) => {
    await writeFile(join(dir, 'other.bin'), DATA);
    await link(join(dir, 'other.bin'), join(dir, 'w.bin'));
  }),
  beside('external data in a folder below, in another script', 'sound', located('Gewichte/重み.bin'), async (dir) => {
    await mkdir(join(dir, 'Gewichte'));
    await writeFile(join(dir, 'Gewichte', '重み.bin'), DATA);
  }),
  beside('external data one byte short', 'reject', located('w.bin'), sized(63)),
  beside('external data that is empty', 'reject', located('w.bin'), sized(0)),
  beside('a tebibyte of external data that takes nothing on disk', 'bounded', [weight({ location: 'w.bin' }, [4, 2 ** 36])], sized(2 ** 40)),
  beside(
    'external data said to be there twice',
    'reject',
    [
      weight([
        ['location', 'w.bin'],
        ['location', 'v.bin'],
      ]),
    ],
    data,
  ),
  beside('external data with its checksum', 'taken', [weight({ location: 'w.bin', checksum: 'x'.repeat(40) })], data),
  beside('external data with a key nobody knows', 'reject', [weight({ location: 'w.bin', colour: 'blue' })], data),
  beside('external data of text', 'reject', [weight({ location: 'w.bin' }, [4, 4], DataType.string)], data),
  beside('external data of a type nobody knows', 'reject', [weight({ location: 'w.bin' }, [4, 4], 99)], data),
  beside('external data of dimensions whose product overflows', 'reject', [weight({ location: 'w.bin' }, [2 ** 33, 2 ** 33])], data),
  beside(
    'a thousand tensors over each other in one small file',
    'reject',
    Array.from({ length: 1_000 }, (_, i) => weight({ location: 'w.bin', offset: String(i * 4) }, [4, 4], DataType.float32, `w${i}`)),
    (dir) => writeFile(join(dir, 'w.bin'), Buffer.alloc(4 * 1_000 + 64)),
    /w\.bin/,
  ),
  beside(
    'twenty thousand files of external data, of which none is there',
    'reject',
    Array.from({ length: 20_000 }, (_, i) => weight({ location: `w${i}.bin` }, [4, 4], DataType.float32, `w${i}`)),
    () => {},
    /'w0'/,
  ),
  specimen('external data in an attribute that leads out', 'reject', () =>
    of({ nodes: [node('Constant', [], ['c'], { value: weight({ location: '../c.bin' }) }), node('MatMul', ['x', 'c'], ['y'])], inputs: [value('x')] }),
  ),
];
