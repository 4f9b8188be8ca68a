/** The only room that touches the operating system: files, processes, clock, log, SQLite. */
export { formatAddress, hostOf, type HostPort, isLoopback, isUnspecified, listen, parseAddress } from './address.ts';
export { Turns } from './turns.ts';
export { type AskOptions, ChildCalls, type EndWords } from './child-calls.ts';
export { type AnswerHeader, answerCalls } from './child-answers.ts';
export { type CommandEnd, type CommandRequest, runCommand } from './command.ts';
export { abortError, type Clock, sleep, systemClock } from './clock.ts';
export {
  checkReplaceable,
  ensureDir,
  freeBytes,
  fsyncDir,
  placeNew,
  readExactly,
  readFileBounded,
  readFileIfThere,
  replaceFile,
  TEMP_PREFIX,
  tempName,
  writeFileAtomic,
  writeStreamAtomic,
} from './files.ts';
export { type Frame, type FrameLimits, readFrames, writeFrame } from './frames.ts';
export { MAX_DOCUMENT_BYTES, WORKSPACE_WAIT_MS } from './limits.ts';
export { acquireLock, type Lock } from './lock.ts';
export { createLog, type Log } from './log.ts';
export { nearest } from './nearest.ts';
export { onnxruntimeVersion, programEntry, programRoot, programVersion, userPath, type WorkspacePaths, workspaceHome, workspacePaths } from './paths.ts';
export { readPieces } from './pieces.ts';
export { type Proxies, proxiesOfEnvironment } from './proxies.ts';
export {
  type ChildExit,
  CONFINED,
  CONFINED_WRITING,
  isAlive,
  libraryPath,
  minimalEnv,
  type NodeChild,
  residentMemory,
  setLibraryFolders,
  spawnNode,
  startMark,
  UNCONFINED,
} from './process.ts';
export { checkSqlite, copySqlite, isDamaged, type Migration, openSqlite, type Sqlite, type Statement } from './sqlite.ts';
