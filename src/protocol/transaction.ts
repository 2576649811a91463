import { createHmac, randomBytes } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'

/**
 * A login in progress: what was requested, needed again for the response. It travels through the provider, sealed, as the
 * `state`; the browser stores only its binding.
 */
export interface Transaction {
  /** 32 random bytes, from which `nonce`, `code_verifier`, the binding and the public identifier are derived. */
  readonly seed: Buffer
  /** When the login began. In seconds since the epoch. */
  readonly startedAt: number
  /** The provider's name. */
  readonly provider: string
  /** The provider's registration: a response is accepted only for the issuer and client of the request. */
  readonly registration: string
  /** Where the user goes after login: a path of this application. */
  readonly returnTo: string
  /** What was requested, if it differs from the provider's options. */
  readonly scope?: string
  readonly maxAge?: number
  /** The acceptable values of `acr`. */
  readonly acr?: readonly string[]
  /** The ID of the anonymous session, for a response in a cross-site POST, which lacks the session's cookie. */
  readonly sessionId?: string
}

/** The values derived from a transaction's seed: 43 base64url characters each, 256 bits. */
interface TransactionValues {
  /** A public identifier, for events and the store. */
  readonly id: string
  readonly nonce: string
  readonly codeVerifier: string
  /** What the browser that began the login must present. */
  readonly binding: string
}

const SEED_LENGTH = 32
const TIME_LENGTH = 4
const REGISTRATION_LENGTH = 12
const HEAD_LENGTH = SEED_LENGTH + TIME_LENGTH + REGISTRATION_LENGTH

/** This bit of the length of `returnTo` is set if it is compressed. */
const DEFLATED = 0x8000

/** The longest `returnTo` that is decompressed. In bytes. */
const MAX_INFLATED = 16_384

/** The fields of the encoded form that vary in length, rare ones last. */
const FIELDS = ['provider', 'sessionId', 'scope', 'maxAge', 'acr'] as const

/** Creates a transaction with a new random seed. */
export function createTransaction(fields: Omit<Transaction, 'seed' | 'startedAt'>): Transaction {
  return { ...fields, seed: randomBytes(SEED_LENGTH), startedAt: Math.floor(Date.now() / 1000) }
}

const derived = new WeakMap<Transaction, TransactionValues>()

/** Returns the derived values of a transaction. They are computed once. */
export function transactionValues(transaction: Transaction): TransactionValues {
  let values = derived.get(transaction)
  if (!values) {
    const { seed } = transaction
    values = {
      id: derive(seed, 'id').slice(0, 16),
      nonce: derive(seed, 'nonce'),
      codeVerifier: derive(seed, 'code_verifier'),
      binding: derive(seed, 'binding'),
    }
    derived.set(transaction, values)
  }
  return values
}

/**
 * Encodes a transaction as short as possible, as some providers limit `state` (X to 500 characters): seed, time and
 * registration, `returnTo` compressed if that makes it shorter, then the other fields as a JSON array.
 *
 * Nothing secret is compressed together with `returnTo`, which the caller chooses, so the length reveals nothing secret.
 */
export function encodeTransaction(transaction: Transaction): Buffer {
  const head = Buffer.alloc(TIME_LENGTH)
  head.writeUInt32BE(transaction.startedAt)
  const fields: unknown[] = FIELDS.map((name) => transaction[name])
  while (fields.at(-1) === undefined) fields.pop()
  return Buffer.concat([
    transaction.seed,
    head,
    Buffer.from(transaction.registration, 'base64url'),
    encodeText(transaction.returnTo),
    Buffer.from(JSON.stringify(fields)),
  ])
}

/** Decodes what {@link encodeTransaction} returned. The bytes are authenticated, so their form is not checked. */
export function decodeTransaction(bytes: Buffer): Transaction {
  const [returnTo, end] = decodeText(bytes, HEAD_LENGTH)
  const values = JSON.parse(bytes.subarray(end).toString('utf8')) as unknown[]
  const named = FIELDS.map((name, i) => [name, values[i] ?? undefined] as const).filter(
    ([, value]) => value !== undefined,
  )
  return {
    ...(Object.fromEntries(named) as Pick<Transaction, (typeof FIELDS)[number]>),
    returnTo,
    seed: bytes.subarray(0, SEED_LENGTH),
    startedAt: bytes.readUInt32BE(SEED_LENGTH),
    registration: bytes.subarray(SEED_LENGTH + TIME_LENGTH, HEAD_LENGTH).toString('base64url'),
  }
}

function encodeText(text: string): Buffer {
  const plain = Buffer.from(text)
  const deflated = deflateRawSync(plain, { level: 9 })
  const isShorter = deflated.length < plain.length
  const body = isShorter ? deflated : plain
  const length = Buffer.alloc(2)
  length.writeUInt16BE(isShorter ? body.length | DEFLATED : body.length)
  return Buffer.concat([length, body])
}

/** Returns the text at an offset, and the offset of its end. */
function decodeText(bytes: Buffer, offset: number): [text: string, end: number] {
  const length = bytes.readUInt16BE(offset)
  const end = offset + 2 + (length & ~DEFLATED)
  const body = bytes.subarray(offset + 2, end)
  const plain = length & DEFLATED ? inflateRawSync(body, { maxOutputLength: MAX_INFLATED }) : body
  return [plain.toString('utf8'), end]
}

function derive(seed: Buffer, name: string): string {
  return createHmac('sha256', seed).update(name).digest('base64url')
}
