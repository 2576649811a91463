import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Tokens } from './record.js'

/** The first byte of packed tokens. Older versions stored JSON, which begins with a brace. */
const PACKED = 1

/** The longest text that is unpacked. In bytes. */
const MAX_LENGTH = 4 * 1024 * 1024

const PARTS = ['accessToken', 'refreshToken', 'idToken'] as const

/**
 * Packs the tokens of a record, for its size in the store: base64url is decoded, and what an ID token repeats of the claims
 * is left out.
 *
 * @param claims - the text of the record's claims: unpacking requires exactly the same
 */
export function packTokens(tokens: Tokens, claims: string): Buffer {
  const decoded: Buffer[] = []
  const lengths: Partial<Record<(typeof PARTS)[number], number[]>> = {}
  for (const name of PARTS) {
    const parts = decode(tokens[name])
    if (!parts) continue
    decoded.push(...parts)
    lengths[name] = parts.map(({ length }) => length)
  }
  const text = JSON.stringify({ ...tokens, ...lengths })
  const packed = deflateRawSync(Buffer.concat([Buffer.from(`${text}\n`), ...decoded]), dictionary(claims))
  return Buffer.concat([Buffer.of(PACKED), packed])
}

/** Unpacks the tokens of a record, also those that an older version stored. */
export function unpackTokens(packed: Buffer, claims: string): Tokens {
  if (packed[0] !== PACKED) return JSON.parse(packed.toString('utf8')) as Tokens
  const bytes = inflateRawSync(packed.subarray(1), { ...dictionary(claims), maxOutputLength: MAX_LENGTH })
  let at = bytes.indexOf('\n')
  const fields = JSON.parse(bytes.toString('utf8', 0, at)) as Record<string, unknown>
  at += 1
  for (const name of PARTS) {
    const { [name]: lengths } = fields
    if (!Array.isArray(lengths)) continue
    const parts: string[] = []
    for (const length of lengths as number[]) {
      parts.push(bytes.toString('base64url', at, at + length))
      at += length
    }
    fields[name] = parts.join('.')
  }
  return fields
}

/** Decodes the parts of a token. Returns `undefined` if encoding them again would not yield the same text. */
function decode(token: string | undefined): Buffer[] | undefined {
  const parts = token?.split('.').map((part) => Buffer.from(part, 'base64url'))
  return parts?.map((part) => part.toString('base64url')).join('.') === token ? parts : undefined
}

function dictionary(claims: string): { dictionary: Buffer } {
  return { dictionary: Buffer.from(`{"accessToken":[,"refreshToken":[,"tokenType":"Bearer","idToken":[${claims}`) }
}
