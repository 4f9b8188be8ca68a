/**
 * WAV files (RIFF/WAVE, as Microsoft's "Multiple channel audio data and WAVE files" extends it): PCM of 8, 16, 24 and 32 bits, IEEE
 * floats of 32 and 64 bits, plain or WAVE_FORMAT_EXTENSIBLE. Every size in the file is checked against the file before it is used.
 */
import { EdgewrightError } from '#contract';
import { MAX_AUDIO_BYTES, MAX_AUDIO_CHANNELS, MAX_AUDIO_FRAMES, MAX_SAMPLE_RATE, MAX_WAV_CHUNKS, MIN_SAMPLE_RATE } from '../limits.ts';

export interface Waveform {
  /** Frames in a second. */
  sampleRate: number;
  /** One array for each channel, all of the same length; full scale is -1 to 1. */
  channels: Float32Array[];
}

const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_EXTENSIBLE = 0xfffe;
/** Formats people meet, so that a refusal can call them by name. */
const FORMAT_NAMES: Record<number, string> = {
  2: 'Microsoft ADPCM',
  6: 'A-law',
  7: 'mu-law',
  0x11: 'IMA ADPCM',
  0x31: 'GSM 6.10',
  0x50: 'MPEG',
  0x55: 'MP3',
  0xff: 'AAC',
};
/** The last 14 bytes of the GUIDs that stand for the two-byte formats above. */
const SUBFORMAT_TAIL = Buffer.from('000000001000800000aa00389b71', 'hex');
/** What a program writes as the length of data that it cannot know yet, because it writes to a pipe. */
const UNKNOWN_LENGTH = 0xffff_ffff;

interface Format {
  float: boolean;
  channels: number;
  sampleRate: number;
  /** Bytes of one sample of one channel; fewer valid bits stand at its top. */
  bytes: 1 | 2 | 3 | 4 | 8;
}

/** Whether the bytes begin like a WAV file, also one of a kind that is refused. */
export function looksLikeWav(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(12, bytes.byteLength));
  return head.length === 12 && ['RIFF', 'RIFX', 'RF64', 'BW64'].includes(head.toString('latin1', 0, 4)) && head.toString('latin1', 8, 12) === 'WAVE';
}

/**
 * Reads a WAV file. Whole numbers become x / 2^(bits - 1) (8 bits: (x - 128) / 128), floats stay as they are; both are rounded to float32.
 * A part of a frame at the end is left out, as every player does.
 * @throws audio.* (input)
 */
export function readWav(bytes: Uint8Array): Waveform {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length > MAX_AUDIO_BYTES)
    throw audioError('audio.too-large', 'The audio file is too large.', `at most ${MAX_AUDIO_BYTES} bytes`, `${file.length} bytes`);
  if (!looksLikeWav(file)) throw audioError('audio.format', 'The input is not audio this recipe can read.', 'a WAV file', 'other content');
  const kind = file.toString('latin1', 0, 4);
  if (kind !== 'RIFF') throw audioError('audio.format', `WAV files of the kind ${kind} are not read.`, 'RIFF, little-endian, below 4 GiB', kind);
  const { format, data } = findChunks(file);
  const frameBytes = format.bytes * format.channels;
  const frames = Math.floor(data.length / frameBytes);
  if (frames === 0) throw audioError('audio.empty', 'The audio holds no samples.', 'at least one', `${data.length} bytes of data`);
  if (frames > MAX_AUDIO_FRAMES) throw audioError('audio.too-long', 'The audio is too long.', `at most ${MAX_AUDIO_FRAMES} samples a channel`, `${frames}`);
  const read = reader(format);
  const channels = Array.from({ length: format.channels }, () => new Float32Array(frames));
  channels.forEach((channel, c) => {
    for (let i = 0, at = c * format.bytes; i < frames; i++, at += frameBytes) channel[i] = read(data, at);
  });
  if (format.float) checkFinite(channels);
  return { sampleRate: format.sampleRate, channels };
}

/** Walks the chunks: four letters, a length, that many bytes, and one more to make it even. */
function findChunks(file: Buffer): { format: Format; data: Buffer } {
  let format: Format | undefined;
  let at = 12;
  for (let chunks = 0; at + 8 <= file.length; chunks++) {
    if (chunks === MAX_WAV_CHUNKS) throw damaged(`it has more than ${MAX_WAV_CHUNKS} parts`);
    const id = file.toString('latin1', at, at + 4);
    const size = file.readUInt32LE(at + 4);
    const start = at + 8;
    const whole = start + size <= file.length;
    if (id === 'fmt ') {
      if (!whole) throw damaged('its format is cut off');
      if (format) throw damaged('it states its format twice');
      format = parseFormat(file.subarray(start, start + size));
    } else if (id === 'data') {
      if (!format) throw damaged('its samples come before their format');
      if (!whole && size !== UNKNOWN_LENGTH)
        throw audioError('audio.truncated', 'The audio file ends before its samples do.', `${size} bytes of samples`, `${file.length - start} bytes`);
      return { format, data: file.subarray(start, Math.min(file.length, start + size)) };
    }
    at = start + size + (size % 2);
  }
  throw damaged(format ? 'it holds no samples' : 'it does not state its format');
}

function parseFormat(chunk: Buffer): Format {
  if (chunk.length < 16) throw damaged('its format is cut off');
  let tag = chunk.readUInt16LE(0);
  if (tag === FORMAT_EXTENSIBLE) {
    if (chunk.length < 40 || !chunk.subarray(26, 40).equals(SUBFORMAT_TAIL)) throw refused('an extensible format of another maker');
    tag = chunk.readUInt16LE(24);
  }
  const channels = chunk.readUInt16LE(2);
  const sampleRate = chunk.readUInt32LE(4);
  const blockAlign = chunk.readUInt16LE(12);
  const bits = chunk.readUInt16LE(14);
  if (tag !== FORMAT_PCM && tag !== FORMAT_FLOAT) throw refused(FORMAT_NAMES[tag] ?? `format ${tag}`);
  if (channels < 1 || channels > MAX_AUDIO_CHANNELS)
    throw audioError('audio.channels', 'The audio has an impossible number of channels.', `1 to ${MAX_AUDIO_CHANNELS}`, `${channels}`);
  if (sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE)
    throw audioError('audio.sample-rate', 'The audio has an impossible sample rate.', `${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE} Hz`, `${sampleRate} Hz`);
  const bytes = Math.ceil(bits / 8);
  const known = tag === FORMAT_FLOAT ? bits === 32 || bits === 64 : bits >= 1 && bits <= 32;
  if (!known) throw refused(`${bits} bits a sample`);
  if (blockAlign !== bytes * channels) throw damaged(`a frame of ${channels} x ${bits} bits cannot take ${blockAlign} bytes`);
  return { float: tag === FORMAT_FLOAT, channels, sampleRate, bytes: bytes as Format['bytes'] };
}

function reader({ float, bytes }: Format): (data: Buffer, at: number) => number {
  if (float) return bytes === 8 ? (data, at) => data.readDoubleLE(at) : (data, at) => data.readFloatLE(at);
  if (bytes === 1) return (data, at) => (data.readUInt8(at) - 128) / 128;
  const full = 2 ** (8 * bytes - 1);
  return (data, at) => data.readIntLE(at, bytes) / full;
}

function checkFinite(channels: readonly Float32Array[]): void {
  for (const channel of channels) {
    const at = channel.findIndex((x) => !Number.isFinite(x));
    if (at >= 0) throw audioError('audio.not-finite', `Sample ${at} of the audio is no number.`, 'finite numbers', `${channel[at]}`);
  }
}

function refused(found: string): EdgewrightError {
  return new EdgewrightError({
    code: 'audio.encoding',
    message: 'The WAV file holds its samples in a form this recipe cannot read.',
    expected: 'PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64 bits',
    found,
    hint: 'Convert it first, for example with: ffmpeg -i IN -c:a pcm_s16le OUT.wav',
    owner: 'input',
  });
}

function damaged(why: string): EdgewrightError {
  return new EdgewrightError({ code: 'audio.damaged', message: `The WAV file is damaged: ${why}.`, hint: 'Copy or save it again.', owner: 'input' });
}

export function audioError(code: string, message: string, expected: string, found: string): EdgewrightError {
  return new EdgewrightError({ code, message, expected, found, owner: 'input' });
}
