import { existsSync } from 'node:fs';
import { userPath } from '#core/platform';

/** Whether the argument names a file: by its ending, or since one is there. */
export function isPath(text: string): boolean {
  return text.endsWith('.onnx') || existsSync(userPath(text));
}

/** A model file if there is one of that name, else a bundle reference. */
export function refOrPath(text: string): string {
  return isPath(text) ? userPath(text) : text;
}
