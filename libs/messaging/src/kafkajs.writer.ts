const LONGEST_VARINT = 5;
/** A string of so many bytes has a length that is one byte itself. For such short ones a loop is faster than a call out of JavaScript, too. */
const SHORT = 63;
/** What a record's length most often takes: 64 to 8191 bytes. */
const USUAL = 2;

/** Kafka's primitive types, one behind the other in one buffer that grows. What stands before the bytes that it tells of is filled in behind them. */
export class Writer {
  private bytes: Buffer;
  private at = 0;

  /** Bytes to begin with. */
  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  written(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  int8(value: number): void {
    this.reserve(1);
    this.at = this.bytes.writeInt8(value, this.at);
  }

  int16(value: number): void {
    this.reserve(2);
    this.at = this.bytes.writeInt16BE(value, this.at);
  }

  int32(value: number): void {
    this.reserve(4);
    this.at = this.bytes.writeInt32BE(value, this.at);
  }

  int64(value: bigint): void {
    this.reserve(8);
    this.at = this.bytes.writeBigInt64BE(value, this.at);
  }

  /** A length of 16 bits, and as many bytes; of -1 for null. */
  string(value: string | null): void {
    if (value === null) return this.int16(-1);
    const length = Buffer.byteLength(value);
    this.int16(length);
    this.utf8(value, length);
  }

  /** Zigzag, seven bits a byte, the lowest first. */
  varint(value: number): void {
    this.reserve(LONGEST_VARINT);
    this.at = putVarint(this.bytes, value, this.at);
  }

  /** A varint's length, and as many bytes. */
  varString(value: string): void {
    if (value.length <= SHORT && this.ascii(value)) return;
    const length = Buffer.byteLength(value);
    this.varint(length);
    this.utf8(value, length);
  }

  /** What `write` writes, behind its length of 32 bits. */
  sized(write: () => void): void {
    const start = this.at;
    this.int32(0);
    write();
    this.bytes.writeInt32BE(this.at - start - 4, start);
  }

  /** What `write` writes, behind its checksum of 32 bits. */
  checked(checksum: (bytes: Buffer) => number, write: () => void): void {
    const start = this.at;
    this.int32(0);
    write();
    this.bytes.writeUInt32BE(checksum(this.bytes.subarray(start + 4, this.at)), start);
  }

  /** What `write` writes, behind its length, a varint. */
  varSized(write: () => void): void {
    const start = this.at;
    const body = start + USUAL;
    this.at = body;
    write();
    const length = this.at - body;
    this.reserve(LONGEST_VARINT);
    const moved = start + sizeOfVarint(length);
    if (moved !== body) this.bytes.copyWithin(moved, body, this.at);
    putVarint(this.bytes, length, start);
    this.at = moved + length;
  }

  /** False, and nothing written, when it is not all ASCII. */
  private ascii(value: string): boolean {
    const { length } = value;
    this.reserve(1 + length);
    const { bytes, at } = this;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[at + 1 + i] = code;
    }
    bytes[at] = length << 1;
    this.at = at + 1 + length;
    return true;
  }

  private utf8(value: string, length: number): void {
    this.reserve(length);
    if (this.bytes.write(value, this.at, length) !== length) throw new Error('a string is not as long as it was said to be');
    this.at += length;
  }

  private reserve(length: number): void {
    const needed = this.at + length;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * needed);
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }
}

function putVarint(bytes: Buffer, value: number, at: number): number {
  let rest = zigzag(value);
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

function sizeOfVarint(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest > 0x7f; rest >>>= 7) size++;
  return size;
}

const zigzag = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0;
