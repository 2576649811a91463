import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * One login under way: what was asked, kept until the response comes.
 *
 * `state`, `nonce` and `code_verifier` are derived from one random seed, so that a transaction is small: thirty of them
 * must fit into the cookies of one request.
 */
export interface Transaction {
  /** 32 random bytes. */
  readonly seed: Buffer
  /** When the login began. In seconds since the epoch. */
  readonly startedAt: number
  /** The provider's name. */
  readonly provider: string
  /** The provider's registration: a response is finished only at the issuer and client it was asked for. */
  readonly registration: string
  /** Where the user goes after login: a path of this application. */
  readonly returnTo: string
  /** What was asked for, when it differs from the provider's options. */
  readonly scope?: string
  readonly maxAge?: number
  /** The values of `acr` of which the ID token must have one. */
  readonly acr?: readonly string[]
  /** The ID of the anonymous session, for a response that comes by cross-site POST, without the session's cookie. */
  readonly sessionId?: string
}

/** The values derived from a transaction's seed. */
export interface TransactionValues {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
}

const SEED_LENGTH = 32

/** The short names of the fields in the encoded form. */
const FIELDS = {
  provider: 'p',
  registration: 'g',
  returnTo: 'r',
  scope: 's',
  maxAge: 'm',
  acr: 'a',
  sessionId: 'i',
} as const

/** Creates a transaction with a fresh seed. */
export function createTransaction(fields: Omit<Transaction, 'seed' | 'startedAt'>): Transaction {
  return { ...fields, seed: randomBytes(SEED_LENGTH), startedAt: Math.floor(Date.now() / 1000) }
}

/** Derives `state`, `nonce` and `code_verifier`: 43 base64url characters each, 256 bits. */
export function transactionValues({ seed }: Transaction): TransactionValues {
  return { state: derive(seed, 'state'), nonce: derive(seed, 'nonce'), codeVerifier: derive(seed, 'code_verifier') }
}

/** Gives the public identifier of a transaction from its state. It names the cookie and stands in events. */
export function transactionId(state: string): string {
  return createHash('sha256').update(state).digest('base64url').slice(0, 16)
}

/** Tells whether a state from outside is the transaction's, in constant time. */
export function isStateOf(transaction: Transaction, state: string): boolean {
  const expected = Buffer.from(transactionValues(transaction).state)
  const actual = Buffer.from(state)
  return expected.length === actual.length && timingSafeEqual(expected, actual)
}

/** Encodes a transaction: seed, time, then the other fields as JSON. */
export function encodeTransaction(transaction: Transaction): Buffer {
  const time = Buffer.alloc(4)
  time.writeUInt32BE(transaction.startedAt)
  const fields: Record<string, unknown> = {}
  for (const [name, short] of Object.entries(FIELDS)) {
    const value = transaction[name as keyof typeof FIELDS]
    if (value !== undefined) fields[short] = value
  }
  return Buffer.concat([transaction.seed, time, Buffer.from(JSON.stringify(fields))])
}

/** Decodes what {@link encodeTransaction} made. The bytes are authenticated, so their form is not checked again. */
export function decodeTransaction(bytes: Buffer): Transaction {
  const fields = JSON.parse(bytes.subarray(SEED_LENGTH + 4).toString('utf8')) as Record<string, unknown>
  const named = Object.entries(FIELDS).flatMap(([name, short]) =>
    fields[short] === undefined ? [] : [[name, fields[short]] as const],
  )
  return {
    ...(Object.fromEntries(named) as Omit<Transaction, 'seed' | 'startedAt'>),
    seed: bytes.subarray(0, SEED_LENGTH),
    startedAt: bytes.readUInt32BE(SEED_LENGTH),
  }
}

function derive(seed: Buffer, name: string): string {
  return createHmac('sha256', seed).update(name).digest('base64url')
}
