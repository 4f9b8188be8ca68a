/** The question whether a signature over a folder holds, with whom it is asked about: named files, or whoever is trusted here. */
import { basename } from 'node:path';
import { EdgewrightError, type Judged, type JudgeRequest, MAX_SIGNER_TEXT } from '#contract';
import { readFileBounded } from '#core/platform';
import { anchorsFrom, judgeFolder, MAX_FOLDER_SIGNATURE_BYTES, readSignerText, type TrustAnchors, type TrustList } from '#core/trust';
import type { JobControl } from './jobs.ts';

/** @throws usage.missing-file, usage.key-and-authority, trust.* */
export async function judge(request: JudgeRequest, trust: Pick<TrustList, 'anchors'>, now: number, control: JobControl): Promise<Judged> {
  const { target, signature, ignore, ignoreUnsigned } = request;
  const asked = await anchorsFor(request, trust);
  const bytes = await readFileBounded(signature, MAX_FOLDER_SIGNATURE_BYTES);
  return judgeFolder(target, bytes, {
    ...asked,
    signaturePath: signature,
    ignore,
    ignoreUnsigned,
    now,
    signal: control.signal,
    onProgress: ({ step, fraction }) => control.progress(step, fraction),
  });
}

async function anchorsFor(
  { key, authorities, intermediates }: JudgeRequest,
  trust: Pick<TrustList, 'anchors'>,
): Promise<{ anchors: TrustAnchors; method?: 'key' | 'certificate' }> {
  const named = async (path: string) => ({ name: basename(path), material: readSignerText((await readFileBounded(path, MAX_SIGNER_TEXT)).toString('utf8')) });
  if (key !== undefined && authorities.length > 0) {
    throw new EdgewrightError({
      code: 'usage.key-and-authority',
      message: 'A signature is made with a key or with a certificate: name one of the two.',
      owner: 'usage',
    });
  }
  if (key !== undefined) {
    const one = await named(key);
    return { anchors: anchorsFrom([one]), ...(one.material.material === 'key' && { method: 'key' as const }) };
  }
  if (authorities.length === 0) return { anchors: trust.anchors() };
  const between = await Promise.all(intermediates.map(named));
  const certificates = between.flatMap(({ material }) => material.certificate?.certificate ?? []);
  return { anchors: anchorsFrom(await Promise.all(authorities.map(named)), certificates), method: 'certificate' };
}
