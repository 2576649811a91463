import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib'

/** The most codings that may be applied on top of each other. */
const MAX_CODINGS = 2

/** A body whose content coding is unknown, or that is not encoded as its headers say. */
export class ContentCodingError extends Error {}

/** A body that is longer than the limit once it is decoded. */
export class BodyTooLargeError extends Error {}

type Decoder = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['gzip', promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip)],
  ['x-gzip', promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip)],
  ['br', promisify<Buffer, { maxOutputLength: number }, Buffer>(brotliDecompress)],
  ['deflate', inflateEither],
  ['identity', async (body) => body],
])

/**
 * Decodes a body by its `Content-Encoding`. The limit holds for what comes out: decoding stops once it is exceeded.
 *
 * @param limit - in bytes
 * @throws {ContentCodingError} @throws {BodyTooLargeError}
 * @see [RFC 9110 §8.4](https://www.rfc-editor.org/rfc/rfc9110#section-8.4)
 */
export async function decodeBody(body: Buffer, contentEncoding: string | undefined, limit: number): Promise<Buffer> {
  const codings = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
  const applied = codings.filter((coding) => coding !== '')
  if (body.length === 0 || applied.length === 0) return body
  if (applied.length > MAX_CODINGS) throw new ContentCodingError('more content codings than two')
  let decoded = body
  for (const coding of applied.reverse()) {
    const decode = DECODERS.get(coding)
    if (!decode) throw new ContentCodingError('a content coding other than gzip, deflate and br')
    try {
      decoded = await decode(decoded, { maxOutputLength: limit })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw new BodyTooLargeError()
      throw new ContentCodingError(`a body that is not ${coding}`, { cause: error })
    }
  }
  return decoded
}

/** Some servers send `deflate` without the zlib header that RFC 9110 §8.4.1.2 asks for. */
function inflateEither(body: Buffer, options: { maxOutputLength: number }): Promise<Buffer> {
  const hasHeader = body.length > 1 && ((body[0] ?? 0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0
  return promisify<Buffer, { maxOutputLength: number }, Buffer>(hasHeader ? inflate : inflateRaw)(body, options)
}
