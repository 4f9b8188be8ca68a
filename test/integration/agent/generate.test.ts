/** Text in, text out on a device: the bundle's tokenizer travels along, and the agent speaks the protocol's generate extension. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeBigram } from '../bigram.ts';
import { type AgentProcess, cleanUp, startAgent, temporaryFolder } from './agent-process.ts';
import { enrol, makeWorkspace, type TestWorkspace, WHOLE_TABLE } from './workspace.ts';

let workspace: TestWorkspace;
let agent: AgentProcess;

beforeAll(async () => {
  workspace = await makeWorkspace();
  agent = await startAgent(await temporaryFolder('agent'), ['--pair']);
  await enrol(agent, workspace);
  const device = workspace.device(agent);
  const writer = await writeBigram(await temporaryFolder('bundle'), { answer: 'kind: generate, stopTokens: ["[END]"]' });
  const judge = await writeBigram(await temporaryFolder('bundle'), { name: 'judge', answer: 'kind: labels, output: logits, activation: none' });
  await writeFile(join(judge, 'labels.txt'), 'end\nthe\npump\n');
  await writeFile(
    join(judge, 'edgewright.yaml'),
    'name: judge\nversion: 1.0.0\nmodel: model.onnx\ngolden: golden.npz\nrecipe: recipe.yaml\nlabels: labels.txt\n',
  );
  for (const folder of [writer, judge]) expect((await device.deploy(await workspace.orderFor(folder))).state).toBe('active');
  expect((await device.deploy(await workspace.order({ version: '1.0.0', table: WHOLE_TABLE }))).state).toBe('active');
});
afterAll(cleanUp);

async function post(path: string, body: unknown): Promise<{ status: number; type: string | null; text: string }> {
  const response = await fetch(`http://${agent.ready.inference}/v2/models/${path}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

describe('generate', () => {
  test('goes on with a text until the token that ends it', async () => {
    const answer = await post('bigram/generate', { id: 'a', text_input: 'the pump' });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({
      id: 'a',
      model_name: 'bigram',
      model_version: '1.0.0',
      text_output: ' stopped at noon',
      answer: { kind: 'text', text: ' stopped at noon', tokens: 3, ended: 'end' },
    });
  });

  test('takes the protocol’s parameters', async () => {
    const some = await post('bigram/versions/1.0.0/generate', { text_input: 'the', parameters: { max_tokens: 2, temperature: 0, top_p: 0.9, unknown: true } });
    expect(JSON.parse(some.text)).toMatchObject({ text_output: ' pump stopped', answer: { ended: 'length' } });
    const stopped = await post('bigram/generate', { text_input: 'the', parameters: { stop: [' at'] } });
    expect(JSON.parse(stopped.text)).toMatchObject({ text_output: ' pump stopped', answer: { ended: 'stop' } });
  });

  test('sends the text as it grows, as server-sent events', async () => {
    const { status, type, text } = await post('bigram/generate_stream', { text_input: 'the pump' });
    expect([status, type]).toEqual([200, 'text/event-stream']);
    const events = text
      .split('\n\n')
      .filter(Boolean)
      .map((event) => JSON.parse(event.replace(/^data: /, '')) as { text_output: string; answer?: unknown });
    expect(events.map((event) => event.text_output)).toEqual([' stopped', ' at', ' noon', '']);
    expect(events.at(-1)).toMatchObject({ answer: { ended: 'end' } });
  });

  test('tells any other answer of a text too', async () => {
    const answer = await post('judge/generate', { text_input: 'the pump' });
    expect(JSON.parse(answer.text)).toMatchObject({ text_output: expect.any(String), answer: { kind: 'labels' } });
  });

  test.each([
    ['a model that reads no text', 'lookup/generate', { text_input: 'a' }, 400, /recipe of kind text/],
    ['no text', 'bigram/generate', {}, 400, /text_input/],
    ['a temperature that is none', 'bigram/generate', { text_input: 'the', parameters: { temperature: -1 } }, 400, /temperature/],
    ['half of a character', 'bigram/generate', { text_input: '\ud83d' }, 400, /half of a character/],
    ['too long a text', 'bigram/generate', { text_input: 'a '.repeat(200_000) }, 400, /too long/],
    ['a text without a token', 'bigram/generate', { text_input: '' }, 400, /no token/],
  ])('%s is answered with an error', async (_what, path, body, status, error) => {
    const answer = await post(path, body);
    expect(answer.status).toBe(status);
    expect((JSON.parse(answer.text) as { error: string }).error).toMatch(error);
  });

  test('is counted as one request, however many runs it took', async () => {
    const { text } = await (async () => ({ text: await (await fetch(`http://${agent.ready.inference}/metrics`)).text() }))();
    expect(text).toMatch(/requests_total\{model="bigram",version="1.0.0",variant="fp32",outcome="success"\} 4\b/);
    expect(text).toMatch(/requests_total\{model="bigram",version="1.0.0",variant="fp32",outcome="rejected"\} 5\b/);
  });
});
