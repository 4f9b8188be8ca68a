import { useQuery } from '@tanstack/react-query';
import type { RawInput } from '#contract';
import { orpc } from '../../lib/engine.ts';

const TYPES: Record<string, string> = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', webp: 'image/webp' };

/** The picture that was given, as an address; undefined for anything that is none. */
export function usePicture(bundleRef: string, input: RawInput | undefined): string | undefined {
  const name = input?.kind === 'example' ? input.name : '';
  const example = useQuery({ ...orpc.inference.example.queryOptions({ input: { ref: bundleRef, name } }), enabled: name !== '' }).data;
  if (input?.kind === 'bytes') {
    const type = TYPES[/\.([a-z]+)$/i.exec(input.name)?.[1]?.toLowerCase() ?? ''];
    return type && `data:${type};base64,${input.base64}`;
  }
  return example?.mediaType.startsWith('image/') && name !== '' ? `data:${example.mediaType};base64,${example.base64}` : undefined;
}
