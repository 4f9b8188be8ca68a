/** A language model of one Gather: the scores of the next token stand in a table, a row for each token. With the tokenizer and recipe that make it a bundle. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTensor as tensor, writeNpz } from '#core/datasets';
import { DataType, makeNode, makeTensor, writeModel } from '#core/onnx';
import { model, value } from '../unit/onnx/models.ts';

/** Each word leads to the next; after the last the text ends. */
export const WORDS = ['[END]', 'the', 'pump', 'stopped', 'at', 'noon'];

export interface BigramOptions {
  name?: string;
  /** The recipe's answer part, as YAML. */
  answer?: string;
  /** More of the recipe, as YAML. */
  recipe?: string;
}

/** Writes the bundle's folder. */
export async function writeBigram(dir: string, { name = 'bigram', answer = 'kind: generate', recipe = '' }: BigramOptions = {}): Promise<string> {
  await mkdir(dir, { recursive: true });
  const size = WORDS.length;
  const table = Float32Array.from({ length: size * size }, (_, i) => ((Math.floor(i / size) + 1) % size === i % size ? 9 : 0));
  const lookup = model({
    name: 'bigram',
    node: [makeNode('Gather', ['table', 'input_ids'], ['logits'], { name: 'look_up' })],
    initializer: [makeTensor('table', 'float32', [size, size], table)],
    input: [value('input_ids', ['batch', 'sequence'], DataType.int64)],
    output: [value('logits', ['batch', 'sequence', size])],
  });
  await writeModel(lookup, join(dir, 'model.onnx'));
  await writeNpz(
    join(dir, 'golden.npz'),
    new Map([
      ['in_input_ids', tensor('int64', [1, 2], BigInt64Array.of(1n, 2n))],
      ['out_logits', tensor('float32', [1, 2, size], Float32Array.from([...table.subarray(size, 3 * size)]))],
    ]),
  );
  const tokenizer = {
    version: '1.0',
    added_tokens: [],
    pre_tokenizer: { type: 'WhitespaceSplit' },
    model: { type: 'WordLevel', unk_token: '[END]', vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])) },
    decoder: { type: 'WordPiece', prefix: '', cleanup: false },
  };
  await writeFile(join(dir, 'tokenizer.json'), JSON.stringify(tokenizer));
  await writeFile(join(dir, 'recipe.yaml'), `kind: text\n${recipe}answer: {${answer}}\n`);
  await writeFile(join(dir, 'edgewright.yaml'), `name: ${name}\nversion: 1.0.0\nmodel: model.onnx\ngolden: golden.npz\nrecipe: recipe.yaml\n`);
  return dir;
}
