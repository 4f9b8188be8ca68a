import { existsSync } from 'node:fs';
import { userPath } from '#core/platform';

/** A model file if there is one of that name, else a bundle reference. */
export function refOrPath(text: string): string {
  const path = userPath(text);
  return text.endsWith('.onnx') || existsSync(path) ? path : text;
}
