/** A backup that was decrypted and still is none. */
import { EdgewrightError } from '#contract';

export function malformedBackup(found: string): EdgewrightError {
  return new EdgewrightError({
    code: 'trust.backup-malformed',
    message: 'The file is no backup of a workspace that this Edgewright understands.',
    found,
    hint: 'Nothing was written. Name a file that edgewright workspace backup wrote, or update Edgewright.',
    owner: 'trust',
  });
}
