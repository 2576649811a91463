import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib'

/** The most content codings of one body. */
const MAX_CODINGS = 2

/** The content coding of a body is unknown, or not what its headers say. */
export class ContentCodingError extends Error {}

/** A decoded body is longer than the limit. */
export class BodyTooLargeError extends Error {}

type Decoder = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['gzip', promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip)],
  ['x-gzip', promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip)],
  ['br', promisify<Buffer, { maxOutputLength: number }, Buffer>(brotliDecompress)],
  ['deflate', inflateEither],
  ['identity', async (body) => body],
  // Not codings, but some servers send them with a body that is not coded.
  ['none', async (body) => body],
  ['utf-8', async (body) => body],
])

/**
 * Decodes a body according to its `Content-Encoding`. Decoding stops once the output exceeds the limit.
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
  if (applied.length > MAX_CODINGS) throw new ContentCodingError('more than two content codings')
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

/** Some servers send `deflate` without the zlib header that RFC 9110 §8.4.1.2 requires. */
function inflateEither(body: Buffer, options: { maxOutputLength: number }): Promise<Buffer> {
  const hasHeader = body.length > 1 && ((body[0] ?? 0) & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0
  return promisify<Buffer, { maxOutputLength: number }, Buffer>(hasHeader ? inflate : inflateRaw)(body, options)
}
