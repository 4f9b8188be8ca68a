/** What an upload's folder is called: by its id, and while somebody works on it by his process too. */
import { isAlive, startMark } from '#core/platform';

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const ID = new RegExp(`^${UUID}$`);
const NAME = new RegExp(`^(${UUID})(?:\\.(\\d+)-(\\d*))?$`);

export interface FolderName {
  id: string;
  /** Somebody works on it, or died over it. */
  isClaimed: boolean;
  /** Another process works on it, and lives. */
  isElsewhere: boolean;
}

/** Ids come from strangers: nothing else becomes part of a path. */
export function isUploadId(id: string): boolean {
  return ID.test(id);
}

/** The name of the folder while this process works on it. */
export function claimedName(id: string): string {
  return `${id}.${process.pid}-${startMark(process.pid)}`;
}

/** @returns undefined for what is no upload's folder */
export function parseFolderName(name: string): FolderName | undefined {
  const [, id, digits, mark] = NAME.exec(name) ?? [];
  if (id === undefined) return undefined;
  const pid = digits === undefined ? undefined : Number(digits);
  return { id, isClaimed: pid !== undefined, isElsewhere: pid !== undefined && pid !== process.pid && isAlive(pid) && startMark(pid) === mark };
}
