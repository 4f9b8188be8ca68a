/** What every service of the engine is given besides its own parts. */

/** Runs `work` as the only writer of this workspace; `what` is said to whoever waits for it. */
export type Write = <T>(what: string, work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** Notes who did what, and to which digest. */
export type RecordAct = (actor: string, kind: string, message: string, extra?: { link?: string; digest?: string }) => void;
