/**
 * Text in, text out: the generate extension of the Open Inference Protocol (`/generate`, and `/generate_stream` as server-sent
 * events). The text goes through the recipe of the bundle; whatever it answers stands in `answer`, and as text in `text_output`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { type Answer, asEdgewrightError, EdgewrightError, type Generation, GenerationSchema } from '#contract';
import { infer, type Tensor } from '#core/datasets';
import { runAll } from '#core/runtime';
import type { Reading } from '../device/reading.ts';
import { GENERATE_MS, MAX_GENERATE_BODY_BYTES } from '../limits.ts';
import type { ModelSession } from '../serving/session.ts';
import { abortWhenGone, HttpError, readJson, sendJson } from './http.ts';
import { answered, failed, type Observers } from './outcome.ts';

/** The protocol's names; others are let pass, as it wants. */
const GenerateRequestSchema = z.object({
  id: z.string().max(256).optional(),
  text_input: z.string(),
  parameters: z
    .object({
      temperature: GenerationSchema.shape.temperature,
      top_p: GenerationSchema.shape.topP,
      top_k: GenerationSchema.shape.topK,
      max_tokens: GenerationSchema.shape.maxNewTokens,
      repetition_penalty: GenerationSchema.shape.repetitionPenalty,
      seed: GenerationSchema.shape.seed,
      stop: GenerationSchema.shape.stop,
    })
    .optional(),
});
type GenerateRequest = z.infer<typeof GenerateRequestSchema>;

/** @param stream whether the text is sent as it grows */
export async function generateText(
  observers: Observers,
  session: ModelSession,
  request: IncomingMessage,
  response: ServerResponse,
  stream: boolean,
): Promise<void> {
  const started = performance.now();
  const { model, version } = session.options;
  let [running, latencyMs] = [false, 0];
  try {
    const reading = await readingOf(session);
    const body = await readJson(request, GenerateRequestSchema, MAX_GENERATE_BODY_BYTES);
    if (!body.text_input.isWellFormed())
      throw new HttpError(400, { code: 'text.not-unicode', message: 'text_input holds half of a character.', owner: 'input' });
    const head = { ...(body.id !== undefined && { id: body.id }), model_name: model, model_version: version };
    const say = (part: object) => response.write(`data: ${JSON.stringify({ ...head, ...part })}\n\n`);
    const open = () => {
      if (!response.headersSent)
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    };
    const once = async (feeds: Record<string, Tensor>) => {
      running = true;
      const done = await session.infer(feeds);
      running = false;
      latencyMs += done.latencyMs;
      observers.onOutcome(session, { ok: true, latencyMs: done.latencyMs });
      return done;
    };
    const { answer } = await infer({ ...reading, inputs: session.inputs }, Buffer.from(body.text_input), {
      generation: generationOf(body.parameters),
      signal: AbortSignal.any([abortWhenGone(response), AbortSignal.timeout(GENERATE_MS)]),
      run: async (feeds, rows) => (rows === undefined ? await once(feeds) : await runAll({ inputs: session.inputs, run: once }, feeds, rows)).outputs,
      ...(stream && {
        onText: (text: string) => {
          open();
          say({ text_output: text });
        },
      }),
    });
    answered(observers, session, latencyMs, started);
    if (!stream) return sendJson(response, 200, { ...head, text_output: textOf(answer), answer });
    open();
    // What was sent piece by piece is not sent again.
    say({ text_output: answer.kind === 'text' ? '' : textOf(answer), answer });
    response.end();
  } catch (error) {
    const told = failed(observers, session, error, running);
    if (!response.headersSent) throw told;
    response.end(`data: ${JSON.stringify({ error: asEdgewrightError(told).message })}\n\n`);
  }
}

/** @throws 400 for a bundle that does not read text */
async function readingOf({ options }: ModelSession): Promise<Reading> {
  const reading = await options.reading?.();
  if (reading?.recipe?.kind === 'text') return reading;
  throw new EdgewrightError({
    code: 'device.no-text',
    message: `${options.ref} does not say how to read text.`,
    expected: 'a recipe of kind text in the bundle',
    hint: 'Send tensors to /infer.',
    owner: 'input',
  });
}

function generationOf(parameters: GenerateRequest['parameters']): Generation {
  if (!parameters) return {};
  const { top_p: topP, top_k: topK, max_tokens: maxNewTokens, repetition_penalty: repetitionPenalty, temperature, seed, stop } = parameters;
  return { topP, topK, maxNewTokens, repetitionPenalty, temperature, seed, stop };
}

/** An answer in a word, where it is no text. */
function textOf(answer: Answer): string {
  switch (answer.kind) {
    case 'text':
      return answer.text;
    case 'labels':
      return answer.labels[0]?.label ?? '';
    case 'spans':
      return answer.spans.map((span) => span.text).join('\n');
    default:
      return '';
  }
}
