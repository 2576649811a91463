import { createHash, createHmac, randomBytes } from 'node:crypto'
import { isEqual } from '../lib/equal.js'

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
const TIME_LENGTH = 4
const REGISTRATION_LENGTH = 12

/** The fields of the encoded form that vary in length, those that are seldom there at the end. */
const FIELDS = ['returnTo', 'provider', 'sessionId', 'scope', 'maxAge', 'acr'] as const

/** Creates a transaction with a fresh seed. */
export function createTransaction(fields: Omit<Transaction, 'seed' | 'startedAt'>): Transaction {
  return { ...fields, seed: randomBytes(SEED_LENGTH), startedAt: Math.floor(Date.now() / 1000) }
}

const derived = new WeakMap<Transaction, TransactionValues>()

/** Derives `state`, `nonce` and `code_verifier`, once for a transaction: 43 base64url characters each, 256 bits. */
export function transactionValues(transaction: Transaction): TransactionValues {
  let values = derived.get(transaction)
  if (!values) {
    const { seed } = transaction
    values = { state: derive(seed, 'state'), nonce: derive(seed, 'nonce'), codeVerifier: derive(seed, 'code_verifier') }
    derived.set(transaction, values)
  }
  return values
}

/** Gives the public identifier of a transaction from its state. It names the cookie and stands in events. */
export function transactionId(state: string): string {
  return createHash('sha256').update(state).digest('base64url').slice(0, 16)
}

/** Tells whether a value from outside has the form of a state that {@link transactionValues} gives. */
export function isState(value: string): boolean {
  return /^[\w-]{43}$/.test(value)
}

/** Tells whether a state from outside is the transaction's, in constant time. */
export function isStateOf(transaction: Transaction, state: string): boolean {
  return isEqual(transactionValues(transaction).state, state)
}

/** Encodes a transaction: seed, time and registration, then the other fields as a JSON array, as short as can be. */
export function encodeTransaction(transaction: Transaction): Buffer {
  const time = Buffer.alloc(TIME_LENGTH)
  time.writeUInt32BE(transaction.startedAt)
  const registration = Buffer.from(transaction.registration, 'base64url')
  const fields: unknown[] = FIELDS.map((name) => transaction[name])
  while (fields.at(-1) === undefined) fields.pop()
  return Buffer.concat([transaction.seed, time, registration, Buffer.from(JSON.stringify(fields))])
}

/** Decodes what {@link encodeTransaction} made. The bytes are authenticated, so their form is not checked again. */
export function decodeTransaction(bytes: Buffer): Transaction {
  const head = SEED_LENGTH + TIME_LENGTH + REGISTRATION_LENGTH
  const values = JSON.parse(bytes.subarray(head).toString('utf8')) as unknown[]
  const named = FIELDS.map((name, i) => [name, values[i] ?? undefined] as const).filter(
    ([, value]) => value !== undefined,
  )
  return {
    ...(Object.fromEntries(named) as Pick<Transaction, (typeof FIELDS)[number]>),
    seed: bytes.subarray(0, SEED_LENGTH),
    startedAt: bytes.readUInt32BE(SEED_LENGTH),
    registration: bytes.subarray(SEED_LENGTH + TIME_LENGTH, head).toString('base64url'),
  }
}

function derive(seed: Buffer, name: string): string {
  return createHmac('sha256', seed).update(name).digest('base64url')
}
