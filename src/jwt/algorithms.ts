/** The key type, and curve if any, of each supported public-key signature algorithm. */
export const KEY_TYPES: ReadonlyMap<string, readonly [kty: string, crv?: string]> = new Map([
  ['RS256', ['RSA']],
  ['RS384', ['RSA']],
  ['RS512', ['RSA']],
  ['PS256', ['RSA']],
  ['PS384', ['RSA']],
  ['PS512', ['RSA']],
  ['ES256', ['EC', 'P-256']],
  ['ES384', ['EC', 'P-384']],
  ['ES512', ['EC', 'P-521']],
  ['EdDSA', ['OKP', 'Ed25519']],
  ['Ed25519', ['OKP', 'Ed25519']],
])

/** The supported public-key signature algorithms. */
export const PUBLIC_KEY_ALGORITHMS: readonly string[] = [...KEY_TYPES.keys()]

/** The HMAC algorithms, which use a shared secret. */
export const SECRET_ALGORITHMS: readonly string[] = ['HS256', 'HS384', 'HS512']
